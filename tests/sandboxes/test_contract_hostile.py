"""What hostile code tries besides taking too much (`test_contract_bounds.py`) and the plain ways out
(`test_contract_closed.py`): contained on every backend, and the next command works."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest
from contract import said, script, shell

from sandboxes.interface import RunRequest, Sandbox

GIB = 2**30


@pytest.mark.parametrize("target", ["1", "2", "$AGENT_REPORT_FD"])
def test_a_flood_of_one_gigabyte(small_sandbox: Sandbox, target: str) -> None:
    command = f"head -c {GIB} /dev/zero >&{target}"
    request = RunRequest(("sh", "-c", command), timeout=60, report=True, max_output=1000, max_report=1000)
    result = small_sandbox.run(request)
    assert (result.exit_code, result.truncated, result.out_of_memory) == (0, True, False)
    assert max(len(result.stdout), len(result.stderr), len(result.report)) < 1100


HOG = """
import os, time
for number in range(50):
    if os.fork() == 0:
        hoard = bytearray(b'x') * (20 * 2**20)
        time.sleep(20)
        os._exit(0)
time.sleep(20)
"""


@pytest.mark.usefixtures("counted_memory")
def test_many_small_hogs(small_sandbox: Sandbox) -> None:
    result = script(small_sandbox, HOG, timeout=2)
    assert result.out_of_memory


@pytest.mark.usefixtures("counted_memory")
@pytest.mark.parametrize("make", ["true", "mkdir -p /dev/shm/d /tmp/d"])
def test_memory_filled_with_files(small_sandbox: Sandbox, make: str) -> None:
    folder = "/" if make == "true" else "/d/"
    command = f"{make}; cat /dev/zero > /dev/shm{folder}big; cat /dev/zero > /tmp{folder}big"
    result = shell(small_sandbox, command)
    assert result.out_of_memory and result.exit_code != 0
    assert shell(small_sandbox, "ls -A /tmp /dev/shm").stdout == b"/dev/shm:\n\n/tmp:\n"


SHARED_MEMORY = """
import ctypes, mmap
libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
for number in range(20):
    segment = libc.shmget(4000 + number, ctypes.c_size_t(8 * 2**20), 0o1666)
    ctypes.memset(libc.shmat(segment, None, 0), 1, 8 * 2**20)
assert libc.semget(1, 1, 0o1666) >= 0 and libc.msgget(1, 0o1666) >= 0
with open('/dev/shm/shared', 'wb+') as file:
    file.truncate(8 * 2**20)
    mmap.mmap(file.fileno(), 0).write(b'x' * 8 * 2**20)
try:
    open('/dev/mqueue/left', 'w').close()
except FileNotFoundError:
    pass
"""


def test_shared_memory_and_queues_do_not_outlive_their_command(small_sandbox: Sandbox) -> None:
    assert script(small_sandbox, SHARED_MEMORY).exit_code == 0
    left = shell(small_sandbox, "tail -qn +2 /proc/sysvipc/*; ls -A /dev/shm; ls -A /dev/mqueue || true")
    assert left.stdout == b""
    assert script(small_sandbox, SHARED_MEMORY).exit_code == 0, "as much once more"


ESCAPES_ITS_GROUP = """
import os, signal, sys, time
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
if os.fork():
    while not os.path.exists('/workspace/alive'):
        time.sleep(0.01)
    os._exit(0)
for generation in range(2):
    os.setsid()
    if os.fork():
        os._exit(0)
os.closerange(0, 256)
while True:
    with open('/workspace/alive', 'a') as file:
        file.write('.')
    time.sleep(0.01)
"""


def test_a_daemon_that_ignores_all_signals_and_closes_its_descriptors(any_sandbox: Sandbox) -> None:
    assert script(any_sandbox, ESCAPES_ITS_GROUP).exit_code == 0
    result = shell(any_sandbox, "stat -c %s alive; sleep 0.2; stat -c %s alive")
    before, after = result.stdout.split()
    assert before == after


def test_who_kills_everything_kills_only_its_own(any_sandbox: Sandbox) -> None:
    everything = shell(any_sandbox, "(sleep 0.1; kill -9 -1)& sleep 5")
    assert everything.exit_code == -9 and not everything.timed_out
    kill_parent = "import os, time\nif os.fork() == 0: os.kill(os.getppid(), 9)\ntime.sleep(5)"
    assert script(any_sandbox, kill_parent).exit_code == -9
    runner = shell(any_sandbox, "for number in 1 2 9 15 19; do kill -$number 1; done")
    assert runner.stderr.count(b"not permitted") == 5


FORGES = """
import os, struct
frame = struct.pack('>IQ', 16, 0) + b'{"kind": "done"}'
targets = ['/dev/console', '/dev/tty', '/dev/stdout', '/proc/1/mem', '/proc/1/fd/0', '/proc/1/fd/1']
for number in range(64):
    targets += [f'/proc/1/fd/{number}', f'/proc/self/fd/{number}', f'/proc/{os.getppid()}/fd/{number}']
for target in targets:
    try:
        with open(target, 'wb') as stream:
            stream.write(frame * 100)
    except OSError:
        pass
for number in range(64):
    try:
        os.write(number, frame * 100)
    except OSError:
        pass
"""


def test_frames_written_to_every_descriptor_are_only_output(any_sandbox: Sandbox) -> None:
    request = RunRequest((any_sandbox.python, "-c", FORGES), timeout=20, report=True)
    result = any_sandbox.run(request)
    assert result.exit_code == 0
    assert b'{"kind": "done"}' in result.stdout and b'{"kind": "done"}' in result.report


READS_ENVIRONMENTS = """
import glob
for path in glob.glob('/proc/*/environ') + glob.glob('/proc/*/task/*/environ'):
    try:
        print(open(path).read())
    except OSError:
        pass
print(open('/proc/self/mountinfo').read(), open('/proc/cmdline').read())
"""


def test_no_environment_of_the_host_is_in_reach(
    any_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_API_KEY", "a-recognisable-value")
    found = said(any_sandbox, READS_ENVIRONMENTS)
    assert "SECRET" not in found and "recognisable" not in found
    assert all(f"{name}=" not in found for name in ("PYTEST_CURRENT_TEST", "DOCKER_HOST", "SHELL"))


SOCKETS = """
import json, socket
found = {}
for family in range(1, 48):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
        try:
            socket.socket(family, kind).close()
            found.setdefault(family, []).append(int(kind))
        except OSError:
            pass
print(json.dumps(found))
"""


def test_only_sockets_that_lead_nowhere(any_sandbox: Sandbox) -> None:
    opened = {int(family): kinds for family, kinds in json.loads(said(any_sandbox, SOCKETS)).items()}
    families = {socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK}
    assert opened.keys() <= families, "no packet, hypervisor, Bluetooth, … sockets"
    assert socket.SOCK_RAW not in opened.get(socket.AF_INET, []) + opened.get(socket.AF_INET6, [])
    refused = said(
        any_sandbox,
        "import socket\n"
        "for family, address in ((socket.AF_INET, '169.254.169.254'), (socket.AF_INET, '172.17.0.1'),\n"
        "                        (socket.AF_INET6, '2001:db8::1'), (socket.AF_INET6, 'fe80::1')):\n"
        "    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):\n"
        "        try:\n"
        "            socket.socket(family, kind).connect((address, 80))\n"
        "            print('connected', address)\n"
        "        except OSError:\n"
        "            pass\n",
    )
    assert refused == ""


def test_no_unix_socket_of_the_host_is_in_reach(any_sandbox: Sandbox, tmp_path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(b"\0marginal-agent-contract")
    listener.listen()
    connect = "import socket; socket.socket(socket.AF_UNIX).connect('\\0marginal-agent-contract')"
    result = script(any_sandbox, connect)
    listener.close()
    assert result.exit_code == 1 and b"ConnectionRefused" in result.stderr
    sockets = shell(any_sandbox, "find / -xdev -type s 2>/dev/null; ls /var/run/docker.sock /run/docker.sock")
    assert sockets.stdout == b""


PRIVILEGES = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
NEWUSER, NEWNS, NEWUTS = 0x10000000, 0x00020000, 0x04000000

def attempt(what, outcome):
    print(what, 'managed' if outcome >= 0 else 'refused')

attempt('mount', libc.mount(b'none', b'/workspace', b'tmpfs', 0, None))
attempt('unmount', libc.umount2(b'/workspace', 2))
attempt('namespace of users', libc.unshare(NEWUSER))
attempt('namespace of mounts', libc.unshare(NEWNS))
attempt('clone into a namespace', libc.syscall(56, NEWUSER | 17, 0, 0, 0, 0))
attempt('host name', libc.sethostname(b'x', 1))
attempt('clock', libc.clock_settime(0, ctypes.byref((ctypes.c_long * 2)(1, 0))))
attempt('root', libc.chroot(b'/workspace'))
attempt('trace the runner', libc.ptrace(16, 1, 0, 0))
attempt('keys', libc.syscall(250, 1, 0, 0, 0, 0))
attempt('io_uring', libc.syscall(425, 8, ctypes.create_string_buffer(256)))
attempt('bpf', libc.syscall(321, 0, 0, 0))
attempt('become root', libc.setuid(0))
attempt('device', libc.mknod(b'/workspace/device', 0o20666, 0x105))
"""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of system calls")
def test_privileges_are_refused(any_sandbox: Sandbox) -> None:
    outcomes = said(any_sandbox, PRIVILEGES).splitlines()
    assert len(outcomes) == 14
    assert [line for line in outcomes if not line.endswith(" refused")] == []


def test_setuid_programs_stay_what_they_are(any_sandbox: Sandbox) -> None:
    command = "cp /bin/sh root; chmod 6755 root; ./root -pc 'id -u'; su -c 'id -u' </dev/null; true"
    result = shell(any_sandbox, command)
    assert set(result.stdout.split()) <= {b"1000"}


def test_a_crash_leaves_no_core_dump(any_sandbox: Sandbox) -> None:
    command = "ulimit -c unlimited; kill -SEGV $$"
    result = shell(any_sandbox, command)
    assert result.exit_code != 0
    assert shell(any_sandbox, "kill -SEGV $$").exit_code == -11
    assert shell(any_sandbox, "find / -xdev -name '*core*' -newer /proc/1 -type f 2>/dev/null").stdout == b""


def test_watches_and_many_descriptors_end_with_their_command(any_sandbox: Sandbox) -> None:
    exhaust = (
        "import ctypes, os\n"
        "libc = ctypes.CDLL(None)\n"
        "watch = libc.inotify_init()\n"
        "for folder in ('/workspace', '/tmp'): libc.inotify_add_watch(watch, folder.encode(), 0xfff)\n"
        "opened = []\n"
        "try:\n"
        "    while True: opened.append(os.pipe())\n"
        "except OSError as error: print(error.strerror)\n"
    )
    for _ in range(2):
        assert said(any_sandbox, exhaust) == "Too many open files\n"
