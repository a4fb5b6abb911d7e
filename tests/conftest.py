"""Fixtures shared by all tests: the engine, images built once, and a started sandbox."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from docker import DockerClient
from hypothesis import settings
from packaging.specifiers import SpecifierSet

from agent.autonomy.versions import CI_VARIABLES
from sandboxes.bubblewrap_backend import BubblewrapBackend
from sandboxes.building import PYTHON
from sandboxes.docker import DockerSandbox
from sandboxes.docker_backend import DockerBackend
from sandboxes.engine import connect
from sandboxes.environments import build_environment
from sandboxes.generated import NOTHING
from sandboxes.interface import EngineMissing
from sandboxes.requirements import Declarations

settings.register_profile("busy", deadline=None)  # an example takes as long as the machine lets it
settings.load_profile("busy")


@pytest.fixture(autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Traces and memory of the test's own: none reads or writes the developer's, nor a CI job's summary, nor
    goes by the branch that a CI job is for."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
    monkeypatch.delenv("AGENT_MEMORY", raising=False)
    for name in ("GITHUB_STEP_SUMMARY", "AGENT_BASE_REF", *CI_VARIABLES):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def docker_client() -> Iterator[DockerClient]:
    """A client of the engine. Without one the test is skipped, in CI it fails."""
    try:
        client = connect()
    except EngineMissing as error:
        if os.environ.get("CI"):
            pytest.fail(f"CI must have a container engine: {error}")
        pytest.skip(str(error))
    yield client
    client.close()


@pytest.fixture(scope="session")
def bubblewrap_backend() -> BubblewrapBackend:
    """Where bubblewrap cannot be used the test is skipped, in CI it fails."""
    try:
        return BubblewrapBackend()
    except EngineMissing as error:
        if os.environ.get("CI"):
            pytest.fail(f"CI must have bubblewrap: {error}")
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def base_image(docker_client: DockerClient) -> str:
    """Name of the base image, made if need be."""
    return DockerBackend(docker_client).base(SpecifierSet(), print)


@pytest.fixture(scope="session")
def environment_image(docker_client: DockerClient, base_image: str) -> str:
    """Name of an image whose environment holds pytest and coverage."""
    environment = build_environment(
        DockerBackend(docker_client), Declarations(), base=base_image, tree_tar=NOTHING, progress=print
    )
    return environment.image


@pytest.fixture
def sandbox(docker_client: DockerClient, environment_image: str) -> Iterator[DockerSandbox]:
    """A started sandbox with pytest and coverage, its interpreter in `sandbox.python`."""
    with DockerBackend(docker_client).sandbox(environment_image, python=PYTHON) as started:
        yield started
