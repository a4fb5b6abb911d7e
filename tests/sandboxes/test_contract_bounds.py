"""Programs that take more than their share: contained, reported, and the next command works."""

from __future__ import annotations

import pytest
from contract import script, shell

from sandboxes.interface import RunRequest, Sandbox

STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            open('/workspace/alive', 'a').write('.')
            time.sleep(0.01)
    os._exit(0)
{end}
"""


def test_timeout_takes_the_whole_tree(small_sandbox: Sandbox) -> None:
    result = script(small_sandbox, STUBBORN.format(end="time.sleep(1000)"), timeout=1.0)
    assert result.timed_out and result.exit_code is None
    assert_nothing_writes(small_sandbox)


def test_what_outlives_its_command_dies_with_it(small_sandbox: Sandbox) -> None:
    result = script(small_sandbox, STUBBORN.format(end="time.sleep(0.2)"))
    assert (result.exit_code, result.timed_out) == (0, False)
    assert_nothing_writes(small_sandbox)


def assert_nothing_writes(sandbox: Sandbox) -> None:
    result = shell(sandbox, "stat -c %s alive; sleep 0.3; stat -c %s alive; ls /proc | grep -c '^[0-9]'")
    before, after, processes = result.stdout.split()
    assert before == after
    assert int(processes) <= 4, "only the runner and this command"


def test_fork_bomb(small_sandbox: Sandbox) -> None:
    result = script(
        small_sandbox, "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass", timeout=1.5
    )
    assert result.timed_out


def test_fork_bomb_that_ends_first(small_sandbox: Sandbox) -> None:
    # The command forks once only: its own next fork could lose against the bomb, and then it ends with 2.
    result = shell(small_sandbox, "b() { b | b & }; (b) & exit 7")
    assert result.exit_code == 7


@pytest.mark.usefixtures("counted_memory")
def test_memory_hog(small_sandbox: Sandbox) -> None:
    result = script(small_sandbox, "x = bytearray(2**30)")
    assert result.out_of_memory and result.exit_code == -9
    assert not shell(small_sandbox, "true").out_of_memory


@pytest.mark.usefixtures("counted_memory")
def test_memory_hog_in_a_grandchild(small_sandbox: Sandbox) -> None:
    result = shell(small_sandbox, f"{small_sandbox.python} -c 'x = bytearray(2**30)'; exit 3")
    assert result.out_of_memory and result.exit_code == 3


def test_memory_bound_of_one_process(small_sandbox: Sandbox) -> None:
    request = RunRequest((small_sandbox.python, "-c", "bytearray(2**28)"), timeout=20, memory_bytes=2**27)
    result = small_sandbox.run(request)
    assert result.exit_code == 1 and b"MemoryError" in result.stderr and not result.out_of_memory


@pytest.mark.parametrize("folder", ["/workspace", "/tmp", "/dev/shm"])
def test_disk_filler(small_sandbox: Sandbox, folder: str) -> None:
    result = shell(small_sandbox, f"cat /dev/zero > {folder}/big")
    assert result.disk_full and result.exit_code != 0
    assert b"No space left" in result.stderr
    small_sandbox.remove("/workspace/big")
    assert not shell(small_sandbox, "true").disk_full, "temporary folders are emptied, the work area was"


def test_inode_filler(small_sandbox: Sandbox, counted_files: bool) -> None:
    result = script(small_sandbox, "for i in range(10**6): open(f'/workspace/{i}', 'w').close()")
    if counted_files:
        assert result.disk_full and b"No space left" in result.stderr
    else:
        assert result.out_of_memory and result.exit_code == -9
    small_sandbox.remove("/workspace")


def test_output_flood_keeps_head_and_tail(small_sandbox: Sandbox) -> None:
    result = shell(small_sandbox, "echo first; yes | head -c 20000000; echo last", max_output=1000)
    assert result.truncated and result.exit_code == 0
    assert result.stdout.startswith(b"first\n") and result.stdout.endswith(b"last\n")
    assert b"[... 19999011 bytes cut ...]" in result.stdout
    assert len(result.stdout) < 1100


def test_endless_flood_ends_in_time(small_sandbox: Sandbox) -> None:
    result = shell(small_sandbox, "yes & yes >&2", timeout=1.0)
    assert result.timed_out and result.truncated


def test_deep_folders_do_not_block_clean_up(small_sandbox: Sandbox) -> None:
    dig = "import os\nos.chdir('/tmp')\nfor i in range(3000): os.mkdir('d'); os.chdir('d')\nos.chmod('.', 0)"
    assert script(small_sandbox, dig).exit_code == 0
    assert shell(small_sandbox, "ls -A /tmp").stdout == b""


def test_report_pipe_is_streamed_and_bounded(small_sandbox: Sandbox) -> None:
    chunks: list[bytes] = []
    command = "for i in 1 2 3; do echo $i >&$AGENT_REPORT_FD; sleep 0.1; done; echo out"
    result = small_sandbox.run(
        RunRequest(("sh", "-c", command), timeout=10, report=True), on_report=chunks.append
    )
    assert result.report == b"1\n2\n3\n" == b"".join(chunks)
    assert len(chunks) == 3 and result.stdout == b"out\n" and not result.truncated
    flood = RunRequest(("sh", "-c", "yes >&3"), timeout=0.5, report=True, max_report=5000)
    result = small_sandbox.run(flood)
    assert len(result.report) == 5000 and result.truncated


def test_stdin_exit_codes_and_missing_programs(small_sandbox: Sandbox) -> None:
    data = bytes(range(256)) * 4096
    result = small_sandbox.run(RunRequest(("cat",), timeout=10, stdin=data, max_output=2**22))
    assert result.stdout == data and result.exit_code == 0
    assert small_sandbox.run(RunRequest(("true",), timeout=10, stdin=data)).exit_code == 0
    assert shell(small_sandbox, "exit 41").exit_code == 41
    assert shell(small_sandbox, "kill -SEGV $$").exit_code == -11
    missing = small_sandbox.run(RunRequest(("no-such-program",), timeout=10))
    assert missing.exit_code == 127 and b"no-such-program" in missing.stderr
    assert small_sandbox.run(RunRequest(("true",), timeout=10, cwd="/nowhere")).exit_code == 127
