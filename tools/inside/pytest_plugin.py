"""Our pytest plugins: one that keeps the repository's options from breaking the run, one that reports."""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tools.inside import raised_in
    from tools.inside.deadline import Deadline
    from tools.inside.pytest_guard import Integrity
    from tools.inside.report_writer import Reporter
else:
    import raised_in

MESSAGE = 20_000
MESSAGE_WHEN_MANY = 2_000
MANY = 100
CAPTURED = 2_000
LEAST_PATIENCE, LEAST_COMPUTING, VERY_MUCH = 3.0, 1.0, 10.0
"""Seconds of wall time, of CPU time, and times the slowest test that passed."""

TEARDOWN = 10.0

# Options that stop a run early, spread it over processes, reorder it or make failures vanish.
NEUTRAL: dict[str, Any] = {
    "maxfail": 0, "stepwise": False, "stepwise_skip": False, "lf": False, "failedfirst": False,
    "newfirst": False, "usepdb": False, "trace": False, "setuponly": False, "setupplan": False,
    "numprocesses": None, "dist": "no", "tx": [], "forked": False, "looponfail": False,
    "reruns": 0, "flaky_report": False, "force_flaky": False, "randomly_reorganize": False,
    "random_order": False, "cov_source": [], "no_cov": True,
}  # fmt: skip

# Options of plugins that repositories often name in addopts: option -> number of values ("?": optional).
OPTIONS_OF: dict[str, dict[str, Any]] = {
    "pytest_cov": {
        "--cov": "?", "--cov-report": 1, "--cov-config": 1, "--no-cov": 0, "--cov-branch": 0,
        "--cov-fail-under": 1, "--cov-append": 0, "--cov-context": 1, "--no-cov-on-fail": 0,
    },
    "xdist": {"--numprocesses": 1, "-n": 1, "--dist": 1, "--maxprocesses": 1, "--max-worker-restart": 1},
    "pytest_rerunfailures": {"--reruns": 1, "--reruns-delay": 1, "--only-rerun": 1},
    "pytest_timeout": {"--timeout": 1, "--timeout-method": 1},
    "pytest_randomly": {"--randomly-seed": 1, "--randomly-dont-reorganize": 0},
    "pytest_benchmark": {"--benchmark-skip": 0, "--benchmark-disable": 0},
}  # fmt: skip


class Ignored:
    """Accepts options of plugins that are not installed, and ignores them."""

    def __init__(self, ignored: dict[str, Any]) -> None:
        self._ignored = ignored

    def pytest_addoption(self, parser: pytest.Parser) -> None:
        group = parser.getgroup("options of plugins that are not installed")
        for option, values in self._ignored.items():
            how: dict[str, Any] = {"action": "store_true"} if values == 0 else {"action": "append"}
            if values == "?":
                how["nargs"] = "?"
            # addoption refuses short lower-case options, which -n of xdist is.
            group._addoption(option, dest=f"ignored_{option.strip('-')}", help="ignored", **how)


class Options(Ignored):
    """Neutralises options of the repository that would break the run, and takes the second snapshot."""

    def __init__(self, guard: Integrity, ignored: dict[str, Any]) -> None:
        super().__init__(ignored)
        self._guard = guard

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_load_initial_conftests(self, early_config: pytest.Config) -> Iterator[None]:
        self._guard.remember()
        _neutralise(early_config.known_args_namespace)
        yield

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> Iterator[None]:
        _neutralise(config.option)
        yield


def _neutralise(namespace: Any) -> None:
    for name, value in NEUTRAL.items():
        if hasattr(namespace, name):
            setattr(namespace, name, value)


class Report:
    """Selects the wanted tests, limits their time and reports what became of each."""

    def __init__(
        self, parameters: dict[str, Any], reporter: Reporter, deadline: Deadline, guard: Integrity
    ) -> None:
        ids = parameters["ids"]
        self._wanted: frozenset[str] | None = None if ids is None else frozenset(ids)
        self._files = None if ids is None else {test.split("::")[0] for test in ids}
        self._seconds: float = parameters["per_test_seconds"]
        self._hanging: dict[str, float] = parameters["hanging"]
        self._computing: float = parameters["computing_seconds"]
        self._collect_seconds: float = parameters["collect_seconds"]
        self._reporter = reporter
        self._deadline = deadline
        self._guard = guard
        self._phases: list[tuple[str, Any, Any]] = []
        self._deselected: list[str] = []
        self._errors: list[dict[str, Any]] = []
        self._implicated: dict[str, list[str]] = {}
        self._failures = 0
        self._until = 0.0
        self._allowed = self._seconds
        self._hung = False
        self._slowest = 0.0  # seconds, of the tests that passed

    # Collection

    @pytest.hookimpl(tryfirst=True)
    def pytest_ignore_collect(self, collection_path: Any, config: pytest.Config) -> bool | None:
        if self._files is None or collection_path.name == "__init__.py":
            return None
        relative = os.path.relpath(collection_path, config.rootpath).replace(os.sep, "/")
        if collection_path.is_dir():
            wanted = relative == "." or any(file.startswith(f"{relative}/") for file in self._files)
        else:
            wanted = relative in self._files
        return None if wanted or relative.startswith("..") else True

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_make_collect_report(self) -> Iterator[None]:
        self._deadline.begin(self._collect_seconds)
        # What it leaves of the run's time is little, and the file at fault is to be named within it.
        self._deadline.arm(self._collect_seconds, starving=0.0)
        outcome: Any = yield
        self._deadline.disarm()
        self._deadline.end()
        if outcome.excinfo is None:  # pytest.exit and the like end the session
            self._collected(outcome.get_result())

    def _collected(self, report: Any) -> None:
        """A folder, a file or a class was looked into. Its exception is in no later report."""
        raised = getattr(getattr(report, "call", None), "excinfo", None)
        if report.failed and raised is not None:
            self._implicated[report.nodeid] = raised_in.implicated(raised.value)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            limit = MESSAGE if len(self._errors) < MANY else MESSAGE_WHEN_MANY
            message = _bounded(report.longreprtext, limit)
            sources = self._implicated.get(report.nodeid, [])
            self._errors.append({"id": report.nodeid, "message": message, "sources": sources})

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        self._deselected += [item.nodeid for item in items]

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Iterator[None]:
        yield
        if self._wanted is not None:
            ids = {item.nodeid: None for item in items}
            chosen = {test for name in self._wanted for test in ids_of(name, ids)}
            items[:] = [item for item in items if item.nodeid in chosen]

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Iterator[None]:
        ids = [item.nodeid for item in session.items]
        files = {str(getattr(item, "path", "")) for item in session.items}
        self._guard.remember_session(session.config.pluginmanager, files)
        plugins = self._guard.plugin_files()
        self._reporter.emit(
            "collected", ids=ids, deselected=self._deselected, errors=self._errors, plugins=plugins
        )
        if not ids:  # what pytest itself alters is seen in mid-run only, and no test is going to run
            self._guard.check()
        yield
        self._deadline.end()

    # One test

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
        ours = self._guard.is_ours(item)
        self._phases = []
        self._allowed = self._patience(item.nodeid)
        self._deadline.begin(self._allowed)
        self._until = time.perf_counter() + self._allowed
        if not ours:
            self._reporter.emit("start", id=item.nodeid)
        started = time.perf_counter()
        outcome: Any = yield
        # An exception here (KeyboardInterrupt, pytest.exit) ends the session: the test stays unfinished.
        if ours or outcome.excinfo is not None:
            return
        seconds = time.perf_counter() - started
        verdict = self._verdict(seconds)
        self._reporter.emit("finish", id=item.nodeid, **verdict)
        self._hung = self._hung or self._deadline.rang
        if verdict["outcome"] == "passed":
            self._slowest = max(self._slowest, seconds)
        if self._deadline.rang or any(
            raised and raised.errisinstance(MemoryError) for *_, raised in self._phases
        ):
            self._phases = []
            _let_go()
        # Once per file: a check costs about a millisecond, and what stays altered is found all the same.
        if nextitem is None or nextitem.parent is not item.parent:
            self._guard.check()

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_setup(self) -> Iterator[None]:
        yield from self._limited(self._allowed)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_call(self) -> Iterator[None]:
        yield from self._limited(self._until - time.perf_counter())

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Iterator[None]:
        yield from self._limited(max(self._until - time.perf_counter(), min(self._allowed, TEARDOWN)))

    def _patience(self, test: str) -> float:
        """Seconds for the next test. Once one has used up the whole limit, others that take very much longer
        than those that pass are taken to hang as well: one cause often makes many tests hang."""
        seconds = self._hanging.get(test, self._seconds)
        if not self._hung:
            return seconds
        return min(seconds, max(LEAST_PATIENCE, VERY_MUCH * self._slowest))

    def _limited(self, seconds: float) -> Iterator[None]:
        very_much = max(LEAST_COMPUTING, VERY_MUCH * self._slowest) if self._hung else 0.0
        self._deadline.arm(seconds, min(filter(None, (self._computing, very_much)), default=0.0))
        yield
        self._deadline.disarm()

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: Any) -> Iterator[None]:
        raised = call.excinfo  # before any other plugin can take it away
        outcome: Any = yield
        report = outcome.get_result()
        if raised is not None and report.outcome == "passed":
            self._guard.note(f"{item.nodeid} raised {raised.typename} and was reported as passed")
        self._phases.append((call.when, report, raised))
        self._guard.saw(item, call.when, report.outcome)

    def _verdict(self, seconds: float) -> dict[str, Any]:
        outcome, report, raised = _outcome(self._phases)
        if self._deadline.rang:
            outcome = "timeout"
        if outcome in ("failed", "error", "timeout"):
            self._failures += 1
        many = self._failures > MANY
        message = "" if report is None else _message(report, MESSAGE_WHEN_MANY if many else MESSAGE)
        frames = _frames(raised)
        crash = getattr(getattr(report, "longrepr", None), "reprcrash", None)
        path, line = raised_in.inside(getattr(crash, "path", "")), int(getattr(crash, "lineno", 0) or 0)
        if frames and not path:
            path, line, _ = frames[-1]
        return {
            "outcome": outcome,
            "seconds": seconds,
            "message": message or ("no phase of this test was reported" if not self._phases else ""),
            "path": path,
            "line": line if path else 0,
            "frames": [] if many else frames,
        }


def ids_of(name: str, ids: Mapping[str, object]) -> list[str]:
    """The tests that a name stands for: the one with this id, else all that are in it, which is a file, a
    class or a parametrised test."""
    return [name] if name in ids else [test for test in ids if test.startswith((f"{name}::", f"{name}["))]


def _let_go() -> None:
    """Free what the traceback of a failure holds on to: a loop that filled the memory would otherwise make
    the next test fail, which is healthy."""
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        if hasattr(sys, name):
            delattr(sys, name)
    gc.collect()


def _outcome(phases: list[tuple[str, Any, Any]]) -> tuple[str, Any, Any]:
    """The outcome of a test, and the report and exception that explain it (None when it passed)."""
    for when, report, raised in phases:
        if report.outcome == "failed":
            return ("failed" if when == "call" else "error"), report, raised
    for _, report, raised in phases:
        if report.outcome == "skipped":
            return ("xfailed" if hasattr(report, "wasxfail") else "skipped"), report, raised
    called = [report for when, report, _ in phases if when == "call"]
    if not called:
        return "error", None, None
    return ("xpassed" if hasattr(called[-1], "wasxfail") else "passed"), None, None


def _message(report: Any, limit: int) -> str:
    parts = [_bounded(report.longreprtext, limit)]
    if report.outcome == "failed":
        for stream, text in (("stdout", report.capstdout), ("stderr", report.capstderr)):
            if text:
                cut = "..." if len(text) > CAPTURED else ""  # by which a redactor knows of it
                parts.append(f"--- captured {stream} ---\n{cut}{text[-CAPTURED:]}")
    return "\n".join(parts)


def _bounded(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit // 2]}\n[...]\n{text[-limit // 2 :]}"


def _frames(raised: Any) -> list[tuple[str, int, str]]:
    if raised is None:
        return []
    found = [
        (raised_in.inside(entry.path), entry.lineno + 1, entry.name)
        for entry in list(raised.traceback)[-raised_in.FRAMES :]
    ]
    return [frame for frame in found if frame[0]]
