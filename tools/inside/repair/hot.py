"""Candidates inside one function, without importing anything again.

A child of the fork server (the nest) collects the tests once. For each candidate it compiles the top-level
statement around the edit, forks, puts the new code into the live function objects of that child, and runs
the tests there. A pass is only a hint: it is confirmed from a fresh import.
"""

from __future__ import annotations
import __future__

import ast
import bisect
import gc
import json
import os
import struct
import sys
import time
import warnings
from types import CodeType, FrameType, FunctionType
from typing import Any

from .candidates import Candidate, Space
from .children import HEADER, end_group, receive, run_in_child
from .session import Watch, run_session
from .source import NAMED_FUNCTIONS, Source
from .trial import Trial
from .wire import write_all

REQUEST = struct.Struct("<I")
READY_SECONDS = 120.0
FunctionKey = tuple[str, int, str]  # absolute path, first line, name


class Functions:
    """The outermost functions of one file, by position."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.nodes = sorted(
            (
                n
                for n in ast.walk(source.tree)
                if isinstance(n, NAMED_FUNCTIONS) and source.function(n) is None
            ),
            key=lambda n: source.span(n),
        )
        self._starts = [source.span(node)[0] for node in self.nodes]
        self.flags = 0
        for node in source.tree.body:
            if isinstance(node, ast.ImportFrom) and node.module == "__future__":
                for alias in node.names:
                    self.flags |= getattr(__future__, alias.name).compiler_flag

    def around(self, candidate: Candidate) -> ast.AST | None:
        """The outermost function whose body holds the whole edit."""
        position = bisect.bisect_right(self._starts, candidate.start) - 1
        if position < 0:
            return None
        node = self.nodes[position]
        body = self.source.span(node.body[0])[0]
        return node if body <= candidate.start and candidate.end <= self.source.span(node)[1] else None

    def compiled(self, function: ast.AST, candidate: Candidate) -> CodeType | None:
        """The function's new code object, with its true line numbers; None if it does not compile."""
        top: ast.AST = function
        for ancestor in self.source.ancestors(function):
            top = ancestor if isinstance(ancestor, ast.stmt) else top
        assert isinstance(top, ast.stmt) and isinstance(function, NAMED_FUNCTIONS)
        first = self.source.first_line(top)
        start, end = self.source.line_start(first), self.source.line_end(top.end_lineno or first)
        text = (
            self.source.data[start : candidate.start]
            + candidate.replacement
            + self.source.data[candidate.end : end]
        )
        padded = "\n" * (first - 1) + text.decode("utf-8-sig")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                module = compile(padded, self.source.path, "exec", flags=self.flags, dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        return _find(module, self.source.first_line(function), function.name)


def _find(code: CodeType, line: int, name: str) -> CodeType | None:
    for const in code.co_consts:
        if isinstance(const, CodeType):
            if const.co_firstlineno == line and const.co_name == name:
                return const
            inner = _find(const, line, name)
            if inner is not None:
                return inner
    return None


class _Nest:
    """A pytest plugin that takes over after collection and serves candidates until its pipe closes."""

    def __init__(self, space: Space, trial: Trial, watch: Watch, requests: int, answers: int) -> None:
        self.space, self.trial, self.watch = space, trial, watch
        self.requests, self.answers = requests, answers
        self.functions: dict[str, Functions] = {}
        self.live: dict[FunctionKey, list[FunctionType]] = {}
        self.imported: set[FunctionKey] = set()

    def profile(self, frame: FrameType, event: str, _argument: Any) -> None:
        """Notes functions that run while modules are imported: their effect cannot be swapped in later."""
        if event == "call" and frame.f_code.co_filename.startswith(self.watch.root):
            self.imported.add(_key(frame.f_code))

    def pytest_runtestloop(self, session: Any) -> bool:
        sys.setprofile(None)
        if session.testsfailed or not session.items:
            self._answer({"ready": False})
            return True
        for item in session.items:
            item.repr_failure = lambda _info: "failed"  # nobody reads it, and formatting doubles the cost
        gc.collect()
        for thing in gc.get_objects():
            if type(thing) is FunctionType and thing.__code__.co_filename.startswith(self.watch.root):
                self.live.setdefault(_key(thing.__code__), []).append(thing)
        gc.freeze()
        self._answer({"ready": True, "baseline": self._run(session, None, [])})
        while True:
            data = os.read(self.requests, REQUEST.size)
            if len(data) < REQUEST.size:
                return True
            self._answer(self._serve(session, self.space.candidates[REQUEST.unpack(data)[0]]))

    def _serve(self, session: Any, candidate: Candidate) -> dict[str, Any]:
        if candidate.path not in self.functions:
            self.functions[candidate.path] = Functions(self.space.sources[candidate.path])
        functions = self.functions[candidate.path]
        node = functions.around(candidate)
        if node is None:
            return {"verdict": "unfit"}
        assert isinstance(node, NAMED_FUNCTIONS)
        path = os.path.join(self.watch.root, candidate.path)  # noqa: PTH118
        key = (path, functions.source.first_line(node), node.name)
        live = self.live.get(key, [])
        code = functions.compiled(node, candidate)
        if key in self.imported or not live or code is None:
            return {"verdict": "unfit"}
        if any(len(each.__code__.co_freevars) != len(code.co_freevars) for each in live):
            return {"verdict": "unfit"}
        return {"verdict": self._run(session, code.replace(co_filename=path), live)}

    def _run(self, session: Any, code: CodeType | None, live: list[FunctionType]) -> str:
        def work() -> dict[str, Any]:
            for function in live:
                assert code is not None
                function.__code__ = code
            return {"passed": self._pass(session.items)}

        wall = 2.0 + self.trial.seconds * (1 + len(session.items))
        return self.trial.verdict(run_in_child(work, wall, self.trial.memory_bytes))

    def _pass(self, items: list[Any]) -> bool:
        for position, item in enumerate(items):
            following = items[position + 1] if position + 1 < len(items) else None
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.watch.outcomes.get(item.nodeid) != "passed":
                return False
        return self.watch.passed([item.nodeid for item in items])

    def _answer(self, answer: dict[str, Any]) -> None:
        data = json.dumps(answer).encode()
        write_all(self.answers, HEADER.pack(len(data)) + data)


def _key(code: CodeType) -> FunctionKey:
    return os.path.realpath(code.co_filename), code.co_firstlineno, code.co_name


class Hot:
    """The parent's end of a nest."""

    def __init__(self, space: Space, trial: Trial, ids: list[str]) -> None:
        self.trial, self.count = trial, len(ids)
        requests_out, self._requests = os.pipe()
        self._answers, answers_in = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                os.close(self._requests)
                os.close(self._answers)
                os.setsid()
                null = os.open(os.devnull, os.O_RDWR)
                for descriptor in (1, 2):
                    os.dup2(null, descriptor)
                watch = Watch(trial.root, trial.seconds, trial.cpu_seconds, keep_frames=False)
                nest = _Nest(space, trial, watch, requests_out, answers_in)
                sys.setprofile(nest.profile)
                run_session(ids, watch, nest, extra=trial.options)
            finally:
                os._exit(0)
        os.close(requests_out)
        os.close(answers_in)
        ready = self._receive(READY_SECONDS) or {}
        self.usable = ready.get("ready") is True and ready.get("baseline") in ("failed", "timeout", "died")

    def run(self, index: int) -> str:
        """Verdict on a candidate; "unfit" when only a fresh import can tell."""
        if not self.usable:
            return "unfit"
        write_all(self._requests, REQUEST.pack(index))
        answer = self._receive(10.0 + self.trial.seconds * (2 + self.count))
        if answer is None:
            self.usable = False
            return "unfit"
        return str(answer.get("verdict"))

    def close(self) -> None:
        os.close(self._requests)
        os.close(self._answers)
        end_group(self._pid)

    def _receive(self, seconds: float) -> dict[str, Any] | None:
        data = receive(self._answers, time.monotonic() + seconds)
        return json.loads(data) if data is not None else None
