"""A process that brings a pytest session to one stage once, and is then forked for every candidate."""

from __future__ import annotations

import importlib
import json
import linecache
import os
import signal
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from .bodies import UNCOMPILABLE, Change, Module, identity
from .children import (
    HEADER,
    Child,
    adopt_orphans,
    end_group,
    end_orphans,
    fork,
    receive,
)
from .observed import Observed
from .source import Source
from .tree import Edits
from .wire import write_all

if TYPE_CHECKING:
    from .judged import Session

# Number of the candidate (-1: the tree as it is), seconds left, thorough, limits, bytes of the question that
# follows as JSON (0: none).
REQUEST = struct.Struct("<id?dddI")
START_SECONDS = 120.0
SILENCE_SECONDS = 60.0  # until the first test says how long it may take
SLACK_SECONDS = 5.0
Swap = tuple[FunctionType, CodeType]
FRESH = ("bare", "started")
"""Stages at which nothing of the repository has been imported (see `judged.Stage`)."""


@dataclass(frozen=True)
class Limits:
    """Seconds per test, and for collecting a file; CPU seconds per phase of a test (0: no limit)."""

    test: float
    collect: float
    cpu: float = 0.0


class Nest:
    """The parent's end of a nest at one stage. `problem`: why it cannot be used ("": it can)."""

    def __init__(
        self,
        stage: str,
        session: Session,
        root: str,
        contents: Callable[[int], Edits],
        originals: dict[str, bytes],
        memory_bytes: int,
        finish_by: float,
    ) -> None:
        """Starts the process and waits until it is ready. `contents`: what a candidate writes;
        `originals`: what the edited files held before."""
        requests_out, self._requests = os.pipe()
        self._answers, answers_in = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                os.close(self._requests)
                os.close(self._answers)
                os.setsid()
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                server = _Server(
                    stage, session, root, contents, originals, memory_bytes, requests_out, answers_in
                )
                session.run(stage, server.serve)
            finally:
                os._exit(0)
        os.close(requests_out)
        os.close(answers_in)
        ready = self._receive(min(START_SECONDS, finish_by - time.monotonic()))
        self.problem: str = "pytest does not get this far" if ready is None else ready["problem"]

    def run(
        self,
        number: int,
        seconds: float,
        limits: Limits,
        thorough: bool = False,
        question: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Fork for a candidate that has been written to the tree (-1: the tree as it is): the session's
        answer, or {"verdict": "timeout", "died" or "late"}, or {"verdict": "unfit"} when a process at this
        stage cannot tell. `question`: see `judged.Session`."""
        self.ask(number, seconds, limits, thorough, question)
        return self.answer(seconds)

    def ask(
        self,
        number: int,
        seconds: float,
        limits: Limits,
        thorough: bool = False,
        question: dict[str, Any] | None = None,
    ) -> None:
        """Begin what `run` does; `answer` must follow."""
        if self.problem:
            return
        asked = json.dumps(question).encode() if question is not None else b""
        bounds = (limits.test, limits.collect, limits.cpu)
        write_all(self._requests, REQUEST.pack(number, seconds, thorough, *bounds, len(asked)) + asked)

    def answer(self, seconds: float) -> dict[str, Any]:
        """What `run` returns, once it is there."""
        if self.problem:
            return {"verdict": "unfit", "why": self.problem}
        answer = self._receive(seconds + SLACK_SECONDS)
        if answer is None:
            self.problem = "the process that is forked has ended"
            return {"verdict": "unfit", "why": self.problem}
        return answer

    def close(self) -> None:
        os.close(self._requests)
        os.close(self._answers)
        end_group(self._pid)

    def _receive(self, seconds: float) -> dict[str, Any] | None:
        data = receive(self._answers, time.monotonic() + seconds)
        return json.loads(data) if data is not None else None


class _Server:
    """The nest itself."""

    def __init__(
        self,
        stage: str,
        session: Session,
        root: str,
        contents: Callable[[int], Edits],
        originals: dict[str, bytes],
        memory_bytes: int,
        requests: int,
        answers: int,
    ) -> None:
        self._stage, self._session, self._root = stage, session, root
        self._contents, self._originals, self._memory_bytes = contents, originals, memory_bytes
        self._requests, self._answers = requests, answers
        self._modules: dict[str, Module | None] = {}
        self._live: dict[tuple[object, ...], list[FunctionType]] = {}
        self._taken: set[tuple[object, ...]] = set()
        self._read: set[tuple[object, ...]] = set()
        self._observed = None if stage in FRESH else Observed(root)
        if self._observed is not None:
            self._observed.begin()

    def serve(self, pytest_session: Any) -> None:
        """Fork for each request. Returns only in the forks; the nest ends with its pipe."""
        from .judged import captured_files, modules_below, own_capture

        captured: list[tuple[int, int]] = []
        problem = "" if adopt_orphans() else "orphans cannot be adopted"
        if self._observed is not None:
            captured = captured_files(pytest_session)
            self._observed.end(tuple(number for number, _ in captured))
            problem = problem or self._observed.shared
            self._take_stock(self._observed)
        elif modules_below(self._root):
            problem = "an installed plugin belongs to the repository"
        self._answer({"problem": problem})
        while True:
            data = os.read(self._requests, REQUEST.size)
            if len(data) < REQUEST.size:
                os._exit(0)
            number, seconds, thorough, *limits, size = REQUEST.unpack(data)
            question = json.loads(self._rest(size)) if size else None
            swaps = self._swaps(self._contents(number)) if number >= 0 else []
            if swaps is None:
                self._answer({"verdict": "unfit", "why": "it reaches what is imported already"})
                continue
            side = fork(self._memory_bytes, seconds)
            if not isinstance(side, Child):
                self._session.connect(side, thorough, Limits(*limits), question)
                own_capture(captured)
                if self._observed is None:
                    importlib.invalidate_caches()  # the candidate may bring files
                for function, code in swaps:
                    function.__code__ = code
                    linecache.cache.pop(code.co_filename, None)
                return
            result = side.result(SILENCE_SECONDS, time.monotonic() + seconds)
            end_orphans()
            self._answer(result.answer if result.ended == "answered" else {"verdict": result.ended})

    def _rest(self, size: int) -> bytes:
        """The next `size` bytes of requests."""
        data = b""
        while len(data) < size:
            chunk = os.read(self._requests, size - len(data))
            if not chunk:
                os._exit(0)
            data += chunk
        return data

    def _take_stock(self, observed: Observed) -> None:
        for function in observed.live:
            self._live.setdefault(identity(function.__code__), []).append(function)
        self._taken = {identity(code) for code in observed.ran.values()}
        self._read = {identity(code) for code in observed.read}

    def _swaps(self, edits: Edits) -> list[Swap] | None:
        """What to replace in a fork to make it as if it had imported the edited files; None: impossible."""
        if self._observed is None:
            return []
        found: list[Swap] = []
        for name, content in edits.items():
            old = self._originals.get(name)
            if content is None or old is None:
                return None  # pytest and the import system have listed folders
            path = os.path.join(self._root, name)  # noqa: PTH118
            opened = self._observed.opened[path]
            if not opened:
                continue
            module = self._module(name, path, old) if name.endswith(".py") and opened == 1 else None
            changes = module.changes(content) if module is not None else None
            if changes is None or any(self._unfit(change) for change in changes):
                return None
            for change in changes:
                found += [(function, change.new) for function in self._live.get(identity(change.old), ())]
        return found

    def _module(self, name: str, path: str, old: bytes) -> Module | None:
        if name not in self._modules:
            try:
                self._modules[name] = Module(Source(name, old), path)
            except UNCOMPILABLE:
                self._modules[name] = None
        return self._modules[name]

    def _unfit(self, change: Change) -> bool:
        """Whether something was taken from the old code that replacing it cannot change."""
        old = identity(change.old)
        if old in self._read or (change.own and old in self._taken):
            return True
        return change.own and change.top and old not in self._live

    def _answer(self, answer: dict[str, Any]) -> None:
        data = json.dumps(answer).encode()
        write_all(self._answers, HEADER.pack(len(data)) + data)
