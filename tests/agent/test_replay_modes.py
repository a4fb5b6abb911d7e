"""`agent replay`: a step as it was, and where other prices or another policy would have gone."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from test_policies import driven
from typer.testing import CliRunner

from agent import replay as replaying
from agent.cli import app
from agent.errors import TraceError, UsageError
from agent.events import RunResumed, RunStarted, StepDone
from agent.observations import CheckDone, SubmissionDone
from agent.redact import Redactor
from agent.replay import replay
from agent.replaying.prices import other_settings
from agent.replaying.recorded import recorded_steps
from agent.replaying.step import show_steps, steps_shown
from agent.replaying.what_if import WhatIf, what_if
from agent.replaying.what_if_words import show_what_if
from agent.task import Settings
from agent.trace import EVENTS, Trace, TraceWriter
from benchmarks._simulated_run import simulated
from policies.amounts import show_money
from policies.vocabulary import Limits, Outcome, Prices


def rewritten(source: Path, target: Path, change: dict[int, object]) -> Path:
    """A trace with other events at these positions, sealed anew, with the same blobs."""
    writer = TraceWriter(target, Redactor({}))
    for number, event in enumerate(Trace(source).events()):
        writer.append(change.get(number, event))  # type: ignore[arg-type]
    for blob in (source / "blobs").iterdir():
        (target / "blobs" / blob.name).write_bytes(blob.read_bytes())
    writer.close()
    return target


def printed(found: WhatIf) -> str:
    out = io.StringIO()
    show_what_if(found, Console(file=out, width=80, highlight=False))
    assert max(map(len, out.getvalue().splitlines())) <= 80
    return " ".join(out.getvalue().split())


@pytest.fixture
def cascade(tmp_path: Path) -> Path:
    """Recorded under the rule "cascade": cheap and middle fail, dear's candidate is verified."""
    driven(tmp_path / "cascade", "cascade", ("dear",))
    return tmp_path / "cascade"


def test_of_many_resumptions_none_is_held(cascade: Path) -> None:
    """A hostile trace may hold any number of them within a step."""
    source = list(Trace(cascade).events())
    writer = TraceWriter(cascade.parent / "resumed", Redactor({}))
    for event in source[:-1]:
        writer.append(event)
        if event.type in ("intent", "decision"):
            for _ in range(3):
                writer.append(RunResumed(time=1.0))
    writer.close()
    steps = list(recorded_steps(Trace(cascade.parent / "resumed")))
    assert any(each.done for each in steps)
    assert not any(event.type == "run-resumed" for each in steps for event in each.events)


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["replay", *arguments])
    return done.exit_code, done.output


# A step.


def test_a_step_shows_what_was_known_and_what_it_came_to(cascade: Path) -> None:
    code, text = run(str(cascade), "--step", "7")
    assert code == 0
    words = " ".join(text.split())
    assert "step 7 of 8: act dear" in words
    assert "dear would succeed with" in words and "mean difficulty" in words
    assert "spent $0.25" in words  # cheap and middle
    assert "▶ act dear" in words and "refused" not in words
    assert "bill $0.60 (predicted $0.60), 1.0s (predicted 5.0s)" in words
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text


def test_until_shows_every_step_and_json_holds_them(cascade: Path, tmp_path: Path) -> None:
    code, text = run(str(cascade), "--until", "3", "--json", str(tmp_path / "out.json"))
    assert code == 0
    assert [f"step {n} of 8" in text for n in range(1, 5)] == [True, True, True, False]
    held = json.loads((tmp_path / "out.json").read_text())
    assert [step["number"] for step in held["shown"]] == [1, 2, 3]
    assert held["shown"][0]["belief"]["right"] is None


@pytest.mark.parametrize("step", ["0", "-1", "9"])
def test_a_step_that_is_not_there_is_refused_with_the_range(cascade: Path, step: str) -> None:
    code, text = run(str(cascade), "--step", step)
    assert code == 2
    assert f"no step {step}: this trace has the steps 1 to 8" in text


def test_every_step_of_interrupted_runs_can_be_shown(tmp_path: Path) -> None:
    """Steps that were cut off, decided twice, failed requests: numbered as they were printed."""
    for seed in range(8):
        folder = tmp_path / str(seed)
        simulated(seed, folder)
        steps = list(recorded_steps(Trace(folder)))
        numbers = [each.number for each in steps if not each.again]
        assert numbers == list(range(1, len(numbers) + 1))
        results = sum(isinstance(event, StepDone) for event in Trace(folder).events())
        assert sum(each.done is not None for each in steps) == results
        shown = steps_shown(Trace(folder), "marginal", 1, numbers[-1])
        out = io.StringIO()
        show_steps(shown, Console(file=out, width=80, highlight=False))
        assert max(map(len, out.getvalue().splitlines())) <= 80
        assert steps_shown(Trace(folder), "marginal", 2, 2).shown[-1] == next(
            each for each in reversed(shown.shown) if each.number == 2
        )


# What if.


def test_the_recorded_policy_at_the_recorded_prices_differs_nowhere(cascade: Path) -> None:
    found = what_if(Trace(cascade), ["value=20"], None)
    assert found.difference is None
    assert found.followed == 8
    assert found.ending == found.as_recorded
    assert "all 8 decisions are the recorded ones" in printed(found)


def test_another_policy_is_followed_with_what_was_recorded(cascade: Path) -> None:
    """It starts with dear, whose answer was recorded later, told the same: the branch is known to its end."""
    found = what_if(Trace(cascade), [], "dearest")
    assert found.difference is not None
    assert (found.difference.recorded, found.difference.other) == ("act cheap", "act dear")
    assert found.difference.number == 5
    assert found.difference.recorded_row is not None and found.difference.other_row is not None
    assert [(step.step, step.at) for step in found.branch] == [("act dear", 7), ("submit", 8)]
    assert found.expected is None
    assert found.ending is not None
    assert found.ending.outcome is Outcome.FIXED
    assert found.ending.dollars == pytest.approx(0.6)
    assert found.as_recorded.dollars == pytest.approx(0.85)
    words = printed(found)
    assert "differs at step 5" in words
    assert "(recorded as step 7: $0.60, 1.0s)" in words


def test_what_was_never_recorded_is_expected_and_said_to_be(tmp_path: Path) -> None:
    driven(tmp_path / "trace", "dearest", ("dear",))
    found = what_if(Trace(tmp_path / "trace"), [], "always-cheapest")
    assert found.branch == ()
    assert found.ending is None
    assert found.expected is not None
    assert found.expected.step == "act cheap"
    assert 0 < found.expected.outlook.right < 1
    assert found.expected.outlook.net.low < found.expected.outlook.net.high
    words = printed(found)
    assert "act cheap: its result was never recorded" in words
    assert "recorded fixed" in words


def test_both_runs_are_priced_on_one_footing(cascade: Path) -> None:
    """At the other prices, from where they part and in all, with what was taken until then said."""
    found = what_if(Trace(cascade), ["latency=72/h"], "dearest")
    compared, recorded = found.compared, found.as_recorded
    assert found.difference is not None and found.difference.number == 5
    assert compared.before == pytest.approx(4 * 0.02), "four steps of a second, at 72/h"
    assert compared.recorded is not None and compared.other is not None and recorded.right is not None
    mine = 20.0 * recorded.right - 0.85 - 0.02 * 8
    assert compared.recorded.in_all.mean == pytest.approx(mine)
    assert compared.recorded.from_there.mean == pytest.approx(mine + 0.08)
    assert found.ending is not None and found.ending.right is not None
    assert compared.other.in_all.mean == pytest.approx(20.0 * found.ending.right - 0.6 - 0.02 * 6)
    words = printed(found)
    assert f"recorded {show_money(mine + 0.08)} from step 5 on, {show_money(mine)} in all" in words
    assert f"before step 5 both took {show_money(0.08)} of it" in words


def test_what_is_expected_is_compared_with_what_was(tmp_path: Path) -> None:
    driven(tmp_path / "trace", "dearest", ("dear",))
    found = what_if(Trace(tmp_path / "trace"), [], "cheapest")
    assert found.expected is not None and found.compared.other is not None
    outlook, in_all = found.expected.outlook, found.compared.other.in_all
    assert found.compared.other.from_there == outlook.net, "nothing of the branch is known"
    assert (in_all.low, in_all.high) == pytest.approx((outlook.net.low - 0.04, outlook.net.high - 0.04))
    assert "in all (expected; 5% to 95% of the cases: " in printed(found)


def test_where_they_part_nowhere_and_where_no_end_is_recorded(cascade: Path) -> None:
    found = what_if(Trace(cascade), ["value=20"], None)
    assert found.compared.recorded == found.compared.other is not None
    assert found.compared.other is not None and found.compared.other.from_there == found.compared.other.in_all
    assert " on, " not in printed(found)
    lines = (cascade / EVENTS).read_bytes().splitlines(keepends=True)
    (cascade / EVENTS).write_bytes(b"".join(lines[:-3]))  # before the last result
    found = what_if(Trace(cascade), [], "dearest")
    assert found.compared.recorded is None and found.compared.other is not None
    assert "recorded not known, as no end is recorded" in printed(found)


def test_a_worthless_task_is_stopped_before_it_begins(cascade: Path) -> None:
    found = what_if(Trace(cascade), ["value=0"], "marginal")
    assert found.difference is not None
    assert found.difference.other == "stop"
    assert found.ending is not None
    assert (found.ending.outcome, found.ending.dollars) == (Outcome.NOT_FIXED, 0.0)


def test_a_check_left_out_is_stepped_over(tmp_path: Path) -> None:
    """The pipeline ran the suite before it submitted; without that, the recorded submission still holds."""
    driven(tmp_path / "trace", "pipeline", ("cheap",))
    found = what_if(Trace(tmp_path / "trace"), ["risk=300"], "marginal")
    assert found.difference is not None
    assert (found.difference.recorded, found.difference.other) == ("verify suite", "submit")
    assert [(step.number, step.at, step.implied) for step in found.branch] == [(8, 9, False)]
    assert found.ending is not None and found.ending.outcome is Outcome.FIXED


def test_a_failed_suite_says_that_the_final_verification_fails(tmp_path: Path) -> None:
    """Nothing was submitted, and yet what it would have come to is known: it runs the suite, too. What comes
    after it is not."""
    driven(tmp_path / "trace", "pipeline", ("cheap",), passing=False)
    events = list(Trace(tmp_path / "trace").events())
    assert not any(isinstance(getattr(event, "observation", None), SubmissionDone) for event in events)
    found = what_if(Trace(tmp_path / "trace"), ["risk=300"], "marginal")
    assert [(step.step, step.at, step.implied) for step in found.branch] == [("submit", 8, True)]
    assert found.expected is not None and found.expected.step == "act middle"
    assert "final verification failed (what step 8 showed decides it" in printed(found)


def test_a_verified_patch_has_passed_the_suite(tmp_path: Path) -> None:
    driven(tmp_path / "trace", "marginal", ("cheap",))
    found = what_if(Trace(tmp_path / "trace"), [], "pipeline")
    steps = [(step.step, step.at, step.implied) for step in found.branch]
    assert steps == [("verify suite", 8, True), ("submit", 8, False)]
    assert found.ending is not None and found.ending.seconds > found.as_recorded.seconds


def test_a_deadline_that_would_have_cut_a_step_off_is_no_result(tmp_path: Path) -> None:
    """The choice is the same, but the time reserved for it would not have sufficed."""
    driven(tmp_path / "trace", "dearest", ("dear",))
    events = list(Trace(tmp_path / "trace").events())
    at, done = next(
        (number, event)
        for number, event in enumerate(events)
        if isinstance(event, StepDone) and event.step.tier == "dear"
    )
    longer = done.model_copy(update={"bill": replace(done.bill, seconds=19.5)})
    trace = rewritten(tmp_path / "trace", tmp_path / "slow", {at: longer})
    found = what_if(Trace(trace), ["deadline=22"], None)
    assert found.difference is not None
    assert found.difference.other == found.difference.recorded == "act dear"
    assert found.branch == ()
    assert found.expected is not None
    assert "its recorded result would not have come" in printed(found)


def test_more_budget_goes_on_where_a_limit_stopped_it(tmp_path: Path) -> None:
    driven(tmp_path / "trace", "dearest", (), dollars=1.0)
    less = what_if(Trace(tmp_path / "trace"), ["budget=0.5"], None)
    assert less.difference is None
    assert less.ending is not None and less.ending.outcome is Outcome.LIMIT
    assert "$0.50" in less.ending.explanation
    more = what_if(Trace(tmp_path / "trace"), ["budget=5"], None)
    assert more.difference is not None
    assert (more.difference.recorded, more.difference.other) == ("stop", "act dear")
    assert more.expected is not None and more.expected.outlook.dollars.high <= 5.0
    assert "recorded stop (no row;" in printed(more)


def test_a_price_of_risk_that_asks_for_a_person_defers_the_same_patch(cascade: Path) -> None:
    found = what_if(Trace(cascade), ["risk=50000"], None)
    assert found.ending is not None
    assert found.ending.outcome is Outcome.DEFERRED
    assert found.as_recorded.outcome is Outcome.FIXED
    other, right = found.compared.other, found.ending.right
    assert other is not None and right is not None
    spent = found.ending.dollars + 0.01 * found.ending.seconds + 0.5  # λ, and a glance of a person
    assert other.in_all.mean == pytest.approx(20 * right * found.compared.handed_share - spent)
    assert f"{found.compared.handed_share:.0%} of that where it is handed to a person" in printed(found)


def test_a_difference_that_comes_from_the_version_is_said(cascade: Path, tmp_path: Path) -> None:
    """Recorded as if by another version: it chose what this one would not, whatever the prices."""
    first = next(Trace(cascade).events())
    assert isinstance(first, RunStarted)
    other = rewritten(cascade, tmp_path / "other", {0: first.model_copy(update={"policy": "dearest"})})
    found = what_if(Trace(other), ["value=21"], None)
    assert found.difference is not None and found.difference.by_version
    assert "may come from the version alone" in printed(found)


def test_simulated_runs_are_followed_under_any_prices(tmp_path: Path) -> None:
    """With crashes, failed requests and models that were told something else: no branch is made up."""
    for seed in (1, 3, 6, 9):
        folder = tmp_path / str(seed)
        simulated(seed, folder)
        for other, policy in ((["value=2"], None), (["risk=500", "value=300"], None), ([], "cheapest")):
            found = what_if(Trace(folder), other, policy)
            assert (found.ending is None) is (found.expected is not None)
            recorded = {each.number for each in recorded_steps(Trace(folder)) if each.done}
            assert all(step.at in recorded or step.at == 0 for step in found.branch)
            printed(found)


def test_nothing_is_asked_or_run(cascade: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A miss never calls out: no socket is opened, and no process started."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("something left the process")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("subprocess.Popen.__init__", refuse)
    assert what_if(Trace(cascade), ["value=100"], "weitzman").run_id


# How it is asked.


def test_amounts_are_written_as_for_agent_fix() -> None:
    settings = Settings(repository="/r", prices=Prices(), limits=Limits(2.0, 900.0))
    other = other_settings(
        settings,
        ["value=$5", "latency=90/h", "risk-price=200", "irreversible_price=1", "budget=none", "deadline=1h"],
    )
    assert other.prices == Prices(5.0, 0.025, 200.0, 1.0)
    assert other.limits == Limits(float("inf"), 3600.0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--what-if", "value"], "write NAME=AMOUNT"),
        (["--what-if", "speed=1"], "NAME one of value, latency"),
        (["--what-if", "value=-1"], "--what-if value: '-1' is not an amount"),
        (["--what-if", "value=1", "--what-if", "value=2"], "given twice"),
        (["--what-if", "deadline=0s"], "leaves no time"),
        (["--policy", "best"], "unknown policy 'best'; known: marginal"),
        (["--step", "1", "--until", "2"], "one of them at a time"),
        (["--execute", "--policy", "cheapest"], "one of them at a time"),
        (["--repo", "/"], "--repo, --image and --dockerfile go with --execute"),
        (["--json", "/nowhere/out.json"], "is not a folder"),
    ],
)
def test_wrong_arguments_are_one_clear_line(cascade: Path, words: list[str], said: str) -> None:
    code, text = run(str(cascade), *words)
    assert code == 2
    assert said in text
    assert "Traceback" not in text


def test_json_of_every_mode_without_a_sandbox(cascade: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    assert run(str(cascade), "--json", str(out))[0] == 0
    assert json.loads(out.read_text())["decisions"] == 8
    assert run(str(cascade), "--policy", "dearest", "--json", str(out))[0] == 0
    assert json.loads(out.read_text())["difference"]["other"] == "act dear"
    limits = json.loads(out.read_text())["other"]["limits"]
    assert limits["loss"] == "Infinity", "as in the trace: JSON has no such number"


# Versions, and traces that do not hold together.


def test_a_difference_says_that_other_versions_recorded_it(cascade: Path, tmp_path: Path) -> None:
    first = next(Trace(cascade).events())
    assert isinstance(first, RunStarted)
    versions = {**first.versions, "numpy": "1.0.0\x1b[31m"}
    change = {"versions": versions, "settings": first.settings.model_copy(update={"prices": Prices(21.0)})}
    other = rewritten(cascade, tmp_path / "other", {0: first.model_copy(update=change)})
    code, text = run(str(other))
    assert code == 1
    words = " ".join(text.split())
    assert "the trace was made by numpy 1.0.0" in words
    assert "\x1b" not in words
    assert "marginal-agent" not in words  # that one is the same
    same = rewritten(
        cascade, tmp_path / "same", {0: first.model_copy(update={"settings": change["settings"]})}
    )
    assert "recorded by other versions" not in run(str(same))[1]


@pytest.mark.parametrize("mode", [[], ["--step", "1"], ["--what-if", "value=5"]])
def test_a_trace_put_together_is_one_clear_error(cascade: Path, tmp_path: Path, mode: list[str]) -> None:
    """Sealed, and yet impossible: a check without a candidate in hand."""
    events = list(Trace(cascade).events())
    at = next(number for number, event in enumerate(events) if isinstance(event, StepDone))
    done = events[at]
    assert isinstance(done, StepDone)
    check = CheckDone(check="suite", key="k", passed=True)  # type: ignore[arg-type]
    other = rewritten(cascade, tmp_path / "other", {at: done.model_copy(update={"observation": check})})
    code, text = run(str(other), *mode)
    assert code == 1
    assert f"line {at + 1} does not follow" in text
    assert "Traceback" not in text


def test_a_run_without_a_step_says_so(cascade: Path, tmp_path: Path) -> None:
    lines = (cascade / EVENTS).read_bytes().splitlines(keepends=True)
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / EVENTS).write_bytes(lines[0])
    (tmp_path / "cut" / "blobs").mkdir()
    with pytest.raises(UsageError, match="no step"):
        steps_shown(Trace(tmp_path / "cut"), "marginal", 1, 1)
    with pytest.raises(UsageError, match="no decision"):
        what_if(Trace(tmp_path / "cut"), [], None)


def test_a_decision_that_cannot_be_recomputed_is_a_difference(
    cascade: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(state: object, policy: object) -> None:
        raise KeyError("no estimate for tier 'x'")

    monkeypatch.setattr(replaying, "decide", broken)
    assert "it cannot be recomputed" in replay(cascade).difference


def test_a_torn_end_is_named(cascade: Path) -> None:
    path = cascade / EVENTS
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(TraceError, match="cut off"):
        what_if(Trace(cascade), [], None)
