"""Text, Markdown, JSON and page of an audit say the same; what is unknown is nowhere 0; what adds up does."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from html import unescape
from io import StringIO
from pathlib import Path

import pytest
from audit_parts import SUBMIT, act, decided, foreign, request, row, run, step, traced
from page_runs import audit_of_runs, bare_run
from rich.console import Console
from test_policies import LADDER

from agent.audit.audited import audit_run
from agent.audit.choices import given_up
from agent.audit.gap import gap_of
from agent.audit.markdown import markdown
from agent.audit.ours import our_run
from agent.audit.page import page
from agent.audit.realised import realised, summed
from agent.audit.results import Gap, Total
from agent.audit.results_sums import Audit
from agent.audit.runs import Later, Run
from agent.audit.sections import sections
from agent.audit.show import show
from agent.audit.shown import gap_interval
from agent.foreign.interface import read_foreign
from agent.report import report_of
from agent.task import Learnt, Settings
from policies.vocabulary import ActionClass, Check, Limits, Prices, StepKind
from policies.vocabulary import Step as Purchase

SAMPLES = sorted((Path(__file__).parent / "foreign" / "samples").iterdir())
ASKED = Settings(
    repository="/r", tests=("t",), tiers=LADDER, limits=Limits(5.0, 900.0), delivery=ActionClass.COMMIT
)
REVIEW = Purchase(StepKind.VERIFY, ActionClass.DRAFT, check=Check.REVIEW)


def text_of(audit: Audit) -> str:
    stream = StringIO()
    show(Console(file=stream, width=200, highlight=False), audit)
    return stream.getvalue()


def page_of(audit: Audit, *runs: Run) -> str:
    """The words of the page."""
    html = re.sub(r"<style>.*?</style>", "", page(audit, runs), flags=re.S)
    return unescape(re.sub(r"<[^>]+>", "", re.sub(r"</t[dh]>", " ", html)))


def everywhere(*runs: Run) -> tuple[str, str, str]:
    audit = audit_of_runs(*runs)
    return text_of(audit), markdown(audit).replace("\\", ""), page_of(audit, *runs)


@pytest.fixture(scope="module")
def samples() -> tuple[Run, ...]:
    return tuple(run for path in SAMPLES for run in read_foreign(path, Prices()))


# How runs ended.


def test_a_session_that_ended_is_not_called_open(samples: tuple[Run, ...]) -> None:
    assert all(each.closed for each in samples)
    assert audit_of_runs(*samples).outcomes == {"outcome not told": 5, "limit": 1}
    for told in everywhere(*samples):
        assert told.count("outcome not told") >= 5 and "no end recorded" not in told
    for told in everywhere(bare_run()):
        assert "no end recorded" in told and "outcome not told" not in told


# What is unknown.


def test_what_modes_cost_is_unknown_where_no_mode_can_be_told() -> None:
    audit = audit_of_runs(bare_run(), bare_run(run_id="other"))
    assert {each.dollars for each in audit.modes} == {None}
    assert {each.dollars for one in audit.runs for each in one.findings} == {None}
    assert audit.runs[0].modes_cost == Total(unknown=7)
    assert audit.given_up == Total(unknown=2)
    for told in (text_of(audit), markdown(audit), page_of(audit)):
        assert "$0" not in told.split("step by step")[0].split("Prompt caches")[0].replace("$0.01/s", "")


def test_stale_estimates_cost_nothing_where_there_are_none_and_else_nobody_knows() -> None:
    def cost(*runs: Run) -> tuple[float | None, str]:
        audit = audit_of_runs(*runs)
        (mode,) = [each for each in audit.modes if each.mode == "stale rollouts"]
        (line,) = re.findall(r"^stale rollouts\s+\d.*?(\S+)$", text_of(audit), re.MULTILINE)
        shown = re.findall(r"stale rollouts (\S+) ", page_of(audit))[0]
        assert line == shown or (line, shown) == ("?", "unknown")
        return mode.dollars, line

    old = Learnt(runs=7, oldest=0.0, newest=1e9 - 86_400 * 80, depreciation=0.99)
    fresh, stale = run(learnt="shipped"), run(started=1e9, learnt=old)
    assert cost(fresh, foreign()) == (0.0, "$0.00")
    assert cost(foreign(), foreign()) == (None, "?")
    assert cost(fresh, stale) == (None, "?")


def test_another_agents_step_shows_what_is_known_of_it(samples: tuple[Run, ...]) -> None:
    (claude,) = [each for each in samples if each.source == "claude-code"]
    for told in everywhere(claude):
        assert "$0.0281" in told and "5.5s" in told and re.search(r"read\W+2\W+(\?|unknown)\W+\$0\.029", told)


def test_sums_hold_what_is_known_of_runs_that_are_not_known_in_full() -> None:
    table = decided(act("m"), row(act("m"), 1.0, 0.5, 9.0))
    whole = foreign(step(table, 1, requests=(request(1000),)))
    silent = step(table, 2, dollars=None, seconds=None, requests=(request(9, dollars=None, known="unknown"),))
    partly = replace(whole, steps=(*whole.steps, replace(silent, decision=None, loss=None)), run_id="2")
    together = summed(realised(each)[0] for each in (whole, partly))
    assert together.dollars == Total(total=1.0, known=1, unknown=1)
    assert together.seconds.total == 18.0 and together.time.total == pytest.approx(0.18)
    assert realised(partly)[0].time == Total(total=9.0 * partly.prices.latency, unknown=1)
    for told in everywhere(whole, partly):
        assert "at least $1.00 (1 of 2 not known in full)" in told


def test_what_other_agents_caches_saved_is_known_where_the_list_price_is(samples: tuple[Run, ...]) -> None:
    caches = {each.source: audit_run(each, steps=False).cache for each in samples}
    for source in ("claude-code", "codex"):
        assert caches[source].priced > 0 and caches[source].saved > 0
    (claude,) = [each for each in samples if each.source == "claude-code"]
    (asked,) = claude.steps[0].requests
    assert asked.rates is not None and asked.usage is not None
    assert asked.rates.dollars(asked.usage) == pytest.approx(asked.dollars)
    recorded = [each for one in samples for taken in one.steps for each in taken.requests]
    assert any(each.known == "recorded" and each.rates is not None for each in recorded)


# What adds up.


@pytest.mark.parametrize("word", ["", "merged", "reverted", "reworked"])
def test_the_steps_add_up_to_what_the_run_took(tmp_path: Path, word: str) -> None:
    """Whatever became of the patch; only rework is no step's."""
    traced(tmp_path / "trace", "cascade", ASKED, ("dear",))
    later = (Later(word=word, time=1.0, minutes=15.0 if word == "reworked" else 0.0),) if word else ()  # type: ignore[arg-type]
    audited = replace(our_run(tmp_path / "trace"), later=later)
    told = audit_run(audited, steps=True)
    came = told.realised
    paid = math.fsum(each.full or 0.0 for each in told.steps)
    took = sum(each.total for each in (came.dollars, came.time, came.risk, came.attention))
    assert paid == pytest.approx(took) and came.value.total - took - came.rework.total == pytest.approx(
        came.net.exact
    )
    assert math.fsum(each.loss or 0.0 for each in told.steps) == pytest.approx(came.loss.exact)
    assert sum(each.paid.total for each in told.kinds) == pytest.approx(took)
    for shown in everywhere(audited):
        assert re.search(r"[Aa]ll steps together paid", shown)
        assert ("$15.00 of rework" in shown) == (word == "reworked")


def test_gains_are_shown_for_a_step_and_summed_for_adding_up_only() -> None:
    table = decided(act("m"), row(act("m"), 5.0, 1.0), row(act("n"), 1.0))
    audited = run(step(table, 1), step(table, 2), step(table, 3))
    (kind,) = audit_of_runs(audited).kinds
    assert kind.gain == pytest.approx(18.0) and kind.per_step(kind.gain) == pytest.approx(6.0)
    for told in everywhere(audited):
        assert "$6.00" in told and "$18.00" not in told


# What would have been better.


def test_after_a_revert_the_tier_that_was_wrong_might_be_right_the_next_time(tmp_path: Path) -> None:
    """Nobody else is there, and one of its attempts is left: the gap is not certain."""
    asked = ASKED.model_copy(update={"tiers": LADDER[-1:]})
    traced(tmp_path / "trace", "dearest", asked, ("dear",))
    audited = replace(our_run(tmp_path / "trace"), later=(Later(word="reverted", time=1.0),))
    assert audited.estimates is not None and audited.estimates.tiers[0].attempts > 1
    gap = gap_of(audited, realised(audited)[0].net.exact)
    assert gap.low is not None and gap.mean is not None and gap.high is not None
    assert gap.low < gap.mean < gap.high and gap.low == pytest.approx(gap.proved)


def test_a_mean_beyond_its_interval_is_explained() -> None:
    seldom = Gap(proved=0.54, low=0.54, mean=0.77, high=0.54, sd=2.0)
    assert gap_interval(seldom) == (
        "$0.77 on average, $0.54 to $0.54 with a probability of 90%, and seldom far more"
    )
    assert "seldom" not in gap_interval(seldom.model_copy(update={"high": 1.0}))


def test_hindsight_says_how_nothing_would_have_been_more(tmp_path: Path) -> None:
    traced(tmp_path / "trace", "cascade", ASKED, ())
    for told in everywhere(our_run(tmp_path / "trace")):
        assert "more (by doing nothing at all)" in told


def test_a_choice_below_the_best_of_its_table_is_told_whatever_it_was_about() -> None:
    """A check at a net of -0.14 where submitting had 0.13: no failure mode is about that."""
    table = decided(REVIEW, row(REVIEW, -0.14, 0.2), row(SUBMIT, 0.13), row(act("m"), 9.0, refused="dear"))
    stopped = decided(None, row(act("m"), 0.5, 0.1))
    audited = run(step(table, 1), stopped=stopped, policy="pipeline")
    found = given_up(audited)
    assert [each.dollars for each in found.concerns] == pytest.approx([0.27, 0.5])
    assert found.dollars == pytest.approx(0.77)
    assert not [each for each in audit_run(audited, steps=False).findings if each.concerns][1:]
    for told in everywhere(audited):
        assert "iven up by choices against the table: $0.77" in told
        assert "net -$0.14, where 'submit' had $0.13" in told
    text, noted, _ = everywhere(audited)
    assert "better was 'submit' $0.13" in text and "better was 'submit' $0.13" in noted


def test_who_would_rather_have_done_nothing_gave_that_up() -> None:
    only = decided(REVIEW, row(REVIEW, -0.2, 0.2))
    assert given_up(run(step(only))).dollars == pytest.approx(0.2)
    best = decided(REVIEW, row(REVIEW, 0.2, 0.2), row(SUBMIT, 0.2))
    assert given_up(run(step(best))).dollars == 0.0
    assert given_up(foreign(step(only))).dollars is None


@pytest.mark.parametrize("candidates", [(), ("cheap",), ("dear",)])
def test_the_marginal_policy_gives_nothing_up(tmp_path: Path, candidates: tuple[str, ...]) -> None:
    traced(tmp_path / "ours", "marginal", ASKED, candidates)
    traced(tmp_path / "rule", "dearest", ASKED, candidates)
    ours, rule = (given_up(our_run(tmp_path / name)).dollars for name in ("ours", "rule"))
    assert ours == 0.0 and rule is not None and rule > 0


def test_a_sum_says_over_how_many_of_the_runs_it_is(tmp_path: Path, samples: tuple[Run, ...]) -> None:
    """Neither a gap nor a net that is known of one run only is that of all."""
    traced(tmp_path / "trace", "dearest", ASKED, ("dear",))
    ours = our_run(tmp_path / "trace")
    audit = audit_of_runs(ours, *samples)
    assert (audit.gap.runs, audit.gap.proved_runs, audit.gap.of) == (1, 1, 1 + len(samples))
    some = f"over 1 of {1 + len(samples)} runs"
    for told in everywhere(ours, *samples):
        assert f"with a probability of 90%, {some}" in told
        assert f"{some}, those of which all is known" in told
        assert told.count(some) >= 3
    for told in everywhere(ours, ours):
        assert "with a probability of 90%, over 2 runs" in told and "of which all is known" not in told


def test_what_became_of_a_patch_stands_with_how_its_run_ended_and_rows_add_up(tmp_path: Path) -> None:
    traced(tmp_path / "trace", "dearest", ASKED, ("dear",))
    ours = our_run(tmp_path / "trace")
    undone = replace(ours, later=(Later(word="merged", time=1.0), Later(word="reverted", time=2.0)))
    mended = replace(ours, later=(Later(word="reworked", time=1.0, minutes=15.0),))
    audit = audit_of_runs(ours, undone, mended)
    assert audit.outcomes == {"fixed": 1, "fixed, reverted": 1, "fixed, reworked": 1}
    for told in everywhere(ours, undone, mended):
        assert told.count("fixed, reverted") >= 2 and told.count("fixed, reworked") >= 2
    assert page_of(audit_of_runs(undone), undone).count("fixed, reverted") >= 1
    (table,) = (each.table for each in sections(audit) if each.title == "each run")
    assert table is not None and table.columns[3:] == (
        "value>",
        "spent>",
        "time>",
        "risk>",
        "people>",
        "net>",
    )
    for row_ in table.rows:
        value, *costs, net = (float(cell.replace("$", "")) for cell in row_[3:])
        assert value - sum(costs) == pytest.approx(net, abs=0.02)
    assert table.rows[2][7] == "$15.00" and audit.runs[2].realised.people.exact == 15.0


def test_the_calibration_of_one_run_is_told_everywhere(tmp_path: Path) -> None:
    traced(tmp_path / "trace", "dearest", ASKED, ("dear",))
    text, in_markdown, on_page = everywhere(our_run(tmp_path / "trace"))
    for told in (text, in_markdown):
        assert "did probabilities come true" in told and "did bills keep to their quotes" in told
    assert "Calibration" in on_page
    assert re.search(r"dollars of act dear\s+1\s", text)


# The summary of a run and its audit.


def test_the_probability_that_was_decided_at_is_told_from_that_at_the_end(tmp_path: Path) -> None:
    traced(tmp_path / "trace", "dearest", ASKED, ("dear",))
    for told in everywhere(our_run(tmp_path / "trace")):
        assert "P(right) when submitted, once verified" in told


def test_a_small_loss_is_not_shown_as_none(tmp_path: Path) -> None:
    state = traced(tmp_path / "trace", "dearest", ASKED, ("dear",))
    report = report_of(state, diff="", candidate="", trace="t", head_hash="h", exit_code=0)
    lines = "\n".join(report.model_copy(update={"loss": 0.000296}).lines())
    assert "risk $0.00622 (expected when submitted: 0.000296 wrong commits at $21.00)" in lines


def test_a_run_has_one_risk(tmp_path: Path) -> None:
    """In its summary as in its audit: with the share of a commit that cannot be undone."""
    state = traced(tmp_path / "trace", "dearest", ASKED, ("dear",))
    state = replace(state, spent=replace(state.spent, loss=0.02))
    audited = our_run(tmp_path / "trace")
    audited = replace(audited, steps=(*audited.steps[:-1], replace(audited.steps[-1], loss=0.02)))
    report = report_of(state, diff="", candidate="", trace="t", head_hash="h", exit_code=0)
    assert realised(audited)[0].risk.exact == pytest.approx(0.42)
    assert "risk $0.42" in "\n".join(report.lines())
