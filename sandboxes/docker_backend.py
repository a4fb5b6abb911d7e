"""Docker as a backend: any engine that speaks its API, Podman's socket included."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from docker import DockerClient
from packaging.specifiers import SpecifierSet

from sandboxes import docker_images
from sandboxes.backend import Facts, ImageBuild, KeptImage
from sandboxes.bases import ENV
from sandboxes.docker import NO_LABELS, DockerSandbox, reap_orphans
from sandboxes.engine import connect, engine_errors
from sandboxes.host import Progress
from sandboxes.interface import SandboxLimits


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
    "runsc" (gVisor), "" for its default. Raises EngineMissing when none answers."""

    def __init__(self, client: DockerClient | None = None, *, runtime: str = "") -> None:
        self.client = client or connect()
        self.runtime = runtime
        with engine_errors("asking for the version"):
            self._version = self.client.version()
        self._podman = bool(_podman(self._version))

    @property
    def name(self) -> Literal["docker"]:
        return "docker"

    @property
    def description(self) -> str:
        engine = _podman(self._version) or "Docker Engine"
        return f"{engine} {self._version['Version']}" + (f", runtime {self.runtime}" if self.runtime else "")

    def base(self, python: SpecifierSet, progress: Progress) -> str:
        """See `Backend.base`."""
        return docker_images.ensure_base(self.client, python, progress)

    def base_at_hand(self, python: SpecifierSet) -> str:
        """See `Backend.base_at_hand`."""
        return docker_images.base_at_hand(self.client, python)

    def storage(self) -> tuple[Path, ...]:
        """The engine's folder, where the engine runs on this host."""
        with engine_errors("asking for the engine's folder"):
            folder = Path(str(self.client.info().get("DockerRootDir") or "/nowhere"))
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

    def forget(self, name: str) -> None:
        """Remove a kept image. Raises SandboxError when the engine refuses, as for one in use."""
        with engine_errors(f"removing {name}"):
            self.client.images.remove(name)

    def reap(self) -> tuple[str, ...]:
        """Remove containers of ours whose process on this host is dead; returns their names."""
        return tuple(reap_orphans(self.client))

    def close(self) -> None:
        self.client.close()


def _podman(version: Mapping[str, Any]) -> str:
    """Podman's name for itself in an engine's answer about its version, "" from Docker."""
    names = [str(part.get("Name", "")) for part in version.get("Components") or []]
    return next((name for name in names if "podman" in name.lower()), "")
