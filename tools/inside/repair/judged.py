"""A pytest session that decides as the cold run does, because it is made of the same plugins and options.

Differences, none of which changes a verdict: it stops at the first test that does not pass, it formats no
messages, it takes no snapshot of the test machinery, and the process that forked it is its watchdog.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from .apart import Apart
from .behaviour import outcomes
from .children import Link
from .inputs import Recorder
from .nest import FRESH, Limits
from .values import Observer

if TYPE_CHECKING:
    import pytest

    from tools.inside import deadline, pytest_guard, pytest_plugin, pytest_run, raised_in
else:
    # By the names and on the path with which the cold run imports them, whose first entry is our folder.
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120
    import deadline
    import pytest
    import pytest_guard
    import pytest_plugin
    import pytest_run
    import raised_in

    sys.path[0] = os.getcwd()  # noqa: PTH109
    # Programs that multiprocessing spawns import the main module again: the same one as in a cold run.
    sys.modules["__main__"].__file__ = pytest_run.MAIN

GOOD = ("passed", "xpassed")
ENOUGH_HUNG = 2
GRACE = 2.0  # seconds, for a call that does not heed its limit
# Hooks that are given the text of a failure.
REPORTING = (
    "pytest_runtest_makereport",
    "pytest_runtest_logreport",
    "pytest_exception_interact",
    "pytest_report_teststatus",
    "pytest_report_to_serializable",
)
Stage = str
"""Where a session pauses to be forked: "bare" (pytest is imported), "started" (so are its installed plugins),
"configured" (conftest files are loaded), "collected" (test modules are imported)."""


class _Guard(pytest_guard.Integrity):
    """Knows the control tests; looks at nothing else."""

    def remember(self) -> None:
        pass

    def check(self) -> None:
        pass

    def plugin_files(self) -> list[str]:
        return []


class _Deadline(deadline.Deadline):
    """Bounds the CPU time of all that it limits. What runs in C code only is not waited for long: some
    candidates compute numbers of millions of digits."""

    cpu = 0.0
    slack = 3.0

    def arm(self, seconds: float, computing: float = 0.0, starving: float = deadline.MOST_STARVED) -> None:
        super().arm(seconds, min(filter(None, (computing, self.cpu)), default=0.0), starving)


class _Report(pytest_plugin.Report):
    """Says of a test only how it ended and where; at once when a phase has failed, if nobody else may still
    change that."""

    final = False

    def pytest_collectstart(self, collector: Any) -> None:
        if _unread(collector.config.pluginmanager, ("pytest_make_collect_report",)):
            collector.repr_failure = lambda _info: "failed"

    def _collected(self, report: Any) -> None:
        if report.failed:
            self._reporter.emit("uncollected", id=report.nodeid)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Iterator[None]:
        yield from super().pytest_runtest_makereport(item, call)
        if self.final and self._phases[-1][1].outcome == "failed" and not self._guard.is_ours(item):
            self._reporter.emit("finish", id=item.nodeid, **self._verdict(0.0))

    def _verdict(self, seconds: float) -> dict[str, Any]:
        outcome, _, raised = pytest_plugin._outcome(self._phases)
        if self._deadline.rang:
            return {"outcome": "timeout", "kind": "", "where": [], "seconds": seconds}
        kind = raised.typename if raised is not None else ""
        return {"outcome": outcome, "kind": kind, "where": _last_frame(raised), "seconds": seconds}


def _last_frame(raised: Any) -> list[tuple[str, int, str]]:
    """What the cold run reports as the last line of the repository that the exception passed, or nothing."""
    for entry in reversed(list(raised.traceback)[-raised_in.FRAMES :] if raised is not None else []):
        path = raised_in.inside(entry.path)
        if path:
            return [(path, entry.lineno + 1, entry.name)]
    return []


class _Pause:
    """Hands the process over at one point; whoever returns from there goes on with the session."""

    def __init__(
        self, stage: Stage, at: Callable[[Any], None], begin: Callable[[], None], report: _Report
    ) -> None:
        """`begin` is called in the process that goes on to run the tests."""
        self._stage, self._at, self._begin, self._report = stage, at, begin, report

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: Any) -> None:
        if self._stage == "configured":
            self._at(session)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: Any) -> None:
        if _unread(session.config.pluginmanager, REPORTING):
            self._report.final = True
            for item in session.items:
                item.repr_failure = lambda _info: "failed"
                item.location  # noqa: B018 (worked out once, for all forks)
        if self._stage == "collected":
            self._at(session)
        self._begin()


def _unread(manager: Any, hooks: tuple[str, ...]) -> bool:
    """Whether no plugin but pytest's own and ours is called by these hooks, so that nobody misses the text of
    a failure: formatting it takes longer than the test."""
    known = ("_pytest", pytest_plugin.__name__, __name__)
    return all(
        type(found.plugin).__module__.startswith(known)
        or getattr(found.plugin, "__name__", "").startswith(known)
        for name in hooks
        for found in getattr(manager.hook, name).get_hookimpls()
    )


class Session:
    """One session on `wanted`, which are ids, or names of files whose tests are not known (see
    `pytest_plugin.ids_of`). It ends the process, with an answer through the link:

    {"verdict": "passed", "failed" or "timeout", "tests": {id: {"outcome", "kind", "where", "seconds"}},
    "status": pytest's, or None when a test decided before the end, "why": what decided}.

    It can be asked something else, too: {"record": {"functions": ..., "most": ...}} adds "calls" to the
    answer (see `inputs.Recorder`); to {"outcomes": {...}} (see `behaviour.outcomes`) the answer is
    {"verdict": "passed", "outcomes": digests, "agrees": share}, and no test is run; {"values": probes} adds
    "same", the candidates that change nothing (see `values`); with {"apart": names of files} the verdict is
    "unfit" when the tests do anything that other tests at the same time, or the content of these files, could
    matter to.
    """

    def __init__(self, wanted: list[str], limits: Limits, visible: str, hidden: str) -> None:
        """`visible`, `hidden`: folders for pytest's cache and for the control tests."""
        self._wanted, self._limits = wanted, limits
        self._visible, self._hidden = visible, hidden
        self._tests: dict[str, dict[str, Any]] = {}
        self._link: Link | None = None
        self._clock: _Deadline | None = None
        self._thorough, self._hung = False, 0
        self._question: dict[str, Any] = {}
        self._recorder: Recorder | None = None
        self._observer: Observer | None = None
        self._apart: Apart | None = None

    def connect(
        self, link: Link, thorough: bool, limits: Limits, question: dict[str, Any] | None = None
    ) -> None:
        """This process answers through the link; `thorough`: only after every test was run, or ENOUGH_HUNG of
        them hung. In a session that has begun, only the limit on CPU time still counts."""
        self._link, self._thorough, self._limits = link, thorough, limits
        if self._clock is not None:
            self._clock.cpu = limits.cpu
        self._question = question or {}

    def begin(self) -> None:
        """All is imported, and the first test comes next."""
        if "outcomes" in self._question:
            assert self._link is not None
            asked = self._question["outcomes"]
            self.watch(asked["seconds"] + GRACE)
            digests, agrees = outcomes(**_as_tuples(asked))
            self._link.answer({"verdict": "passed", "outcomes": digests, "agrees": agrees})
        if "record" in self._question:
            self._recorder = Recorder(**_as_tuples(self._question["record"]))
            self._recorder.begin()
        if "apart" in self._question:
            self._apart = Apart(self._question["apart"])
            self._apart.begin()

    def watch(self, seconds: float) -> None:
        """What the plugin tells its watchdog goes to the process that forked us."""
        if self._link is not None:
            self._link.watch(seconds)

    def run(self, stage: Stage, at: Callable[[Any], None]) -> None:
        """Run; `at` is called when the stage is reached. Never returns in a process that `at` returns in."""
        if stage == "started":
            warm_up()
        if stage in FRESH:
            at(None)
            if "values" in self._question:  # before anything is imported: that is part of what tests see
                self._observer = Observer(self._question["values"])
                self._observer.begin()
        canaries = pytest_guard.Canaries(tempfile.mkdtemp(dir=self._hidden))
        guard = _Guard(canaries)
        watchdog: Any = self
        reporter: Any = self
        self._clock = clock = _Deadline(reporter, watchdog)
        clock.cpu = self._limits.cpu
        parameters = {
            "ids": self._wanted,
            "per_test_seconds": self._limits.test,
            "hanging": {},
            "computing_seconds": 0.0,
            "collect_seconds": self._limits.collect,
        }
        report = _Report(parameters, reporter, clock, guard)
        ours = [pytest_plugin.Options(guard, pytest_run.ignored_options()), report, canaries]
        sys.argv = ["pytest"]
        status = int(
            pytest.main(
                pytest_run.options(self._visible), plugins=[*ours, _Pause(stage, at, self.begin, report)]
            )
        )
        broken = canaries.broken()
        passed = status == 0 and not broken and all(map(self._good, self._wanted))
        self._leave("passed" if passed else "failed", broken[0] if broken else "the end", status)

    def emit(self, event: str, **fields: Any) -> None:
        """What the plugin reports."""
        if event == "collected":
            ids = dict.fromkeys(fields["ids"])
            found = [pytest_plugin.ids_of(name, ids) for name in self._wanted]
            if not all(found) or set(ids) != {test for tests in found for test in tests}:
                self._leave("failed", "other tests were collected")
        elif event == "uncollected":
            self._leave("failed", f"{fields['id']} cannot be collected")
        elif event == "finish":
            test = fields.pop("id")
            self._tests[test] = fields
            self._hung += fields["outcome"] == "timeout"
            enough = not self._thorough or self._hung == ENOUGH_HUNG
            if enough and fields["outcome"] not in GOOD:
                self._leave("timeout" if fields["outcome"] == "timeout" else "failed", test)

    def _good(self, name: str) -> bool:
        tests = pytest_plugin.ids_of(name, self._tests)
        return bool(tests) and all(self._tests[test]["outcome"] in GOOD for test in tests)

    def _leave(self, verdict: str, why: str, status: int | None = None) -> None:
        if self._link is None:
            os._exit(0)  # nobody asked yet: this process does not get to the stage it was to be forked at
        answer: dict[str, Any] = {"verdict": verdict, "tests": self._tests, "status": status, "why": why}
        if self._recorder is not None:
            answer["calls"] = self._recorder.end()
        if self._apart is not None and self._apart.broken:
            answer = {"verdict": "unfit", "why": f"not apart: {self._apart.broken}"}
        if self._observer is not None:
            same, cut = self._observer.end(), any(t["outcome"] == "timeout" for t in self._tests.values())
            answer["same"] = [] if cut else same  # what was cut short might have made a difference later
        self._link.answer(answer)


def _as_tuples(question: dict[str, Any]) -> dict[str, Any]:
    """The question with functions as they were before JSON made lists of them."""
    return {**question, "functions": {key: tuple(row) for key, row in question["functions"].items()}}


def warm_up() -> None:
    """Import pytest's installed plugins by running it on nothing."""
    with tempfile.TemporaryDirectory() as empty:
        pytest.main(["-q", "-p", "no:cacheprovider", "-c", os.devnull, f"--rootdir={empty}", empty])


def modules_below(root: str) -> list[str]:
    """Names of loaded modules whose files belong to the repository (not to an environment inside it)."""
    found = []
    for name, module in list(sys.modules.items()):
        path = os.path.realpath(getattr(module, "__file__", None) or "")
        if path.startswith(root + os.sep) and "-packages" + os.sep not in path:
            found.append(name)
    return found


def captured_files(session: Any) -> list[tuple[int, int]]:
    """Pairs (descriptor of a capture file, descriptor that is redirected to it) of a session. Raises
    AttributeError when this pytest keeps them elsewhere."""
    streams = session.config.pluginmanager.getplugin("capturemanager")._global_capturing
    return [(each.tmpfile.fileno(), each.targetfd) for each in (streams.out, streams.err)]


def own_capture(files: list[tuple[int, int]]) -> None:
    """Captured output of this process goes to files of its own, under the same descriptors: forks share the
    position in a file, and what one of them left there."""
    for kept, redirected in files:
        fresh = os.memfd_create("capture")
        os.dup2(fresh, kept)
        os.dup2(fresh, redirected)
        os.close(fresh)
