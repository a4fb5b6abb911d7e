"""Images of an engine: the base image, from a registry where one answers or else of the distribution's
packages; images the user names; those we keep, with facts in a label."""

from __future__ import annotations

import io
import json
import re
import tempfile
from base64 import b64decode, b64encode
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from http.client import BAD_REQUEST
from pathlib import Path
from typing import Any

from docker import DockerClient
from docker.errors import APIError, BuildError, DockerException, ImageNotFound
from packaging.specifiers import SpecifierSet
from requests.exceptions import RequestException

from sandboxes.backend import BaseImage, Facts, KeptImage
from sandboxes.bases import (
    ENV,
    HOST_PYTHON,
    LOCALES,
    USER,
    VARIABLES,
    WHEELS,
    bootstrap,
    choose_python,
    choose_release,
    packages_tag,
    recipe_digest,
)
from sandboxes.engine import connect, engine_errors, reason
from sandboxes.host import ProgramFailed, Progress
from sandboxes.interface import UID, WORK, ImageError, RecipeError

FACTS_LABEL = "marginal-agent.facts"
BASE = "marginal-agent/base"

_REGISTRY_SECONDS = 5
_REFERENCE = re.compile(r"[A-Za-z0-9][\w.-]*(:\d+)?(/[\w.-]+)*(:[\w.-]+)?(@sha256:[0-9a-f]{64})?", re.ASCII)
# The first that a repository allows is taken, so this host's own leads.
_REGISTRY_PYTHONS = (HOST_PYTHON, "3.14", "3.13", "3.12", "3.11", "3.10", "3.9")
_VARIABLES = "ENV " + " ".join(f"{name}={value}" for name, value in VARIABLES.items())
_LOCALEDEFS = " ".join(f"&& localedef -i {name} -f UTF-8 {name}.UTF-8" for name in LOCALES)
_DOCKERFILE = f"""
RUN apt-get update && apt-get install -y --no-install-recommends git ripgrep locales \\
 && rm -rf /var/lib/apt/lists/* {_LOCALEDEFS}
RUN echo '{USER}' >> /etc/passwd && mkdir -m 0777 {WORK} \\
 && mkdir -p {ENV} {WHEELS} && chown {UID}:{UID} {ENV} {WHEELS}
{_VARIABLES}
"""


def ensure_base(client: DockerClient, python: SpecifierSet, progress: Progress) -> str:
    """See `Backend.base`. An image the engine has comes before any that would have to be made."""
    at_hand = base_at_hand(client, python)
    if at_hand:
        return at_hand
    version = choose_python(python, _REGISTRY_PYTHONS)
    if version is not None and _registry_answers(version):
        progress(f"building the base image from python:{version}-slim")
        build_image(client, _from_registry(version), _dockerfile(version).encode())
        return _from_registry(version)
    progress("no registry answers")
    return _import(client, choose_release(python), progress)


def base_at_hand(client: DockerClient, python: SpecifierSet) -> str:
    """Name of a base image the engine has, "" without one."""
    version = choose_python(python, _REGISTRY_PYTHONS)
    names = [_from_registry(version)] if version else []
    with suppress(ImageError):  # another family of hosts; a registry may do
        names.append(_from_packages(choose_release(python)))
    return next((name for name in names if has_image(client, name)), "")


def _dockerfile(version: str) -> str:
    return f"FROM python:{version}-slim{_DOCKERFILE}"


def _from_registry(version: str) -> str:
    return f"{BASE}:python{version}-{recipe_digest(_dockerfile(version))}"


def _from_packages(release: str) -> str:
    return f"{BASE}:{packages_tag(release)}"


def has_image(client: DockerClient, name: str) -> bool:
    """Whether the engine has the image."""
    with engine_errors("looking for an image"):
        try:
            client.images.get(name)
        except ImageNotFound:
            return False
        return True


def image_id(client: DockerClient, name: str) -> str:
    """The engine's content id. Raises ImageError when there is no such image."""
    with engine_errors("looking for an image"):
        try:
            return str(client.images.get(name).id)
        except ImageNotFound as error:
            raise ImageError(f"the engine has no image {name}") from error


def pull(client: DockerClient, image: str, progress: Progress) -> None:
    """Have an image the user names, pulled if the engine does not have it. Raises ImageError."""
    if not _REFERENCE.fullmatch(image):  # the engine takes it for a part of an address
        raise ImageError(f"'{image}' is no name of an image: give NAME[:TAG], NAME@sha256:… or an image's id")
    try:
        try:
            client.images.get(image)
        except ImageNotFound:
            progress(f"pulling {image}")
            client.images.pull(image)
    except (DockerException, RequestException) as error:
        raise ImageError(f"image '{image}' is not here and cannot be pulled: {reason(error)}") from None


def kept_image(client: DockerClient, name: str) -> KeptImage | None:
    """The image kept under `name`, None when there is none."""
    with engine_errors("looking for an environment"):
        try:
            image = client.images.get(name)
        except ImageNotFound:
            return None
        return _kept(client, name, image)


def kept_images(client: DockerClient) -> tuple[KeptImage, ...]:
    """Every image with our label of facts, newest first."""
    with engine_errors("listing environments"):
        images = client.images.list(filters={"label": FACTS_LABEL})
        found = [_kept(client, tag, image) for image in images for tag in image.tags]
    return tuple(sorted((each for each in found if each is not None), key=lambda each: -each.created))


def base_images(client: DockerClient) -> tuple[BaseImage, ...]:
    """Every image with our name for base images."""
    with engine_errors("listing base images"):
        images: list[dict[str, Any]] = client.api.images()
    return tuple(
        BaseImage(_short(tag), int(image["Size"]))
        for image in images
        for tag in image["RepoTags"] or ()
        if _short(tag).startswith(f"{BASE}:")
    )


def facts_label(facts: Facts) -> dict[str, str]:
    """The label that carries the facts of a kept image, in letters that no engine expands."""
    written = json.dumps(asdict(facts), ensure_ascii=False).encode("utf-8", "surrogatepass")
    return {FACTS_LABEL: b64encode(written).decode()}


def _kept(client: DockerClient, name: str, image: Any) -> KeptImage | None:
    """None for an image that is not ours: one made from ours has its label, too. `image` is the SDK's."""
    name = _short(name)
    if not name.startswith("marginal-agent/"):
        return None
    try:
        facts = json.loads(b64decode(image.labels[FACTS_LABEL]))
    except (KeyError, ValueError):
        return None
    layers: list[dict[str, Any]] = client.api.history(image.id)  # type: ignore[no-untyped-call]
    return KeptImage(
        name=name,
        digest=str(image.id),
        facts=Facts(**{**facts, "notes": tuple(facts["notes"])}),
        size=int(layers[0]["Size"]) if layers else 0,
        created=_seconds(str(image.attrs["Created"])),
    )


def _short(name: str) -> str:
    """An image's name as we gave it: Podman puts a registry before it."""
    return name.removeprefix("docker.io/")


def _seconds(stamp: str) -> float:
    """The engine's time stamps have nanoseconds, which datetime does not read."""
    return datetime.fromisoformat(stamp[:19] + "+00:00").timestamp()


def _registry_answers(version: str) -> bool:
    """Ask the engine, which does the pulling and may know a mirror; a few seconds at most."""
    probe = connect(timeout=_REGISTRY_SECONDS)
    try:
        probe.images.get_registry_data(f"python:{version}-slim")
    except (DockerException, RequestException):
        return False
    finally:
        probe.close()
    return True


def build_image(client: DockerClient, name: str, context: bytes, **options: Any) -> None:
    """Build `name`. `context`: a Dockerfile, or a tar with `custom_context`; `options` are the SDK's.

    Raises ImageError with the tail of the build's output, RecipeError where the engine cannot read the file.
    """
    try:
        client.images.build(fileobj=io.BytesIO(context), tag=name, rm=True, forcerm=True, **options)
    except BuildError as error:
        lines = "".join(str(entry.get("stream", "")) for entry in error.build_log)
        # Docker refuses a file it cannot read at once, Podman before its first step.
        kind = ImageError if lines else RecipeError
        raise kind(f"the image could not be built: {str(error.msg).strip()}", lines[-4000:]) from error
    except (DockerException, RequestException) as error:
        unread = isinstance(error, APIError) and error.status_code == BAD_REQUEST
        kind = RecipeError if unread else ImageError
        raise kind(f"the image could not be built: {reason(error)}") from error


def _import(client: DockerClient, release: str, progress: Progress) -> str:
    """Make a root file system of the release's packages and import it; returns the image's name."""
    name = _from_packages(release)
    try:
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder, "base.tar")
            bootstrap(release, archive, progress)
            said = str(client.api.import_image(str(archive), changes=[_VARIABLES]))
        # Tagged by its id: Podman takes no tag with an import.
        client.images.get(json.loads(said.strip().splitlines()[-1])["status"]).tag(*name.split(":"))
    except ProgramFailed as error:
        raise ImageError(f"the base image could not be made: {error}", error.tail) from error
    except (DockerException, RequestException) as error:
        raise ImageError(f"the base image could not be imported: {reason(error)}") from error
    if not has_image(client, name):
        raise ImageError("the engine did not keep the imported base image")
    return name
