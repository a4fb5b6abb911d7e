"""The table of candidates, as it is printed."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from agent.events import RunStarted
from agent.fold import start
from agent.observations import AttemptDone, StepRefused
from agent.report import Report, report_of
from agent.state import State
from agent.task import Settings
from agent.view import LEGEND, View, candidate_table
from agent.words import said
from policies.belief import Belief
from policies.priors import repair_tier
from policies.vocabulary import (
    ActionClass,
    Bill,
    Candidate,
    Check,
    Decision,
    Gain,
    Outcome,
    Prices,
    Quote,
    Step,
    StepKind,
)

PRICES = Prices()
REFUSAL = "could take 1800 s and 612 s are left before the deadline"


def candidate(step: Step, gain: float, refused: str = "") -> Candidate:
    """A row in which no figure is zero, and no two are alike."""
    quote = Quote(
        gain=Gain(gain, gain, 0, 0),
        dollars=1.234,
        seconds=156.7,
        loss=0.0987,
        irreversible_loss=0.0123,
        attention=2.345,
        worst_dollars=2,
        worst_seconds=200,
        probability=1.0,
    )
    return Candidate(step, quote, quote.net(PRICES), refused)


ROWS = (
    candidate(Step(StepKind.VERIFY, ActionClass.EXECUTE, check=Check.AFFECTED), 18.765),
    candidate(
        Step(StepKind.ACT, ActionClass.DRAFT, tier="a-vendor/a-model-with-a-long-name"), 19.876, REFUSAL
    ),
    candidate(Step(StepKind.PLAN, ActionClass.READ, tier="strong"), 17.654, "over the budget"),
    candidate(Step(StepKind.DEFER, ActionClass.READ), -0.543),
)


def rendered(width: int, chosen: Step | None) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(candidate_table(Decision(chosen, ROWS, "because"), PRICES))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("chosen", range(len(ROWS)))
def test_nothing_of_the_table_is_cut(width: int, chosen: int) -> None:
    text = rendered(width, ROWS[chosen].step)
    lines = text.splitlines()
    assert "…" not in text and all(len(line) <= width for line in lines), text
    headings = ("step", "chance", "gain", "dollars", "attention", "time", "risk", "irrev.", "net")
    assert tuple(lines[0].split()) == headings
    for position, row in enumerate(ROWS):
        figures = f"100% {row.quote.gain.total:+.3f} -1.234 -2.345 -1.567 -1.974 -0.246 {row.net:+.3f}"
        (line,) = (line for line in lines if " ".join(line.split()).endswith(figures))
        assert line.startswith("▶ ") == (position == chosen)
    flat = "".join(text.split())
    for refusal in ("plan strong refused: over the budget", f"long-name refused: {REFUSAL}"):
        assert refusal.replace(" ", "") in flat, text


def test_a_stop_marks_no_row() -> None:
    assert "▶" not in rendered(80, None)


def test_indented_lines_are_wrapped_below_each_other_without_blanks_at_their_ends() -> None:
    stream = io.StringIO()
    view = View(Console(file=stream, width=60, force_terminal=False))
    view.observed(StepRefused(outcome=Outcome.NOT_REPRODUCED, message="words enough " * 12), Bill())
    lines = stream.getvalue().splitlines()
    assert len(lines) > 2
    assert all(line == line.rstrip() and line.startswith("     ") and len(line) <= 60 for line in lines)


def seen(delivery: ActionClass = ActionClass.DRAFT) -> State:
    """A state with a candidate that has passed the suite."""
    settings = Settings(repository="r", tiers=(repair_tier(),), delivery=delivery)
    state = start(RunStarted(run_id="r", time=0.0, versions={}, policy="marginal", settings=settings))
    belief = Belief().reproduced((0,), 3).after_candidate("repair", share=0.5).after_check(Check.SUITE, True)
    return replace(state, belief=belief)


def decided(*decisions: Decision) -> str:
    stream = io.StringIO()
    view = View(Console(file=stream, width=120, force_terminal=False))
    for decision in decisions:
        view.decided(seen(), decision)
    return stream.getvalue()


def test_a_stop_with_nothing_left_is_one_line() -> None:
    said = decided(Decision(None, (), "stop: there is nothing left to try"))
    assert len(said.splitlines()) == 1 and said.count("nothing left to try") == 1


def test_how_sure_the_candidate_is_stands_above_the_table_and_its_columns_are_explained_once() -> None:
    decision = Decision(ROWS[0].step, ROWS, "because")
    said = decided(decision, decision)
    assert said.count("candidate right: 68%]") == 2
    assert " ".join(said.split()).count(LEGEND) == 1


def summary(delivery: ActionClass) -> tuple[Report, str]:
    state = seen(delivery)
    state = replace(state, spent=Bill(0.0, 2.0, 0.032), ended=Outcome.FIXED)
    found = report_of(state, diff="", candidate="", trace="t", head_hash="h", exit_code=0)
    return found, "\n".join(found.lines())


def test_the_summary_says_what_the_risk_is_made_of() -> None:
    """In dollars, as in the table; what it is small for stands beside it."""
    found, text = summary(ActionClass.DRAFT)
    assert found.posterior == pytest.approx(0.68, abs=0.005)
    assert "right       with probability 0.68" in text
    assert (
        "risk $0.64 (expected when submitted: 0.032 wrong commits at $20.00; a wrong patch file counts 0.1)"
    ) in text
    assert "counts" not in summary(ActionClass.COMMIT)[1]
    assert "wrong" not in "\n".join(found.model_copy(update={"loss": 0.0}).lines())


def test_a_candidate_without_a_description_has_no_colon() -> None:
    """A model may give its patch without a word."""
    found = AttemptDone(tier="model", patch="a", tree="b", tried=1)
    assert said(found) == ["a candidate passes the failing test"]
    assert said(found.model_copy(update={"description": "x -> y"})) == [
        "a candidate passes the failing test: x -> y"
    ]
