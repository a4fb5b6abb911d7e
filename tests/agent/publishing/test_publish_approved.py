"""`agent publish` of a run whose patch people approved the publishing of."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from approval_parts import EDITS, Waits, said
from publish_servers import TOKEN, Hosted, Seen, api_server
from publish_world import Ran, one_line, publish, run_git, write_job

from agent.approvals.page import state_of
from agent.approvals.signing import end_of
from agent.ci.lead import record_merged
from agent.errors import TraceError, UsageError
from agent.events import PatchesMerged, RunResumed
from agent.observations import Counts
from agent.publishing.allowed import asked_for, granted
from agent.publishing.finding import find_verified
from agent.run import Run, take_up
from agent.settings import resolve
from agent.traces.checking import check
from policies.autonomy import DEFAULT_SCHEDULE, Confirmation, PathRule
from tools.base import take_base
from tools.files import FileEdit
from tools.patch import make_patch


@contextmanager
def publishing(tmp_path: Path, waits: Waits, out: Path, hosted: Hosted) -> Iterator[Callable[..., Ran]]:
    """`agent publish` of what is in this folder, to a repository of that name on a host."""
    bare = tmp_path / "bare.git"
    run_git(tmp_path, "clone", "-q", "--bare", str(waits.folder), str(bare))
    (tmp_path / "home").mkdir()
    variables = {
        "AGENT_PUBLISH_TOKEN": TOKEN, "XDG_STATE_HOME": os.environ["XDG_STATE_HOME"],
        "AGENT_ALLOWED_SIGNERS": str(waits.signers),
    }  # fmt: skip
    with api_server(hosted, Seen()) as api:
        places = ("--api", api, "--remote", f"file://{bare}", "--into", "main")

        def published(repository: str = "o/r") -> Ran:
            return publish(tmp_path / "home", str(out), *places, "--repository", repository, **variables)

        yield published


def test_an_approval_is_a_persons_word_and_counts_once(tmp_path: Path) -> None:
    waits = Waits.begun(tmp_path, Confirmation.FREE, apply=False, branch="")
    hosted, bare = Hosted(), tmp_path / "bare.git"
    with publishing(tmp_path, waits, waits.trace, hosted) as published:
        one_line(published(), 11, "asks a person", f"agent approvals request {waits.trace} --for publish")
        assert waits.run("request", waits.trace, "--for", "publish").exit_code == 0
        one_line(published(), 11, "0 of 1 people have approved it")
        assert not hosted.pulls
        assert waits.approve(waits.bob).exit_code == 0
        done = published()
        assert done.returncode == 0, done.stderr
        assert [each["number"] for each in hosted.pulls] == [1]
        [branch] = [
            each for each in run_git(bare, "branch", "--format=%(refname:short)").split() if "fix" in each
        ]
        assert run_git(bare, "show", f"{branch}:a.py") == "def f():\n    return 1"
        again = published()
        assert again.returncode == 0 and "it is there already" in again.stdout
        one_line(published("o/other"), 2, "published elsewhere by it", "counts for one place")
    assert len(hosted.pulls) == 1


TESTS = ("t.py::test_f", "t.py::test_g")


@dataclass
class JobWaits:
    """The folder of a job whose patch is that of two runs, by whose first one people approve it."""

    waits: Waits
    out: Path
    patch: bytes

    @classmethod
    def ended(cls, tmp_path: Path) -> JobWaits:
        waits = fixed_by_a_run(tmp_path)
        base = take_base(waits.folder)
        patch = make_patch(base, (*EDITS, FileEdit("b.py", b"x = 1\n")))
        reopened(waits.trace, lambda run: record_merged(parts_of(run), patch, ("a.py", "b.py"), COUNTS, 9, 0))
        commit = run_git(waits.folder, "rev-parse", "HEAD")
        out = write_job(tmp_path / "out", commit, patch, TESTS, schedule=DEFAULT_SCHEDULE)
        result = (out / "result.json").read_text()
        (out / "result.json").write_text(result.replace('"trace":"/t"', '"trace":"traces/01"'))
        (out / "traces").mkdir()
        waits.trace.rename(out / "traces" / "01")
        return cls(waits, out, patch)

    @property
    def trace(self) -> Path:
        return self.out / "traces" / "01"


COUNTS = Counts(collected=9, passed=9)


def fixed_by_a_run(tmp_path: Path) -> Waits:
    return Waits.begun(tmp_path, Confirmation.FREE, apply=False, branch="", undelivered="")


def parts_of(run: Run) -> list[Any]:
    """The run, and another part of its job."""
    other = SimpleNamespace(state=run.state, run_id="other")
    return [SimpleNamespace(run=run, tests=TESTS[:1]), SimpleNamespace(run=other, tests=TESTS[1:])]


def reopened(trace: Path, put: Callable[[Run], object]) -> None:
    """Put something on record in a run that had ended."""
    run = take_up(trace).run
    try:
        run.append(RunResumed(time=1.0))
        put(run)
        run.append(end_of(run.state))
    finally:
        run.writer.close()


def test_the_patch_of_a_job_is_approved_as_one_by_its_folder(tmp_path: Path) -> None:
    job, hosted = JobWaits.ended(tmp_path), Hosted()
    waits = job.waits
    with publishing(tmp_path, waits, job.out, hosted) as published:
        one_line(published(), 11, "asks a person", f"agent approvals request {job.out} --for publish")
        assert waits.run("request", job.out, "--for", "publish").exit_code == 0
        assert "1 more of 1" in said(waits.run("list", job.out))
        shown = said(waits.run("show", job.out))
        assert "b.py" in shown and "2 of 2 targets pass" in shown
        assert hashlib.sha256(job.patch).hexdigest() in shown
        one_line(published(), 11, "0 of 1 people have approved it")
        approved = waits.run("approve", job.out, "--key", waits.bob, "--allowed-signers", waits.signers)
        assert approved.exit_code == 0, approved.output
        assert check(job.trace).good

        (job.out / "fix.patch").rename(tmp_path / "kept")
        another = make_patch(take_base(waits.folder), EDITS)
        result = (job.out / "result.json").read_text()
        digests = hashlib.sha256(job.patch).hexdigest(), hashlib.sha256(another).hexdigest()
        (job.out / "fix.patch").write_bytes(another)
        (job.out / "result.json").write_text(result.replace(*digests))
        one_line(published(), 2, "what was approved is another patch")
        assert not hosted.pulls
        (tmp_path / "kept").rename(job.out / "fix.patch")
        (job.out / "result.json").write_text(result)

        done = published()
        assert done.returncode == 0, done.stderr
        assert [each["number"] for each in hosted.pulls] == [1]
        assert published().returncode == 0, "it is there already"


def test_a_folder_without_the_trace_has_none_to_approve_by(tmp_path: Path) -> None:
    job = JobWaits.ended(tmp_path)
    for name in ("/etc", "../elsewhere", "traces/02"):
        result = (job.out / "result.json").read_text()
        (job.out / "result.json").write_text(result.replace("traces/01", name))
        refused = job.waits.run("request", job.out, "--for", "publish")
        assert refused.exit_code == 2 and "holds no verified patch with its trace" in said(refused)
        (job.out / "result.json").write_text(result)


def test_what_is_signed_may_name_the_place_and_the_people(tmp_path: Path) -> None:
    job, hosted = JobWaits.ended(tmp_path), Hosted()
    waits = job.waits
    asking = ("request", job.out, "--for", "publish", "--people", "2", "--into", "main")
    assert waits.run(*asking[:2], "--into", "main").exit_code == 2
    assert "2 people must approve" in said(waits.run(*asking, "--repository", "o/r"))
    for key in (waits.alice, waits.bob):
        approved = waits.run("approve", job.out, "--key", key, "--allowed-signers", waits.signers)
        assert approved.exit_code == 0, approved.output
    with publishing(tmp_path, waits, job.out, hosted) as published:
        one_line(published("evil/x"), 2, "publish this patch in o/r; to be merged into main", "another place")
        assert not hosted.pulls
        done = published()
        assert done.returncode == 0, done.stderr


def test_a_no_is_final_in_every_copy_and_at_every_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = JobWaits.ended(tmp_path)
    waits, copy = job.waits, tmp_path / "copy"
    monkeypatch.setenv("AGENT_ALLOWED_SIGNERS", str(waits.signers))
    shutil.copytree(job.out, copy)
    assert waits.run("request", job.out, "--for", "publish").exit_code == 0
    no = waits.run(
        "reject", job.out, "--key", waits.bob, "--reason", "not so", "--allowed-signers", waits.signers
    )
    assert no.exit_code == 0, no.output
    for out, why in ((job.out, "bob@example.org rejected the patch: not so"), (copy, "which is final")):
        with pytest.raises(UsageError, match=why):
            found = find_verified(str(out))
            granted(found, True, asked_for(found, resolve({}, None), "main"))
    again = waits.run("request", copy, "--for", "publish")
    assert again.exit_code == 2 and "that is final" in said(again)


def test_rules_for_the_branch_that_it_goes_to_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the run's schedule and of the publisher's, also where the run was for another branch."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    rule = PathRule("release/*", Confirmation.MULTI_PARTY, 3)
    job = JobWaits.ended(tmp_path)
    found, own = find_verified(str(job.out)), resolve({}, None)
    for run, mine in ((rule,), ()), ((), (rule,)):
        theirs = replace(found, schedule=replace(found.schedule, branches=run))
        ours = replace(own, schedule=replace(own.schedule, branches=mine))
        asked = [asked_for(theirs, ours, into).people for into in ("main", "release/1")]
        assert asked == [1, 3]


def test_a_trace_behind_a_link_is_not_that_of_the_job(tmp_path: Path) -> None:
    job = JobWaits.ended(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    (job.out / "traces").rename(elsewhere)
    (job.out / "traces").symlink_to(elsewhere)
    refused = job.waits.run("request", job.out, "--for", "publish")
    assert refused.exit_code == 2 and "holds no verified patch with its trace" in said(refused)


def test_who_may_sign_is_not_said_in_the_folder_of_the_job(tmp_path: Path) -> None:
    job = JobWaits.ended(tmp_path)
    assert job.waits.run("request", job.out, "--for", "publish").exit_code == 0
    shutil.copy(job.waits.signers, job.out / "signers")
    refused = job.waits.run(
        "approve", job.out, "--key", job.waits.bob, "--allowed-signers", job.out / "signers"
    )
    assert refused.exit_code == 2 and "inside the folder of its job" in said(refused)


def test_what_is_written_beside_the_trace_says_no_more_than_was_signed(tmp_path: Path) -> None:
    job = JobWaits.ended(tmp_path)
    result = (job.out / "result.json").read_text()
    (job.out / "result.json").write_text(result.replace('"posterior":0.97', '"posterior":1.0'))
    found, merged = find_verified(str(job.out)), state_of(job.trace).merged
    assert merged is not None and found.right == merged.right < 1 and found.tests == TESTS


@pytest.mark.parametrize("left_out", ["tests", "paths", "runs"])
def test_what_a_job_made_of_a_run_holds_what_was_verified_there(tmp_path: Path, left_out: str) -> None:
    waits = fixed_by_a_run(tmp_path)
    merged = PatchesMerged(
        diff="0" * 64, paths=("a.py", "b.py"), tests=TESTS, runs=(waits.state.run_id, "other"), right=0.5,
        value=40, counts=COUNTS, dollars=0, seconds=9,
    )  # fmt: skip
    with pytest.raises(TraceError, match="leaves out what was verified here"):
        reopened(waits.trace, lambda run: run.append(merged.model_copy(update={left_out: ("other",)})))
    with pytest.raises(TraceError):
        state_of(waits.trace)


def test_a_patch_that_waits_for_people_is_no_part_of_another(tmp_path: Path) -> None:
    waits = Waits.begun(tmp_path)
    put = lambda run: record_merged(parts_of(run), b"diff", ("a.py",), COUNTS, 9, 0)  # noqa: E731
    with pytest.raises(TraceError, match="was not verified, or is part of another"):
        reopened(waits.trace, put)
