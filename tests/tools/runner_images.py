"""One image with the tools of every recipe, made from the distribution's packages and kept in the engine."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from docker import DockerClient
from docker.errors import ImageNotFound

from sandboxes.bases import distribution_sources, host_release
from sandboxes.docker import DockerSandbox
from sandboxes.docker_backend import DockerBackend
from sandboxes.host import apt_install, may_install, run_program
from sandboxes.interface import REPO, Runtime
from tools.inside_files import inside_files
from tools.testing import RunLimits
from tools.verdicts import SuiteRun

REPOSITORY = "marginal-agent/test-runners"
VITEST = "vitest@2"
"""The newest line that runs on node 18, which is what the oldest distribution in use has."""

LIMITS = RunLimits(seconds=120, per_test_seconds=2)

_LEFT_OUT = ("man", "locale", "doc", "info", "go-*/test", "go-*/api", "go-*/misc")
_OPTIONS = (
    "--variant=essential",
    "--include=python3,git,ca-certificates,golang-go,nodejs,phpunit",
    '--aptopt=Acquire::Check-Valid-Until "false"',
    '--aptopt=Acquire::Check-Date "false"',
    '--aptopt=APT::Install-Recommends "false"',
    *(f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in _LEFT_OUT),
    '--customize-hook=echo "agent:x:1000:1000::/tmp:/bin/sh" >> "$1/etc/passwd"',
)


@pytest.fixture(scope="session")
def runner_image(docker_client: DockerClient) -> str:
    """Name of the image, made if the engine does not have it. Without mmdebstrap the test is skipped."""
    release = host_release()
    digest = hashlib.sha256("\0".join((*_OPTIONS, release)).encode()).hexdigest()[:12]
    name = f"{REPOSITORY}:{digest}"
    with Path(tempfile.gettempdir(), f"test-runners-{digest}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test processes run side by side
        if not _has(docker_client, name):
            _make(docker_client, name, release)
    return name


@pytest.fixture(scope="module")
def runner_container(docker_client: DockerClient, runner_image: str) -> Iterator[DockerSandbox]:
    """A started sandbox with every tool, and our own files inside, shared by the tests of a file."""
    with DockerBackend(docker_client).sandbox(runner_image) as sandbox:
        sandbox.install_inside(inside_files())
        yield sandbox


@pytest.fixture
def runner_sandbox(runner_container: DockerSandbox) -> DockerSandbox:
    """That sandbox with an empty repository."""
    runner_container.remove(REPO)
    return runner_container


def put(runtime: Runtime, files: Mapping[str, str]) -> None:
    """Write files into the repository of a sandbox."""
    for path, content in files.items():
        runtime.write(f"{REPO}/{path}", content.encode())


def outcomes(run: SuiteRun) -> dict[str, str]:
    """Outcome by id, in the order of the run."""
    return {test: str(verdict.outcome) for test, verdict in run.verdicts.items()}


@pytest.fixture(scope="session")
def vitest_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `node_modules` folder with vitest. Where its registry is out of reach the test is skipped."""
    folder = tmp_path_factory.mktemp("vitest")
    (folder / "package.json").write_text('{"private": true}')
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", VITEST]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"{VITEST} could not be fetched: {error}")
    return folder / "node_modules"


def _make(client: DockerClient, name: str, release: str) -> None:
    if shutil.which("mmdebstrap") is None:
        if not (release and may_install("mmdebstrap", print)):
            pytest.skip("the image of the test runners needs mmdebstrap")
        apt_install("mmdebstrap")
    folder = Path("/etc/apt/sources.list.d")
    files = [Path("/etc/apt/sources.list"), *sorted(folder.glob("*.list")), *sorted(folder.glob("*.sources"))]
    texts = [file.read_text(errors="replace") for file in files if file.is_file()]
    with tempfile.TemporaryDirectory() as scratch:
        for file, text in distribution_sources(texts, release).items():
            Path(scratch, file).write_text(text)
        mirrors = [str(file) for file in Path(scratch).iterdir()]
        archive = Path(scratch, "root.tar")
        run_program(["mmdebstrap", *_OPTIONS, release, str(archive), *mirrors])
        repository, _, tag = name.partition(":")
        client.api.import_image(
            str(archive),
            repository=repository,
            tag=tag,
            changes=["ENV LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1"],
        )


def _has(client: DockerClient, name: str) -> bool:
    try:
        client.images.get(name)
    except ImageNotFound:
        return False
    return True
