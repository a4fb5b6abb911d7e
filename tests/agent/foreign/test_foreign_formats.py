"""Runs of other agents: of each format a small session, and what must come of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest

from agent.audit.realised import realised
from agent.audit.runs import Run
from agent.errors import TraceError, UsageError
from agent.foreign import reading
from agent.foreign.interface import is_run, read_foreign
from agent.tiers.pricing import price_of
from agent.tiers.prompt import Usage
from policies.vocabulary import Limits, Outcome, Prices, StepKind

SAMPLES = Path(__file__).parent / "samples"
PRICES = Prices(value=5)
READ, ACT, VERIFY = StepKind.READ, StepKind.ACT, StepKind.VERIFY


def sample(name: str) -> Run:
    (run,) = read_foreign(SAMPLES / name, PRICES)
    return run


def from_lines(folder: Path, *lines: object) -> Run:
    path = folder / "session.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    (run,) = read_foreign(path, PRICES)
    return run


def sonnet(usage: Usage) -> float:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    return price_of("anthropic", "claude-sonnet-4-5", at=at).dollars(usage)


def noted(run: Run, words: str) -> list[str]:
    return [note for note in run.notes if words in note]


class TestClaudeCode:
    def test_an_answer_over_several_lines_is_one_call_with_its_last_usage(self) -> None:
        run = sample("claude-code.jsonl")
        usage = Usage(prefill=10, cached=12000, written=1000, written_long=3000, decode=180)
        (request,) = run.steps[0].requests
        assert (request.usage, request.known) == (usage, "list price")
        assert run.steps[0].dollars == pytest.approx(sonnet(usage)) == pytest.approx(0.02808)
        assert len(run.steps) == 8

    def test_steps_are_what_their_tools_were_for(self) -> None:
        run = sample("claude-code.jsonl")
        assert [step.kind for step in run.steps] == [READ, ACT, VERIFY, None, READ, None, VERIFY, None]
        assert [step.succeeded for step in run.steps] == [None, None, False, None, None, None, True, None]
        assert run.steps[2].said == "1 of 1 tool calls failed"

    def test_seconds_are_from_the_question_to_the_last_result(self) -> None:
        run = sample("claude-code.jsonl")
        assert [step.seconds for step in run.steps] == [5.5, 4.5, 5.0, 3.0, 1.1, 1.0, 6.0, 2.0]
        assert run.steps[0].requests[0].seconds == 5.0

    def test_sub_agents_count_with_their_own_model(self) -> None:
        run = sample("claude-code.jsonl")
        assert [step.requests[0].model for step in run.steps[4:6]] == ["claude-haiku-4-5-20251001"] * 2
        assert run.model == ""

    def test_what_the_client_made_is_no_call(self) -> None:
        run = sample("claude-code.jsonl")
        assert not any("synthetic" in request.model for step in run.steps for request in step.requests)
        assert noted(run, "made by the client") == [
            "messages made by the client, not by a model, and left out: 1"
        ]

    def test_the_run_is_named_and_nothing_is_made_up(self) -> None:
        run = sample("claude-code.jsonl")
        assert (run.source, run.run_id, run.agent) == ("claude-code", "5e55-10", "Claude Code 2.0.14")
        assert run.task == "Totals in the till are a cent off. Find out why."
        assert (run.outcome, run.verified, run.belief, run.limits, run.closed) == (
            None,
            None,
            None,
            None,
            True,
        )
        assert run.prices == PRICES
        assert run.started == datetime(2026, 3, 2, 10, tzinfo=UTC).timestamp()

    def test_a_session_under_way_is_read_without_its_half_written_end(self, tmp_path: Path) -> None:
        whole = (SAMPLES / "claude-code.jsonl").read_bytes()
        path = tmp_path / "live.jsonl"
        path.write_bytes(whole[:-200])
        (run,) = read_foreign(path, PRICES)
        assert len(run.steps) == 7
        assert noted(run, "the last line is cut off")
        assert not run.closed

    def test_a_broken_line_in_the_middle_is_noted_and_the_rest_is_read(self, tmp_path: Path) -> None:
        lines = (SAMPLES / "claude-code.jsonl").read_bytes().splitlines(keepends=True)
        path = tmp_path / "torn.jsonl"
        path.write_bytes(b"".join([*lines[:7], lines[7][:99] + b"\n", b"\xff\xfe\n", b"[1]\n", *lines[8:]]))
        (run,) = read_foreign(path, PRICES)
        assert len(run.steps) == 7
        assert noted(run, "no JSON objects") == ["lines that are no JSON objects, and passed over: 3"]

    def test_a_file_of_a_sub_agent_is_a_run_of_its_own(self, tmp_path: Path) -> None:
        lines = (SAMPLES / "claude-code.jsonl").read_text().splitlines(keepends=True)
        path = tmp_path / "agent-c0ffee.jsonl"
        path.write_text("".join(line for line in lines if '"isSidechain":true' in line))
        (run,) = read_foreign(path, PRICES)
        assert (run.run_id, len(run.steps)) == ("5e55-10/c0ffee", 2)
        path.write_text("".join(line for line in lines if '"isSidechain":true' not in line))
        (run,) = read_foreign(path, PRICES)
        assert noted(run, "in files of their own") == ["sub-agents whose calls are in files of their own: 1"]

    def test_what_nothing_tells_is_unknown_and_never_0(self, tmp_path: Path) -> None:
        base = {"type": "assistant", "sessionId": "s", "uuid": "1"}
        few = {"input_tokens": 5, "output_tokens": 5}
        run = from_lines(
            tmp_path,
            {**base, "message": {"id": "m1", "model": "claude-sonnet-4-5", "content": "Hi", "usage": None}},
            {**base, "message": {"id": "m2", "model": "no-such-model", "usage": few}},
            {**base, "message": {"id": "m3", "usage": {"input_tokens": 5, "output_tokens": -5}}},
        )  # fmt: skip
        assert [step.dollars for step in run.steps] == [None, None, None]
        assert [step.seconds for step in run.steps] == [None, None, None]
        assert {request.known for step in run.steps for request in step.requests} == {"unknown"}
        assert noted(run, "'no-such-model': 1")
        assert noted(run, "tokens are not told") == [
            "calls whose tokens are not told, so that what they cost is unknown: 2"
        ]

    def test_a_cost_that_older_versions_recorded_is_kept(self, tmp_path: Path) -> None:
        usage = {"input_tokens": 5, "output_tokens": 5, "server_tool_use": {"web_search_requests": 2}}
        message = {"id": "m", "model": "claude-sonnet-4-5", "usage": usage, "stop_reason": "end_turn"}
        run = from_lines(
            tmp_path, {"type": "assistant", "sessionId": "s", "costUSD": 0.42, "message": message}
        )
        assert (run.steps[0].dollars, run.steps[0].requests[0].known) == (0.42, "recorded")
        assert noted(run, "web searches")

    def test_a_mode_of_another_price_has_no_list_price(self, tmp_path: Path) -> None:
        usage = {"input_tokens": 5, "output_tokens": 5, "speed": "fast"}
        message = {"id": "m", "model": "claude-sonnet-4-5", "usage": usage, "stop_reason": "end_turn"}
        run = from_lines(tmp_path, {"type": "assistant", "sessionId": "s", "message": message})
        assert (run.steps[0].dollars, run.steps[0].requests[0].known) == (None, "unknown")
        assert run.steps[0].requests[0].usage == Usage(prefill=5, decode=5)
        assert noted(run, "a mode without a list price")


class TestCodex:
    def test_calls_are_by_how_much_the_totals_grew(self) -> None:
        run = sample("codex.jsonl")
        assert [step.requests[0].usage for step in run.steps] == [
            Usage(prefill=7000, cached=2000, decode=300, reasoning=200),
            Usage(prefill=1000, cached=9000, decode=400, reasoning=250),
            Usage(prefill=1000, cached=10000, decode=100),
            Usage(prefill=1000, cached=11000, decode=60),
        ]

    def test_steps_have_kinds_seconds_and_list_prices(self) -> None:
        run = sample("codex.jsonl")
        assert [step.kind for step in run.steps] == [READ, ACT, VERIFY, None]
        assert [step.seconds for step in run.steps] == [4.5, 5.0, 6.5, 2.5]
        assert [step.succeeded for step in run.steps] == [None, None, True, None]
        price = price_of("openai", "gpt-5.2", at=datetime(2026, 3, 2, tzinfo=UTC))
        usages = [step.requests[0].usage for step in run.steps]
        assert [step.dollars for step in run.steps] == [price.dollars(usage) for usage in usages if usage]
        assert (run.agent, run.model, run.run_id) == ("Codex 0.98.0", "gpt-5.2-codex", "0195-c0de")
        assert (run.task, run.closed) == ("Receipts lack the date.", True)

    def test_a_fork_does_not_count_what_its_parent_spent(self, tmp_path: Path) -> None:
        lines = (SAMPLES / "codex.jsonl").read_text().splitlines()
        meta = json.loads(lines[0])
        times = {"timestamp": "2026-03-03T09:00:00.000Z"}
        spawned = {"subagent": {"thread_spawn": {"parent_thread_id": "0195-c0de", "depth": 1}}}
        payload = {**meta["payload"], **times, "id": "fork"}
        fork = {**times, "type": "session_meta", "payload": {**payload, "forked_from_id": "0195-c0de"}}
        child = {**times, "type": "session_meta", "payload": {**payload, "source": spawned}}
        plain = {**times, "type": "session_meta", "payload": payload}
        stamped = [json.loads(line) for line in lines]
        rewritten = [{**line, "timestamp": "2026-03-03T09:00:03.100Z"} for line in stamped]
        own = self.counted("2026-03-03T09:00:30.000Z", 45000, 900, 3000, 40)
        whole, headless = (stamped, rewritten), (stamped[1:], rewritten[1:])
        copies = (*product((fork, child, plain), whole), *product((fork, child), headless))
        for start, copied in copies:
            run = from_lines(tmp_path, start, *copied, *own)
            assert [step.requests[0].usage for step in run.steps] == [Usage(prefill=3000, decode=40)]
            assert run.run_id == "fork"
            assert run.steps[0].requests[0].known == "list price"
            assert noted(run, "forked from") == [
                "counts of tokens of the session it was forked from, and left out: 6"
            ]

    @staticmethod
    def counted(time: str, total: int, output: int, last: int, last_output: int) -> list[object]:
        usage = {"input_tokens": total, "cached_input_tokens": 32000, "output_tokens": output}
        usage |= {"reasoning_output_tokens": 450}
        latest = {"input_tokens": last, "output_tokens": last_output}
        info = {"total_token_usage": usage, "last_token_usage": latest}
        said = {"type": "message", "role": "assistant", "content": []}
        return [
            {"timestamp": time, "type": "response_item", "payload": said},
            {"timestamp": time, "type": "event_msg", "payload": {"type": "token_count", "info": info}},
        ]

    def test_totals_that_fall_begin_anew_and_gaps_are_told_as_one(self, tmp_path: Path) -> None:
        def count(total: int, last: int) -> object:
            info = {
                "total_token_usage": {"input_tokens": total, "output_tokens": 10},
                "last_token_usage": {"input_tokens": last, "output_tokens": 10},
            }
            return {"type": "event_msg", "payload": {"type": "token_count", "info": info}}

        meta = {"type": "session_meta", "payload": {"id": "x"}}
        context = {"type": "turn_context", "payload": {"model": "gpt-5.2"}}
        run = from_lines(tmp_path, meta, context, count(5000, 900), count(400, 400), count(1000, 100))
        usages = [step.requests[0].usage for step in run.steps]
        assert [usage.prefill for usage in usages if usage] == [900, 400, 600]
        assert noted(run, "more than one call")

    def test_a_count_written_anew_ends_no_call(self, tmp_path: Path) -> None:
        lines = (SAMPLES / "codex.jsonl").read_text().splitlines(keepends=True)
        again, patch = next((at, line) for at, line in enumerate(lines) if "apply_patch" in line)
        path = tmp_path / "again.jsonl"
        path.write_text("".join([*lines[: again + 1], lines[again - 1], *lines[again + 1 :]]))
        (run,) = read_foreign(path, PRICES)
        assert [step.kind for step in run.steps] == [READ, ACT, VERIFY, None]
        assert all(step.dollars for step in run.steps), patch

    def test_arguments_of_any_depth_are_unknown(self, tmp_path: Path) -> None:
        call = {"type": "function_call", "name": "shell", "arguments": '{"a":' * 90_000, "call_id": "c"}
        run = from_lines(
            tmp_path,
            {"type": "session_meta", "payload": {"id": "x"}},
            {"type": "response_item", "payload": call},
        )
        assert [(step.name, step.kind) for step in run.steps] == [("shell", None)]

    def test_an_answer_that_nothing_counted_is_unknown(self, tmp_path: Path) -> None:
        lines = (SAMPLES / "codex.jsonl").read_text().splitlines(keepends=True)
        path = tmp_path / "killed.jsonl"
        path.write_text("".join(lines[:9]))
        (run,) = read_foreign(path, PRICES)
        assert [(step.dollars, step.kind) for step in run.steps] == [(None, READ)]
        assert not run.closed


class TestMiniSweAgent:
    def test_recorded_costs_are_kept_also_of_answers_without_a_command(self) -> None:
        run = sample("mini-swe-agent.json")
        assert [step.dollars for step in run.steps] == [0.02, 0.01, 0.02, 0.015]
        assert {request.known for step in run.steps for request in step.requests} == {"recorded"}
        assert [step.requests[0].failure for step in run.steps] == ["", "malformed", "", ""]
        assert run.steps[0].requests[0].usage == Usage(prefill=1500, cached=1000, written=500, decode=100)

    def test_submitted_is_not_verified(self) -> None:
        run = sample("mini-swe-agent.json")
        assert (run.outcome, run.verified, run.explanation, run.closed) == (None, None, "Submitted", True)
        assert noted(run, "held it for done")
        assert run.limits == Limits(dollars=3.0)

    def test_an_edit_followed_by_failing_tests_is_an_act(self) -> None:
        step = sample("mini-swe-agent.json").steps[2]
        assert (step.kind, step.said, step.seconds) == (ACT, "1 of 2 tool calls failed", 11.5)

    def test_a_total_alone_is_a_step_of_its_own(self) -> None:
        run = sample("mini-swe-agent-old.json")
        assert [step.dollars for step in run.steps] == [None, None, 0.5]
        assert [step.kind for step in run.steps] == [READ, None, None]
        assert run.outcome is Outcome.LIMIT
        assert noted(run, "answers are not in the file") == [
            "calls of a model whose answers are not in the file: 1"
        ]

    def test_a_recorded_cost_of_0_is_not_known(self, tmp_path: Path) -> None:
        document = json.loads((SAMPLES / "mini-swe-agent.json").read_text())
        for message in document["messages"]:
            message.get("extra", {}).pop("cost", None)
            if message["role"] == "assistant":
                message["extra"]["cost"] = 0.0
        document["info"]["model_stats"]["instance_cost"] = 0.0
        path = tmp_path / "free.json"
        path.write_text(json.dumps(document))
        (run,) = read_foreign(path, PRICES)
        assert [request.known for step in run.steps for request in step.requests] == ["list price"] * 4
        assert run.steps[3].dollars == pytest.approx(sonnet(Usage(prefill=4000, decode=30)))
        assert noted(run, "recorded cost of 0") == [
            "calls with a recorded cost of 0, which is taken as not known: 3"
        ]

    def test_answers_in_the_form_of_responses_are_read(self, tmp_path: Path) -> None:
        usage = {
            "input_tokens": 700,
            "input_tokens_details": {"cached_tokens": 200},
            "output_tokens": 50,
            "output_tokens_details": {"reasoning_tokens": 30},
        }
        answer = {
            "object": "response",
            "usage": usage,
            "output": [],
            "extra": {
                "actions": [{"command": "pytest -q", "tool_call_id": "c"}],
                "cost": 0.5,
                "timestamp": 5,
            },
        }
        result = {
            "type": "function_call_output",
            "call_id": "c",
            "output": "",
            "extra": {"returncode": 0, "timestamp": 9},
        }
        document = {"info": {}, "messages": [answer, result], "trajectory_format": "mini-swe-agent-1.1"}
        path = tmp_path / "responses.json"
        path.write_text(json.dumps(document))
        (run,) = read_foreign(path, PRICES)
        (step,) = run.steps
        assert step.requests[0].usage == Usage(prefill=500, cached=200, decode=50, reasoning=30)
        assert (step.kind, step.succeeded, step.dollars) == (VERIFY, True, 0.5)


class TestAtif:
    def test_recorded_costs_and_list_prices(self) -> None:
        run = sample("atif.json")
        known = [request.known for step in run.steps for request in step.requests]
        assert known == ["recorded", "list price", "recorded"]
        assert run.steps[0].requests[0].usage == Usage(prefill=3000, cached=1000, decode=200, reasoning=120)
        assert noted(run, "it recorded $0.0500 for the whole run")

    def test_copies_are_left_out_and_sub_agents_counted(self) -> None:
        run = sample("atif.json")
        assert [step.name for step in run.steps] == ["bash_command", "spawn", "apply_patch", "answer"]
        assert [step.dollars for step in run.steps][1] == 0.0  # it says that no model was called
        assert run.steps[1].requests == ()
        assert run.steps[3].dollars == 0.002

    def test_seconds_are_to_the_next_step(self) -> None:
        assert [step.seconds for step in sample("atif.json").steps] == [4.0, 26.0, None, None]

    def test_names(self) -> None:
        run = sample("atif.json")
        assert (run.run_id, run.agent) == ("run-77", "terminus-2 2.0.0")
        assert run.task == "The import of orders stops halfway."

    def test_an_early_version_with_a_total_only(self) -> None:
        run = sample("atif-old.json")
        assert [(step.dollars, step.requests[0].known) for step in run.steps] == [
            (None, "unknown"),
            (0.25, "recorded"),
        ]

    def test_a_recorded_total_is_all_that_the_run_cost(self, tmp_path: Path) -> None:
        """Though steps do not tell theirs; not so where calls at list price come to more than the total."""
        for name, dollars in (("atif-old.json", 0.25), ("mini-swe-agent-old.json", 0.5)):
            assert realised(sample(name))[0].dollars.exact == dollars
        document = json.loads((SAMPLES / "atif-old.json").read_text())
        document["steps"].append({**document["steps"][-1], "model_name": "openai/gpt-4o"})
        document["final_metrics"]["total_cost_usd"] = 1e-6
        (tmp_path / "less.json").write_text(json.dumps(document))
        (run,) = read_foreign(tmp_path / "less.json", PRICES)
        assert not run.whole and realised(run)[0].dollars.unknown == 1


class TestFiles:
    def test_a_format_may_be_named_and_must_then_be_right(self) -> None:
        (run,) = read_foreign(SAMPLES / "codex.jsonl", PRICES, "codex")
        assert run.source == "codex"
        with pytest.raises(TraceError, match=r"Expected is atif: one JSON object with schema_version"):
            read_foreign(SAMPLES / "codex.jsonl", PRICES, "atif")
        with pytest.raises(UsageError, match=r"unknown format 'xml'; known are: atif, claude-code"):
            read_foreign(SAMPLES / "codex.jsonl", PRICES, "xml")

    @pytest.mark.parametrize(
        "content",
        [b"", b"\n\n", b"hello", b"{}", b"[]", b"null", b'{"a":NaN}', b"\x00" * 99, b"\xff", b"1" * 9999],
    )
    def test_what_is_none_of_the_formats_is_one_clear_error(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "file"
        path.write_bytes(content)
        with pytest.raises(TraceError, match="is not a run of a known format") as caught:
            read_foreign(path, PRICES)
        assert "\n" not in str(caught.value)

    def test_a_file_that_cannot_be_read(self, tmp_path: Path) -> None:
        assert is_run(tmp_path / "gone.json"), "to be named, not passed over"
        for path in (tmp_path, tmp_path / "missing", Path("a\0b")):
            with pytest.raises(UsageError):
                read_foreign(path, PRICES)

    @pytest.mark.parametrize("opening", ["[", '{"a":', '{"type":"user","sessionId":"s","message":['])
    def test_deep_nesting_is_one_clear_error(self, tmp_path: Path, opening: str) -> None:
        path = tmp_path / "deep"
        path.write_text(opening * 200_000)
        with pytest.raises(TraceError, match="nested too deeply"):
            read_foreign(path, PRICES)

    def test_a_document_that_is_too_large_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reading, "MOST_BYTES", 2000)
        with pytest.raises(UsageError, match="one JSON document is read up to"):
            read_foreign(SAMPLES / "atif.json", PRICES, "atif")
        with pytest.raises(TraceError, match="has a line of more than"):
            (tmp_path / "long.jsonl").write_text('{"a":"' + "x" * 3000 + '"}\n')
            read_foreign(tmp_path / "long.jsonl", PRICES)

    def test_a_document_of_too_many_values_is_refused_before_it_takes_memory(self, tmp_path: Path) -> None:
        path = tmp_path / "many.json"
        path.write_bytes(b'{"a":[' + b"[]," * reading.MOST_CONTAINERS + b"[]]}")
        with pytest.raises(TraceError, match="more than 3,000,000 lists and objects"):
            read_foreign(path, PRICES)

    def test_notes_stay_few(self, tmp_path: Path) -> None:
        usage = {"input_tokens": 5, "output_tokens": 5}
        lines = [
            {
                "type": "assistant",
                "sessionId": "s",
                "message": {"id": f"m{n}", "model": f"m{n}", "usage": usage},
            }
            for n in range(700)
        ]
        run = from_lines(tmp_path, *lines)
        assert len(run.steps) == 700
        assert len(run.notes) < 50
