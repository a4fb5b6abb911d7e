"""Replay: recompute every decision of a trace from its observations, with neither model nor sandbox."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from math import isclose
from pathlib import Path
from typing import Any

from agent import fold
from agent.errors import AgentError
from agent.events import (
    Event,
    RunEnded,
    StepDecided,
    StepDone,
    StepIntended,
    blobs_of,
)
from agent.loop import decide, worst_case
from agent.policies import policy_named
from agent.replaying.recorded import folded
from agent.state import State
from agent.trace import Trace, start_of
from agent.versions import made_otherwise
from policies.decide import Policy
from policies.vocabulary import Outcome

TOLERANCE = 1e-9
"""Relative tolerance of recomputed numbers: another processor may round the last bit differently."""

FROM_OUTSIDE = frozenset({Outcome.INTERRUPTED, Outcome.INFRASTRUCTURE, Outcome.USAGE, Outcome.LIMIT})
"""Ends that no recorded result has to explain: a signal, a lost sandbox, a tree that changed, a reservation
that did not fit."""


@dataclass(frozen=True)
class Replay:
    """What a replay found. `difference` names the first decision that differs, "" when all are identical;
    `closed`: the end of the run is recorded."""

    closed: bool
    decisions: int
    difference: str
    state: State
    head_hash: str
    blobs: int


def replay(folder: Path) -> Replay:
    """Recompute all decisions of the trace in `folder`.

    Raises UsageError when there is no trace, and TraceError when it was altered, is cut off within a line, or
    lacks a blob (it names the line or the blob).
    """
    trace = Trace(folder)
    first, events = start_of(trace)
    policy = policy_named(first.policy, first.settings.schedule)
    state, decisions, difference = fold.start(first), 0, ""
    event: Event = first
    for number, event in enumerate(events, start=2):
        decisions += isinstance(event, StepDecided)
        if not difference and (found := _difference(state, event, policy)):
            at = (
                f"decision {decisions} (line {number})"
                if isinstance(event, StepDecided)
                else f"line {number}"
            )
            difference = f"{at}: {found}"
            if why := made_otherwise(first):
                difference += f" — {why}"
        for name in blobs_of(event):
            trace.blob(name)
        state = folded(state, event, number)
    return Replay(isinstance(event, RunEnded), decisions, difference, state, trace.head, trace.check_blobs())


def _difference(state: State, event: Event, policy: Policy) -> str:
    """How an event differs from what the events before it say it must be, in words; "" if it does not."""
    match event:
        case StepDecided(decision=recorded):
            try:
                recomputed = decide(state, policy)
            except (AgentError, ArithmeticError, LookupError, ValueError) as error:
                return f"it cannot be recomputed ({error})"
            # The same to the last bit nearly always, and then told without a look at each field.
            return "" if recomputed == recorded else first_difference(recorded, recomputed)
        case StepIntended(step=step, reserved=reserved):
            decided = state.decision
            if decided is None or decided.chosen != step or worst_case(decided) != reserved:
                return f"step {step.name} was not what had been decided"
        case StepDone(step=step):
            if state.intent is None or state.intent.step != step:
                return f"a result of {step.name} without an intent"
        case RunEnded(outcome=outcome):
            if outcome not in FROM_OUTSIDE and outcome != state.ended:
                return f"ended as {outcome}, the results before it say {state.ended or 'not ended'}"
        case _:
            pass
    return ""


def first_difference(recorded: Any, recomputed: Any, where: str = "") -> str:
    """The first field in which two values differ, in words; "" when they are the same up to TOLERANCE."""
    if is_dataclass(recorded) and type(recorded) is type(recomputed):
        for item in fields(recorded):
            name = f"{where}.{item.name}" if where else item.name
            found = first_difference(getattr(recorded, item.name), getattr(recomputed, item.name), name)
            if found:
                return found
        return ""
    if isinstance(recorded, tuple) and isinstance(recomputed, tuple) and len(recorded) == len(recomputed):
        for position, (one, other) in enumerate(zip(recorded, recomputed, strict=True)):
            found = first_difference(one, other, f"{where}[{position}]")
            if found:
                return found
        return ""
    if isinstance(recorded, float) and isinstance(recomputed, float):
        same = isclose(recorded, recomputed, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    else:
        same = recorded == recomputed
    return "" if same else f"{where} was {recorded!r}, recomputed {recomputed!r}"
