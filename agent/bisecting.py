"""The search of the history as a step: old trees, read as data, go into the sandbox, and the targets run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agent.observations import CommitSeen, HistoryDone
from agent.patience import judging
from agent.state import State
from agent.vetting import protection_of
from agent.world import World, room_in_the_sandbox
from policies.history import TREE_SECONDS
from sandboxes.interface import REPO, SandboxError
from tools.base import Base
from tools.history import (
    Enough,
    OldTree,
    Search,
    commit_named,
    commits_of,
    is_shallow,
    old_tree,
    search,
)
from tools.host_git import GitError
from tools.plain import plain_line
from tools.protected import Protection, belongs_to_tests
from tools.verdicts import SuiteRun

MOST_SUSPECTS = 5
"""Commits that could not be told apart and are named."""

PATIENCE = 4.0
"""Of the time that the targets take today, what they may take in an old tree; a slower one tells nothing."""

LEAST_LOOK = 5.0
"""Seconds that any look may take: the first import in another tree compiles everything anew."""


def search_history(world: World, state: State) -> HistoryDone:
    """Since which commit the targets fail: the tests as they are now, laid over the code as it was.

    Within the seconds of the step. What cannot be read of the history is an observation; so is a sandbox that
    an old tree brings down: the run had come to its end, whatever this finds.
    """
    assert state.intake is not None and state.reproduction is not None
    base = world.base_of(state)
    if base.git_dir is None:
        return HistoryDone(commits=0, problem="there is no git repository here")
    try:
        commits = commits_of(base.git_dir, state.intake.head)
        look = _Look(world, state, base, commits)
        found = search(len(commits), look.passes, dirty=bool(state.intake.dirty))
        return _seen(base.git_dir, commits, found)
    except (GitError, SandboxError) as error:
        return HistoryDone(commits=state.intake.commits, problem=plain_line(str(error)))


class _Look:
    """Looks at one commit after the other."""

    def __init__(self, world: World, state: State, base: Base, commits: Sequence[str]) -> None:
        self._world, self._state, self._base, self._commits = world, state, base, commits
        self._protection = protection_of(world, state) if state.baseline else Protection()
        self._files = {target.split("::")[0] for target in state.targets}
        self._number = 0

    def passes(self, at: int) -> bool | None:
        """Whether the targets pass at a commit; None where they cannot be run there. Raises Enough."""
        world, state, sandbox = self._world, self._state, self._world.sandbox
        assert sandbox is not None and state.reproduction is not None
        usual = max(LEAST_LOOK, PATIENCE * state.reproduction.seconds_each)
        if world.left < TREE_SECONDS + state.reproduction.seconds_each:
            raise Enough
        self._number += 1
        try:
            tree = old_tree(self._base, self._commits[at], self._keep)
        except (GitError, ValueError):  # objects that are not there, as in a partial clone
            return None
        with world.edited(sandbox, ()):
            self._put(tree)
            doing = f"searching the history, look {self._number}: {self._commits[at][:12]}"
            limits = judging(world, state, min(usual, world.left))
            run = world.run_tests(sandbox, state.targets, limits, doing)
        return _told(run, state.targets)

    def _keep(self, path: str) -> bool:
        return path in self._files or belongs_to_tests(path, self._protection)

    def _put(self, tree: OldTree) -> None:
        sandbox = self._world.sandbox
        assert sandbox is not None
        for path in tree.gone:
            sandbox.remove(f"{REPO}/{path}")
        if tree.files:
            with room_in_the_sandbox():
                sandbox.put_tar(REPO, Base(self._base.root, tree.files, None, "").tar())


def _told(run: SuiteRun, targets: Sequence[str]) -> bool | None:
    """Whether all targets pass, or one fails as a test fails; None where they were not run to their end. That
    the file of a test does not collect tells nothing of the test, unless the file is what fails today."""
    if run.complete and all(run.passed(target) for target in targets):
        return True
    verdicts = [run.verdicts[target] for target in targets if target in run.verdicts]
    red = any(target in run.collection_errors and "::" not in target for target in targets)
    return False if red or any(verdict.bad for verdict in verdicts) else None


def _seen(git_dir: Path, commits: Sequence[str], found: Search) -> HistoryDone:
    def named(at: int) -> CommitSeen:
        known = commit_named(git_dir, commits[at])
        return CommitSeen(id=known.id, date=known.date, subject=known.subject)

    suspects = [at for at in reversed(found.suspects) if at >= 0]
    told = [at for at, said in found.told.items() if said is not None]
    return HistoryDone(
        commits=len(commits),
        shallow=is_shallow(git_dir),
        looks=len(found.told),
        untold=found.untold,
        since=tuple(map(named, suspects[:MOST_SUSPECTS])),
        suspects=len(suspects),
        uncommitted=-1 in found.suspects,
        passes=named(found.good) if found.good is not None else None,
        oldest=named(max(told)) if found.good is None and told else None,
        complete=found.complete,
    )
