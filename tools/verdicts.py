"""What a run of the tests said, what a verdict is keyed by, and when a fix counts (hard rules 4 and 5).

Pure: no sandbox, no files, no clock.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal


class VerdictOutcome(StrEnum):
    """How one test ended. `error`: outside the test's own body, or it ended the process."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    TIMEOUT = "timeout"
    SKIPPED = "skipped"
    XFAILED = "xfailed"
    XPASSED = "xpassed"


BAD = frozenset({VerdictOutcome.FAILED, VerdictOutcome.ERROR, VerdictOutcome.TIMEOUT})
GOOD = frozenset({VerdictOutcome.PASSED, VerdictOutcome.XPASSED})


@dataclass(frozen=True)
class Frame:
    """A line of the repository that an exception passed through (outermost first)."""

    path: str
    line: int
    function: str


@dataclass(frozen=True)
class Verdict:
    """One test's outcome. `message` is untrusted; `path`, `line` say where it failed ("", 0: unknown)."""

    id: str
    outcome: VerdictOutcome
    seconds: float = 0.0
    message: str = ""
    path: str = ""
    line: int = 0
    frames: tuple[Frame, ...] = ()

    @property
    def passed(self) -> bool:
        return self.outcome in GOOD

    @property
    def bad(self) -> bool:
        """Failed, broken or too slow (skipped and xfailed are neither bad nor passed)."""
        return self.outcome in BAD


@dataclass(frozen=True)
class Shortage:
    """What a process ran out of, such as one that collects; `seconds`: how long it took, for time."""

    of: Literal["memory", "time", "disk"]
    seconds: float = 0.0

    @property
    def words(self) -> str:
        """What it did, to follow its subject."""
        if self.of == "time":
            return f"took longer than {self.seconds:.0f} s"
        return "ran out of memory" if self.of == "memory" else "filled the disk of the sandbox"


@dataclass(frozen=True)
class SuiteRun:
    """What a run of some or all tests said.

    `collected` are the ids in collection order; `complete` is False, with the reason in `problem`, when
    the report is missing, partial, early or contradicts itself: such a run proves nothing.
    `collection_errors` maps a file to why it did not collect, `short` a file ("" for all there is) to what
    that ran out of, `implicated` a file to those of the repository in which an edit could make it collect
    (untrusted: what was raised passed through them). `altered` names parts of the test machinery
    that were changed while the tests ran, `plugins` the pytest plugins in use, `plugin_files` the files of
    the repository among them. `output` is the end of what the run printed (untrusted). `exit_code` is that
    of the last process.
    """

    collected: tuple[str, ...]
    verdicts: Mapping[str, Verdict]
    complete: bool
    problem: str = ""
    seconds: float = 0.0
    exit_code: int | None = None
    deselected: tuple[str, ...] = ()
    collection_errors: Mapping[str, str] = field(default_factory=dict)
    short: Mapping[str, Shortage] = field(default_factory=dict)
    implicated: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    altered: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()
    plugin_files: tuple[str, ...] = ()
    output: str = ""

    @property
    def failing(self) -> tuple[str, ...]:
        """Ids with a bad outcome, in collection order."""
        return tuple(i for i in self.collected if i in self.verdicts and self.verdicts[i].bad)

    def passed(self, name: str) -> bool:
        """Whether there are tests of this name, and every one of them passed (see `ids_of`)."""
        tests = (name,) if name in self.verdicts else ids_of(name, self.collected)
        return bool(tests) and all(test in self.verdicts and self.verdicts[test].passed for test in tests)


def ids_of(name: str, ids: Collection[str]) -> tuple[str, ...]:
    """The tests that a name stands for: the one with this id, else all that are in it, which is a file, a
    class or a parametrised test. A target has such a name where its file did not collect on the base, so
    that nobody knows its tests."""
    if name in ids:
        return (name,)
    return tuple(test for test in ids if test.startswith((f"{name}::", f"{name}[")))


@dataclass(frozen=True)
class VerdictKey:
    """What a verdict depends on (hard rule 5): the same key is never bought twice.

    `tree` is the tree hash, `ids` the ordered ids (None: the whole suite), `limits` name -> number.
    """

    tree: str
    ids: tuple[str, ...] | None
    command: str
    image: str
    interpreter: str
    limits: tuple[tuple[str, float], ...]
    backend: str
    mode: Literal["cold", "fork"]

    @property
    def digest(self) -> str:
        """SHA-256 over an unambiguous encoding of every part."""
        parts = [self.tree, self.ids, self.command, self.image, self.interpreter]
        encoded = json.dumps([*parts, sorted(self.limits), self.backend, self.mode])
        return hashlib.sha256(encoded.encode()).hexdigest()


@dataclass(frozen=True)
class Counts:
    """How many tests: in all, passing after, bad after, fixed beside the targets, and failing as before."""

    collected: int
    passed: int
    bad: int
    fixed: int
    still_bad: int


@dataclass(frozen=True)
class Judgement:
    """Whether a run after the edits proves the fix, and if not, every reason in plain words."""

    fixed: bool
    reasons: tuple[str, ...]
    counts: Counts


def judge(
    baseline: SuiteRun, after: SuiteRun, targets: Sequence[str], flaky: Collection[str] = ()
) -> Judgement:
    """Compare the whole suite before and after (hard rule 4). `flaky`: tests that fail on the base as well,
    sometimes, and pass with the edits, sometimes: what one run says of them is no regression.

    Fixed means: the report is complete, the same ids are collected (a file that did not collect before may
    bring new ones), every target passes, nothing that passed now fails, is skipped, xfailed, deselected or
    missing, and the test machinery was not altered more than on the base. What failed before and still
    fails is allowed and counted. A target whose file did not collect before passes when there are tests of
    its name (see `ids_of`) and each of them passes: what is skipped may be so because of the fix.
    """
    regressed = regressions(baseline, after, targets)
    reasons = [
        *_report_reasons(baseline, after),
        *_collection_reasons(baseline, after),
        *_target_reasons(baseline, after, targets),
        *(f"{test} passed before and now {_state(after, test)}" for test in regressed if test not in flaky),
        *(
            f"the test machinery was altered: {what}"
            for what in after.altered
            if what not in baseline.altered
        ),
        *(f"a pytest plugin was added: {name}" for name in after.plugins if name not in baseline.plugins),
    ]
    return Judgement(not reasons, tuple(reasons), _counts(baseline, after, targets))


def _report_reasons(baseline: SuiteRun, after: SuiteRun) -> list[str]:
    reasons = []
    if not baseline.complete:
        reasons.append(f"the report on the base is not complete: {baseline.problem or 'no reason given'}")
    if not after.complete:
        reasons.append(f"the report is not complete: {after.problem or 'no reason given'}")
    return reasons


def _collection_reasons(baseline: SuiteRun, after: SuiteRun) -> list[str]:
    reasons = [
        f"{where} no longer collects"
        for where in after.collection_errors
        if where not in baseline.collection_errors
    ]
    before, now = set(baseline.collected), set(after.collected)
    if missing := [i for i in baseline.collected if i not in now]:
        gone = "deselected" if set(missing) & set(after.deselected) else "no longer collected"
        reasons.append(f"{_some(missing)} {gone}")
    # A file that did not collect on the base had no ids there; the fix is what brings them.
    healed = [where for where in baseline.collection_errors if where not in after.collection_errors]
    added = [i for i in after.collected if i not in before and not _belongs_to(i, healed)]
    if added:
        reasons.append(f"{_some(added)} not collected on the base")
    if not (missing or added) and [i for i in after.collected if i in before] != list(baseline.collected):
        reasons.append("the tests were collected in another order")
    return reasons


def _belongs_to(test: str, files: Iterable[str]) -> bool:
    return any(test == file or test.startswith((f"{file}::", f"{file}/")) for file in files)


def _target_reasons(baseline: SuiteRun, after: SuiteRun, targets: Sequence[str]) -> list[str]:
    if not targets:
        return ["no test was asked about"]
    before = set(baseline.collected)
    tests = {
        target: (target,) if target in before else ids_of(target, after.collected) or (target,)
        for target in targets
    }
    return [
        f"{test} {_state(after, test)}"
        for test in dict.fromkeys(test for each in tests.values() for test in each)
        if test not in after.verdicts or after.verdicts[test].outcome is not VerdictOutcome.PASSED
    ]


def regressions(baseline: SuiteRun, after: SuiteRun, targets: Sequence[str]) -> tuple[str, ...]:
    """The tests beside the targets that passed before and do not now."""
    asked = set(targets)
    return tuple(
        test
        for test in baseline.collected
        if test not in asked and baseline.passed(test) and not after.passed(test)
    )


def _state(run: SuiteRun, test: str) -> str:
    verdict = run.verdicts.get(test)
    if verdict is None and test.split("::")[0] in run.collection_errors:
        return "cannot be collected"
    if verdict is None:
        return "is deselected" if test in run.deselected else "has no verdict"
    words = {
        VerdictOutcome.FAILED: "fails",
        VerdictOutcome.ERROR: "ends in an error",
        VerdictOutcome.TIMEOUT: "takes too long",
        VerdictOutcome.SKIPPED: "is skipped",
        VerdictOutcome.XFAILED: "is marked as an expected failure",
        VerdictOutcome.XPASSED: "passes although marked as an expected failure",
        VerdictOutcome.PASSED: "passes",
    }
    return words[verdict.outcome]


def _counts(baseline: SuiteRun, after: SuiteRun, targets: Sequence[str]) -> Counts:
    was_bad = set(baseline.failing)
    asked = set(targets)
    return Counts(
        collected=len(after.collected),
        passed=sum(verdict.passed for verdict in after.verdicts.values()),
        bad=len(after.failing),
        fixed=sum(test in was_bad and test not in asked and after.passed(test) for test in after.collected),
        still_bad=sum(test in was_bad and test not in asked for test in after.failing),
    )


def _some(tests: Sequence[str]) -> str:
    shown = ", ".join(tests[:3])
    more = f" and {len(tests) - 3} more" if len(tests) > 3 else ""
    return f"{shown}{more} {'is' if len(tests) == 1 else 'are'}"
