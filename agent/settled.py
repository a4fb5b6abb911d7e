"""Whether a delivery that is on record may be made.

What the record hands out must be what its own candidate makes of the base, and be verified for that tree.
That this user verified it here is known by its voucher (`agent.vouched`).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from agent.edits import load_edits
from agent.errors import TraceError, UsageError
from agent.events import DeliveryIntended
from agent.state import State
from agent.world import World
from tools.base import Base, BaseFile
from tools.files import FileEdit
from tools.patch import PatchError, digest, left_beside, make_patch, patched_tree_hash, undone


def settled_patch(world: World, state: State, intended: DeliveryIntended) -> bytes:
    """The diff to deliver, made anew and found to be the recorded one, although a part of it may have been
    delivered already.

    Raises TraceError where the record does not hold together, UsageError for a tree that is another.
    """
    found, hand = intended.submission, state.hand
    assert hand is not None and state.intake is not None
    edits, recorded = load_edits(world.load(hand.patch)), world.load(found.diff)
    now = world.take_base()
    try:
        base = replace(now, files=_before(now, edits, recorded, state))
        if tuple(digest(base.read(edit.path)) for edit in edits) != intended.before:
            raise _unfounded("the files that it changes were others")
        if base.tree_hash != state.intake.tree_hash:
            raise UsageError(
                f"{base.root} has changed since the trace was begun, beyond what is delivered; the patch in "
                f"{world.trace_folder} was verified for tree {state.intake.tree_hash[:12]} alone"
            )
        if patched_tree_hash(base, edits) != hand.tree:
            raise _unfounded("the tree that was verified is another")
        patch = make_patch(base, edits)
    except PatchError as error:
        raise _unfounded(str(error)) from error
    if patch != recorded:
        raise _unfounded("its diff is not what the candidate makes of the base")
    return patch


def _unfounded(why: str) -> TraceError:
    return TraceError(f"the delivery on record does not follow from the trace, and is not made: {why}")


def _before(now: Base, edits: tuple[FileEdit, ...], patch: bytes, state: State) -> dict[str, BaseFile]:
    """The files of the base, without what of the delivery is made already."""
    gone = {edit.path for edit in edits} | {left_beside(edit.path, state.run_id) for edit in edits}
    if state.settings.patch_out:
        out = Path(state.settings.patch_out)
        for path in (out, out.with_name(left_beside(out.name, state.run_id))):
            if path.is_relative_to(now.root):
                gone.add(str(path.relative_to(now.root)))
    return {path: file for path, file in now.files.items() if path not in gone} | undone(now, edits, patch)
