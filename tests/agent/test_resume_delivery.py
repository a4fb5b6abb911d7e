"""A run that is killed while it hands out a verified patch: resumed, it has delivered once, and says so.

No sandbox is needed: what was verified is on record, and only the delivery is left to do.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from agent import fix, fold
from agent.deliver import deliver
from agent.edits import dump_edits
from agent.errors import TraceError, UsageError
from agent.events import DeliveryIntended, PersonAnswered, RunEnded, RunStarted, StepDone, StepIntended
from agent.fix import APPLY, carry_out
from agent.observations import (
    AttemptDone,
    EnvironmentDone,
    IntakeDone,
    ReproductionDone,
    StepLost,
    SubmissionDone,
)
from agent.report import Report
from agent.run import Run, begin, reopen
from agent.state import State
from agent.task import Settings
from agent.trace import GENESIS, Trace, seal, start_of
from agent.view import View
from agent.vouched import KEY_BYTES, key_file, vouched_for
from policies.priors import repair_tier
from policies.vocabulary import ActionClass, Bill, Outcome, Step, StepKind
from tools.base import take_base
from tools.files import FileEdit
from tools.patch import digest, make_patch, patched_tree_hash

OLD, NEW, ADDED = b"def f():\n    return 0\n", b"def f():\n    return 1\n", b"ONE = 1\n"
EDITS = (FileEdit("a.py", NEW), FileEdit("pkg/b.py", ADDED), FileEdit("gone.py", None))
SUBMIT = Step(StepKind.SUBMIT, ActionClass.COMMIT)
ACT = Step(StepKind.ACT, ActionClass.DRAFT, tier="repair")
BRANCH = "fix/f"


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=T", "-c", "user.email=t@example.org")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Task:
    """A repository, and a trace that ends where a verified patch is about to be handed out."""

    folder: Path
    trace: Path
    out: Path

    @classmethod
    def begun(cls, tmp_path: Path, *, tree: bool = True) -> Task:
        folder = tmp_path / "repository"
        folder.mkdir()
        (folder / "a.py").write_bytes(OLD)
        (folder / "gone.py").write_bytes(b"x = 1\n")
        for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "base"]):
            git(folder, *words)
        base = take_base(folder)
        task = cls(folder, tmp_path / "trace", tmp_path / "out.patch")
        settings = Settings(
            repository=str(folder),
            tests=("t.py::test_f",),
            tiers=(repair_tier(),),
            delivery=ActionClass.COMMIT if tree else ActionClass.DRAFT,
            apply=tree,
            branch=BRANCH if tree else "",
            patch_out=str(task.out),
        )
        run = begin(settings, task.trace)
        edits = run.writer.blob(dump_edits(EDITS))
        for step, seen in (
            (
                Step(StepKind.READ, ActionClass.READ, "intake"),
                IntakeDone(tree_hash=base.tree_hash, files=2, head=base.head, dirty=0),
            ),
            (
                Step(StepKind.READ, ActionClass.READ, "environment"),
                EnvironmentDone(image="i", image_digest="d", python="3", backend="docker", cached=True),
            ),
            (
                Step(StepKind.READ, ActionClass.READ, "reproduce"),
                ReproductionDone(targets=("t.py::test_f",), runs=2, passes=(0,), seconds_each=1),
            ),
            (ACT, AttemptDone(tier="repair", patch=edits, tree=patched_tree_hash(base, EDITS))),
        ):
            run.append(StepIntended(step=step, reserved=Bill(0, 9)))
            run.append(StepDone(step=step, observation=seen, bill=Bill(0, 1)))
        run.append(StepIntended(step=SUBMIT, reserved=Bill(0, 9, 0.5)))
        verified = SubmissionDone(
            verified=True,
            key="k",
            targets_passed=1,
            patch=edits,
            diff=run.writer.blob(make_patch(base, EDITS)),
        )
        before = tuple(digest(base.read(edit.path)) for edit in EDITS)
        run.append(DeliveryIntended(submission=verified, before=before, seconds=3))
        run.writer.close()
        return task

    def resume(self, confirm: Callable[[str], bool] | None = None) -> Report:
        """The run carried on to its end."""
        run = reopen(self.trace)
        try:
            return carry_out(run, {}, View(Console(file=io.StringIO(), width=200)), confirm)
        finally:
            run.writer.close()  # as the end of the process would

    def untouched(self) -> None:
        """Nothing was delivered."""
        assert not self.out.exists() and not (self.trace / "fix.patch").exists()
        assert (self.folder / "a.py").read_bytes() == OLD
        assert BRANCH not in git(self.folder, "branch")

    def whole(self, report: Report) -> None:
        """Everything was delivered, once, and the books hold."""
        assert (report.outcome, report.exit_code) == (Outcome.FIXED, 0), report.explanation
        assert [each.split(" ")[0] for each in report.delivered] == ["patch", "patch", "commit", "applied"]
        assert git(self.folder, "status", "--porcelain", "-uall") == " M a.py\n D gone.py\n?? pkg/b.py\n"
        assert ((self.folder / "a.py").read_bytes(), (self.folder / "pkg/b.py").read_bytes()) == (NEW, ADDED)
        assert git(self.folder, "log", "--format=%s", BRANCH).splitlines() == ["Fix t.py::test_f", "base"]
        assert git(self.folder, "show", f"{BRANCH}:a.py").encode() == NEW
        assert self.out.read_bytes() == (self.trace / "fix.patch").read_bytes() == report.diff.encode()
        assert [path.name for path in self.out.parent.iterdir()].count("out.patch") == 1
        assert not list(self.out.parent.glob(".out*")), "nothing is left beside it"
        results = [event for event in Trace(self.trace).events() if isinstance(event, StepDone)]
        assert [result.step for result in results].count(SUBMIT) == 1
        assert results[-1].bill == Bill(0, 3, 0.5), "the seconds of its verification, no worst case"
        assert report.seconds == 7


def killed_before(monkeypatch: pytest.MonkeyPatch, what: str, nth: int = 1) -> None:
    """The process is gone just before the nth call of a function of the module `agent.deliver`, or of os."""
    module, _, name = what.rpartition(".")
    target = __import__(module, fromlist=[name]) if module != "pathlib.Path" else Path
    real, left = getattr(target, name), nth

    def dying(*arguments: object, **named: object) -> object:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed
        return real(*arguments, **named)

    monkeypatch.setattr(target, name, dying)


KILLS = {
    "before anything": ("agent.deliver.write_whole", 1),
    "before the file that was asked for": ("agent.deliver.write_new", 1),
    "with that file half-made": ("agent.deliver._name", 1),
    "before the commit": ("agent.deliver.tip_naming", 1),
    "before the tree is touched": ("agent.deliver.apply_to_tree", 1),
    "with one new file beside the old": ("tools.patch._prepare", 2),
    "with all new files beside the old": ("pathlib.Path.replace", 2),  # the first is the trace's own
    "with one file in place": ("pathlib.Path.replace", 3),
}


@pytest.mark.parametrize("kill", KILLS)
def test_a_kill_anywhere_in_a_delivery_ends_as_if_there_had_been_none(
    kill: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Task.begun(tmp_path)
    with monkeypatch.context() as patched:
        killed_before(patched, *KILLS[kill])
        with pytest.raises(Killed):
            task.resume()
    report = task.resume()
    task.whole(report)


def test_a_kill_between_the_last_delivery_and_its_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Task.begun(tmp_path)

    def dying(*arguments: object) -> SubmissionDone:
        deliver(*arguments)  # type: ignore[arg-type]
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(fix, "deliver", dying)
        with pytest.raises(Killed):
            task.resume()
    assert (task.folder / "a.py").read_bytes() == NEW
    report = task.resume()
    task.whole(report)


def test_a_machine_that_gives_out_ends_the_run_in_good_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Task.begun(tmp_path)

    def full(*_: object) -> SubmissionDone:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/somewhere/else")

    with monkeypatch.context() as patched:
        patched.setattr(fix, "deliver", full)
        ended = task.resume()
    assert (ended.outcome, ended.exit_code) == (Outcome.INFRASTRUCTURE, 20)
    assert ended.explanation == "No space left on device: /somewhere/else"
    report = task.resume()
    task.whole(report)


@pytest.mark.parametrize("kept", ["without its end", "whole"])
def test_a_run_that_was_over_says_again_what_it_said(kept: str, tmp_path: Path) -> None:
    task = Task.begun(tmp_path)
    first = task.resume()
    events = task.trace / "events.jsonl"
    if kept != "whole":
        events.write_bytes(b"".join(events.read_bytes().splitlines(keepends=True)[:-1]))
    before = events.read_bytes()
    again = task.resume()
    task.whole(again)
    assert again.model_copy(update={"head_hash": first.head_hash}) == first
    if kept == "whole":
        assert events.read_bytes() == before
        assert reopen(task.trace).lost == "this run had ended already; nothing was left to do"


def test_what_a_person_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    task = Task.begun(tmp_path)
    (task.folder / "a.py").write_bytes(b"mine = 1\n")
    report = task.resume()
    assert (report.outcome, report.exit_code) == (Outcome.DEFERRED, 11)
    assert "a.py has changed since the run began; the patch was not applied" in report.explanation
    assert (task.folder / "a.py").read_bytes() == b"mine = 1\n"
    assert not (task.folder / "pkg").exists()
    assert len(report.delivered) == 3, "both patch files and the commit are there"


def test_a_branch_of_somebody_else_is_not_taken_for_ours(tmp_path: Path) -> None:
    task = Task.begun(tmp_path)
    git(task.folder, "branch", BRANCH)
    report = task.resume()
    assert (report.outcome, report.exit_code) == (Outcome.DEFERRED, 11)
    assert f"branch '{BRANCH}' exists already" in report.explanation


@pytest.mark.parametrize("content", [b"", b"mine"])
def test_a_file_of_somebody_else_is_not_taken_for_ours(content: bytes, tmp_path: Path) -> None:
    task = Task.begun(tmp_path)
    task.out.write_bytes(content)
    report = task.resume()
    assert report.exit_code == 11
    assert task.out.read_bytes() == content


@pytest.mark.parametrize("there", [False, True])
def test_a_file_system_without_hard_links_will_do(
    there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Task.begun(tmp_path)

    def refused(*_: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refused)
    if there:
        task.out.write_bytes(b"mine")
        assert task.resume().exit_code == 11
        assert task.out.read_bytes() == b"mine"
    else:
        task.whole(task.resume())


def answered(task: Task, yes: bool) -> Run:
    """The run with its patch file delivered and the question answered."""
    task.resume()
    events = task.trace / "events.jsonl"
    events.write_bytes(b"".join(events.read_bytes().splitlines(keepends=True)[:-1]))
    run = reopen(task.trace)
    run.append(PersonAnswered(question=APPLY, yes=yes))
    run.writer.close()
    return run


@pytest.mark.parametrize("applied", [False, True])
def test_a_yes_is_kept_and_nobody_is_asked_again(applied: bool, tmp_path: Path) -> None:
    task = Task.begun(tmp_path, tree=False)
    answered(task, yes=True)
    if applied:
        (task.folder / "a.py").write_bytes(NEW)
    report = task.resume()  # nobody is there any more
    assert report.exit_code == 0
    assert (task.folder / "a.py").read_bytes() == NEW
    ended = [event for event in Trace(task.trace).events() if isinstance(event, RunEnded)][-1]
    assert ended.explanation.endswith("(fixed, applied to your tree)")


def test_a_no_is_kept(tmp_path: Path) -> None:
    task = Task.begun(tmp_path, tree=False)
    answered(task, yes=False)
    report = task.resume(confirm=lambda _: pytest.fail("asked again"))
    assert report.exit_code == 0
    assert (task.folder / "a.py").read_bytes() == OLD


def test_ctrl_c_at_the_question_leaves_it_open(tmp_path: Path) -> None:
    task = Task.begun(tmp_path, tree=False)

    def interrupted(_: str) -> bool:
        raise KeyboardInterrupt

    report = task.resume(confirm=interrupted)
    assert (report.outcome, report.exit_code) == (Outcome.INTERRUPTED, 130)
    asked: list[str] = []

    def agrees(question: str) -> bool:
        asked.append(question)
        return True

    report = task.resume(confirm=agrees)
    assert (report.outcome, report.exit_code, asked) == (Outcome.FIXED, 0, [APPLY])
    assert (task.folder / "a.py").read_bytes() == NEW
    starts = [event for event in Trace(task.trace).events() if isinstance(event, RunStarted)]
    assert len(starts) == 1


def forged(task: Task, change: Callable[[dict[str, Any]], None], *, vouched: bool = False) -> None:
    """The trace with its delivery-intent changed and sealed anew; `vouched`: by who has the user's key."""
    path, prev, lines = task.trace / "events.jsonl", GENESIS, list[bytes]()
    for line in path.read_bytes().splitlines():
        event = json.loads(line)["event"]
        if event["type"] == "delivery-intent":
            change(event)
            if vouched:
                event["voucher"] = vouched_for(prev, DeliveryIntended.model_validate(event)).voucher
        body = json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()
        prev, sealed = seal(prev, body)
        lines.append(sealed)
    path.write_bytes(b"".join(lines))


FORGERIES: dict[str, tuple[dict[str, Any], str]] = {
    "another diff": ({"diff": b"#!/bin/sh\nevil\n"}, "the diff is not one of the edits"),
    "a diff of another file": ({"diff": b"--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+x\n"}, "the diff is not"),
    "other edits": ({"patch": dump_edits((FileEdit("a.py", b"evil\n"),))}, "not of the candidate"),
    "never verified": ({"key": ""}, "no verification is on record"),
    "unverified": ({"verified": False}, "no verification is on record"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_delivery_is_not_made(forgery: str, tmp_path: Path) -> None:
    task = Task.begun(tmp_path)
    fields, said = FORGERIES[forgery]

    def change(event: dict[str, Any]) -> None:
        for name, value in fields.items():
            if isinstance(value, bytes):
                blob = hashlib.sha256(value).hexdigest()
                (task.trace / "blobs" / blob).write_bytes(value)
                value = blob
            event["submission"][name] = value

    forged(task, change, vouched=True)
    with pytest.raises(TraceError, match=said):
        task.resume()
    task.untouched()


def without_key() -> None:
    key_file().unlink()


def with_another_key() -> None:
    key_file().write_bytes(bytes(KEY_BYTES))


def with_half_a_key() -> None:
    key_file().write_bytes(key_file().read_bytes()[:16])


@pytest.mark.parametrize("elsewhere", [without_key, with_another_key, with_half_a_key])
def test_a_verification_of_somebody_else_is_not_believed(
    elsewhere: Callable[[], None], tmp_path: Path
) -> None:
    """It holds together, and nothing shows that this user has made it: it is to be verified again."""
    task = Task.begun(tmp_path)
    elsewhere()
    run = reopen(task.trace)
    run.writer.close()
    assert (run.state.ended, run.state.delivery, run.state.intent) == (None, None, None)
    last = list(Trace(task.trace).events())[-1]
    assert isinstance(last, StepDone) and isinstance(last.observation, StepLost)
    assert run.state.hand is not None, "it may be verified again"
    task.untouched()


@pytest.mark.parametrize(
    "change", [{"undelivered": "ask a person"}, {"targets_passed": 1, "still_failing": 9}]
)
def test_a_voucher_is_for_one_record_after_one_trace(change: dict[str, Any], tmp_path: Path) -> None:
    task = Task.begun(tmp_path)
    forged(task, lambda event: event["submission"].update(change))
    assert isinstance(list(Trace(task.trace).events())[-1], DeliveryIntended)
    run = reopen(task.trace)
    run.writer.close()
    assert run.state.delivery is None and run.state.lost == 1
    task.untouched()


def test_what_a_stranger_says_was_verified_is_neither_ended_nor_applied(tmp_path: Path) -> None:
    task = Task.begun(tmp_path, tree=False)
    answered(task, yes=True)
    with_another_key()
    with pytest.raises(UsageError, match="was not done here by you"):
        task.resume()
    assert (task.folder / "a.py").read_bytes() == OLD


def test_a_result_hands_out_what_was_verified_and_nothing_else(tmp_path: Path) -> None:
    task = Task.begun(tmp_path, tree=False)
    run = answered(task, yes=True)
    assert run.state.submission is not None
    evil = run.state.submission.model_copy(update={"patch": "0" * 64})
    state = fold_to_delivery(task.trace)
    with pytest.raises(TraceError, match="not of the candidate in hand"):
        fold.apply(state, StepDone(step=SUBMIT, observation=evil, bill=Bill(0, 3, 0.5)))


def fold_to_delivery(trace: Path) -> State:
    """The state in which a verified patch is about to be handed out."""
    start, events = start_of(Trace(trace))
    state = fold.start(start)
    for event in events:
        state = fold.apply(state, event)
        if isinstance(event, DeliveryIntended):
            break
    return state


def test_a_tree_that_has_changed_elsewhere_gets_no_patch_of_another(tmp_path: Path) -> None:
    task = Task.begun(tmp_path)
    (task.folder / "other.py").write_bytes(b"x = 1\n")
    report = task.resume()
    assert report.exit_code == 2 and "has changed since the trace was begun" in report.explanation
    assert not task.out.exists()


def test_a_trace_of_another_user_is_not_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = Task.begun(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    with pytest.raises(UsageError, match="is not yours"):
        task.resume()
