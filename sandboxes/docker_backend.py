"""Docker as a backend: any engine that speaks its API, Podman's socket included."""

from __future__ import annotations

from collections.abc import Mapping
from http.client import CONFLICT
from pathlib import Path
from typing import Any, Literal

from docker import DockerClient
from docker.errors import APIError
from packaging.specifiers import SpecifierSet

from sandboxes import docker_images
from sandboxes.backend import BaseImage, Facts, ImageBuild, KeptImage, Machine
from sandboxes.bases import ENV
from sandboxes.docker import NO_LABELS, DockerSandbox, reap_orphans
from sandboxes.engine import connect, engine_errors
from sandboxes.host import Progress
from sandboxes.interface import SandboxError, SandboxLimits

UNCOUNTED_FILES = "only memory bounds the number of files"
_NO_RUNTIME = (
    "Podman's socket takes no runtime for one container: start its service with `podman --runtime {runtime} "
    "system service` and leave sandbox_runtime out, or have DOCKER_HOST name a Docker"
)
_UNKNOWN_RUNTIME = (
    "the engine knows no runtime '{runtime}' (it knows {known}): add it to the engine's configuration, or "
    "change sandbox_runtime"
)
_NO_BOUNDS = (
    "{engine} cannot bound the memory or the processes of a container here: let it use control groups "
    "(version 2 and a user session of systemd where it runs without root), or use --sandbox bubblewrap"
)


class DockerBuilder(DockerSandbox):
    """`sandboxes.backend.Builder`: a container that is committed when it is kept."""

    def keep(self, name: str, facts: Facts) -> None:
        """Commit the container; what lies in memory (work area, temporary folders) is not part of it."""
        repository, _, tag = name.partition(":")
        labels = {**NO_LABELS, **docker_images.facts_label(facts)}
        with engine_errors("keeping an image"):
            # Podman takes no other way of setting labels.
            changes = [f'LABEL {name}="{value}"' for name, value in labels.items()]
            self.container.commit(repository, tag, changes=changes)


class DockerBackend:
    """`sandboxes.backend.Backend` on an engine. `runtime`: the engine's runtime for sandboxes, such as
    "runsc" (gVisor), "" for its default. Raises EngineMissing when none answers, SandboxError when one that
    does cannot bound containers or takes no runtime."""

    def __init__(self, client: DockerClient | None = None, *, runtime: str = "") -> None:
        self.client = client or connect()
        self.runtime = runtime
        with engine_errors("asking what it is"):
            version = self.client.version()
            self._info: Mapping[str, Any] = self.client.info()
        self._engine = f"{_podman(version) or 'Docker Engine'} {version['Version']}"
        self._podman = bool(_podman(version))
        if self._podman and runtime:  # its socket would ignore the name and use the runtime of its service
            raise SandboxError(_NO_RUNTIME.format(runtime=runtime))
        known = sorted(self._info.get("Runtimes") or ())
        # A containerd shim goes by a dotted name or a path, which the engine does not list.
        if runtime and known and runtime not in known and not set("./") & set(runtime):
            raise SandboxError(_UNKNOWN_RUNTIME.format(runtime=runtime, known=", ".join(known)))
        if _cannot_bound(self._info):  # it would ignore the limits, too
            raise SandboxError(_NO_BOUNDS.format(engine=self._engine))

    @property
    def name(self) -> Literal["docker"]:
        return "docker"

    @property
    def description(self) -> str:
        parts = (self._engine, f"runtime {self.runtime}" if self.runtime else "", self.unbounded)
        return ", ".join(part for part in parts if part)

    @property
    def unbounded(self) -> str:
        """See `Backend.unbounded`."""
        return UNCOUNTED_FILES if self._podman else ""

    def machine(self) -> Machine:
        """The engine's."""
        return Machine(memory_bytes=int(self._info["MemTotal"]), cpus=int(self._info["NCPU"]))

    def base(self, python: SpecifierSet, progress: Progress) -> str:
        """See `Backend.base`."""
        return docker_images.ensure_base(self.client, python, progress)

    def base_at_hand(self, python: SpecifierSet) -> str:
        """See `Backend.base_at_hand`."""
        return docker_images.base_at_hand(self.client, python)

    def storage(self) -> tuple[Path, ...]:
        """The engine's folder, where the engine runs on this host."""
        folder = Path(str(self._info.get("DockerRootDir") or "/nowhere"))
        here = str(self.client.api.base_url).startswith(("http+docker:", "unix:"))
        return (folder,) if here and folder.is_dir() else ()

    def take(self, image: str, progress: Progress) -> None:
        """Pull the image if the engine does not have it. Raises ImageError."""
        docker_images.pull(self.client, image, progress)

    def build(self, image: ImageBuild, progress: Progress) -> None:
        """See `Backend.build`."""
        if docker_images.has_image(self.client, image.name):
            return
        progress("building the image of the Dockerfile")
        docker_images.build_image(
            self.client,
            image.name,
            image.context,
            custom_context=True,
            dockerfile=image.dockerfile,
            buildargs=dict(image.arguments),
            target=image.target or None,
            labels=docker_images.facts_label(Facts("dockerfile", image.made_for, False, False, ())),
        )

    def digest(self, image: str) -> str:
        """The engine's content id. Raises ImageError when there is no such image."""
        return docker_images.image_id(self.client, image)

    def sandbox(
        self, image: str, limits: SandboxLimits | None = None, *, python: str = "python3"
    ) -> DockerSandbox:
        """A closed container, not started yet."""
        return DockerSandbox(
            image, limits, client=self.client, python=python, runtime=self.runtime, podman=self._podman
        )

    def builder(self, image: str, limits: SandboxLimits, *, environment: Mapping[str, str]) -> DockerBuilder:
        """A container with a writable root, not started yet."""
        return DockerBuilder(
            image,
            limits,
            client=self.client,
            python=f"{ENV}/bin/python",
            environment=environment,
            writable_root=True,
            runtime=self.runtime,
            podman=self._podman,
        )

    def find(self, name: str) -> KeptImage | None:
        """The image kept under `name`."""
        return docker_images.kept_image(self.client, name)

    def kept(self) -> tuple[KeptImage, ...]:
        """Every image we keep, newest first."""
        return docker_images.kept_images(self.client)

    def bases(self) -> tuple[BaseImage, ...]:
        """Every base image the engine has under our name."""
        return docker_images.base_images(self.client)

    def forget(self, name: str) -> None:
        """See `Backend.forget`."""
        with engine_errors(f"removing {name}"):
            try:
                self.client.images.remove(name)
            except APIError as error:
                if error.status_code != CONFLICT:
                    raise
                raise SandboxError("it is in use by a container, or by an image built on it") from error

    def reap(self) -> tuple[str, ...]:
        """Remove containers of ours whose process on this host is dead; returns their names."""
        return tuple(reap_orphans(self.client))

    def close(self) -> None:
        self.client.close()


def _podman(version: Mapping[str, Any]) -> str:
    """Podman's name for itself in an engine's answer about its version, "" from Docker."""
    names = [str(part.get("Name", "")) for part in version.get("Components") or []]
    return next((name for name in names if "podman" in name.lower()), "")


def _cannot_bound(info: Mapping[str, Any]) -> bool:
    """Whether the engine says that it has no memory or process limits, or is Podman without root on version 1
    of control groups, which says that it has and ignores them."""
    if info.get("Rootless") and str(info.get("CgroupVersion")) == "1":
        return True
    return info.get("MemoryLimit") is False or info.get("PidsLimit") is False
