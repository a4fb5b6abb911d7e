"""What is said and done differently where Podman answers as the engine, told without one.

The contract itself runs over Podman with DOCKER_HOST naming its socket.
"""

from __future__ import annotations

from typing import Any, cast

import pytest
from docker import DockerClient

from sandboxes.docker import image_variables
from sandboxes.docker_backend import UNCOUNTED_FILES, DockerBackend
from sandboxes.interface import SandboxError

ATTRIBUTES = {
    "Config": {
        "Env": ["PATH=/bin", "HOME=/root", "TERM=xterm", "container=podman", "HOSTNAME=sandbox", "A=1=2"]
    }
}


class Answers:
    """An engine that only says what it is."""

    def __init__(self, component: str, **info: object) -> None:
        self._component = component
        self._info = info

    def version(self) -> dict[str, Any]:
        return {"Version": "4.3.1", "Components": [{"Name": self._component}, {"Name": "Conmon"}]}

    def info(self) -> dict[str, object]:
        return {"MemoryLimit": True, "PidsLimit": True, "CgroupVersion": "2", **self._info}


def backend_of(component: str, runtime: str = "", **info: object) -> DockerBackend:
    return DockerBackend(cast(DockerClient, Answers(component, **info)), runtime=runtime)


def test_a_runtime_that_podman_would_ignore_is_refused() -> None:
    with pytest.raises(SandboxError, match="podman --runtime runsc system service"):
        backend_of("Podman Engine", "runsc")
    assert backend_of("Engine", "runsc").description == "Docker Engine 4.3.1, runtime runsc"


@pytest.mark.parametrize(
    "info", [{"Rootless": True, "CgroupVersion": "1"}, {"MemoryLimit": False}, {"PidsLimit": False}], ids=str
)
def test_an_engine_that_would_ignore_limits_is_refused(info: dict[str, object]) -> None:
    with pytest.raises(SandboxError, match=r"Podman Engine 4\.3\.1 cannot bound the memory"):
        backend_of("Podman Engine", **info)


def test_description_says_what_is_not_bounded() -> None:
    assert backend_of("Podman Engine", Rootless=True).description == f"Podman Engine 4.3.1, {UNCOUNTED_FILES}"
    assert backend_of("Engine").description == "Docker Engine 4.3.1"


def test_variables_that_podman_writes_into_images_are_not_the_images() -> None:
    assert image_variables(ATTRIBUTES, podman=True) == {"A": "1=2"}
    changed = {"Config": {"Env": ["TERM=dumb"]}}
    assert image_variables(changed, podman=True) == {"TERM": "dumb"}
    assert image_variables(ATTRIBUTES, podman=False).keys() == {"A", "TERM", "container", "HOSTNAME"}
