"""Life and death of sandboxes and engines: nothing hangs, nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from docker import DockerClient

from sandboxes.docker import BOOT_LABEL, PID_LABEL, DockerSandbox, host_identity, reap_orphans
from sandboxes.docker_backend import DockerBackend
from sandboxes.engine import connect, forget_stale_pid
from sandboxes.interface import EngineMissing, ImageError, RunRequest, Sandbox, SandboxError

docker = pytest.mark.docker
PROJECT = Path(__file__).parents[2]


def names_of(client: DockerClient, pid: int) -> list[str]:
    """Names of the containers of a process, running or not."""
    found = client.containers.list(all=True, filters={"label": f"{PID_LABEL}={pid}"}, ignore_removed=True)
    return [str(each.name) for each in found]


def wait_until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 120
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


@docker
def test_a_life(docker_client: DockerClient, environment_image: str) -> None:
    sandbox: Sandbox = DockerBackend(docker_client).sandbox(environment_image)
    before = names_of(docker_client, os.getpid())
    assert not sandbox.alive()
    with pytest.raises(SandboxError, match="not running"):
        sandbox.run(RunRequest(("true",), timeout=5))
    for _ in range(2):
        sandbox.start()
        assert sandbox.alive() and len(names_of(docker_client, os.getpid())) == len(before) + 1
        assert sandbox.image_digest.startswith("sha256:") and environment_image in sandbox.description
        with pytest.raises(SandboxError, match="started before"):
            sandbox.start()
        sandbox.stop()
        sandbox.stop()
        assert not sandbox.alive() and names_of(docker_client, os.getpid()) == before


@docker
def test_labels_say_whose_it_is(sandbox: DockerSandbox) -> None:
    labels = sandbox.container.labels
    assert labels["marginal-agent"] == "1"
    assert labels[PID_LABEL] == str(os.getpid()) and labels[BOOT_LABEL] == host_identity()


@docker
def test_unknown_image(docker_client: DockerClient) -> None:
    with pytest.raises(ImageError, match="no image no-such-image"):
        DockerBackend(docker_client).sandbox("no-such-image").start()


@docker
def test_container_removed_behind_our_back(sandbox: DockerSandbox) -> None:
    container = sandbox.container
    threading.Timer(0.5, lambda: container.remove(force=True)).start()
    with pytest.raises(SandboxError, match="gone"):
        sandbox.run(RunRequest(("sleep", "60"), timeout=60))
    assert not sandbox.alive()
    with pytest.raises(SandboxError):
        sandbox.read("/workspace/x")
    with pytest.raises(SandboxError):
        sandbox.run(RunRequest(("true",), timeout=5))


@docker
def test_runner_that_dies_says_why(sandbox: DockerSandbox) -> None:
    with pytest.raises(SandboxError, match="KeyError"):
        sandbox._ask({"operation": "read"})
    assert not sandbox.alive()


HOST = """
import sys
from sandboxes.docker_backend import DockerBackend
from sandboxes.interface import RunRequest
with DockerBackend().sandbox(sys.argv[1]) as sandbox:
    print("running", flush=True)
    sandbox.run(RunRequest(("sleep", "300"), timeout=300))
"""


@docker
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_host_process_ends_in_the_middle_of_a_command(
    docker_client: DockerClient, environment_image: str, number: signal.Signals
) -> None:
    command = [sys.executable, "-c", HOST, environment_image]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as host:
        assert host.stdout is not None and host.stdout.readline() == b"running\n"
        time.sleep(0.2)
        assert len(names_of(docker_client, host.pid)) == 1
        host.send_signal(number)
        host.communicate(timeout=30)
    assert wait_until(lambda: names_of(docker_client, host.pid) == [])


@docker
def test_orphans_of_dead_processes_are_reaped(docker_client: DockerClient, environment_image: str) -> None:
    with subprocess.Popen(["true"]) as ended:
        pass
    mine, dead = f"marginal-agent-{os.getpid()}-mine", f"marginal-agent-{ended.pid}-dead"
    labels = {"marginal-agent": "1", BOOT_LABEL: host_identity()}
    for name, pid in ((mine, os.getpid()), (dead, ended.pid)):
        docker_client.containers.create(environment_image, name=name, labels={**labels, PID_LABEL: str(pid)})
    try:
        assert dead in reap_orphans(docker_client)
        left = {container.name for container in docker_client.containers.list(all=True, ignore_removed=True)}
        assert mine in left and dead not in left
    finally:
        docker_client.containers.get(mine).remove()


def test_no_engine_is_one_clear_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(EngineMissing) as caught:
        connect()
    message = str(caught.value)
    assert "\n" not in message and "none.sock" in message and "install and start Docker" in message


def test_setup_without_an_engine_exits_20(tmp_path: Path) -> None:
    environment = {**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/none.sock"}
    command = [sys.executable, "-m", "sandboxes.setup"]
    result = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
    assert result.returncode == 20
    assert result.stdout == "" and len(result.stderr.splitlines()) == 1


@docker
def test_setup_again_only_looks(base_image: str) -> None:
    command = [sys.executable, "-m", "sandboxes.setup"]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert result.returncode == 0
    assert result.stdout.splitlines()[-1].endswith(f"base image {base_image}")


@pytest.mark.parametrize(
    ("status", "kept"),
    [
        ("Name:\tdockerd\nState:\tS (sleeping)\n", True),
        ("Name:\tdockerd\nState:\tZ (zombie)\n", False),
        ("Name:\tbash\nState:\tS (sleeping)\n", False),
        (None, False),
    ],
)
def test_stale_pid_file_is_forgotten(tmp_path: Path, status: str | None, kept: bool) -> None:
    pid_file = tmp_path / "docker.pid"
    pid_file.write_text("4242")
    if status is not None:
        (tmp_path / "4242").mkdir()
        (tmp_path / "4242" / "status").write_text(status)
    forget_stale_pid(pid_file, tmp_path)
    assert pid_file.exists() == kept
