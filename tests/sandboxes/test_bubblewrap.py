"""What is bubblewrap's own: sandboxes that end with their process, images that nothing can be done to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from contract import script, shell
from packaging.specifiers import SpecifierSet

from sandboxes.backend import Facts
from sandboxes.bubblewrap_backend import BubblewrapBackend
from sandboxes.bubblewrap_host import subordinate_range
from sandboxes.choose import choose_backend
from sandboxes.given import given_environment
from sandboxes.host import quiet
from sandboxes.interface import EngineMissing, ImageError, RunRequest, SandboxError, SandboxLimits

PROJECT = Path(__file__).parents[2]
KEPT = "marginal-agent/test:kept"
FACTS = Facts("environment", "test", False, False, ("a note",))


@pytest.fixture(scope="module")
def made(bubblewrap_backend: BubblewrapBackend) -> str:
    return bubblewrap_backend.base(SpecifierSet(), print)


@pytest.fixture
def kept(bubblewrap_backend: BubblewrapBackend, made: str) -> Iterator[str]:
    """An image whose environment was written by hostile code."""
    hostile = (
        "cd /opt/env && ln -s /etc/passwd file && ln -s / folder && mkfifo pipe && cp /bin/true setuid && "
        "chmod u+s setuid && mkdir -p secret/deep && chmod 0 secret && printf x > '\n'"
    )
    with bubblewrap_backend.builder(made, SandboxLimits(), environment={}) as builder:
        assert shell(builder, hostile).exit_code == 0
        builder.keep(KEPT, FACTS)
    yield KEPT
    if bubblewrap_backend.find(KEPT):
        bubblewrap_backend.forget(KEPT)


def wait_until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 120
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def test_a_life(bubblewrap_backend: BubblewrapBackend, made: str) -> None:
    sandbox = bubblewrap_backend.sandbox(made)
    assert not sandbox.alive()
    with pytest.raises(SandboxError, match="not running"):
        sandbox.run(RunRequest(("true",), timeout=5))
    for _ in range(2):
        sandbox.start()
        assert sandbox.alive() and sandbox.image_digest == bubblewrap_backend.digest(made)
        assert made in sandbox.description
        with pytest.raises(SandboxError, match="started before"):
            sandbox.start()
        sandbox.stop()
        sandbox.stop()
        assert not sandbox.alive()
    assert groups_of(os.getpid()) == []


def groups_of(pid: int) -> list[str]:
    """Control groups that a process has made and that are still there."""
    return [path.name for path in Path("/sys/fs/cgroup").glob(f"**/marginal-agent/*-{pid}-*")]


HOST = """
import sys
from sandboxes.bubblewrap_backend import BubblewrapBackend
from sandboxes.interface import RunRequest, SandboxLimits
backend = BubblewrapBackend()
with backend.builder(sys.argv[1], SandboxLimits(), environment={}) as sandbox:
    print("running", flush=True)
    sandbox.run(RunRequest(("sleep", sys.argv[2]), timeout=300))
"""


def start_host(image: str, marker: str) -> subprocess.Popen[bytes]:
    """A process with a builder in which `sleep <marker>` runs."""
    command = [sys.executable, "-c", HOST, image, marker]
    host = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert host.stdout is not None and host.stdout.readline() == b"running\n"
    assert wait_until(lambda: sleepers(marker) != [])
    return host


def sleepers(marker: str) -> list[int]:
    """Processes `sleep <marker>` of this machine, those in sandboxes included."""
    wanted = b"sleep\0" + marker.encode() + b"\0"
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "cmdline").read_bytes() == wanted:
                found.append(int(folder.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_host_process_ends_in_the_middle_of_a_command(
    bubblewrap_backend: BubblewrapBackend, made: str, number: signal.Signals
) -> None:
    marker = f"300.{os.getpid()}{number}"
    with start_host(made, marker) as host:
        host.send_signal(number)
        host.communicate(timeout=30)
    assert wait_until(lambda: sleepers(marker) == [])
    assert wait_until(lambda: groups_of(host.pid) == []), "the launcher outlives it to clean up"
    bubblewrap_backend.reap()
    assert bubblewrap_backend.reap() == ()


def test_what_dead_processes_leave_is_reaped(bubblewrap_backend: BubblewrapBackend, made: str) -> None:
    scratches = bubblewrap_backend.site.store.scratches
    marker = f"301.{os.getpid()}"
    with start_host(made, marker) as host:
        host.send_signal(signal.SIGSTOP)  # it must not see its launcher go
        left = held_by(host.pid, scratches)
        assert left and not left & set(bubblewrap_backend.reap()), "its owner lives"
        for launcher in children_of(host.pid):
            os.kill(launcher, signal.SIGKILL)
        host.kill()
        host.communicate(timeout=30)
    assert wait_until(lambda: sleepers(marker) == []), "bwrap dies with its launcher"
    assert left <= set(bubblewrap_backend.reap())
    assert groups_of(host.pid) == [] and not any(any(scratches.glob(f"{name}*")) for name in left)


def held_by(pid: int, scratches: Path) -> set[str]:
    """Names of the scratch folders whose locks a process holds; others may make sandboxes meanwhile."""
    opened = (each.readlink() for each in Path(f"/proc/{pid}/fd").iterdir())
    return {path.stem for path in opened if path.parent == scratches and path.suffix == ".lock"}


def children_of(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_sandbox_killed_behind_our_back_is_gone(bubblewrap_backend: BubblewrapBackend, made: str) -> None:
    marker = f"302.{os.getpid()}"
    with bubblewrap_backend.sandbox(made) as sandbox:
        (launcher,) = children_of(os.getpid())
        threading.Timer(0.5, lambda: os.kill(children_of(launcher)[0], signal.SIGKILL)).start()
        with pytest.raises(SandboxError, match="gone"):
            sandbox.run(RunRequest(("sleep", marker), timeout=60))
        assert not sandbox.alive() and wait_until(lambda: sleepers(marker) == [])
        with pytest.raises(SandboxError, match="not running"):
            sandbox.read("/workspace/x")


def test_kept_images_are_copied_and_removed_without_being_followed(
    bubblewrap_backend: BubblewrapBackend, kept: str
) -> None:
    found = bubblewrap_backend.find(kept)
    assert found is not None and found.facts == FACTS and found in bubblewrap_backend.kept()
    assert found.size > 0 and found.digest == bubblewrap_backend.digest(kept)
    with bubblewrap_backend.builder(kept, SandboxLimits(), environment={}) as builder:
        listing = "cd /opt/env && stat -c '%A %u %N' file folder pipe setuid secret"
        assert shell(builder, listing).stdout.decode().splitlines() == [
            "lrwxrwxrwx 1000 'file' -> '/etc/passwd'",
            "lrwxrwxrwx 1000 'folder' -> '/'",
            "prw-r--r-- 1000 'pipe'",
            "-rwsr-xr-x 1000 'setuid'",
            "d--------- 1000 'secret'",
        ]
        assert shell(builder, "grep ' /opt/env ' /proc/mounts | grep nosuid,nodev").exit_code == 0
        shell(builder, "rm /opt/env/file; echo more > /opt/env/setuid")
    with bubblewrap_backend.sandbox(kept) as sandbox:
        assert shell(sandbox, "readlink /opt/env/file").stdout == b"/etc/passwd\n", "a copy was changed"
        assert b"Read-only" in shell(sandbox, "echo >> /opt/env/setuid").stderr
        with pytest.raises(SandboxError, match="in use"):
            bubblewrap_backend.forget(kept)
    bubblewrap_backend.forget(kept)
    assert bubblewrap_backend.find(kept) is None
    with pytest.raises(SandboxError, match="no image"):
        bubblewrap_backend.forget(kept)
    assert Path("/etc/passwd").exists()


def test_an_image_is_whole_or_not_there(bubblewrap_backend: BubblewrapBackend, made: str) -> None:
    with bubblewrap_backend.builder(made, SandboxLimits(), environment={}) as builder:
        shell(builder, "touch /opt/env/x")
    assert bubblewrap_backend.find(KEPT) is None
    for text in (b"one", b"two"):
        with bubblewrap_backend.builder(made, SandboxLimits(), environment={}) as builder:
            shell(builder, f"echo {text.decode()} > /opt/env/x")
            builder.keep(KEPT, FACTS)
            with pytest.raises(SandboxError):
                shell(builder, "echo later > /opt/env/x")
    with bubblewrap_backend.sandbox(KEPT) as sandbox:
        assert shell(sandbox, "cat /opt/env/x").stdout == b"one\n", "the first that was kept stays"
    bubblewrap_backend.forget(KEPT)


def test_a_root_file_system_the_user_names(
    bubblewrap_backend: BubblewrapBackend, made: str, tmp_path: Path
) -> None:
    opened = bubblewrap_backend.site.store.open(made)
    opened.close()
    root = opened.root
    environment = given_environment(bubblewrap_backend, str(root), quiet)
    assert environment.python.endswith("/python3")
    assert environment.digest == bubblewrap_backend.digest(str(root))
    for name, reason in (("/", "own root"), (str(tmp_path), "no python3"), ("python:3.12", "no folder")):
        with pytest.raises(ImageError, match=reason):
            bubblewrap_backend.take(name, quiet)
    with pytest.raises(ImageError, match="no folder"):
        bubblewrap_backend.sandbox("no-such-image").start()


def test_nothing_of_this_machine_is_there(bubblewrap_backend: BubblewrapBackend, made: str) -> None:
    with bubblewrap_backend.sandbox(made) as sandbox:
        said = shell(
            sandbox, "hostname; cat /etc/hostname; ls -A /home /root /run /sys /sys/fs; id -un"
        ).stdout
        assert said.split(b"\n", 2)[:2] == [b"sandbox", b"sandbox"]
        listing = said.split(b"\n", 2)[2]
        assert listing in (
            b"/home:\n\n/run:\n\n/sys:\nfs\n\n/sys/fs:\n%bagent\n" % group for group in (b"", b"cgroup\n")
        )
        seen = script(sandbox, "print(open('/proc/self/mountinfo').read())").stdout.decode()
        sources = {line.split()[3] for line in seen.splitlines() if " ext4 " in line or " xfs " in line}
        assert all("/marginal-agent/bubblewrap/" in source for source in sources)
        forged = "import os; os.setuid(0)"
        assert b"not permitted" in script(sandbox, forged).stderr


def test_auto_prefers_an_engine_and_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineMissing, match="install the package bubblewrap") as caught:
        choose_backend("auto")
    assert "install and start Docker" in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(EngineMissing, match=r"^bubblewrap is not installed"):
        choose_backend("bubblewrap")
    for wanted, runtime in (("docker", ""), ("auto", "runsc")):
        with pytest.raises(EngineMissing, match="no container engine answers") as caught:
            choose_backend(wanted, runtime=runtime)  # type: ignore[arg-type]
        assert "bubblewrap" not in str(caught.value)


def test_auto_without_an_engine(
    bubblewrap_backend: BubblewrapBackend, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert choose_backend("auto").name == "bubblewrap"
    assert choose_backend("auto").description.startswith("bubblewrap ")


def test_subordinate_ids_of_a_user() -> None:
    table = "other:100000:65536\nann:1:10\nann:200000:65536\n1002:300000:65536\nbroken\n:::\n"
    assert subordinate_range(table, ("ann", "1001")) == 200000
    assert subordinate_range(table, ("bob", "1002")) == 300000
    assert subordinate_range(table, ("eve", "1003")) is None
