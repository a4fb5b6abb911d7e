"""Whether a candidate may count at all: protected files, a scan for forgeries, and no secret of the host."""

from __future__ import annotations

from agent.prepare import baseline_run
from agent.state import State
from agent.world import World
from sandboxes.interface import INSIDE, REPO
from tools.files import FileEdit
from tools.forgery import Candidate, protected_edits, scan
from tools.patch import PatchError, patched_files
from tools.protected import Protection, may_be_edited


def protection_of(world: World, state: State) -> Protection:
    """What is protected in this repository, as the baseline's collection and the configuration show."""
    if world.protection is None:
        world.protection = Protection.of(baseline_run(world, state), state.settings.protected)
    return world.protection


def editable(world: World, state: State, path: str) -> bool:
    """True for a text file of the base that a fix may touch."""
    return may_be_edited(path, world.base_of(state).read(path), protection_of(world, state))


def vet(world: World, state: State, edits: tuple[FileEdit, ...]) -> tuple[str, ...]:
    """Every reason why the edits may not be part of a fix; empty when they may. Raises SandboxError."""
    assert world.sandbox is not None
    base = world.base_of(state)
    try:
        patched_files(base, edits)
    except PatchError as error:
        return (str(error),)
    if any(edit.content is not None and world.holds_secret(edit.content) for edit in edits):
        return ("the patch holds a secret of this environment",)
    contents = {edit.path: data for edit in edits if (data := base.read(edit.path)) is not None}
    if all(contents.get(edit.path) == edit.content for edit in edits):
        return ("the patch changes nothing",)
    candidate = Candidate(edits, contents)
    protection = protection_of(world, state)
    if reasons := protected_edits(candidate, protection):
        return reasons
    findings = scan(
        world.sandbox,
        world.sandbox.python,
        candidate,
        _test_sources(world, state),
        sorted(protection.doctest_files),
        INSIDE,
        REPO,
        world.left,
    )
    return tuple(finding.reason for finding in findings)


def _test_sources(world: World, state: State) -> list[bytes]:
    """The files of the targets, whose literals a special case would use."""
    base = world.base_of(state)
    files = dict.fromkeys(target.split("::")[0] for target in state.targets)
    return [data for path in files if (data := base.read(path)) is not None]
