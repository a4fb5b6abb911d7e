"""The machinery fails in the middle of a run: exit code 20, one clear line, a trace that can be resumed, and
nothing of ours left in the engine; and what is not provably ours is left alone.

Containers made of our images by somebody else carry what the image carries, so those are among the strangers.
"""

from __future__ import annotations

import signal
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker import DockerClient
from driver import World, containers_of, start, wait_for
from engine_proxy import EngineProxy
from forgeries import TARGET

from sandboxes.docker import BOOT_LABEL, LABEL, PID_LABEL, host_identity

pytestmark = pytest.mark.docker


@pytest.fixture
def proxy(docker_client: DockerClient, tmp_path: Path) -> Iterator[EngineProxy]:
    """An engine of which this test decides when it dies."""
    proxy = EngineProxy(tmp_path / "engine.sock")
    yield proxy
    proxy.cut()


def wait_for_intent(trace: Path, number: int) -> None:
    """Wait until the run is in the middle of its step of this number."""
    events = trace / "events.jsonl"
    wait_for(lambda: events.is_file() and events.read_text().count('"type":"intent"') >= number, 300)


def ended_as_infrastructure(process: subprocess.Popen[bytes], world: World, trace: Path, said: str) -> None:
    """Exit code 20, one line that says why, and a trace that resumes to a fix."""
    output, _ = process.communicate(timeout=60)
    text = " ".join(output.decode().replace("│", " ").split())
    assert process.returncode == 20, text
    assert "Traceback" not in text
    assert text.count(said) == 1, text
    assert world.replay(trace).code == 0
    resumed = world.resume(trace)
    assert resumed.code == 0, resumed.output
    assert resumed.report["outcome"] == "fixed"
    assert [event["outcome"] for event in resumed.events("run-ended")] == ["infrastructure error", "fixed"]
    assert world.replay(trace).code == 0


def test_the_container_is_removed_in_the_middle_of_a_step(
    world: World, calc: Path, docker_client: DockerClient
) -> None:
    process, _, trace = start(world, calc, "--test", TARGET)
    wait_for_intent(trace, 4)
    wait_for(lambda: containers_of(process, docker_client) != [], 300)
    for name in containers_of(process, docker_client):
        docker_client.containers.get(name).remove(force=True)
    ended_as_infrastructure(process, world, trace, "the sandbox is gone")
    assert containers_of(process, docker_client) == []


@pytest.mark.parametrize("step", [2, 3], ids=["environment", "reproduction"])
def test_the_engine_dies_in_the_middle_of_a_step(
    world: World, calc: Path, docker_client: DockerClient, proxy: EngineProxy, step: int
) -> None:
    process, _, trace = start(world, calc, "--test", TARGET, env={"DOCKER_HOST": proxy.address})
    wait_for_intent(trace, step)
    wait_for(lambda: containers_of(process, docker_client) != [], 300)
    proxy.cut()
    ended_as_infrastructure(process, world, trace, "the sandbox")
    wait_for(lambda: containers_of(process, docker_client) == [], 120)


def test_only_what_a_dead_run_has_provably_left_is_reaped(
    world: World, calc: Path, docker_client: DockerClient, environment_image: str
) -> None:
    with subprocess.Popen(["true"]) as ended:
        pass
    boot, mark = host_identity(), uuid.uuid4().hex[:8]
    machine, _, processes = boot.partition("/")
    ours = {LABEL: "1", BOOT_LABEL: boot, PID_LABEL: str(ended.pid)}
    strangers = {
        f"{LABEL}-{ended.pid}-{mark}-living": {**ours, PID_LABEL: "1"},
        f"{LABEL}-{ended.pid}-{mark}-other-boot": {**ours, BOOT_LABEL: f"{uuid.uuid4()}/{processes}"},
        f"{LABEL}-{ended.pid}-{mark}-other-processes": {**ours, BOOT_LABEL: f"{machine}/pid:[1]"},
        f"{LABEL}-{ended.pid}-{mark}-no-process": {LABEL: "1", BOOT_LABEL: boot},
        f"a-person-s-{mark}": {},
    }
    try:
        for name, labels in strangers.items():
            docker_client.containers.create(environment_image, name=name, labels=labels)
        assert any(_reaps(world, calc, docker_client, environment_image, ours) for _ in range(3))
        left = docker_client.containers.list(all=True, filters={"name": mark}, ignore_removed=True)
        assert {container.name for container in left} == strangers.keys()
    finally:
        for container in docker_client.containers.list(all=True, filters={"name": mark}, ignore_removed=True):
            container.remove(force=True)


def _reaps(world: World, calc: Path, client: DockerClient, image: str, labels: dict[str, str]) -> bool:
    """Whether a run says that it has removed what a dead one left; another run may be faster."""
    name = f"{LABEL}-{labels[PID_LABEL]}-{uuid.uuid4().hex[:12]}"
    client.containers.create(image, name=name, labels=labels)
    ran = world.fix(calc, "--test", "tests/test_core.py::test_add", "--verbose")
    assert ran.code == 13, ran.output
    assert client.containers.list(all=True, filters={"name": name}, ignore_removed=True) == []
    return f"removed {name}, left by a run that is gone" in " ".join(ran.output.split())


def test_nothing_is_left_of_a_run_killed_while_it_builds(
    world: World, calc: Path, docker_client: DockerClient
) -> None:
    process, _, trace = start(world, calc, "--test", TARGET, "--setup-command", "sleep 60")
    wait_for_intent(trace, 2)
    wait_for(lambda: containers_of(process, docker_client) != [], 300)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    wait_for(lambda: containers_of(process, docker_client) == [], 120)
