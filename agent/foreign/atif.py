"""Trajectories in Harbor's Agent Trajectory Interchange Format (ATIF), versions 1.0 to 1.8.

Fields that a version added are optional in all, so one reader serves them all. Trajectories of sub-agents
that are embedded (from 1.7 on) are part of the run. What we export ourselves holds, in `extra`, what the
format has no place for, and is read from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import get_args

from agent.audit.runs import Known, Request, Run, Source, Step
from agent.foreign.calls import ToolUse, adds_up, only_model, rest_step, tool_names
from agent.foreign.costs import Costs
from agent.foreign.fields import amount, between, dollars, first_text, get, label, records, text, when
from agent.foreign.kinds import kind_of
from agent.foreign.notes import Notes
from agent.foreign.reading import ForeignFile, Record
from agent.foreign.tokens import first_count, inclusive_usage
from agent.tiers.prompt import FailureKind, Usage
from agent.tiers.untrusted import count, one_line
from policies.vocabulary import Prices, StepKind

OURS = "marginal_agent"
"""Under this name `extra` holds our own terms."""

_VERSIONS = "ATIF-v1."
_KINDS = {str(kind): kind for kind in StepKind}
_FAILURES = frozenset((*get_args(FailureKind), "lost"))
MOST_TRAJECTORIES = 10_000


class Atif:
    """Reads a trajectory."""

    name: Source = "atif"
    expects = "one JSON object with schema_version ATIF-v1.…, agent and steps"
    words = (b'"schema_version"', b'"ATIF-')

    def recognises(self, head: Sequence[Record]) -> bool:
        """By its version."""
        return len(head) == 1 and text(head[0], "schema_version").startswith(_VERSIONS)

    def read(self, file: ForeignFile, prices: Prices) -> tuple[Run, ...]:
        """The trajectory as one run."""
        notes = Notes()
        document = file.document
        reader = _Reader(notes)
        for trajectory in _trajectories(document):
            reader.take(trajectory)
        steps, total = tuple(reader.steps), None
        if get(document, "extra", OURS) is None:
            total = dollars(get(document, "final_metrics", "total_cost_usd"))
            steps += rest_step(steps, total, label(document, "agent", "model_name"), notes)
        else:
            notes.tell("an export of ours: decisions, outcome and integrity are told by the trace itself")
        if text(document, "continued_trajectory_ref"):
            notes.tell("it goes on in another file")
        notes.tell("a trajectory does not say whether its outcome was right: the value delivered is unknown")
        agent = f"{label(document, 'agent', 'name')} {label(document, 'agent', 'version')}"
        return (
            Run(
                source="atif",
                path=str(file.path),
                run_id=label(document, "session_id") or label(document, "trajectory_id") or file.digest,
                agent=agent.strip(),
                steps=steps,
                whole=adds_up(steps, total),
                prices=prices,
                model=only_model(steps),
                task=one_line(_task(document)),
                started=next((step.time for step in steps if step.time is not None), None),
                notes=notes.lines(),
            ),
        )


def _trajectories(document: Record) -> Iterator[Record]:
    """The trajectory and those embedded in it, in the order of the document."""
    left = [document]
    for _ in range(MOST_TRAJECTORIES):
        if not left:
            return
        trajectory = left.pop()
        yield trajectory
        left += reversed(records(trajectory, "subagent_trajectories"))


def _task(document: Record) -> str:
    first = next((step for step in records(document, "steps") if step.get("source") == "user"), {})
    return first_text(first.get("message"))


class _Reader:
    """Collects the steps of several trajectories."""

    def __init__(self, notes: Notes) -> None:
        self.steps: list[Step] = []
        self._notes = notes
        self._costs = Costs(notes)
        self._taken = 0

    def take(self, trajectory: Record) -> None:
        """The steps of one trajectory."""
        self._taken += 1
        if self._taken > 1:
            self._notes.tell("sub-agents, whose steps are counted with the run's: {n}")
        model = label(trajectory, "agent", "model_name")
        steps = records(trajectory, "steps")
        for step, following in pairwise([*steps, {}]):
            if step.get("source") != "agent":
                continue
            if step.get("is_copied_context") is True:
                self._notes.tell("steps copied from an earlier trajectory, and left out: {n}")
                continue
            ours = get(step, "extra", OURS)
            taken = self._own(step, ours) if isinstance(ours, dict) else self._step(step, following, model)
            self.steps.append(taken)

    def _step(self, step: Record, following: Record, model: str) -> Step:
        """A step by the format's own fields. It takes until the next one, unless that is a person's."""
        time = when(step.get("timestamp"))
        seconds = None
        if following.get("source") != "user":
            seconds = between(time, when(following.get("timestamp")))
        if seconds is None:
            self._notes.tell("steps whose seconds are not told, for lack of times: {n}")
        else:
            self._notes.tell("the seconds of a step are those from its time to the next one's")
        tools = [
            ToolUse.of(text(call, "function_name"), call.get("arguments"))
            for call in records(step, "tool_calls")
        ]
        requests: tuple[Request, ...] = ()
        if count(step.get("llm_call_count")) != 0:
            requests = (self._request(step, label(step, "model_name") or model, time),)
        return Step(
            number=len(self.steps) + 1,
            kind=kind_of(tool.kind for tool in tools),
            name=tool_names(tools) or "answer",
            time=time,
            dollars=requests[0].dollars if requests else 0.0,
            seconds=seconds,
            requests=requests,
        )

    def _request(self, step: Record, model: str, time: float | None) -> Request:
        if (count(step.get("llm_call_count")) or 1) > 1:
            self._notes.tell("steps with several calls of a model, told in sum: {n}")
        metrics = step.get("metrics")
        more = get(metrics, "extra")
        usage = inclusive_usage(
            get(metrics, "prompt_tokens"),
            get(metrics, "completion_tokens"),
            get(metrics, "cached_tokens"),
            first_count(get(more, "cache_creation_input_tokens"), get(more, "cache_write_input_tokens")),
            first_count(get(more, "reasoning_tokens"), get(more, "reasoning_output_tokens")),
        )
        recorded = dollars(get(metrics, "cost_usd"))
        return self._costs.request(model, usage, recorded=recorded, time=time, seconds=None)

    def _own(self, step: Record, ours: Record) -> Step:
        """A step that we exported."""
        return Step(
            number=len(self.steps) + 1,
            kind=_KINDS.get(text(ours, "kind")),
            name=label(ours, "name"),
            tier=label(ours, "tier"),
            time=when(step.get("timestamp")),
            dollars=dollars(ours.get("dollars")),
            seconds=amount(ours.get("seconds")),
            loss=amount(ours.get("loss")),
            requests=tuple(_own_request(request) for request in records(ours, "requests")),
            said=one_line(
                first_text(get(next(iter(records(step, "observation", "results")), {}), "content"))
            ),
        )


def _own_request(request: Record) -> Request:
    usage = request.get("usage")
    spent = dollars(request.get("dollars"))
    failure = text(request, "failure")
    known: Known = "worst case" if request.get("known") == "worst case" else "recorded"
    return Request(
        model=label(request, "model"),
        usage=None if not isinstance(usage, dict) else Usage(**_phases(usage)),
        dollars=spent,
        known="unknown" if spent is None else known,
        seconds=amount(request.get("seconds")),
        waited=amount(request.get("waited")),
        failure=failure if failure in _FAILURES else "",
    )


def _phases(usage: Record) -> dict[str, int]:
    names = ("prefill", "cached", "written", "written_long", "decode", "reasoning")
    return {name: count(usage.get(name)) or 0 for name in names}
