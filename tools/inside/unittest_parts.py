"""Collecting unittest tests, limiting their time, and reporting what became of each."""

from __future__ import annotations

import doctest
import fnmatch
import math
import os
import signal
import time
import traceback
import unittest
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tools.inside.report_writer import Reporter
    from tools.inside.watchdog import Watchdog

MESSAGE = 20_000
FRAMES = 50
GRACE = 3.0
BAD = ("failed", "error", "timeout")
BETWEEN = 20.0  # until the watchdog acts where no Python code runs that could be told
START_FOLDERS = (".", "tests", "test")


class TimeLimit(BaseException):
    """The test took longer than it may. Not an Exception: code under test rarely swallows those."""


class FixtureTimeLimit(Exception):
    """The same outside a test, where unittest lets only Exceptions be one class's or module's error."""


class Clock:
    """A time limit: an exception every half second, and soon after the first the watchdog."""

    def __init__(self, reporter: Reporter, watchdog: Watchdog) -> None:
        self._reporter = reporter
        self._watchdog = watchdog
        self.in_test = False
        self.rang = False
        signal.signal(signal.SIGALRM, self._ring)

    def start(self, seconds: float, in_test: bool) -> None:
        """From now on: `seconds`, then exceptions, and GRACE after the first the end of the process."""
        self.in_test, self.rang = in_test, False
        self._watchdog.watch(seconds + BETWEEN)
        signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.01), 0.5)

    def stop(self) -> None:
        """Nothing is limited until the next start."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        self._watchdog.watch(math.inf)

    def _ring(self, *_: object) -> None:
        if not self.rang:
            self.rang = True
            self._watchdog.watch(GRACE)
            self._reporter.emit("alarm")
        message = "took longer than its time limit"
        raise TimeLimit(message) if self.in_test else FixtureTimeLimit(message)


# Collection


class _Loader(unittest.TestLoader):
    """Knows which file each test was loaded from, and loads only the wanted files."""

    def __init__(self, files: frozenset[str] | None, clock: Clock, seconds: float) -> None:
        super().__init__()
        self._files = files
        self._clock = clock
        self._seconds = seconds
        self.file_of: dict[int, str] = {}

    def loadTestsFromModule(self, module: Any, *args: Any, **options: Any) -> unittest.TestSuite:
        suite = super().loadTestsFromModule(module, *args, **options)
        for test in flat(suite):
            self.file_of.setdefault(id(test), inside(getattr(module, "__file__", "")))
        return suite

    def _match_path(self, path: str, full_path: str, pattern: str) -> bool:
        chosen = self._files is None or inside(full_path) in self._files
        return chosen and fnmatch.fnmatch(path, pattern)

    def _get_module_from_name(self, name: str) -> Any:
        self._clock.start(self._seconds, in_test=False)
        try:
            return super()._get_module_from_name(name)  # type: ignore[misc]
        finally:
            self._clock.stop()


def collect(
    wanted: frozenset[str] | None, clock: Clock, seconds: float
) -> tuple[dict[str, unittest.TestCase], list[dict[str, str]]]:
    """The wanted tests (None: all) by id, and the files that could not be imported, with the reason."""
    files = None if wanted is None else frozenset(test.split("::")[0] for test in wanted)
    errors: dict[str, str] = {}
    tests: dict[str, unittest.TestCase] = {}
    for folder in START_FOLDERS:
        if tests or errors or not Path(folder).is_dir():
            continue
        loader = _Loader(files, clock, seconds)
        for test in flat(loader.discover(folder, top_level_dir=folder)):
            if type(test).__name__ == "_FailedTest":
                errors[_module_file(folder, test)] = bounded(str(getattr(test, "_exception", "")))
            elif (name := _unused(_name(test, loader, folder), tests)) and (wanted is None or name in wanted):
                tests[name] = test
    return tests, [{"id": where, "message": message} for where, message in errors.items()]


def _name(test: unittest.TestCase, loader: _Loader, folder: str) -> str:
    if type(test).__name__ == "ModuleSkipped":
        return _module_file(folder, test)
    path = loader.file_of.get(id(test), "")
    method = getattr(test, "_testMethodName", "")
    if isinstance(test, (doctest.DocTestCase, unittest.FunctionTestCase)) or not method:
        return f"{path}::{test.id()}"
    return "::".join([path, *type(test).__qualname__.split("."), method])


def _unused(name: str, tests: dict[str, unittest.TestCase]) -> str:
    """The name, or where several tests have it, one with a number."""
    number, unused = 1, name
    while unused in tests:
        number += 1
        unused = f"{name} #{number}"
    return unused


def _module_file(folder: str, test: unittest.TestCase) -> str:
    """The file of a module that could not be loaded, which its placeholder's method is named after."""
    base = Path(folder, *test._testMethodName.split("."))
    package = base / "__init__.py"
    return str(package if package.is_file() else base.with_suffix(".py"))


def flat(suite: Iterable[Any]) -> Iterator[unittest.TestCase]:
    """The tests of a suite, in order."""
    for test in suite:
        if isinstance(test, unittest.BaseTestSuite):
            yield from flat(test)
        else:
            yield test


# Running


class Result(unittest.TestResult):
    """Reports each test, once it is clear that no tear-down of its class or module fails after it."""

    def __init__(
        self, reporter: Reporter, clock: Clock, tests: dict[str, unittest.TestCase], seconds: float
    ) -> None:
        super().__init__()
        self.failed = False
        self._reporter = reporter
        self._clock = clock
        self._seconds = seconds
        self._names = {id(test): name for name, test in tests.items()}
        self._left = dict(tests)
        self._fixtures: dict[str, _State] = {}
        self._current = ""
        self._state = _State()

    def startTestRun(self) -> None:
        self._clock.start(self._seconds, in_test=False)

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self._flush()
        self._begin(self._names[id(test)])
        self._clock.start(self._seconds, in_test=True)

    def stopTest(self, test: unittest.TestCase) -> None:
        rang = self._clock.rang
        self._clock.start(self._seconds, in_test=False)
        self._state.end(rang)
        super().stopTest(test)

    def finish(self) -> None:
        """Report the last test, and those that were not run because a fixture failed."""
        self._flush()
        for name, test in list(self._left.items()):
            self._begin(name)
            kind = type(test)
            fixture = self._fixtures.get(f"{kind.__module__}.{kind.__qualname__}")
            self._state = fixture or self._fixtures.get(kind.__module__) or self._state
            self._flush()

    # What unittest says of a test, a subtest, or a fixture (which then is no TestCase)

    def addSuccess(self, test: unittest.TestCase) -> None:
        del test
        self._state.note("passed")

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        self._bad("failed", test, err)

    def addError(self, test: Any, err: Any) -> None:
        self._bad("error", test, err)

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:
        if err is not None:
            outcome = "failed" if issubclass(err[0], test.failureException) else "error"
            self._bad(outcome, subtest, err)

    def addSkip(self, test: Any, reason: str) -> None:
        self._of(test).note("skipped", str(reason))

    def addExpectedFailure(self, test: unittest.TestCase, err: Any) -> None:
        self._state.note("xfailed", self._text(test, err))

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        del test
        self._state.note("failed", "passes although an expected failure")

    def _bad(self, outcome: str, test: Any, err: Any) -> None:
        head = f"{test}\n" if id(test) not in self._names else ""
        self._of(test).note(outcome, head + self._text(test, err), frames(err[2]))

    def _text(self, test: Any, err: Any) -> str:
        """The traceback without unittest's own frames."""
        return str(self._exc_info_to_string(err, test))  # type: ignore[attr-defined]

    def _of(self, test: Any) -> _State:
        """The state of the current test (a tear-down counts for the test before it), or of a set-up."""
        what, _, where = str(test).partition(" (")
        if isinstance(test, unittest.TestCase) or not what.startswith("setUp"):
            return self._state
        return self._fixtures.setdefault(where.rstrip(")"), _State())

    def _begin(self, name: str) -> None:
        self._current, self._state = name, _State()
        del self._left[name]
        self._reporter.emit("start", id=name)

    def _flush(self) -> None:
        if self._current:
            self.failed |= self._state.outcome in BAD
            self._reporter.emit("finish", id=self._current, **self._state.event())
        self._current, self._state = "", _State()


class _State:
    """What is known of one test or set-up; what is bad outweighs what is not."""

    def __init__(self) -> None:
        self.outcome = ""
        self._messages: list[str] = []
        self._frames: list[tuple[str, int, str]] = []
        self._began = time.perf_counter()
        self._seconds = 0.0

    def note(self, outcome: str, message: str = "", where: Sequence[tuple[str, int, str]] = ()) -> None:
        if self.outcome not in BAD:
            self.outcome = outcome
            self._frames = list(where)
        self._messages.append(message)

    def end(self, rang: bool) -> None:
        self._seconds = time.perf_counter() - self._began
        if rang:
            self.outcome = "timeout"

    def event(self) -> dict[str, Any]:
        path, line, _ = self._frames[-1] if self._frames else ("", 0, "")
        return {
            "outcome": self.outcome or "error",
            "seconds": self._seconds,
            "message": bounded("\n".join(self._messages) if self.outcome else "no outcome was reported"),
            "path": path,
            "line": line,
            "frames": self._frames,
        }


def frames(trace: Any) -> list[tuple[str, int, str]]:
    """The lines of the repository in a traceback, outermost first."""
    found = [(inside(entry.filename), entry.lineno or 0, entry.name) for entry in traceback.extract_tb(trace)]
    return [frame for frame in found if frame[0]][-FRAMES:]


def bounded(text: str) -> str:
    """At most about MESSAGE characters, from both ends."""
    half = MESSAGE // 2
    return text if len(text) <= MESSAGE else f"{text[:half]}\n[...]\n{text[-half:]}"


def inside(path: str) -> str:
    """A path relative to the repository, or "" for a path outside it."""
    relative = os.path.relpath(path) if path else ".."
    return "" if relative.startswith("..") else relative
