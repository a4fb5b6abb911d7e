"""Our traces as ATIF and as OTLP: in the forms' own rules, with nothing lost, and read again."""

from __future__ import annotations

import json
import random
import re
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from agent import fold
from agent.audit.ours import our_run
from agent.audit.realised import realised
from agent.audit.runs import Run
from agent.errors import TraceError, UsageError
from agent.events import Event, RequestDone, RequestIntended, RunEnded, RunStarted, StepDone
from agent.foreign.exports import EXPORTERS
from agent.foreign.interface import read_foreign
from agent.observations import StepRefused
from agent.redact import Redactor
from agent.run import begin
from agent.task import Settings
from agent.tier_bills import tier_bills
from agent.trace import EVENTS, GENESIS, Trace, TraceWriter, seal
from benchmarks._simulated_run import simulated
from policies.vocabulary import ActionClass, Bill, Outcome, Prices, Step, StepKind

SEEDS = range(8)


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    parent = tmp_path_factory.mktemp("traces")
    for seed in SEEDS:
        simulated(seed, parent / str(seed))
    return [parent / str(seed) for seed in SEEDS]


def exported(folder: Path, form: str) -> Any:
    content = b"".join(EXPORTERS[form](Trace(folder)))
    assert re.fullmatch(rb"[ -~]+\n", content)  # ASCII on one line: no escape reaches a screen
    return json.loads(content, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def events(folder: Path) -> list[Event]:
    return list(Trace(folder).events(allow_torn_end=True))


def read_again(folder: Path, tmp_path: Path) -> Run:
    path = tmp_path / "export.json"
    path.write_bytes(b"".join(EXPORTERS["atif"](Trace(folder))))
    (run,) = read_foreign(path, Prices())
    return run


# The fields of ATIF 1.7 (see agent/foreign/README.md), written down here anew.


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class AtifCall(Strict):
    tool_call_id: str
    function_name: str
    arguments: dict[str, Any]


class AtifResult(Strict):
    source_call_id: str
    content: str


class AtifObservation(Strict):
    results: list[AtifResult]


class AtifMetrics(Strict):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    cost_usd: float | None = None
    extra: dict[str, Any] | None = None


class AtifStep(Strict):
    step_id: int = Field(ge=1)
    timestamp: str
    source: Literal["system", "user", "agent"]
    message: str
    model_name: str | None = None
    tool_calls: list[AtifCall] | None = None
    observation: AtifObservation | None = None
    metrics: AtifMetrics | None = None
    llm_call_count: int | None = Field(default=None, ge=0)
    extra: dict[str, Any] | None = None


class AtifAgent(Strict):
    name: str
    version: str
    extra: dict[str, Any] | None = None


class AtifFinal(Strict):
    total_prompt_tokens: int
    total_completion_tokens: int
    total_cached_tokens: int
    total_cost_usd: float
    total_steps: int


class Atif(Strict):
    schema_version: Literal["ATIF-v1.7"]
    session_id: str
    trajectory_id: str
    agent: AtifAgent
    steps: list[AtifStep] = Field(min_length=1)
    notes: str
    final_metrics: AtifFinal
    extra: dict[str, Any]


def test_atif_keeps_the_rules_of_the_format(traces: list[Path]) -> None:
    for folder in traces:
        found = Atif.model_validate(exported(folder, "atif"))
        assert [step.step_id for step in found.steps] == list(range(1, len(found.steps) + 1))
        for step in found.steps:
            datetime.fromisoformat(step.timestamp)
            calls = {call.tool_call_id for call in step.tool_calls or ()}
            assert (
                all(result.source_call_id in calls for result in step.observation.results) if calls else True
            )
            if step.source != "agent":
                assert (step.model_name, step.tool_calls, step.metrics) == (None, None, None)
            if step.llm_call_count == 0:
                assert step.metrics is None
        times = [step.timestamp for step in found.steps]
        assert times == sorted(times)
        costs = [step.metrics.cost_usd or 0 for step in found.steps if step.metrics]
        assert found.final_metrics.total_cost_usd == pytest.approx(sum(costs))
        assert found.final_metrics.total_steps == len(found.steps)


def test_atif_read_again_is_the_same_run(traces: list[Path], tmp_path: Path) -> None:
    for folder in traces:
        run = read_again(folder, tmp_path)
        told = events(folder)
        done = [event for event in told if isinstance(event, StepDone)]
        requests = [event for event in told if isinstance(event, RequestDone)]
        assert [step.name for step in run.steps] == [event.step.name for event in done]
        assert [step.kind for step in run.steps] == [event.step.kind for event in done]
        assert [step.seconds for step in run.steps] == [event.bill.seconds for event in done]
        assert [step.loss for step in run.steps] == [event.bill.loss for event in done]
        assert [step.dollars for step in run.steps] == [event.bill.dollars for event in done]
        again = [request for step in run.steps for request in step.requests]
        assert [request.dollars for request in again] == [request.dollars for request in requests]
        assert [request.usage for request in again] == [request.usage for request in requests]
        assert [request.failure for request in again] == [request.failure for request in requests]
        assert run.started == pytest.approx(0.0)


def test_decisions_are_exported_with_every_candidate(traces: list[Path]) -> None:
    found = exported(traces[0], "atif")
    decision = found["steps"][1]["extra"]["marginal_agent"]["decision"]
    assert decision["reason"]
    assert decision["candidates"][0]["quote"]["gain"]["total"] is not None
    end = found["extra"]["marginal_agent"]
    trace = Trace(traces[0])
    *_, last = trace.events()
    assert isinstance(last, RunEnded)
    assert (end["outcome"], end["head_hash"]) == (str(last.outcome), trace.head)


class Span(Strict):
    traceId: str = Field(pattern="^[0-9a-f]{32}$")
    spanId: str = Field(pattern="^[0-9a-f]{16}$")
    parentSpanId: str = Field(default="", pattern="^([0-9a-f]{16})?$")
    name: str
    kind: Literal[1, 3]
    startTimeUnixNano: str = Field(pattern="^[0-9]+$")
    endTimeUnixNano: str = Field(pattern="^[0-9]+$")
    attributes: list[dict[str, Any]]
    events: list[dict[str, Any]] = Field(default_factory=list)
    status: dict[str, Any] = Field(default_factory=dict)

    @property
    def told(self) -> dict[str, Any]:
        """Attributes by name, with their values checked to have one type each."""
        found = {}
        for attribute in self.attributes:
            assert set(attribute) == {"key", "value"}
            ((kind, value),) = attribute["value"].items()
            types = {"stringValue": str, "intValue": str, "doubleValue": float, "boolValue": bool}
            if kind == "arrayValue":
                value = [item["stringValue"] for item in value["values"]]
            else:
                assert isinstance(value, (types[kind], int) if kind == "doubleValue" else types[kind])
            assert attribute["key"] not in found
            found[attribute["key"]] = int(value) if kind == "intValue" else value
        return found


def spans(folder: Path) -> list[Span]:
    (resource,) = exported(folder, "otlp")["resourceSpans"]
    (scope,) = resource["scopeSpans"]
    return [Span.model_validate(span) for span in scope["spans"]]


def test_otlp_is_a_tree_of_spans_with_every_request_and_step(traces: list[Path]) -> None:
    for folder in traces:
        found = spans(folder)
        by_id = {span.spanId: span for span in found}
        assert len(by_id) == len(found)
        assert len({span.traceId for span in found}) == 1
        (root,) = [span for span in found if not span.parentSpanId]
        assert root.told["gen_ai.operation.name"] == "invoke_agent"
        told = events(folder)
        steps = [span for span in found if span.told["gen_ai.operation.name"] == "execute_tool"]
        chats = [span for span in found if span.told["gen_ai.operation.name"] == "chat"]
        assert all(span.parentSpanId == root.spanId for span in steps)
        assert all(by_id[span.parentSpanId] in steps for span in chats)
        done = [event for event in told if isinstance(event, StepDone)]
        requests = [event for event in told if isinstance(event, RequestDone)]
        assert [span.told["marginal_agent.bill.dollars"] for span in steps] == [e.bill.dollars for e in done]
        booked = sum(span.told["marginal_agent.request.dollars"] for span in chats)
        assert booked == pytest.approx(sum(event.dollars for event in requests))
        used = [
            span.told["gen_ai.usage.input_tokens"]
            for span in chats
            if "gen_ai.usage.input_tokens" in span.told
        ]
        assert used == [event.usage.input for event in requests if event.usage]
        for span in found:
            parent = by_id.get(span.parentSpanId, span)
            assert int(parent.startTimeUnixNano) <= int(span.startTimeUnixNano) <= int(span.endTimeUnixNano)
        assert max(int(span.endTimeUnixNano) for span in steps) <= int(root.endTimeUnixNano)


def test_otlp_tells_each_candidate_of_a_decision(traces: list[Path]) -> None:
    step = spans(traces[0])[0]
    names = [event["name"] for event in step.events]
    assert names[0] == "marginal_agent.decision"
    assert set(names[1:]) == {"marginal_agent.candidate"}
    assert "marginal_agent.quote.net" in step.told


def test_an_export_is_the_same_each_time_and_differs_between_runs(traces: list[Path]) -> None:
    for form, export in EXPORTERS.items():
        first, again = (b"".join(export(Trace(traces[0]))) for _ in range(2))
        assert first == again, form
    assert spans(traces[0])[0].traceId != spans(traces[1])[0].traceId


def test_a_run_that_was_cut_off_has_its_last_step_at_what_it_is_booked_at(
    traces: list[Path], tmp_path: Path
) -> None:
    checked = 0
    for folder in traces:
        lines = (folder / EVENTS).read_bytes().splitlines(keepends=True)
        told = events(folder)
        for position, event in enumerate(told):
            if not isinstance(event, (RequestIntended, RequestDone)):
                continue
            cut = tmp_path / f"{folder.name}-{position}"
            cut.mkdir()
            (cut / EVENTS).write_bytes(b"".join(lines[: position + 1]) + lines[position][:40])
            (cut / "blobs").symlink_to(folder / "blobs")
            first = told[0]
            assert isinstance(first, RunStarted)
            state = fold.start(first)
            for each in told[1 : position + 1]:
                state = fold.apply(state, each)
            found = exported(cut, "atif")
            assert found["final_metrics"]["total_cost_usd"] == pytest.approx(state.booked)
            assert found["extra"]["marginal_agent"]["closed"] is False
            assert found["steps"][-1]["extra"]["marginal_agent"]["observed"] == "lost"
            (cut / "atif.json").write_text(json.dumps(found))
            (again,) = read_foreign(cut / "atif.json", Prices())
            for run in (again, our_run(cut, beliefs=False)):  # a worst case stays known as one
                came, last = realised(run)[0], run.steps[-1]
                assert came.guessed == pytest.approx(sum(bill.guessed for bill in tier_bills(state)))
                assert sum(each.dollars or 0.0 for each in last.requests) == pytest.approx(last.dollars)
            checked += 1
    assert checked > 10


def test_an_altered_trace_is_not_exported(traces: list[Path], tmp_path: Path) -> None:
    content = (traces[0] / EVENTS).read_bytes()
    (tmp_path / EVENTS).write_bytes(content.replace(b'"seconds":', b'"seconds": ', 1))
    for export in EXPORTERS.values():
        with pytest.raises(TraceError, match="was altered"):
            list(export(Trace(tmp_path)))


def test_hostile_text_leaves_as_plain_json(tmp_path: Path) -> None:
    run = begin(Settings(repository="/x", tests=("t.py::\x1b[31m</script>",)), tmp_path / "t")
    step = Step(StepKind.READ, ActionClass.READ, "intake")
    refused = StepRefused(outcome=Outcome.USAGE, message="\x1b]0;\x07<script>")
    run.writer.close()
    writer = TraceWriter(tmp_path / "t", Redactor({}), resume=True)
    writer.append(StepDone(step=step, observation=refused, bill=Bill(0, 1, 0)))
    writer.close()
    assert exported(tmp_path / "t", "atif")["steps"][0]["message"].endswith("\x1b[31m</script>")
    assert len(spans(tmp_path / "t")) == 2


ODD = (None, -1, 0, 1.5, "Infinity", "-Infinity", "NaN", 1e308, 10**30, "", "x", [], {}, True, "\x1b[0m")


def test_any_value_anywhere_in_a_sealed_trace_is_exported_or_one_clear_error(
    traces: list[Path], tmp_path: Path
) -> None:
    draw = random.Random(5)
    bodies = [json.loads(line)["event"] for line in (traces[5] / EVENTS).read_bytes().splitlines()]
    (tmp_path / "blobs").symlink_to(traces[5] / "blobs")
    exports = 0
    for _ in range(220):
        changed = json.loads(json.dumps(bodies))
        for _ in range(draw.randint(1, 3)):
            value: Any = changed
            while isinstance(value, (dict, list)) and value:
                container, key = (
                    value,
                    draw.choice(list(value) if isinstance(value, dict) else range(len(value))),
                )
                value = container[key]
                if draw.random() < 0.2:
                    break
            container[key] = draw.choice(ODD)
        head, lines = GENESIS, []
        for body in changed:
            head, line = seal(head, json.dumps(body, separators=(",", ":")).encode())
            lines.append(line)
        (tmp_path / EVENTS).write_bytes(b"".join(lines))
        for form in EXPORTERS:
            try:
                exported(tmp_path, form)
            except (TraceError, UsageError):
                continue
            exports += 1
    assert exports > 20  # else it tests the reader of events only
