"""Fixtures of the contract suite: the same tests run over every backend that is present.

To add a backend: a parameter in BACKENDS, and a fixture `<name>_backend` that gives a `Backend`. The images
it makes here are kept, so that the next session finds them.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from contract import SMALL, Opener, started
from docker import DockerClient
from packaging.specifiers import SpecifierSet

from sandboxes.backend import Backend
from sandboxes.building import PYTHON
from sandboxes.docker_backend import UNCOUNTED_FILES, DockerBackend
from sandboxes.environments import build_environment
from sandboxes.generated import NOTHING
from sandboxes.interface import Sandbox, SandboxLimits
from sandboxes.requirements import Declarations

BACKENDS = [pytest.param("docker", marks=pytest.mark.docker), "bubblewrap"]


@pytest.fixture(scope="session")
def docker_backend(docker_client: DockerClient) -> Backend:
    return DockerBackend(docker_client)


@pytest.fixture(scope="session", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each backend in turn."""
    found: Backend = request.getfixturevalue(f"{request.param}_backend")
    return found


@pytest.fixture(scope="session")
def base(backend: Backend) -> str:
    """Name of the backend's base image, made if need be."""
    return backend.base(SpecifierSet(), print)


@pytest.fixture(scope="session")
def open_sandbox(backend: Backend, base: str) -> Opener:
    """Sandboxes of an environment with pytest and coverage."""
    built = build_environment(backend, Declarations(), base=base, tree_tar=NOTHING, progress=print)
    return lambda limits: backend.sandbox(built.image, limits, python=PYTHON)


@pytest.fixture
def any_sandbox(open_sandbox: Opener) -> Iterator[Sandbox]:
    """A started sandbox with the usual limits, on each backend."""
    with started(open_sandbox(SandboxLimits())) as sandbox:
        yield sandbox


@pytest.fixture
def small_sandbox(open_sandbox: Opener) -> Iterator[Sandbox]:
    """A started sandbox whose bounds are quickly reached, on each backend."""
    with started(open_sandbox(SMALL)) as sandbox:
        yield sandbox


@pytest.fixture
def counted_memory(backend: Backend) -> None:
    """For tests of memory that all processes share, which bubblewrap cannot bound without a control group."""
    if "per process" in backend.description:
        pytest.skip(backend.description)


@pytest.fixture
def counted_files(backend: Backend) -> bool:
    """Whether the backend bounds the number of files; Podman leaves that to memory."""
    return UNCOUNTED_FILES not in backend.unbounded
