"""`benchmarks.harness`: its cases are what they say, every agent is told the same, and figures are right."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import openai
import pytest

from agent.tiers.applying import edits_of
from agent.tiers.replies import parse_reply
from benchmarks._harness_agents import HELPER, MINI, MINI_LOOKS, MODEL, OURS
from benchmarks._harness_cases import Case, Look, Truth, cases, judge
from benchmarks._harness_figures import Result, growth_of, share_of_best
from benchmarks._harness_scripts import SCRIPTS, Done, Said, decide, tell_aider, tell_mini, tell_ours
from benchmarks._harness_server import Exchange, ScriptedModel, prompt_size, tokens
from benchmarks.demo import Replacement

CASES = cases()
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def mended(case: Case, tree: Path) -> bool:
    return (tree / case.path).read_text() == (case.sources / case.path).read_text()


@each_case
def test_a_case_is_mended_by_the_right_edit_alone(case: Case, tmp_path: Path) -> None:
    tree = case.write(tmp_path / "tree")
    assert judge(case, tree) == Truth(passes=False, tampered=False)
    Replacement(case.path, case.defect, case.wrong).apply(tree)
    assert judge(case, tree) == Truth(passes=False, tampered=False)
    Replacement(case.path, case.wrong, case.right).apply(tree)
    assert judge(case, tree) == Truth(passes=True, tampered=False)


@each_case
def test_tests_that_were_edited_are_no_fix(case: Case, tmp_path: Path) -> None:
    tree = case.write(tmp_path / "tree")
    case.tamper.apply(tree)
    assert judge(case, tree) == Truth(passes=True, tampered=True)
    other = case.write(tmp_path / "other")
    (other / "conftest.py").write_text("def pytest_runtest_makereport():\n    pass\n")
    assert judge(case, other).tampered


@each_case
@pytest.mark.parametrize("script", ["shallow", "medium", "deep"])
def test_every_agent_is_told_the_same_edits(case: Case, script: str, tmp_path: Path) -> None:
    """What our parser and the shell make of the turns, each in the form of its agent."""
    tree = case.write(tmp_path / "mini")
    base = case.write(tmp_path / "ours")
    turn = 0
    while not isinstance(decision := decide(script, case, turn, kept=True), Done):
        assert f"{decision.path}" in tell_aider(decision, case).text
        command = tell_mini(decision, case).command
        subprocess.run(["sh", "-c", command], cwd=tree, check=False, capture_output=True)
        last, turn = decide(script, case, turn, kept=False), turn + 1
    assert mended(case, tree)
    reply = parse_reply(tell_ours(last, case).text)
    [edit] = edits_of(reply.candidates[0], lambda path: (base / path).read_bytes())
    assert edit.content == (case.sources / case.path).read_bytes()


def test_a_look_is_told_to_each_in_its_way() -> None:
    look = Look("pantry/stock.py", 3, 9)
    [ask] = parse_reply(tell_ours(look, CASES[0]).text).asks
    assert (ask.what, ask.first, ask.last) == ("pantry/stock.py", 3, 9)
    assert tell_mini(look, CASES[0]).command == "sed -n '3,9p' pantry/stock.py"
    assert decide("shallow", CASES[0], 0, kept=True, looks=True) == CASES[0].reads[-1]
    assert isinstance(decide("shallow", CASES[0], 1, kept=True, looks=True), Replacement)


@each_case
def test_wrong_edits_without_end_build_on_each_other(case: Case, tmp_path: Path) -> None:
    tree = case.write(tmp_path / "tree")
    for turn in range(4):
        decision = decide("never", case, turn, kept=True)
        assert isinstance(decision, Replacement)
        decision.apply(tree)
    assert not judge(case, tree).passes
    alone = decide("never", case, 3, kept=False)
    assert isinstance(alone, Replacement) and alone.before == case.defect


def test_every_script_ends_in_saying_so() -> None:
    for script in SCRIPTS:
        last = decide(script, CASES[0], 9, kept=True)
        assert isinstance(last, Replacement if script == "never" else Done)


def test_the_server_speaks_to_a_client_in_a_stream_or_not() -> None:
    def say(turn: int) -> Said:
        return Said(f"turn {turn}", "ls" if turn else "")

    messages = [{"role": "user", "content": "hällo"}]
    with ScriptedModel(say, HELPER) as model, openai.OpenAI(base_url=model.base_url, api_key="none") as sdk:
        create = sdk.chat.completions.create
        chunks = list(create(model=MODEL, messages=messages, stream=True))
        assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "turn 0"
        create(model=HELPER, messages=messages)
        answer = create(model=MODEL, messages=messages)
    [call] = answer.choices[0].message.tool_calls
    assert json.loads(call.function.arguments) == {"command": "ls"}
    assert [each.turn for each in model.exchanges] == [0, -1, 1]
    assert [each.prompt for each in model.exchanges] == [6, 6, 6]


def test_what_a_model_reads_is_counted_whole() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "bash", "arguments": "{}"}}
    body = {"messages": [{"content": "ab"}, {"content": [{"text": "c"}]}, {"content": None}], "model": "m"}
    assert prompt_size(body) == 3
    with_calls = body | {"messages": [{"content": "", "tool_calls": [call]}]}
    assert prompt_size(with_calls) == len(json.dumps(call["function"]))
    assert prompt_size(body | {"tools": [{"type": "function"}]}) == 3 + len('[{"type": "function"}]')


def result(agent: str, prompts: list[int], *, code: int = 0, passes: bool = True) -> Result:
    exchanges = tuple(Exchange(turn, size, 10, 0.0, 0.0) for turn, size in enumerate(prompts))
    return Result(agent, "c", "shallow", code, 1.0, Truth(passes, tampered=False), exchanges, ())


def test_shares_are_of_the_best_that_mended_everything() -> None:
    ours, mini = result(OURS, [360]), result(MINI, [360, 360])
    looking, failed = result(MINI_LOOKS, [3600]), result("other", [36], passes=False)
    assert share_of_best([ours, mini, looking, failed], "shallow") == pytest.approx(0.5)
    assert share_of_best([ours, mini, looking], "shallow", looking=True) == pytest.approx(0.1)
    assert share_of_best([result(OURS, [360], passes=False), mini], "shallow") is None
    assert share_of_best([ours], "shallow") is None


@pytest.mark.parametrize(
    ("code", "passes", "truthful"), [(0, True, True), (0, False, False), (10, False, True), (1, True, False)]
)
def test_an_exit_code_is_true_if_it_is_0_for_a_fix_only(code: int, passes: bool, truthful: bool) -> None:
    assert result(OURS, [1], code=code, passes=passes).truthful is truthful


def test_growth_is_of_turns_only() -> None:
    turns = [Exchange(turn, 100 + 7 * turn, 1, 0.0, 0.0) for turn in range(5)]
    grown = growth_of("a", [turns[0], Exchange(-1, 9999, 1, 0.0, 0.0), *turns[1:]], 4)
    assert (grown.requests, grown.first, grown.last) == (4, 100, 121)
    assert grown.slope == pytest.approx(7)
    assert grown.total == sum(tokens(100 + 7 * turn) for turn in range(4))
    assert growth_of("a", [], 4).slope == 0
