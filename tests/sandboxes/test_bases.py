"""Base images: which interpreter they bring, what backends say of them, and their removal."""

from __future__ import annotations

import uuid

import pytest
from docker import DockerClient
from packaging.specifiers import SpecifierSet

from sandboxes import bases
from sandboxes.backend import Backend
from sandboxes.bases import PythonMissing, choose_python, choose_release
from sandboxes.interface import ImageError


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ("", "3.11"),
        (">=3.9", "3.11"),
        (">=3.11.4", "3.11"),
        (">=3.12", "3.13"),
        ("<3.11", "3.9"),
        ("==3.9.*", "3.9"),
        (">=3.9,!=3.11.*", "3.13"),
        ("~=3.13.0", "3.13"),
        (">=3.14", None),
        ("==3.10.*", None),
    ],
)
def test_the_first_version_offered_that_is_wanted(wanted: str, chosen: str | None) -> None:
    assert choose_python(SpecifierSet(wanted), ("3.11", "3.13", "3.9")) == chosen


def test_another_release_of_the_family_brings_another_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bases, "host_release", lambda: "bookworm")
    assert choose_release(SpecifierSet("")) == "bookworm"
    assert choose_release(SpecifierSet(">=3.12")) == "trixie"
    assert choose_release(SpecifierSet("<3.10")) == "bullseye"
    with pytest.raises(
        PythonMissing, match=r"requires Python >=3.99, and .* only 3\.9, 3\.11, 3\.13: name an image"
    ):
        choose_release(SpecifierSet(">=3.99"))
    monkeypatch.setattr(bases, "host_release", lambda: "")
    with pytest.raises(ImageError, match="no Debian or Ubuntu release"):
        choose_release(SpecifierSet(""))


def test_base_images_are_listed_apart_from_environments(backend: Backend, base: str) -> None:
    sizes = {each.name: each.size for each in backend.bases()}
    assert sizes[base] > 10_000_000
    assert not sizes.keys() & {each.name for each in backend.kept()}


@pytest.mark.docker
def test_a_base_image_of_the_engine_is_removed(
    docker_client: DockerClient, docker_backend: Backend, base_image: str
) -> None:
    name = f"marginal-agent/base:test-{uuid.uuid4().hex}"
    docker_client.images.get(base_image).tag(*name.split(":"))
    assert name in [each.name for each in docker_backend.bases()]
    docker_backend.forget(name)
    left = [each.name for each in docker_backend.bases()]
    assert name not in left and base_image in left
