"""The steps that ask a tier of the ladder: plan, act and review. What comes back is data, vetted and run
here."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from agent.candidates import next_attempt
from agent.edits import dump_edits, load_edits
from agent.ledger import LimitExceeded
from agent.observations import AttemptDone, CheckDone, Observation, PlanDone, TierBusy, TierFailed
from agent.patience import judging
from agent.pieces import MOST_READINGS, case_of, chosen_pieces, found_for, model_named
from agent.prepare import ready
from agent.purse import Purse
from agent.quoting import EMPTY, pace_in, sized_case, testing_seconds
from agent.standing import standing_tiers
from agent.state import Search, State
from agent.targets import reason
from agent.tiers.interface import Standing, Tier, TierReply, TierRequest, TierUnavailable
from agent.tiers.pieces import shown_pieces
from agent.units import show_seconds
from agent.vetting import editable, vet
from agent.work import run_with
from agent.world import World
from policies.context import Piece
from policies.estimates import cap
from policies.vocabulary import Check, Step
from tools.files import FileEdit
from tools.patch import PatchError, make_patch, patched_tree_hash
from tools.plain import plain_line

SHOWN, SUMMARY = 200, 160
"""Characters in a note: of a diagnosis or a failure, and of what a patch changes."""


def plan(world: World, state: State, step: Step, purse: Purse) -> Observation:
    """Ask a tier for a plan."""
    tier = world.tiers[str(step.tier)]
    try:
        reply = tier.plan(_request(world, state, tier), purse)
    except TierUnavailable as error:
        return _failed(error)
    except LimitExceeded:
        return _too_dear(tier)
    return PlanDone(tier=tier.name, note=reply.note)


def act(world: World, state: State, step: Step, purse: Purse) -> Observation:
    """Ask a tier for patches; the first that passes the targets here is the candidate."""
    tier = world.tiers[str(step.tier)]
    try:
        reply = tier.act(_request(world, state, tier, acting=True), purse)
    except TierUnavailable as error:
        return _failed(error)
    except LimitExceeded:
        return _too_dear(tier)
    if not reply.candidates and state.readings < MOST_READINGS:
        found = found_for(reply.asks, world.base_of(state), state, tier.name)
        if found.pieces:
            return AttemptDone(tier=tier.name, note=reply.note, read=found.pieces, missing=found.missing)
        if reply.asks:
            reply = replace(reply, note=f"it asks for {plain_line('; '.join(found.missing), SHOWN)}")
    return tried(world, state, tier.name, reply)


def review(world: World, state: State, step: Step, purse: Purse) -> Observation:
    """Ask a tier whether the candidate in hand is right."""
    assert state.hand is not None
    tier = world.tiers[str(step.tier)]
    base, edits = world.base_of(state), load_edits(world.load(state.hand.patch))
    diff = make_patch(base, edits).decode("utf-8", "replace")
    try:
        reply = tier.review(_request(world, state, tier, diff), purse)
    except TierUnavailable as error:
        return _failed(error)
    except LimitExceeded:  # the patch is longer than it was quoted with; it can be submitted all the same
        reply = TierReply(note=f"the patch is {len(diff)} characters long, and a review of it is too dear")
    reasons = (f"{tier.name}: {plain_line(reply.note, SHOWN)}",)
    void, passed = reply.right is None, bool(reply.right)
    return CheckDone(check=Check.REVIEW, key="", passed=passed, reasons=reasons, void=void)


def tried(world: World, state: State, tier: str, reply: TierReply) -> AttemptDone:
    """Run what the tier proposes, in its order, until something passes; the same tree is not run again."""
    if reply.candidates:  # an answer may have been long in coming
        ready(world, state)
    dropped, refused = list[str](), list[str]()
    edits, tree = tuple[FileEdit, ...](), ""
    for proposed in reply.candidates:
        reasons = vet(world, state, proposed)
        if not reasons:
            tree_hash = patched_tree_hash(world.base_of(state), proposed)
            if tree_hash in state.refused or tree_hash in refused:
                reasons = ("the same patch was refused before",)
            elif reasons := target_problem(world, state, proposed):
                refused.append(tree_hash)
            else:
                edits, tree = proposed, tree_hash
                break
        dropped.append(f"{_summary(world, state, proposed)}: {'; '.join(reasons[:2])}")
    return AttemptDone(
        tier=tier,
        patch=world.store(dump_edits(edits)) if edits else "",
        tree=tree,
        paths=tuple(edit.path for edit in edits),
        refused=tuple(refused),
        description=plain_line(reply.note, SHOWN),
        tried=len(dropped) + bool(edits),
        next_index=state.searches.get(tier, Search()).next_index,
        dropped=tuple(dropped),
        note=reply.note if not reply.candidates else "",
        planned=None,
    )


def target_problem(world: World, state: State, edits: tuple[FileEdit, ...]) -> tuple[str, ...]:
    """Why the edits do not mend the targets, as a run of these shows."""
    run = run_with(world, edits, state.targets, judging(world, state, world.left))
    failing = [target for target in state.targets if not run.passed(target)]
    if not run.complete:
        return (f"the targets' report is incomplete: {run.problem}",)
    if not failing:
        return ()
    verdict = run.verdicts.get(failing[0])
    why = plain_line(reason(verdict.message), SUMMARY) if verdict and verdict.message else "no message"
    which = f" ({failing[0]})" if len(state.targets) > 1 else ""
    return (f"{len(failing)} of {len(state.targets)} targets still fail{which}: {why}",)


def _summary(world: World, state: State, edits: tuple[FileEdit, ...]) -> str:
    """What a patch changes, in one line: the lines it puts in, then those it takes out."""
    try:
        diff = make_patch(world.base_of(state), edits).decode("utf-8", "replace")
    except PatchError as error:
        return plain_line(str(error), SHOWN)
    changed = [line for line in diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    lines = sorted(changed, key=lambda line: line[0])  # "+" first
    return plain_line(f"{', '.join(edit.path for edit in edits)} {' '.join(lines)}", SUMMARY)


def _request(world: World, state: State, tier: Tier, diff: str = "", *, acting: bool = False) -> TierRequest:
    """What the tier is told; as many candidates are asked for as the attempt was quoted with."""
    base, pieces, model = world.base_of(state), chosen_pieces(state, tier.name), model_named(state, tier.name)
    pace, candidates = pace_in(state, tier.name), 1
    hold = pace.hold(EMPTY)
    if acting and model is not None:
        attempt = next_attempt(sized_case(state, pieces), model, state, standing_tiers(state))
        candidates, hold = attempt.prompt.candidates, pace.hold(attempt.prompt)
    if hold.seconds:
        world.say(f"{tier.name} is busy, its request waits {show_seconds(hold.seconds)}: {hold.why}")
    left, testing = world.left - hold.seconds, cap(candidates * testing_seconds(state))
    taken = max(0.0, state.intent.reserved.seconds - world.left) if state.intent else 0.0
    return TierRequest(
        case=case_of(state, shown_pieces(pieces, base.read)),
        diff=diff,
        read=base.read,
        files=partial(editable_files, world, state, pieces),
        seconds=hold.seconds + max(left / 2, left - testing),
        attempts=len(state.searches.get(tier.name, Search()).used),
        may_ask=state.readings < MOST_READINGS,
        candidates=candidates,
        run=state.run_id,
        store=world.store,
        standing=Standing(pace, state.tries.get(tier.name, 0), max(0.0, state.left.seconds - taken)),
    )


def editable_files(world: World, state: State, pieces: tuple[Piece, ...]) -> tuple[str, ...]:
    """The files of these pieces that a fix may touch."""
    paths = dict.fromkeys(piece.path for piece in pieces)
    return tuple(path for path in paths if editable(world, state, path))


def _too_dear(tier: Tier) -> TierFailed:
    """The request has become longer than it was quoted with: it was not sent, and costs nothing."""
    return TierFailed(
        tier=tier.name,
        failure="budget",
        message="its request is dearer than it was quoted at, and the budget has no room for that",
    )


def _failed(error: TierUnavailable) -> TierFailed | TierBusy:
    if error.wait is not None:
        return TierBusy(tier=error.tier, seconds=error.wait, message=error.message)
    return TierFailed(tier=error.tier, failure=error.failure, message=error.message)
