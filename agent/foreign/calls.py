"""Calls of a model with the tools they called, as the importers of sessions collect them -> steps."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from agent.audit.runs import Request, Step
from agent.foreign.costs import Costs
from agent.foreign.fields import between
from agent.foreign.kinds import kind_of, tool_kind
from agent.foreign.notes import Notes
from agent.tiers.prompt import Usage
from agent.tiers.untrusted import one_line
from policies.vocabulary import StepKind

SHOWN_TOOLS = 3


@dataclass(slots=True)
class ToolUse:
    """A call of a tool. tests: its exit status is that of tests. ended: when its result came; failed: whether
    it did, None where that is not said."""

    name: str
    kind: StepKind | None = None
    tests: bool = False
    ended: float | None = None
    failed: bool | None = None

    @classmethod
    def of(cls, name: str, arguments: object) -> ToolUse:
        """A call of the tool `name` with these arguments."""
        kind, tests = tool_kind(name, arguments)
        return cls(one_line(name, 60) or "a tool", kind, tests)


@dataclass(slots=True)
class Call:
    """A call of a model. asked, answered: seconds since the epoch. recorded: dollars by the agent.
    listed: list prices hold for it."""

    model: str
    usage: Usage | None = None
    recorded: float | None = None
    asked: float | None = None
    answered: float | None = None
    failure: str = ""
    listed: bool = True
    tools: list[ToolUse] = field(default_factory=list)


def steps_of(calls: Iterable[Call], costs: Costs, notes: Notes) -> list[Step]:
    """A step for each call, with what its tools did. It takes from when it was asked until its last tool's
    result was there."""
    return [_step(number, call, costs, notes) for number, call in enumerate(calls, start=1)]


def _step(number: int, call: Call, costs: Costs, notes: Notes) -> Step:
    request = costs.request(
        call.model,
        call.usage,
        recorded=call.recorded,
        time=call.answered if call.asked is None else call.asked,
        seconds=between(call.asked, call.answered),
        failure=call.failure,
        listed=call.listed,
    )
    ends = [time for time in (call.answered, *(tool.ended for tool in call.tools)) if time is not None]
    seconds = between(call.asked, max(ends, default=None))
    if seconds is None:
        notes.tell("steps whose seconds are not told, for lack of times: {n}")
    kind = kind_of(tool.kind for tool in call.tools)
    return Step(
        number=number,
        kind=kind,
        name=tool_names(call.tools) or (f"answer ({call.failure})" if call.failure else "answer"),
        time=call.answered if call.asked is None else call.asked,
        dollars=request.dollars,
        seconds=seconds,
        requests=(request,),
        succeeded=_tests_passed(call.tools) if kind is StepKind.VERIFY else None,
        said=_said(call.tools),
    )


def tool_names(tools: Sequence[ToolUse]) -> str:
    """Names of the tools, each once, the first few."""
    names = list(dict.fromkeys(tool.name for tool in tools))
    return ", ".join(names[:SHOWN_TOOLS]) + (" …" if len(names) > SHOWN_TOOLS else "")


def _tests_passed(tools: Sequence[ToolUse]) -> bool | None:
    """What the exit statuses of its tests say, None where one of them is not known."""
    statuses = [tool.failed for tool in tools if tool.kind is StepKind.VERIFY]
    if not all(tool.tests for tool in tools if tool.kind is StepKind.VERIFY) or None in statuses:
        return None
    return not any(statuses)


def _said(tools: Sequence[ToolUse]) -> str:
    failed = sum(tool.failed is True for tool in tools)
    return f"{failed} of {len(tools)} tool calls failed" if failed else ""


def rest_step(steps: Sequence[Step], total: float | None, model: str, notes: Notes) -> tuple[Step, ...]:
    """A last step for what a recorded total holds beyond the recorded costs of the steps; none where they
    account for it, or where list prices stand in for all that is missing."""
    requests = [request for step in steps for request in step.requests]
    recorded = sum(request.dollars or 0.0 for request in requests if request.known == "recorded")
    if not total or total <= recorded * (1 + 1e-6) + 1e-9:
        return ()
    by_list = sum(request.dollars or 0.0 for request in requests if request.known == "list price")
    if by_list and not any(request.known == "unknown" for request in requests):
        notes.tell(
            f"it recorded ${total:.4f} for the whole run; by step, that is ${recorded:.4f} recorded and "
            f"${by_list:.4f} at list price"
        )
        return ()
    notes.tell("its recorded cost is that of the whole run; what no step accounts for is a step of its own")
    rest = max(0.0, total - recorded - by_list)
    request = Request(model=model, usage=None, dollars=rest, known="recorded")
    name = "rest of the run's cost"
    return (Step(number=len(steps) + 1, kind=None, name=name, dollars=rest, requests=(request,)),)


def adds_up(steps: Sequence[Step], total: float | None) -> bool:
    """Whether what is known of the steps' cost is what the run recorded as its total: so it is all of it."""
    known = sum(step.dollars or 0.0 for step in steps)
    return bool(total) and math.isclose(known, total or 0.0, rel_tol=1e-6, abs_tol=1e-9)


def only_model(steps: Sequence[Step]) -> str:
    """The model of all requests, "" for several or none."""
    models = {request.model for step in steps for request in step.requests}
    return models.pop() if len(models) == 1 else ""
