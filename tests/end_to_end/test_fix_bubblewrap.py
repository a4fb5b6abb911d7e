"""The product without an engine: the same job in bubblewrap sandboxes, killed in the middle and resumed."""

from __future__ import annotations

import os
import re
import signal
import tarfile
from pathlib import Path

import pytest
from driver import World, make_repository, start, wait_for
from forgeries import BASE, TARGET

from sandboxes.bubblewrap_backend import BubblewrapBackend
from sandboxes.bubblewrap_store import Store


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
    process, _, trace = start(world, calc, *world.honest(), "--test", TARGET, "--sandbox", "bubblewrap")
    events = trace / "events.jsonl"
    wait_for(lambda: events.is_file() and events.read_text().count('"type":"intent"') >= 4, 300)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    wait_for(lambda: not processes_of(process.pid), 120)
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


def test_the_store_can_be_emptied(
    world: World, bubblewrap_backend: BubblewrapBackend, tmp_path: Path
) -> None:
    (tmp_path / "root" / "etc").mkdir(parents=True)
    with tarfile.open(tmp_path / "base.tar", "w") as tar:
        tar.add(tmp_path / "root", ".")
    cache = tmp_path / "cache"
    store = Store(bubblewrap_backend.site.host, cache / "marginal-agent" / "bubblewrap")
    store.add_base("marginal-agent/base:small", tmp_path / "base.tar")
    env = {"XDG_CACHE_HOME": str(cache)}
    said = world.agent("env", "list", env=env).output
    assert re.search(r"no environment is kept; base images: [1-9]\d* kB", said), said
    for options, answer in (
        (["--all"], "removed 0, "),
        (["--bases", "--dry-run"], "would remove 1, "),
        (["--bases"], "removed 1, "),
    ):
        found = len(store.records())
        ran = world.agent("env", "prune", *options, env=env)
        assert found == 1 and ran.code == 0 and answer in ran.output, ran.output + ran.errors
    left = [path for path in cache.rglob("*") if path.stat().st_uid != os.getuid() or path.is_file()]
    assert {path.suffix or path.name for path in left} <= {"lock", ".lock"}, left


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
