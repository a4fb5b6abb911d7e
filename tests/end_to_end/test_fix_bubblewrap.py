"""The product without an engine: the same job in bubblewrap sandboxes, killed in the middle and resumed."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from driver import World, make_repository, start, wait_for
from forgeries import BASE, TARGET

from sandboxes.bubblewrap_backend import BubblewrapBackend


@pytest.fixture
def world(tmp_path: Path, bubblewrap_backend: BubblewrapBackend, monkeypatch: pytest.MonkeyPatch) -> World:
    """A home folder of its own on a machine where no engine answers."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nowhere.sock")
    return World(tmp_path / "home")


@pytest.fixture
def calc(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "calc", BASE)


def test_auto_takes_bubblewrap_and_says_so(world: World, calc: Path) -> None:
    ran = world.fix(calc, "--test", TARGET)
    assert ran.code == 0, ran.output
    assert ran.report["outcome"] == "fixed"
    assert ": bubblewrap, " in ran.output
    assert world.replay(ran.trace).code == 0


def test_killed_in_the_middle_of_a_step_and_resumed(
    world: World, calc: Path, bubblewrap_backend: BubblewrapBackend
) -> None:
    process, _, trace = start(world, calc, "--test", TARGET, "--sandbox", "bubblewrap")
    events = trace / "events.jsonl"
    wait_for(lambda: events.is_file() and events.read_text().count('"type":"intent"') >= 4, 120)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    wait_for(lambda: not processes_of(process.pid), 20)
    recorded = events.read_text()
    ran = world.resume(trace)
    assert ran.code == 0, ran.output
    assert events.read_text().startswith(recorded)
    assert ran.report["outcome"] == "fixed"


def test_a_dockerfile_needs_an_engine(world: World, calc: Path) -> None:
    (calc / "Dockerfile").write_text("FROM scratch\n")
    ran = world.fix(calc, "--test", TARGET, "--dockerfile", str(calc / "Dockerfile"))
    assert ran.code == 20, ran.output
    assert "needs a container engine" in " ".join(ran.output.split())


def processes_of(agent: int) -> list[int]:
    """Processes of this machine in a control group that the process `agent` has made."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                groups = (folder / "cgroup").read_text()
            except OSError:
                continue
            if f"-{agent}-" in groups and "marginal-agent" in groups:
                found.append(int(folder.name))
    return found
