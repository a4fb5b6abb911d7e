"""What a candidate's tests say, by the fastest way that says what a cold run would.

1. In a fork of a process that has imported everything ("hot"), where the candidate changes only bodies of
   functions: their code is replaced in the fork.
2. In a fork of a process that has loaded conftest files and plugins, or pytest alone ("fork"), which imports
   the candidate from disk. It confirms every pass, and every failure of a kind that only way 1 has seen.

What none of them can tell is "unsafe": a cold run must. Nothing here is ever more than a hint: a fix counts
only by the cold verification in a fresh tree.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .nest import FRESH, Limits, Nest
from .tree import Edits, Tree, inside
from .values import Probe

if TYPE_CHECKING:
    from .judged import Session

BASE = -1  # the tree as it is
RESERVE_SECONDS = 0.5
LANES = min(2, os.cpu_count() or 1)
LEAST_TOGETHER = 0.3
"""Where fewer can be told beside others, they are not tried so any more."""

SPOILED = "the tests changed files of the tree"
TARGETS, AFFECTED, WITNESSES = "targets", "affected", "witnesses"

Row = tuple[str, str, int]
"""How a test ended and the last line of the repository that its exception passed: (outcome, path, line)."""


@dataclass(frozen=True)
class Screened:
    """`verdict`: passed, failed, timeout, died, unsafe, or late (time was up: nothing is known). `mode`: hot
    or fork. `why`: the deciding test, or what is unsafe. `broke`: the targets passed, another test did not.
    `unconfirmed`: it passed hot, and not from disk. `moved`: it fails, later or otherwise than the tree as it
    is."""

    verdict: str
    mode: str = "fork"
    why: str = ""
    broke: bool = False
    unconfirmed: bool = False
    moved: bool = False


class Screener:
    """Candidates of one tree and one list of target tests. `contents(n)` is what candidate n writes,
    `originals` what those files held before. `brief`: limits for a first look at a candidate, which may be
    lower than `limits`, which hold for all else. `witnesses`: tests that fail as well, for the same cause as
    it seems; no candidate has to make them pass."""

    def __init__(
        self,
        tree: Tree,
        scratch: str,
        targets: list[str],
        affected: list[str],
        limits: Limits,
        memory_bytes: int,
        contents: Callable[[int], Edits],
        originals: dict[str, bytes],
        finish_by: float,
        witnesses: Sequence[str] = (),
    ) -> None:
        """`scratch`: a folder of ours with the folders `visible` and `hidden`."""
        self.tree, self._root, self._scratch = tree, tree.root, scratch
        self._tests = {TARGETS: targets, AFFECTED: affected, WITNESSES: list(witnesses)}
        self.limits = self.brief = limits
        self._healed: dict[int, bool] = {}
        self._memory_bytes, self._contents, self._originals = memory_bytes, contents, originals
        self._finish_by = finish_by
        self._nests: dict[tuple[str, str], Nest] = {}
        self._lanes: list[Nest] = []
        self._asked_together, self._together = 10, 10
        self._reference: dict[str, Row] = {}
        self._base: dict[str, Any] = {}
        self._known: set[str] = set()
        self._often_from_disk = False
        self._fresh = "started"
        self.has_affected, self.has_witnesses = bool(affected), bool(witnesses)

    def baseline(self, reference: Mapping[str, Row] | None) -> tuple[dict[str, Any], str]:
        """Run the targets on the tree as it is, in a fork that imports everything: (its answer, what differs
        from the reference or ""). Nests must show the same, or they are not used."""
        if self._nest("started").problem:
            self._fresh = "bare"
        answer = self._nest(self._fresh).run(BASE, self._left(), self.limits, thorough=True)
        self.tree.clean()
        self._base = answer
        rows = _rows(answer)
        self._reference = dict(rows if reference is None else reference)
        difference = "" if reference is None else _difference(rows, answer, reference)
        if self.tree.spoiled and not difference:
            difference = SPOILED
        return answer, difference

    @property
    def uncollected(self) -> bool:
        """Whether the targets cannot even be imported in the tree as it is."""
        return _uncollected(self._base)

    def warm_up(self) -> None:
        """Start the processes that candidates are forked from, which the first of them would wait for."""
        for stage in ("collected", "configured"):
            self._nest(stage)
        self._lanes = [
            self._nest("collected"),
            *(self._checked("collected", TARGETS) for _ in range(LANES - 1)),
        ]

    def ahead(self, numbers: list[int]) -> dict[int, Screened]:
        """What can be said of some of the candidates without writing them to the tree, several at a time:
        that they fail, in a way that is known. At most LANES of them."""
        if not self._lanes or self._lanes[0].problem:
            return {}  # the process that candidates are forked from is not trusted any more
        lanes = [lane for lane in self._lanes if not lane.problem]
        if self._together < LEAST_TOGETHER * self._asked_together:
            return {}
        started = []
        for number, lane in zip(numbers, lanes):  # noqa: B905 (newer than Python 3.9)
            names = list(self._contents(number))
            lane.ask(number, self._left(), self.brief, question={"apart": names})
            started.append((number, lane))
        found: dict[int, Screened] = {}
        for number, lane in started:
            hot = lane.answer(self._left())
            told = bool(hot.get("tests")) and hot["verdict"] in ("failed", "timeout")
            if told and _kind(hot, self._contents(number)) in self._known:
                found[number] = self._as_seen(hot)
            if not hot.get("why", "").startswith("it reaches"):
                self._asked_together += 1
                self._together += number in found
        return {} if self.tree.clean() else found

    def changing_nothing(self, asked: list[Probe]) -> frozenset[int]:
        """Candidates that were seen to change nothing that a target computes (see `probes`)."""
        answer = self.ask(BASE, {"values": asked})
        if _difference(_rows(answer), answer, self._reference):
            return frozenset()
        found = answer.get("same")
        return frozenset(found if isinstance(found, list) else ())

    def screen(self, number: int, *, patient: bool = True) -> Screened:
        """The verdict on one candidate, with brief limits unless `patient`. The tree is afterwards as it was,
        or `tree.spoiled` is set."""
        edits = self._contents(number)
        if not inside(self._root, edits):
            return Screened("unsafe", why="a path leads through a symbolic link")
        # Nests import the tree as it is, so they must be there before the candidate is.
        self._nest("collected")
        if self._often_from_disk:
            self._nest("configured")
        with self.tree.holding(edits):
            return self._targets_and_affected(number, self.limits if patient else self.brief)

    def ask(self, number: int, question: dict[str, Any], affected: bool = False) -> dict[str, Any]:
        """What a fork says to a question other than the verdict (see `judged.Session`), once it has imported
        the targets (or the affected tests) with the candidate in the tree (BASE: the tree as it is). Tests
        are recorded from disk: an audit hook stays in processes that were looked at, and slows it down."""
        edits = self._contents(number) if number >= 0 else {}
        nests = [self._nest(self._fresh, AFFECTED if affected else TARGETS)]
        if not affected and "outcomes" in question:
            nests.insert(0, self._nest("collected"))
        answer: dict[str, Any] = {}
        with self.tree.holding(edits):
            for nest in nests:
                answer = nest.run(number, self._left(), self.limits, thorough=True, question=question)
                if answer["verdict"] != "unfit":
                    break
        return answer

    def heals(self, number: int) -> bool:
        """Whether one of the witnesses passes with the candidate, imported from disk."""
        if number not in self._healed:
            nest = self._nest(self._fresh, WITNESSES)
            with self.tree.holding(self._contents(number)):
                answer = nest.run(number, self._left(), self.limits, thorough=True)
            self.tree.clean()
            self._healed[number] = any(outcome == "passed" for outcome, _, _ in _rows(answer).values())
        return self._healed[number]

    def _targets_and_affected(self, number: int, limits: Limits) -> Screened:
        edited = self._contents(number)
        hot = self._nest("collected").run(number, self._left(), limits)
        kind = _kind(hot, edited)
        if hot["verdict"] == "late" or (hot["verdict"] not in ("passed", "unfit") and kind in self._known):
            return self._as_seen(hot)
        if hot["verdict"] != "unfit" and self.tree.clean() and self.tree.spoiled:
            return Screened("unsafe", why=SPOILED)
        disk = self._from_disk(number, self.limits if hot["verdict"] == "passed" else limits)
        if hot["verdict"] not in ("passed", "unfit", "late") and disk["verdict"] not in ("late", "died"):
            if disk["verdict"] == "passed":
                self._nest("collected").problem = "it saw a failure where a fresh import passes"
            elif kind == _kind(disk, edited):
                self._known.add(kind)
        if disk["verdict"] == "died":
            return Screened("unsafe", why="the process under test ended")
        if disk["verdict"] != "passed":
            return Screened(
                disk["verdict"],
                why=disk.get("why", ""),
                unconfirmed=hot["verdict"] == "passed",
                moved=further(self._base, disk),
            )
        return self._and_affected(number)

    def _as_seen(self, hot: Mapping[str, Any]) -> Screened:
        return Screened(hot["verdict"], "hot", hot.get("why", ""), moved=further(self._base, hot))

    def _from_disk(self, number: int, limits: Limits) -> dict[str, Any]:
        if self._often_from_disk:
            answer = self._nest("configured").run(number, self._left(), limits)
            if answer["verdict"] != "unfit":
                return answer
        self._often_from_disk = True
        return self._nest(self._fresh).run(number, self._left(), limits)

    def _and_affected(self, number: int) -> Screened:
        if not self.has_affected:
            return Screened("passed")
        if self.tree.clean() and self.tree.spoiled:
            return Screened("unsafe", why=SPOILED)
        answer = self._nest(self._fresh, AFFECTED).run(number, self._left(), self.limits)
        if answer["verdict"] in ("passed", "late"):
            return Screened(answer["verdict"])
        # How these tests fare without the candidate was not compared with a cold run.
        return Screened("unsafe", why=answer.get("why", ""), broke=True)

    def _nest(self, stage: str, tests: str = TARGETS) -> Nest:
        """The nest at a stage, started when it is first needed and compared with the reference."""
        if (stage, tests) not in self._nests:
            self._nests[stage, tests] = self._checked(stage, tests)
        return self._nests[stage, tests]

    def _checked(self, stage: str, tests: str) -> Nest:
        """A new nest, whose first run shows what the reference does, or which has a problem."""
        nest = Nest(
            stage,
            self._session(self._tests[tests]),
            self._root,
            self._contents,
            self._originals,
            self._memory_bytes,
            self._finish_by,
        )
        wrote = self.tree.clean()
        if wrote and stage not in FRESH:
            nest.problem = nest.problem or "files are written while importing"
        if stage not in FRESH and not nest.problem:
            answer = nest.run(BASE, self._left(), self.limits, thorough=True)
            self.tree.clean()
            nest.problem = nest.problem or _difference(_rows(answer), answer, self._reference)
            self._known.add(_kind(answer, {}))
        return nest

    def _session(self, wanted: list[str]) -> Session:
        from .judged import Session

        return Session(wanted, self.limits, f"{self._scratch}/visible", f"{self._scratch}/hidden")

    def _left(self) -> float:
        return max(0.0, self._finish_by - RESERVE_SECONDS - time.monotonic())

    def close(self) -> None:
        for nest in {*self._nests.values(), *self._lanes}:
            nest.close()


def _rows(answer: Mapping[str, Any]) -> dict[str, Row]:
    rows: dict[str, Row] = {}
    for test, ended in (answer.get("tests") or {}).items():
        path, line = (ended["where"][0][:2]) if ended["where"] else ("", 0)
        rows[test] = (ended["outcome"], path, line)
    return rows


def _difference(rows: Mapping[str, Row], answer: Mapping[str, Any], reference: Mapping[str, Row]) -> str:
    """What a run shows that the reference does not, or "". A run that ended in mid-test is as it should be if
    one of the reference did, and one that was left because tests hung says nothing of those after them."""
    if answer["verdict"] in ("died", "timeout") and not rows:
        cut = any(outcome in ("error", "timeout") and not path for outcome, path, _ in reference.values())
        return "" if cut or not reference else "the process ended"
    if answer["verdict"] == "unfit":
        return str(answer.get("why"))
    for test in sorted(rows if answer["verdict"] == "timeout" else {*rows, *reference}):
        ended, expected = rows.get(test, ("", "", 0)), reference.get(test, ("", "", 0))
        if ended[0] != expected[0] or (expected[1] and ended != expected):
            return f"{test} ended otherwise than in a fresh process"
    return ""


def further(base: Mapping[str, Any], answer: Mapping[str, Any]) -> bool:
    """Whether the tests got further than in `base`: some run where none could be collected; more of them pass
    before the first failure; the same one fails at a later line of its own file; or it now ends with an
    assertion there."""
    passed, test, ended = _first_failure(base)
    passed_now, test_now, now = _first_failure(answer)
    if answer["verdict"] != "failed" or not now or not ended:
        return bool(answer["verdict"] == "failed" and now and _uncollected(base))
    if test_now != test or not now["where"]:
        return passed_now > passed
    path, line, function = now["where"][0]
    if path != test.split("::")[0]:
        return False
    old = ended["where"][0] if ended["where"] else ("", 0, "")
    if [old[0], old[2]] == [path, function]:
        return bool(line > old[1])
    return bool(now["kind"] == "AssertionError")


def _uncollected(answer: Mapping[str, Any]) -> bool:
    return answer.get("verdict") == "failed" and not answer.get("tests")


def _first_failure(answer: Mapping[str, Any]) -> tuple[int, str, dict[str, Any]]:
    """How many tests passed before it, its id and how it ended; ("", {}) where there is none."""
    for passed, (test, ended) in enumerate((answer.get("tests") or {}).items()):
        if ended["outcome"] not in ("passed", "xpassed"):
            return passed, test, ended
    return 0, "", {}


def _kind(answer: Mapping[str, Any], edited: Edits) -> str:
    """What decided: the test, the kind of exception, and the line that raised it (its function in a file that
    the candidate edits, where lines move)."""
    for test, ended in (answer.get("tests") or {}).items():
        if ended["outcome"] not in ("passed", "xpassed"):
            where = [(path, function if path in edited else line) for path, line, function in ended["where"]]
            return f"{answer['verdict']} {test} {ended['outcome']} {ended['kind']} {where}"
    return f"{answer['verdict']} {answer.get('why', '')}"
