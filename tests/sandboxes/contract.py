"""What the tests of the contract share: sandboxes for the length of a block, commands and scripts in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sandboxes.interface import RunRequest, RunResult, Sandbox, SandboxLimits

Opener = Callable[[SandboxLimits], Sandbox]
"""Makes a sandbox within these limits, not yet started, whose `python` has pytest."""

SMALL = SandboxLimits(memory_bytes=300 * 2**20, disk_bytes=32 * 2**20, processes=64, cpus=2.0)


@contextmanager
def started(sandbox: Sandbox) -> Iterator[Sandbox]:
    """A sandbox for the length of a block; at its end one more command must work."""
    sandbox.start()
    try:
        yield sandbox
        after = shell(sandbox, "echo well")
        assert (after.exit_code, after.stdout) == (0, b"well\n"), "the next command must work"
        assert not after.out_of_memory, "and is not told of what was before"
    finally:
        sandbox.stop()


def shell(sandbox: Sandbox, command: str, timeout: float = 20, **more: object) -> RunResult:
    """Run a shell command in the work area."""
    return sandbox.run(RunRequest(("sh", "-c", command), timeout=timeout, **more))  # type: ignore[arg-type]


def script(sandbox: Sandbox, text: str, timeout: float = 30, **more: object) -> RunResult:
    """Run a Python script in the work area, with the interpreter that runs tests."""
    request = RunRequest((sandbox.python, "-c", text), timeout=timeout, **more)  # type: ignore[arg-type]
    return sandbox.run(request)


def said(sandbox: Sandbox, text: str) -> str:
    """What a Python script prints; it must end well."""
    result = script(sandbox, text)
    assert result.exit_code == 0, result.stderr.decode()
    return result.stdout.decode()
