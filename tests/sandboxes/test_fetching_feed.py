"""Commands whose standard input is fed while they run: order, bounds, and races with their end."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from docker import DockerClient

from sandboxes.client import RunnerClient
from sandboxes.docker import PID_LABEL, DockerSandbox
from sandboxes.inside.frames import FEED_WINDOW
from sandboxes.interface import RunRequest, SandboxError

PROJECT = Path(__file__).parents[2]
PIECE = bytes(range(256)) * 256


def interactive(*argv: str, timeout: float = 20, stdin: bytes = b"") -> RunRequest:
    return RunRequest(argv, timeout=timeout, stdin=stdin, report=True, interactive=True)


def run_fed(sandbox: RunnerClient, request: RunRequest, pieces: list[bytes]) -> tuple[bytes, int]:
    """Run a command and, from the first byte of its report on, feed it; its output, how many pieces went."""
    begun = threading.Event()
    sent: list[bool] = []

    def feed() -> None:
        begun.wait(20)
        for piece in pieces:
            sent.append(sandbox.feed(piece))

    feeder = threading.Thread(target=feed)
    feeder.start()
    result = sandbox.run(request, on_report=lambda _: begun.set())
    begun.set()
    feeder.join(20)
    assert not feeder.is_alive()
    return result.stdout, sum(sent)


def test_what_is_fed_arrives_in_order_and_is_answered(any_sandbox: RunnerClient) -> None:
    ready = "echo >&3; exec cat"
    pieces = [b"two ", b"three", b""]
    assert run_fed(any_sandbox, interactive("sh", "-c", ready, stdin=b"one "), pieces) == (
        b"one two three",
        3,
    )


def test_much_is_fed_and_bounded_by_what_is_read(any_sandbox: RunnerClient) -> None:
    count = 50 * 2**20 // len(PIECE)
    slow_start = "import hashlib, os, sys, time; os.write(3, b'.'); time.sleep(0.5); "
    digest = "print(hashlib.file_digest(sys.stdin.buffer, 'sha256').hexdigest())"
    printed, sent = run_fed(
        any_sandbox, interactive("python3", "-c", slow_start + digest), [PIECE] * count + [b""]
    )
    known = subprocess.run(
        ["sha256sum"], input=PIECE * count, capture_output=True, check=True
    ).stdout.split()[0]
    assert (printed.strip(), sent) == (known, count + 1)
    _, sent = run_fed(any_sandbox, interactive("sh", "-c", "echo >&3; sleep 300", timeout=2), [PIECE] * count)
    assert sent * len(PIECE) <= FEED_WINDOW + len(PIECE)


@pytest.mark.parametrize("ending", ["exec <&-; sleep 0.3", "exit 3", "kill -9 $$", "sleep 300"])
def test_a_command_that_does_not_read_ends_as_ever(any_sandbox: RunnerClient, ending: str) -> None:
    run_fed(any_sandbox, interactive("sh", "-c", f"echo >&3; {ending}", timeout=2), [PIECE] * 2000)
    assert any_sandbox.run(RunRequest(("cat",), timeout=5, stdin=b"next")).stdout == b"next"
    assert not any_sandbox.feed(b"nobody runs")


def test_late_input_disturbs_no_other_request(any_sandbox: RunnerClient) -> None:
    over = threading.Event()
    fed = [0]

    def feed() -> None:
        while not over.is_set():
            if any_sandbox.feed(b"late" * 500):
                fed[0] += 1
            else:
                over.wait(0.0005)

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        for number in range(60):
            mine = b"%d" % number
            any_sandbox.run(interactive("sh", "-c", "echo >&3; head -c 9 >/dev/null"))
            assert any_sandbox.run(RunRequest(("cat",), timeout=5, stdin=mine)).stdout == mine
            any_sandbox.write("/workspace/note", mine)
            assert any_sandbox.read("/workspace/note") == mine
    finally:
        over.set()
        feeder.join(20)
    assert fed[0] > 0 and not feeder.is_alive()


HOST = """
import sys, threading
from sandboxes.docker_backend import DockerBackend
from sandboxes.interface import RunRequest
def feed():
    print("feeding", flush=True)
    while sandbox.feed(bytes(100_000)):
        pass
with DockerBackend().sandbox(sys.argv[1]) as sandbox:
    request = RunRequest(("sh", "-c", "echo >&3; sleep 300"), timeout=300, report=True, interactive=True)
    feeder = threading.Thread(target=feed)
    sandbox.run(request, on_report=lambda _: feeder.start())
"""


@pytest.mark.docker
def test_host_that_dies_while_it_feeds_leaves_no_container(
    docker_client: DockerClient, environment_image: str
) -> None:
    command = [sys.executable, "-c", HOST, environment_image]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE) as host:
        assert host.stdout is not None and host.stdout.readline() == b"feeding\n"
        time.sleep(0.5)  # the command reads nothing, so by now the feeder waits
        host.send_signal(signal.SIGKILL)
    mine = {"label": f"{PID_LABEL}={host.pid}"}
    deadline = time.monotonic() + 120
    while (
        docker_client.containers.list(all=True, filters=mine, ignore_removed=True)
        and time.monotonic() < deadline
    ):
        time.sleep(0.05)
    assert docker_client.containers.list(all=True, filters=mine, ignore_removed=True) == []


@pytest.mark.docker
def test_sandbox_that_is_gone_ends_who_feeds_it(sandbox: DockerSandbox) -> None:
    container = sandbox.container
    threading.Timer(0.5, lambda: container.remove(force=True)).start()
    seen: list[str] = []

    def feed() -> None:
        try:
            while sandbox.feed(PIECE):
                pass
            seen.append("over")
        except SandboxError:
            seen.append("gone")

    feeder = threading.Thread(target=feed)
    with pytest.raises(SandboxError, match="gone"):
        sandbox.run(interactive("sh", "-c", "echo >&3; exec cat >/dev/null"), lambda _: feeder.start())
    feeder.join(20)
    assert seen in (["over"], ["gone"])
