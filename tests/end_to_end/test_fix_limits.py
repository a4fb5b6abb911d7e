"""Limits of the sandbox: nonsense is refused, `agent doctor` tries them out, and what a test module runs out
of while it is collected is said as what it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from docker import DockerClient
from driver import World, make_repository, refused
from forgeries import BASE
from typer.testing import CliRunner

from agent import doctor
from agent.cli import app
from sandboxes import cgroups
from sandboxes.bubblewrap_backend import BubblewrapBackend
from sandboxes.docker_backend import DockerBackend
from sandboxes.interface import SandboxLimits

pytestmark = pytest.mark.docker

AT_IMPORT = {
    "memory": ("X = bytearray(3 * 2**30)\n", "ran out of memory (sandbox_memory is 2.1 GB,"),
    "shared memory": (
        "import mmap\nm = mmap.mmap(-1, 3 * 2**30)\nfor _ in range(3 * 2**10):\n    m.write(bytes(2**20))\n",
        "ran out of memory (sandbox_memory is 2.1 GB,",
    ),
    "disk": (
        "with open('big', 'wb') as f:\n    for _ in range(2000):\n        f.write(bytes(2**20))\n",
        "filled the disk of the sandbox (sandbox_disk is 1.1 GB;",
    ),
    "time": ("while True: pass\n", "took longer than 12 s"),
}
"""What a test module does when it is imported, and what is said of it."""


@pytest.mark.parametrize("name", AT_IMPORT)
def test_what_collecting_ran_out_of_is_said(world: World, tmp_path: Path, name: str) -> None:
    source, said = AT_IMPORT[name]
    files = {
        "tests/test_big.py": f"{source}\n\ndef test_a():\n    assert 0\n",
        "tests/test_b.py": "def test_b(): pass\n",
    }
    repository = make_repository(tmp_path / "r", {path: text.encode() for path, text in files.items()})
    ran = world.fix(repository, "--test", "tests/test_big.py::test_a", "--deadline", "1m")
    refused(ran, "collecting ", said)
    assert "declare it" not in ran.errors
    if name != "shared memory":  # which ends the process that would say the rest
        assert "collecting tests/test_big.py " in ran.errors
        other = world.fix(repository, "--test", "tests/test_b.py::test_b", "--deadline", "1m")
        assert other.code == 13, other.output


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("MEMORY", "900000g"),
        ("CPUS", "100000"),
    ],
)
@pytest.mark.parametrize("sandbox", ["docker", "bubblewrap"])
def test_limits_beyond_the_machine(
    world: World, calc: Path, bubblewrap_backend: BubblewrapBackend, sandbox: str, setting: str, value: str
) -> None:
    asked = {f"AGENT_SANDBOX_{setting}": value}
    refused(world.fix(calc, "--sandbox", sandbox, env=asked), f"sandbox-{setting.lower()}: ", "more than")
    found = world.agent("doctor", "--sandbox", sandbox, env=asked)
    assert found.code == 20
    assert re.search(
        rf"^missing +limits: sandbox-{setting.lower()}: .* more than", found.output, re.MULTILINE
    )


@pytest.mark.parametrize("name", ["docker", "bubblewrap"])
def test_doctor_tries_the_limits_out(world: World, bubblewrap_backend: BubblewrapBackend, name: str) -> None:
    least = {"MEMORY": "256m", "DISK": "32m", "PROCESSES": "16", "CPUS": "0.5"}
    found = world.agent(
        "doctor", "--sandbox", name, env={f"AGENT_SANDBOX_{key}": value for key, value in least.items()}
    )
    assert found.code == 0, found.output
    said = r"limits: 268 MB of memory, 34 MB of disk, 16 processes, 0.5 processors"
    assert re.search(rf"^(ok|note) +{said}", found.output, re.MULTILINE), found.output


def test_limits_within_which_nothing_starts_are_named(docker_client: DockerClient, base_image: str) -> None:
    backend = DockerBackend(docker_client)
    image, limits = doctor._trial(backend, base_image, SandboxLimits(cpus=0.001, processes=100))
    assert (image.status, limits.status) == (doctor.Status.OK, doctor.Status.MISSING)
    assert limits.found.startswith("no sandbox starts with 2.1 GB of memory, ")
    assert limits.found.endswith(": change sandbox_processes or sandbox_cpus")


def test_an_image_that_is_not_there_is_not_blamed_on_the_limits(docker_client: DockerClient) -> None:
    (image,) = doctor._trial(
        DockerBackend(docker_client), "marginal-agent/base:none", SandboxLimits(processes=100)
    )
    assert (image.subject, image.status) == ("image", doctor.Status.MISSING)


def test_bad_options_of_doctor_are_usage_errors(world: World) -> None:
    refused(world.agent("doctor", "--sandbox", "jail"), "'jail' is none of auto, docker, bubblewrap")
    (world.folder / "config" / "marginal-agent" / "config.toml").mkdir()
    refused(world.agent("env", "list"), "config.toml is not a file")
    found = world.agent("doctor")
    assert found.code == 20
    assert re.search(r"^missing +configuration: .*config.toml is not a file", found.output, re.MULTILINE)


def test_memory_that_is_bounded_per_process_is_said(
    tmp_path: Path, bubblewrap_backend: BubblewrapBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine where no control group can be made; the second time the environment is in the cache."""
    calc = make_repository(tmp_path / "calc", BASE)
    for variable in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setattr(cgroups, "find_means", lambda mounts: cgroups.Means())
    said = "memory is bounded per process and not for the sandbox as a whole"
    found = CliRunner().invoke(app, ["doctor", "--sandbox", "bubblewrap"])
    assert found.exit_code == 0
    assert re.search(rf"^note +limits: .*{said}", found.output, re.MULTILINE), found.output
    for _ in range(2):
        ran = CliRunner().invoke(
            app, ["fix", str(calc), "--sandbox", "bubblewrap", "--test", "tests/test_core.py::test_add"]
        )
        assert ran.exit_code == 13, ran.output
        assert " ".join(ran.output.split()).count(said) == 1
