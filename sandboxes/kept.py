"""What the engine keeps of environments: images by key, with facts in their label, and wheels meanwhile."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from docker import DockerClient
from docker.errors import ImageNotFound

from sandboxes.docker import LABEL, host_labels
from sandboxes.engine import engine_errors
from sandboxes.interface import ImageError

FACTS_LABEL = f"{LABEL}.environment"


def image_name(repository: str, key: list[str | bool | None]) -> str:
    """The name under which the image of this key is kept."""
    return f"{repository}:{hashlib.sha256(json.dumps(key).encode()).hexdigest()[:24]}"


def image_id(client: DockerClient, name: str) -> str:
    """The engine's content id. Raises ImageError when there is no such image."""
    with engine_errors("looking for an image"):
        try:
            return str(client.images.get(name).id)
        except ImageNotFound as error:
            raise ImageError(f"the engine has no image {name}") from error


@dataclass(frozen=True)
class Facts:
    """What a committed image says about itself in its label."""

    digest: str
    project_installed: bool
    can_build: bool
    notes: tuple[str, ...]


def read_facts(client: DockerClient, name: str) -> Facts | None:
    """What the image kept under `name` says about itself, None when there is none."""
    with engine_errors("looking for the environment"):
        try:
            image = client.images.get(name)
        except ImageNotFound:
            return None
    facts = json.loads(image.labels[FACTS_LABEL])
    return Facts(str(image.id), facts["project_installed"], facts["can_build"], tuple(facts["notes"]))


@contextmanager
def wheels_volume(client: DockerClient) -> Iterator[str]:
    """A volume for the time of one build."""
    name = f"{LABEL}-wheels-{secrets.token_hex(6)}"
    with engine_errors("making a volume"):
        client.volumes.create(name, labels=host_labels())
    try:
        yield name
    finally:
        with engine_errors("removing a volume"):
            client.api.remove_volume(name, force=True)
