"""What became of the patches of runs, read from a repository's history and told to their traces."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from agent import fold
from agent.audit.later import read_later
from agent.audit.runs import Later
from agent.audit.truth import relearn, told
from agent.edits import load_edits
from agent.errors import AgentError, UsageError
from agent.state import State
from agent.task import Record
from agent.trace import Trace, start_of
from agent.traces.facts import Facts
from policies.vocabulary import Outcome
from tools.history import Commit, commit_named
from tools.host_git import GitError, find_repository
from tools.landed import Landing, default_branch, has_commit, landings
from tools.plain import plain_line

MOST_RUNS = 200
"""The newest with a patch, of those that a folder holds."""

WITH_A_PATCH = (Outcome.FIXED, Outcome.DEFERRED)


class Landed(Record):
    """What is known of a run's patch now. word: "" where it is in no commit of the branch; commit, date and
    subject: of the one that says so; recorded: the word is new, and is written beside the trace; learnt: what
    memory made of it; problem: why it could not be recorded, or ""."""

    run_id: str
    trace: str
    word: str = ""
    commit: str = ""
    date: str = ""
    subject: str = ""
    recorded: bool = False
    learnt: str = ""
    problem: str = ""


class Outcomes(Record):
    """What a look at a history came to. branch: where patches count as merged; elsewhere: runs whose base is
    not in this repository."""

    repository: str
    branch: str
    runs: tuple[Landed, ...]
    elsewhere: int = 0


def outcomes(folder: Path, runs: Sequence[Facts], branch: str, learns: str = "") -> Outcomes:
    """Look in the history of the repository that holds `folder` for the patches of these runs, newest first,
    and record what is new. branch: "" for the default one. learns: why memory may not learn, "" if it may.

    Recorded is the last thing that happened to a patch, if it happened after the last word that was said of
    it, whoever said that. Raises UsageError where there is no such history.
    """
    try:
        root, git_dir = find_repository(folder)
    except GitError as error:
        raise UsageError(str(error)) from None
    if git_dir is None:
        raise UsageError(f"{folder} is not in a git repository")
    where = branch or default_branch(git_dir)
    if where.startswith("-") or not has_commit(git_dir, where):
        raise UsageError(f"branch: there is no commit called '{where[:80]}' in {root}")
    found, elsewhere = list[Landed](), 0
    with_patch = [each for each in runs if each.outcome in WITH_A_PATCH and not each.resumable]
    for facts in with_patch[:MOST_RUNS]:
        state = _state_of(Path(facts.path))
        if state is None or state.hand is None:
            continue
        if state.intake is None or not state.intake.head or not has_commit(git_dir, state.intake.head):
            elsewhere += 1
            continue
        found.append(_landed(git_dir, where, facts, state, learns))
    return Outcomes(repository=str(root), branch=where, runs=tuple(found), elsewhere=elsewhere)


def _state_of(folder: Path) -> State | None:
    """The state at the end of a run; None for a trace that does not hold."""
    try:
        first, events = start_of(Trace(folder))
        state = fold.start(first)
        for event in events:
            state = fold.apply(state, event)
    except AgentError:
        return None
    return state


def _landed(git_dir: Path, branch: str, facts: Facts, state: State, learns: str) -> Landed:
    folder = Path(facts.path)
    plain = Landed(run_id=facts.run_id, trace=facts.path)
    assert state.hand is not None and state.intake is not None
    try:
        trace = Trace(folder)
        edits = load_edits(trace.blob(state.hand.patch))
        patch = _patch_of(state, trace)
        happened = landings(git_dir, branch, state.intake.head, patch, edits)
        if not happened:
            return plain
        last, commit = happened[-1], commit_named(git_dir, happened[-1].commit)
        known = _with(plain, last, commit)
        before = read_later(folder, facts.head_hash)
        if not _news(last, before):
            return known
        said = Later(word=last.word, time=time.time(), commit=last.commit)
        told(folder, said)
        return known.model_copy(update={"recorded": True, "learnt": learns or relearn(folder, said)})
    except (AgentError, GitError, ValueError) as error:
        return plain.model_copy(update={"problem": plain_line(str(error))})


def _patch_of(state: State, trace: Trace) -> bytes:
    """The diff that was verified, or handed over; b"" for none. Raises TraceError."""
    made = state.submission if state.submission and state.submission.verified else state.deferral
    return trace.blob(made.diff) if made is not None and made.diff else b""


def _with(plain: Landed, last: Landing, commit: Commit) -> Landed:
    found = {"word": last.word, "commit": commit.id, "date": commit.date, "subject": commit.subject}
    return plain.model_copy(update=found)


def _news(last: Landing, before: Sequence[Later]) -> bool:
    """Whether the last that happened to a patch says something that is not on record yet. A person's word
    stands against commits that were there when it was said; whoever reworked a patch has merged it."""
    if not before:
        return True
    newest = before[-1]
    word = "merged" if newest.word == "reworked" else newest.word
    if last.word == word or any(each.commit == last.commit for each in before):
        return False
    return bool(newest.commit) or last.time > newest.time


def in_words(found: Outcomes, only_new: bool = False) -> Iterator[str]:
    """A line for each patch of which something is known, and what else there is to say; only_new: of what was
    recorded now, or could not be."""
    for each in found.runs:
        commit = " ".join(filter(None, (each.commit[:12], each.date, each.subject)))
        if each.problem:
            yield f"run {each.run_id}: not recorded: {each.problem}"
        elif each.recorded:
            yield f"run {each.run_id}: {each.word} in {commit}: recorded; {each.learnt}"
        elif each.word and not only_new:
            yield f"run {each.run_id}: {each.word} in {commit}: nothing new"
    if only_new:
        return
    silent = sum(not each.word and not each.problem for each in found.runs)
    if silent:
        yield f"{silent} patch{'' if silent == 1 else 'es'} not in {found.branch}"
    if found.elsewhere:
        yield f"{found.elsewhere} run{'' if found.elsewhere == 1 else 's'} of commits that are not here"
    if not found.runs and not found.elsewhere:
        yield "no run with a patch"
