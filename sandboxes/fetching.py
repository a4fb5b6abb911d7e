"""Run a command that fetches, in a sandbox without network: the host connects for it, where a policy allows.

In the sandbox the command's HTTP proxy is a relay of ours (`inside/relay.py`) on its own loopback. The relay
sends every connection as a channel through the report pipe and gets the answers on its standard input. On the
host a proxy takes the request of each channel, decides, looks the name up itself and connects to the very
address it has checked. The sandbox is not trusted: what it says is parsed strictly and bounded.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from importlib import resources
from types import TracebackType
from typing import Protocol, Self

from sandboxes.fetch_policy import FetchPolicy
from sandboxes.fetch_proxy import FetchLimits, FetchProxy, Resolver, resolve
from sandboxes.inside.relay import Send
from sandboxes.interface import RunRequest, RunResult, SandboxError

_QUEUE = 32  # frames on their way to the sandbox, of at most relay.PIECE bytes each
_BATCH = 1 << 18


class Fed(Protocol):
    """What fetching needs of a sandbox (`RunnerClient` has it)."""

    def run(self, request: RunRequest, on_report: Callable[[bytes], None] | None = None) -> RunResult: ...
    def feed(self, data: bytes) -> bool: ...


@dataclass(frozen=True)
class Fetched:
    """`refused`: in words, what the command tried to reach and may not, each once."""

    result: RunResult
    refused: tuple[str, ...]


def run_fetching(
    sandbox: Fed,
    request: RunRequest,
    policy: FetchPolicy,
    limits: FetchLimits | None = None,
    resolver: Resolver = resolve,
) -> Fetched:
    """Run a command whose HTTP and HTTPS connections the host makes for it, as far as `policy` allows.

    The sandbox needs no network. The command finds the way in PIP_PROXY, HTTP_PROXY, HTTPS_PROXY and
    ALL_PROXY; proxies named in the request's environment are taken out, with their credentials. Its standard
    input and report are used for this: the request must ask for neither (ValueError). What it may send in
    all is bounded by the request's `max_report`, what it may fetch by `limits`. Raises
    SandboxError when the sandbox is gone.
    """
    if request.stdin or request.report or request.interactive:
        raise ValueError("a command that fetches has neither standard input nor report")
    relay = (resources.files("sandboxes.inside") / "relay.py").read_text()
    relayed = replace(
        request,
        argv=("python3", "-I", "-S", "-c", relay, *request.argv),
        env={name: value for name, value in request.env.items() if not name.upper().endswith("_PROXY")},
        report=True,
        interactive=True,
    )
    make = partial(FetchProxy, policy, limits or FetchLimits(), resolver)
    with _Exchange(sandbox, request.max_report, make) as exchange:
        result = sandbox.run(relayed, on_report=exchange.take)
    return Fetched(replace(result, report=b""), tuple(exchange.refused))


class _Exchange:
    """The proxy at work in a thread of its own, between the report and the standard input of one command."""

    def __init__(self, sandbox: Fed, max_sent: int, make_proxy: Callable[[Send], FetchProxy]) -> None:
        self.refused: tuple[str, ...] = ()
        self._left = max_sent
        self._sandbox = sandbox
        self._make_proxy = make_proxy
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._work, name="fetching")

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """At the end of the command: break all connections and end the thread."""
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()
        self.refused = tuple(self._proxy.refused)

    def take(self, chunk: bytes) -> None:
        """A part of the command's report."""
        self._loop.call_soon_threadsafe(self._arrive, chunk)

    def _work(self) -> None:
        with asyncio.Runner() as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self._frames: asyncio.Queue[bytes] = asyncio.Queue(_QUEUE)
        self._proxy = self._make_proxy(self._queue)
        self._broken = False
        sending = asyncio.create_task(self._send())
        self._ready.set()
        await self._over.wait()
        self._proxy.stop()
        sending.cancel()

    async def _queue(self, frame: bytes) -> None:
        """Have a frame sent; at the end nobody takes it any more, and nobody may wait for that."""
        if not self._over.is_set():
            await self._frames.put(frame)

    def _arrive(self, chunk: bytes) -> None:
        if self._broken:
            return
        self._left -= len(chunk)
        try:
            if self._left <= 0:
                raise ValueError("more than it may")
            self._proxy.arrive(chunk)
        except ValueError as error:
            self._broken = True
            self._proxy.note(f"fetch was stopped: it sent {error}")
            self._proxy.stop()
            self._ending = asyncio.create_task(self._queue(b""))

    async def _send(self) -> None:
        """Feed what the proxy sends to the command, as fast as that reads."""
        with ThreadPoolExecutor(1) as waiting:
            while True:
                frames = [await self._frames.get()]
                while not self._frames.empty() and sum(map(len, frames)) < _BATCH:
                    frames.append(self._frames.get_nowait())
                # An empty one, alone, ends the command's input.
                for data in (b"".join(frames), b"") if b"" in frames else (b"".join(frames),):
                    try:
                        await self._loop.run_in_executor(waiting, self._sandbox.feed, data)
                    except SandboxError:
                        return  # `run` says so
