"""One pytest session in this process: outcomes by test id, a time limit per phase, failure frames."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType, TracebackType
from typing import Any

MAX_FRAMES = 60
MAX_ERROR = 300
REPEAT_SECONDS = 0.5
SOON_SECONDS = 0.001
MOST_PUT_OFF = 200

# Plugins that would run tests elsewhere, again, in another order, under another tracer or alarm: switched
# off by their own options, so that a repository's own options for them stay valid.
SWITCHED_OFF = {
    "xdist": ("-n0",),
    "pytest_cov": ("--no-cov",),
    "pytest_randomly": ("-p", "no:randomly"),
    "pytest_timeout": ("--timeout=0",),
    "pytest_rerunfailures": ("--reruns=0",),
}


class TooSlow(BaseException):
    """Raised in the test by the alarm. A BaseException, so that ordinary handlers let it pass."""


def arguments(ids: list[str]) -> list[str]:
    """pytest's arguments for running `ids` in process, without writing to the tree."""
    options = ["-q", "-p", "no:cacheprovider", "--tb=native", "--continue-on-collection-errors"]
    for module, switches in SWITCHED_OFF.items():
        if importlib.util.find_spec(module) is not None:
            options += switches
    return [*options, *ids]


@dataclass(eq=False)  # pytest keeps plugins in sets
class Watch:
    """A pytest plugin that records what happened. Outcomes: "passed", "failed", "skipped" (also xfail).

    `seconds` of wall time bound each phase of each test. `spared`: a folder whose code the time limit never
    interrupts ("": none), as a line tracer that is left in the middle keeps its lock for ever.
    """

    root: str
    seconds: float
    on_start: Callable[[str], None] | None = None
    on_end: Callable[[str], None] | None = None
    on_uncollected: Callable[[str], None] | None = None
    spared: str = ""
    collected: list[str] = field(default_factory=list)
    outcomes: dict[str, str] = field(default_factory=dict)
    frames: dict[str, list[tuple[str, int, str]]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    durations: dict[str, float] = field(default_factory=dict)

    def pytest_collection_finish(self, session: Any) -> None:
        self.collected = [item.nodeid for item in session.items]

    def pytest_runtest_logreport(self, report: Any) -> None:
        name = report.nodeid
        self.durations[name] = self.durations.get(name, 0.0) + report.duration
        worse = self.outcomes.get(name) in ("failed", "skipped")
        if report.outcome != "passed" or hasattr(report, "wasxfail"):
            failed = report.outcome == "failed" or self.outcomes.get(name) == "failed"
            self.outcomes[name] = "failed" if failed else "skipped"
        elif not worse:
            self.outcomes[name] = "passed"

    def pytest_exception_interact(self, node: Any, call: Any, report: Any) -> None:
        error = call.excinfo.value
        self.errors[node.nodeid] = f"{type(error).__name__}: {error}"[:MAX_ERROR]
        self.frames.setdefault(node.nodeid, []).extend(failure_frames(error, self.root))
        if type(report).__name__ == "CollectReport":
            self.outcomes[node.nodeid] = "failed"
            if self.on_uncollected:
                self.on_uncollected(node.nodeid)

    def limited(self, seconds: float) -> Iterator[None]:
        """Arm the alarm around a hook. It repeats, for code that swallows every exception."""
        put_off = 0

        def ring(_signal: int, frame: FrameType | None) -> None:
            nonlocal put_off
            if put_off < MOST_PUT_OFF and self._spares(frame):
                put_off += 1
                signal.setitimer(signal.ITIMER_REAL, SOON_SECONDS, REPEAT_SECONDS)
                return
            raise TooSlow("time limit of the test")

        signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, seconds, REPEAT_SECONDS)
        yield
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _spares(self, frame: FrameType | None) -> bool:
        """Whether this frame, or one that it was called from, is not to be interrupted."""
        if not self.spared:
            return False
        return any(each.f_code.co_filename.startswith(self.spared) for each, _ in traceback.walk_stack(frame))


def hooks(watch: Watch) -> Any:
    """The watch's hook wrappers, as a plugin (pytest is imported only here, when its path is set)."""
    import pytest

    class Limits:
        @pytest.hookimpl(hookwrapper=True, tryfirst=True)
        def pytest_make_collect_report(self) -> Iterator[None]:
            yield from watch.limited(max(10.0, 2 * watch.seconds))

        @pytest.hookimpl(hookwrapper=True, tryfirst=True)
        def pytest_runtest_setup(self) -> Iterator[None]:
            yield from watch.limited(watch.seconds)

        @pytest.hookimpl(hookwrapper=True, tryfirst=True)
        def pytest_runtest_call(self) -> Iterator[None]:
            yield from watch.limited(watch.seconds)

        @pytest.hookimpl(hookwrapper=True, tryfirst=True)
        def pytest_runtest_teardown(self) -> Iterator[None]:
            yield from watch.limited(watch.seconds)

        @pytest.hookimpl(hookwrapper=True, tryfirst=True)
        def pytest_runtest_protocol(self, item: Any) -> Iterator[None]:
            if watch.on_start:
                watch.on_start(item.nodeid)
            yield
            if watch.on_end:
                watch.on_end(item.nodeid)

    return Limits()


def failure_frames(error: BaseException, root: str) -> list[tuple[str, int, str]]:
    """(path below root, line, function) of the frames of an exception and its causes, innermost first;
    repeats (recursion) are given once. The outermost and innermost frames of a deep stack are kept."""
    found: dict[tuple[str, int, str], None] = {}
    current: BaseException | None = error
    for _ in range(5):
        if current is None:
            break
        for frame in reversed(_walk(current.__traceback__)):
            path = os.path.realpath(frame[0])
            if path.startswith(root + os.sep) and "-packages" + os.sep not in path:
                found.setdefault((path[len(root) + 1 :], frame[1], frame[2]))
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return list(found)[:MAX_FRAMES]


def _walk(tb: TracebackType | None) -> list[tuple[str, int, str]]:
    return [(f.f_code.co_filename, line, f.f_code.co_name) for f, line in traceback.walk_tb(tb)]


def run_session(ids: list[str], watch: Watch, *plugins: Any) -> None:
    """Run pytest on `ids` here. The working directory comes first on the path, as with `python -m pytest`.
    A SystemExit does not escape."""
    judged = importlib.import_module(".judged", __package__)  # imports pytest: only now is its path set
    if sys.path[:1] != [os.getcwd()]:  # noqa: PTH109
        sys.path.insert(0, os.getcwd())  # noqa: PTH109
    ignored = judged.pytest_plugin.Ignored(judged.pytest_run.ignored_options())

    try:
        judged.pytest.main(arguments(ids), plugins=[ignored, watch, hooks(watch), *plugins])
    except SystemExit:
        return
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
