"""Submit and defer: final verification in a fresh tree, then delivery as asked; or evidence for a person.

What is to be delivered is put on record before any of it is; each part of a delivery finds out whether it was
made already. So a run that is killed meanwhile delivers once, whenever it is resumed.
"""

from __future__ import annotations

import errno
import math
import os
import time
from collections.abc import Callable
from pathlib import Path

from agent.bystanders import bystanders
from agent.confirming import because, people
from agent.doubt import looked_again, looked_without
from agent.edits import load_edits
from agent.errors import AgentError, TraceError
from agent.events import DeliveryIntended, Event
from agent.forecast import estimates
from agent.loop import Performed
from agent.observations import Counts, DeferralDone, Observation, SubmissionDone
from agent.patience import judging
from agent.prepare import baseline_run, count
from agent.state import State
from agent.trace import write_whole
from agent.vetting import vet
from agent.world import Final, Refusal, World, write_edits
from policies.autonomy import Confirmation, required
from policies.belief import hand_right
from policies.vocabulary import ActionClass, Outcome
from sandboxes.interface import WORK
from tools.base import Base
from tools.files import FileEdit
from tools.host_git import author
from tools.patch import PatchError, apply_to_tree, commit_to_branch, digest, make_patch, tip_naming
from tools.plain import plain_line
from tools.verdicts import judge

FIXED_PATCH = "fix.patch"
PART_PATCH = "part.patch"
"""What was verified only together with the patches of other tasks."""

CANDIDATE_PATCH = "candidate.patch"


def submit(world: World, state: State, loss: float, record: Callable[[Event], object]) -> Performed:
    """Verify base + patch cold in a fresh sandbox, the targets alone and the whole suite; deliver if it
    holds. `loss`: the expected loss units that delivering was quoted at; `record` puts an event on disk."""
    assert state.hand is not None and world.environment is not None
    began = time.monotonic()
    base = world.base_of(state)
    edits = load_edits(world.load(state.hand.patch))
    if state.settings.schedule.paths and {edit.path for edit in edits} != {*state.hand.paths}:
        raise TraceError("the candidate changes other files than its trace says")
    reasons = (world.final.reason,) if isinstance(world.final, Refusal) else vet(world, state, edits)
    counts, passed, key, red, without = Counts(), 0, "", tuple[str, ...](), None
    if not reasons:
        held = world.final if isinstance(world.final, Final) else None
        final = held or run_finally(world, state, edits, state.hand.tree, state.targets)
        judgement = judge(baseline_run(world, state), final.suite, state.targets, final.flaky)
        alone = tuple(target for target in state.targets if not final.alone.passed(target))
        red = alone or tuple(target for target in state.targets if not final.suite.passed(target))
        failing = [f"{target} fails alone" for target in alone]
        if not final.alone.complete:
            failing.append(f"the report of the targets alone is not complete: {final.alone.problem}")
        by_chance = final.by_chance(state.targets)
        failing += [f"{target} passes without it, too, sometimes" for target in by_chance]
        counts, reasons, key = count(final.suite), (*failing, *judgement.reasons), final.key
        without = final.without.of(state.targets) if final.without else None
        passed = sum(final.suite.passed(target) for target in state.targets)
    patch = make_patch(base, edits)
    if reasons:
        return Performed(
            SubmissionDone(
                verified=False,
                key=key,
                reasons=reasons,
                counts=counts,
                diff=world.store(patch),
                looked=without if without and any(without.passes) else looked_again(world, state, red),
            )
        )
    intended = DeliveryIntended(
        submission=SubmissionDone(
            verified=True,
            key=key,
            counts=counts,
            targets_passed=passed,
            still_failing=judgement.counts.still_bad,
            looked=without,
            flaky=final.flaky,
            beside=final.beside,
            patch=state.hand.patch,
            diff=world.store(patch),
            undelivered=unconfirmed(state),
            confirmed=confirmed(state),
            required=(level := _required(state)[0]),
            people=state.schedule.readers(level, state.settings.delivery),
            notify=state.schedule.told(state.settings.delivery),
        ),
        before=tuple(digest(base.read(edit.path)) for edit in edits),
        seconds=time.monotonic() - began,
    )
    record(intended)
    return Performed(deliver(world, state, intended, patch), loss=loss)


def run_finally(
    world: World, state: State, edits: tuple[FileEdit, ...], tree: str, targets: tuple[str, ...]
) -> Final:
    """Base + edits (with this tree hash) cold in a fresh sandbox: these tests alone, and the whole suite. If
    the tests pass, they are looked at without the edits, too."""
    assert world.environment is not None
    world.say("final verification: a fresh sandbox, the whole suite")
    sandbox = world.new_sandbox(world.base_of(state), world.environment)
    try:
        write_edits(sandbox, edits)
        fresh = sandbox.checkpoint(WORK)
        limits = judging(world, state, world.left)
        alone = world.run_tests(sandbox, targets, limits, "final verification, targets alone")
        sandbox.restore(fresh)
        limits = judging(world, state, world.left)
        suite = world.run_tests(sandbox, None, limits, "final verification, the whole suite")
    finally:
        sandbox.stop()
    key = world.verdict_key(tree, None, judging(world, state, math.inf))
    flaky = bystanders(world, state, suite, targets, edits)
    passing = alone.complete and all(run.passed(target) for run in (alone, suite) for target in targets)
    without = looked_without(world, state, targets, edits) if passing else None
    return Final(alone, suite, key, flaky, without=without)


def confirmed(state: State) -> Confirmation:
    """How far a person has confirmed the delivery: `--apply` and `--commit` are their word."""
    commits = state.settings.delivery is ActionClass.COMMIT
    return Confirmation.CONFIRM if commits else Confirmation.FREE


def _required(state: State) -> tuple[Confirmation, float]:
    """The confirmation that is asked for, and the probability that the patch is right."""
    c = hand_right(state.belief, estimates(state), verified=True)
    return required(state.settings.delivery, c, state.prices, state.schedule), c


def unconfirmed(state: State) -> str:
    """Why delivery has to wait for a person, "" when they have confirmed as much as is asked for: a patch
    file needs no confirmation, unless the schedule or the price of risk asks for it."""
    delivery, granted = state.settings.delivery, confirmed(state)
    asked, c = _required(state)
    if asked <= granted:
        return ""
    if (level := state.schedule.scheduled(delivery)) > granted:
        who = people(state.schedule.readers(level, delivery))
        return f"the autonomy schedule asks {who} to confirm a {delivery}{because(state, level)}"
    who = people(state.schedule.readers(asked, delivery))
    return f"at this price of risk {who} must confirm it (right with probability {c:.2f})"


def deliver(world: World, state: State, intended: DeliveryIntended, patch: bytes) -> SubmissionDone:
    """Hand out what was verified, as asked; of a delivery that was cut off, what is left of it."""
    found = intended.submission
    kept = _write_patch(world, PART_PATCH if found.beside else FIXED_PATCH, patch)
    if found.undelivered:
        return found.model_copy(update={"undelivered": f"{found.undelivered}; it waits for that in {kept}"})
    delivered, undelivered = _beyond(world, state, intended, patch)
    update = {"delivered": (f"patch file {kept}", *delivered), "undelivered": undelivered}
    return found.model_copy(update=update)


def _beyond(
    world: World, state: State, intended: DeliveryIntended, patch: bytes
) -> tuple[tuple[str, ...], str]:
    """Beyond the trace's patch file: a file, the tree or a branch, as asked. What fails loses nothing."""
    settings, delivered = state.settings, tuple[str, ...]()
    try:
        if settings.patch_out:
            delivered += (f"patch file {write_new(settings.patch_out, patch, state.run_id)}",)
        base = world.take_base() if settings.branch or settings.apply else None
        if base is not None and settings.branch and base.git_dir is not None:
            commit = tip_naming(base, settings.branch, _run_named(state)) or commit_to_branch(
                base, patch, settings.branch, _message(state, base), author(base.git_dir)
            )
            delivered += (f"commit {commit[:12]} on branch {settings.branch}{_apart_from(base)}",)
        if base is not None and settings.apply:
            edits = load_edits(world.load(intended.submission.patch))
            apply_to_tree(base, edits, before=intended.before, mark=state.run_id)
            delivered += (f"applied to {base.root}",)
    except (PatchError, OSError) as error:
        return delivered, str(error)
    return delivered, ""


def defer(world: World, state: State) -> Observation:
    """Hand the best candidate over as evidence; nothing of it is applied."""
    patch, path = _write_candidate(world, state)
    return DeferralDone(diff=world.store(patch), delivered=(f"candidate (not verified) {path}",))


def keep_candidate(world: World, state: State) -> str:
    """Write the candidate of a run that ended with one in hand, for a person; returns the file, or ""."""
    if state.hand is None or state.ended in (Outcome.FIXED, Outcome.DEFERRED):
        return ""
    try:
        return _write_candidate(world, state)[1]
    except (AgentError, PatchError, OSError):
        return ""  # the run's own outcome matters more, and the edits are in the trace


def _write_candidate(world: World, state: State) -> tuple[bytes, str]:
    assert state.hand is not None
    patch = make_patch(world.base_of(state), load_edits(world.load(state.hand.patch)))
    return patch, _write_patch(world, CANDIDATE_PATCH, patch)


def _write_patch(world: World, name: str, patch: bytes) -> str:
    path = world.trace_folder / name
    write_whole(path, patch)
    return str(path)


def write_new(name: str, data: bytes, mark: str) -> str:
    """Write a file that must not exist yet, unless this is what it holds: whole or not at all. `mark` names
    the file it is made of, beside it. Raises OSError."""
    path = Path(name)
    part = path.with_name(f".{path.name}.{mark}")
    try:
        if path.is_file() and path.read_bytes() == data:
            return name
        part.write_bytes(data)
        _name(part, path)
    finally:
        part.unlink(missing_ok=True)
    return name


def _name(part: Path, path: Path) -> None:
    """Give a finished file its name, never in place of another one."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if path.exists():
            raise FileExistsError(errno.EEXIST, "exists already", str(path)) from None
        part.rename(path)


def _message(state: State, base: Base) -> str:
    targets = [plain_line(target, 100) for target in state.targets]
    more = f" and {len(targets) - 1} more" if len(targets) > 1 else ""
    what = plain_line(state.hand.description, 300) if state.hand else ""
    verified = f"{_run_named(state)}{_apart_from(base)}."
    return f"Fix {targets[0]}{more}\n\n{what}\n{verified}\n"


def _run_named(state: State) -> str:
    return f"Verified by marginal-agent, run {state.run_id}"


def _apart_from(base: Base) -> str:
    """What a commit of HEAD + patch leaves out of what was verified."""
    if not base.dirty:
        return ""
    return f" (verified together with {len(base.dirty)} uncommitted file(s), which this commit leaves out)"


def apply_fix(world: World, state: State) -> str:
    """Apply the verified patch to the user's tree, by their word. Returns why it could not be, or ""."""
    assert state.submission is not None
    before = state.delivery.before if state.delivery else None  # (an older trace has none)
    try:
        base = world.base_of(state) if before is None else world.take_base()
        edits = load_edits(world.load(state.submission.patch))
        apply_to_tree(base, edits, before=before, mark=state.run_id)
    except (PatchError, AgentError, OSError) as error:
        return str(error)
    return ""
