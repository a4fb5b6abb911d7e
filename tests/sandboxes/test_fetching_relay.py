"""The relay of a fetch: the command it runs, its protocol, and what happens when something else speaks it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandboxes.client import RunnerClient
from sandboxes.fetch_policy import FetchPolicy
from sandboxes.fetching import run_fetching
from sandboxes.inside.relay import DATA, FRAME, OPEN, PIECE, WINDOW, Link
from sandboxes.interface import RunRequest, RunResult


@dataclass
class Forger:
    """A sandbox in which something else has taken the place of our relay; it reports `frames`."""

    sandbox: RunnerClient
    frames: str

    def run(self, request: RunRequest, on_report: Callable[[bytes], None] | None = None) -> RunResult:
        start = "import os, struct, sys; f = struct.Struct('>BII').pack"
        text = f"{start}; os.write(3, {self.frames}); sys.stdin.read()"
        return self.sandbox.run(replace(request, argv=("python3", "-c", text)), on_report)

    def feed(self, data: bytes) -> bool:
        return self.sandbox.feed(data)


@pytest.mark.parametrize(
    "frames",
    [
        "b'nonsense and more'",
        "f(0, 1, 0) * 2",  # opened twice
        "f(1, 1, 1) + b'a'",  # data of what was never opened
        "f(0, 1, 0) + f(1, 1, 1 << 31)",  # too large
        "f(0, 1, 0) + f(2, 1, 1)",  # took what was not sent
        "b''.join(f(0, number, 0) for number in range(1, 99))",  # too many at a time
        "b''.join(f(0, number, 0) + f(3, number, 0) for number in range(1, 30_000))",  # too many in all
        "f(0, 1, 0) + f(3, 1, 0) * 300_000",  # a flood
    ],
)
def test_a_relay_that_is_not_ours_is_cut_off(any_sandbox: RunnerClient, frames: str) -> None:
    request = RunRequest((), timeout=30, max_report=2_000_000)
    fetched = run_fetching(Forger(any_sandbox, frames), request, FetchPolicy())
    assert not fetched.result.timed_out
    assert len(fetched.refused) == 1 and fetched.refused[0].startswith("fetch was stopped: it sent")


@given(st.lists(st.binary(max_size=40) | st.tuples(st.integers(0, 4), st.integers(0, 5), st.integers(0, 9))))
def test_a_link_takes_any_bytes_or_raises_value_error(parts: list[bytes | tuple[int, int, int]]) -> None:
    async def arrive() -> None:
        link = Link(asyncio.Queue[bytes]().put, lambda channel: None)
        with suppress(ValueError):
            for part in parts:
                link.arrive(part if isinstance(part, bytes) else FRAME.pack(*part))

    asyncio.run(arrive())


def test_a_channel_holds_no_more_than_its_window() -> None:
    async def arrive() -> None:
        link = Link(asyncio.Queue[bytes]().put, lambda channel: None)
        link.arrive(FRAME.pack(OPEN, 1, 0))
        for _ in range(WINDOW // PIECE):
            link.arrive(FRAME.pack(DATA, 1, PIECE) + bytes(PIECE))
        with pytest.raises(ValueError, match="not allowed"):
            link.arrive(FRAME.pack(DATA, 1, 1) + b"x")

    asyncio.run(arrive())


@pytest.mark.parametrize(
    ("argv", "code"),
    [(("sh", "-c", "exit 7"), 7), (("sh", "-c", "kill -9 $$"), 137), (("no-such-program",), 1)],
)
def test_the_commands_own_end_and_output_are_kept(
    any_sandbox: RunnerClient, argv: tuple[str, ...], code: int
) -> None:
    fetched = run_fetching(any_sandbox, RunRequest(argv, timeout=20), FetchPolicy())
    assert (fetched.result.exit_code, fetched.result.report) == (code, b"")
    outputs = RunRequest(("sh", "-c", "echo out; echo err >&2; cat"), timeout=20)
    result = run_fetching(any_sandbox, outputs, FetchPolicy()).result
    assert (result.stdout, result.stderr) == (b"out\n", b"err\n")
    late = run_fetching(any_sandbox, RunRequest(("sleep", "60"), timeout=1), FetchPolicy()).result
    assert late.timed_out
