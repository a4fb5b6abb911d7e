"""`agent fix` once its run is begun or reopened: driven, ended, reported."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from agent.approvals.request import Wanted, awaits, requested
from agent.confirming import offerable
from agent.deliver import CANDIDATE_PATCH, FIXED_PATCH, apply_fix, deliver, keep_candidate
from agent.errors import AgentError, TraceError, TraceLost, UsageError
from agent.events import PersonAnswered, RunEnded, StepDone
from agent.handover import handover_of
from agent.handover_page import write_page
from agent.ledger import LimitExceeded
from agent.lessons import lesson
from agent.live import LiveEffects
from agent.loop import drive
from agent.memory import remember
from agent.policies import policy_named
from agent.report import Report, diff_of, report_of
from agent.run import Run, redactor_for
from agent.settings import memory_file
from agent.settled import settled_patch
from agent.termination import Terminated, termination
from agent.tiers.interface import Tier
from agent.trace import Trace
from agent.view import View
from agent.world import World
from policies.vocabulary import EXIT_CODES, SIGTERM_CODE, Bill, Outcome
from sandboxes.interface import ImageError, SandboxError
from tools.patch import PatchError

TAIL = 1500
"""Characters of a failing tail in the explanation; the end is what matters."""

APPLY = "apply the patch to your tree?"


def carry_out(run: Run, tiers: dict[str, Tier], view: View, confirm: Callable[[str], bool] | None) -> Report:
    """Drive the run to its end and report. `confirm` asks the person (None: nobody is there).

    Raises TraceLost when the trace cannot be written.
    """
    world = World(
        settings=run.state.settings,
        tiers=tiers,
        say=view.progress,
        store=run.writer.blob,
        load=Trace(run.folder).blob,
        trace_folder=run.folder,
        holds_secret=redactor_for(run.state.settings).holds_secret,
    )
    effects = LiveEffects(world)
    try:
        with termination():
            ended = run.over or _to_its_end(run, world, effects, view, confirm)
    except (KeyboardInterrupt, Terminated) as signalled:
        code = SIGTERM_CODE if isinstance(signalled, Terminated) else EXIT_CODES[Outcome.INTERRUPTED]
        ended = ended_as(Outcome.INTERRUPTED, "stopped from outside; the trace can be resumed", code)
    finally:
        view.finish()
        effects.close()
    if run.over is None:
        end(run, ended)
    report = reported(run, world, ended)
    if run.state.settings.memory and run.over is None:  # one that had ended has taught already
        _remember(run, view)
    return report


def end(run: Run, ended: RunEnded) -> None:
    """Put the end on record; where its delivery waits for people, what they have to sign before it."""
    if ended.outcome is Outcome.DEFERRED and awaits(run.state) and run.state.approvals.request is None:
        run.append(requested(run.state, Wanted(run.state.settings.delivery), time.time()))
    run.append(ended)


def reported(run: Run, world: World, ended: RunEnded) -> Report:
    """The report of a run whose end is on record; its candidate is kept, and its trace released."""
    candidate = keep_candidate(world, run.state)
    diff = diff_of(run.state, Trace(run.folder))
    handover = handover_of(run.state, candidate or best_patch(run))
    page = "" if handover is None else write_page(run.folder, handover, run.state.run_id, run.writer.head)
    run.writer.close()
    return report_of(
        run.state,
        diff=diff,
        candidate=candidate,
        trace=str(run.folder),
        head_hash=run.writer.head,
        exit_code=ended.exit_code,
        handover=handover,
        page=page,
    )


def best_patch(run: Run) -> str:
    """The patch file beside the trace of a run that was deferred, or ""."""
    names = (FIXED_PATCH, CANDIDATE_PATCH)
    return next((str(run.folder / name) for name in names if (run.folder / name).is_file()), "")


def _remember(run: Run, view: View) -> None:
    """Keep what the run taught; that this cannot be done is no reason to fail it."""
    try:
        remember(memory_file(), lesson(Trace(run.folder).events(), time.time()))
    except OSError as error:
        why = f"{error.strerror or error}: {error.filename or memory_file()}"
        view.note(f"what this run teaches was not kept ({why})")
    except AgentError as error:
        view.note(f"what this run teaches was not kept: {error}")


def _to_its_end(
    run: Run, world: World, effects: LiveEffects, view: View, confirm: Callable[[str], bool] | None
) -> RunEnded:
    """Drive the run; whatever stops it from outside becomes an end with the documented exit code."""

    def driven() -> RunEnded:
        if run.state.delivering:
            _finish_delivery(run, world, view)
        policy = policy_named(run.policy, run.state.settings.schedule)
        drive(run.state, policy, effects, run.append, time.monotonic, view)
        state = run.state
        if state.ended is Outcome.FIXED and (confirm or state.answer) and world.take_base().git_dir:
            if state.answer is None and (why := offerable(state)):
                return ended_as(Outcome.FIXED, f"{state.explanation} (fixed; {why})")
            return ended_as(Outcome.FIXED, _offer(run, world, view, confirm))
        return ended_as(state.ended or Outcome.INFRASTRUCTURE, state.explanation)

    return ended_by(driven)


Result = TypeVar("Result")


def ended_by(act: Callable[[], Result]) -> Result | RunEnded:
    """What `act` returns, or the end of the run that an error in it is."""
    try:
        return act()
    except ImageError as error:
        tail = f"\n{error.tail[-TAIL:]}" if error.tail else ""
        return ended_as(Outcome.INFRASTRUCTURE, f"{error}{tail}")
    except SandboxError as error:
        return ended_as(Outcome.INFRASTRUCTURE, str(error))
    except LimitExceeded as error:
        return ended_as(Outcome.LIMIT, f"a hard limit alone stopped it: {error}")
    except UsageError as error:
        return ended_as(Outcome.USAGE, str(error))
    except (TraceError, TraceLost):
        raise
    except (AgentError, PatchError) as error:
        return ended_as(Outcome.INFRASTRUCTURE, str(error))
    except BrokenPipeError:  # nobody reads what is said here any more
        raise
    except OSError as error:  # of this machine: a full disk, a folder that is gone
        where = f": {error.filename}" if error.filename else ""
        return ended_as(Outcome.INFRASTRUCTURE, f"{error.strerror or error}{where}")


def ended_as(outcome: Outcome, explanation: str, exit_code: int | None = None) -> RunEnded:
    """The end of a run, with the exit code of its outcome unless another is said."""
    code = EXIT_CODES[outcome] if exit_code is None else exit_code
    return RunEnded(outcome=outcome, exit_code=code, explanation=explanation)


def _finish_delivery(run: Run, world: World, view: View) -> None:
    """End the step whose delivery was cut off: it was verified, so it is neither lost nor done again."""
    intent, delivery = run.state.intent, run.state.delivery
    assert intent is not None and delivery is not None
    bill = Bill(run.state.requested, delivery.seconds, intent.reserved.loss)
    seen = deliver(world, run.state, delivery, settled_patch(world, run.state, delivery))
    run.append(StepDone(step=intent.step, observation=seen, bill=bill))
    view.observed(seen, bill)


def _offer(run: Run, world: World, view: View, confirm: Callable[[str], bool] | None) -> str:
    """Ask whether the fix should be applied, once; the answer is recorded before anything is touched, and a
    "no" still leaves the patch file."""
    if run.state.answer is None and confirm is not None:
        view.finish()
        view.offer(diff_of(run.state, Trace(run.folder)), run.state)
        run.append(PersonAnswered(question=APPLY, yes=confirm(APPLY)))
    if run.state.answer is None or not run.state.answer.yes:
        return f"{run.state.explanation} (fixed, not applied)"
    if run.state.delivery is not None:  # (an older trace has none)
        settled_patch(world, run.state, run.state.delivery)
    problem = apply_fix(world, run.state)
    done = f"not applied: {problem}" if problem else "applied to your tree"
    return f"{run.state.explanation} (fixed, {done})"
