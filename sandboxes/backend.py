"""What a backend offers besides single sandboxes: base images, kept environments, and their removal.

An image is what a sandbox starts from, by a name its backend understands: an image of the engine for
`docker`, a root file system with an environment on top for `bubblewrap`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from packaging.specifiers import SpecifierSet

from sandboxes.host import Progress
from sandboxes.interface import BackendName, Sandbox, SandboxLimits


@dataclass(frozen=True)
class Facts:
    """What a kept image says about itself.

    `kind`: requirements (shared by trees that declare the same), environment (one tree's project on top), or
    dockerfile (built as the user's file says).
    `made_for`: name of the repository's folder. `can_build`: what the project is built with is in the image.
    """

    kind: Literal["requirements", "environment", "dockerfile"]
    made_for: str
    can_build: bool
    project_installed: bool
    notes: tuple[str, ...]


@dataclass(frozen=True)
class KeptImage:
    """An image we made and keep. `size`: bytes it adds to what it is built on; `created`: Unix seconds."""

    name: str
    digest: str
    facts: Facts
    size: int
    created: float


@dataclass(frozen=True)
class BaseImage:
    """A base image we made and keep. `size`: bytes."""

    name: str
    size: int


@dataclass(frozen=True)
class ImageBuild:
    """An image to build under `name`: from the file `dockerfile` in `context`, a tar, with build arguments up
    to the stage `target` ("" for the last), for the repository in the folder `made_for`."""

    name: str
    context: bytes
    dockerfile: str
    arguments: Mapping[str, str]
    target: str
    made_for: str


@dataclass(frozen=True)
class Machine:
    """What the machine that runs sandboxes has: bytes of memory, and processors."""

    memory_bytes: int
    cpus: int


class Builder(Sandbox, Protocol):
    """A sandbox whose ENV and WHEELS folders can be written, and whose state can be kept as an image.

    It has no network either; `feed` is how `sandboxes.fetching` gets into it what was fetched.
    """

    def feed(self, data: bytes) -> bool: ...

    def keep(self, name: str, facts: Facts) -> None:
        """Keep the builder's ENV folder on top of its image, under `name`: the last thing asked of a builder.

        Raises SandboxError."""
        ...


class Backend(Protocol):
    """A kind of sandbox. Every method raises SandboxError when the backend fails."""

    @property
    def name(self) -> BackendName: ...

    @property
    def description(self) -> str:
        """The backend and its version, for people."""
        ...

    @property
    def unbounded(self) -> str:
        """Which limits do not hold as `SandboxLimits` says, in words; "" when all do."""
        ...

    def machine(self) -> Machine:
        """The machine that sandboxes run on, which need not be this one."""
        ...

    def base(self, python: SpecifierSet, progress: Progress) -> str:
        """Name of a base image whose interpreter is within `python`, made now if need be.

        It holds python3 with venv and pip, git, ripgrep, some locales, and empty ENV and WHEELS folders of
        the unprivileged user. Raises ImageError with the tail of what failed.
        """
        ...

    def base_at_hand(self, python: SpecifierSet) -> str:
        """Name of a base image that is there already, "" without one. Raises ImageError where this host could
        not make one either."""
        ...

    def storage(self) -> tuple[Path, ...]:
        """Folders of this host in which images are kept; none where that is out of sight."""
        ...

    def take(self, image: str, progress: Progress) -> None:
        """Make sure that an image the user names is here. Raises ImageError."""
        ...

    def build(self, image: ImageBuild, progress: Progress) -> None:
        """Have the image, built if it is not here.

        Raises ImageError with the tail of what failed, or where this backend cannot build.
        """
        ...

    def digest(self, image: str) -> str:
        """The content id of an image. Raises ImageError when there is none."""
        ...

    def sandbox(self, image: str, limits: SandboxLimits | None = None, *, python: str = "python3") -> Sandbox:
        """A closed sandbox of `image`, not started yet."""
        ...

    def builder(self, image: str, limits: SandboxLimits, *, environment: Mapping[str, str]) -> Builder:
        """A builder of `image`, not started yet; `environment` is given to every command."""
        ...

    def find(self, name: str) -> KeptImage | None:
        """The image kept under `name`."""
        ...

    def kept(self) -> tuple[KeptImage, ...]:
        """Every image we keep, newest first."""
        ...

    def bases(self) -> tuple[BaseImage, ...]:
        """Every base image we made."""
        ...

    def forget(self, name: str) -> None:
        """Remove a kept image or a base image. Raises SandboxError when it is in use."""
        ...

    def reap(self) -> tuple[str, ...]:
        """Remove what dead processes of ours have left on this host; returns names."""
        ...

    def close(self) -> None:
        """Let go of the backend itself (a connection)."""
        ...
