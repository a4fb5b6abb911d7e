"""A model's recorded answer read again, and what it proposed run again."""

from __future__ import annotations

from functools import partial

from agent import asking
from agent.edits import load_edits
from agent.events import RequestDone
from agent.observations import AttemptDone
from agent.pieces import chosen_pieces
from agent.replaying.compare import SHOWN, Differing
from agent.replaying.recorded import Recorded
from agent.state import State
from agent.tiers.interface import TierReply
from agent.tiers.model import read_answer
from agent.vetting import vet
from agent.world import World
from tools.patch import PatchError, patched_tree_hash
from tools.plain import plain_line


def answer_of(recorded: Recorded) -> str:
    """The blob of the step's last answer, "" where none is recorded: a scripted tier has none."""
    answers = [event.answer for event in recorded.events if isinstance(event, RequestDone) and event.answer]
    return answers[-1] if answers else ""


def not_run(recorded: Recorded, seen: AttemptDone) -> str:
    """Why nothing of a tier's attempt can be run again, "" if something can."""
    if not seen.tried:
        return f"the answer of {seen.tier} is the recorded one, and holds no candidate to check"
    if not seen.patch and not answer_of(recorded):
        return f"what {seen.tier} proposed was refused, and the trace does not hold it"
    return ""


def candidates_again(
    world: World, state: State, recorded: Recorded, seen: AttemptDone
) -> tuple[Differing | None, str]:
    """The candidates of an attempt run again in the order of the answer: where they fare otherwise, and what
    was run. A sandbox must be ready."""
    reply = _reply_again(world, state, seen.tier, answer_of(recorded))
    if not _is_recorded(world, state, reply, seen):
        if seen.patch:
            return _patch_again(world, state, seen)
        return Differing("candidates", _fared(seen), "this version reads others in its answer"), ""
    now = asking.tried(world, state, seen.tier, reply)
    which = "its candidate was" if now.tried == 1 else f"its {now.tried} candidates were"
    why = f"the answer of {seen.tier} is the recorded one; {which} run again"
    return (None if _same(seen, now) else Differing("candidates", _fared(seen), _fared(now))), why


def _same(seen: AttemptDone, now: AttemptDone) -> bool:
    """Whether the same candidates failed and passed. Older traces have the last that failed as `tree`."""
    older = bool(seen.tree) and not seen.patch
    if (seen.tried, seen.patch and seen.tree) != (now.tried, now.patch and now.tree):
        return False
    return older or seen.refused == now.refused


def _reply_again(world: World, state: State, tier: str, answer: str) -> TierReply:
    if not answer:
        return TierReply()
    text = world.load(answer).decode("utf-8", "replace")
    pieces = chosen_pieces(state, tier)
    files = partial(asking.editable_files, world, state, pieces)
    return read_answer(text, world.base_of(state).read, files)


def _is_recorded(world: World, state: State, reply: TierReply, seen: AttemptDone) -> bool:
    """Whether the answer is read as it was then: another version may find other patches in it."""
    trees = set[str]()
    for edits in reply.candidates:
        try:
            trees.add(patched_tree_hash(world.base_of(state), edits))
        except PatchError:
            continue
    ran = {*seen.refused, *([seen.tree] if seen.patch else [])}
    return bool(reply.candidates) and ran <= trees


def _patch_again(world: World, state: State, seen: AttemptDone) -> tuple[Differing | None, str]:
    """The recorded patch alone."""
    edits = load_edits(world.load(seen.patch))
    reasons = vet(world, state, edits) or asking.target_problem(world, state, edits)
    found = Differing("patch", "passes the targets", "; ".join(reasons[:2])) if reasons else None
    return found, f"the answer of {seen.tier} is the recorded one; its candidate was run again"


def _fared(attempt: AttemptDone) -> str:
    """What became of the candidates of an attempt."""
    said = [*attempt.dropped, *(["one passes the targets"] if attempt.patch else [])]
    return plain_line("; ".join(said) or attempt.note, SHOWN)
