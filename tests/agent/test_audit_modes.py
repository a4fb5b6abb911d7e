"""The seven failure modes: found where they are, with what they cost; none or unknown where they are not."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from audit_parts import DEFER, RATES, SUBMIT, SUITE, act, decided, foreign, request, row, run, step, traced
from test_policies import LADDER, driven

from agent.audit.modes import (
    FORMULAS,
    findings,
    over_delegation,
    over_routing,
    under_routing,
    under_verification,
)
from agent.audit.ours import our_run
from agent.audit.results import Finding, Mode
from agent.audit.runs import Run, Submission
from agent.audit.shown import untold
from agent.audit.supply import cache_misuse, cache_use, congestion, stale
from agent.task import Learnt, Settings
from policies.autonomy import Confirmation, terms_at
from policies.vocabulary import ActionClass, Check, Prices, StepKind

CHEAP, DEAR = act("cheap"), act("dear")


def of(mode: Mode, audited: Run) -> Finding:
    return findings(audited)[list(FORMULAS).index(mode)]


def test_a_dear_tier_where_a_cheaper_one_had_the_higher_net_is_over_routing() -> None:
    table = (row(CHEAP, 3.0, 0.1), row(DEAR, 1.0, 0.6))
    found = over_routing(run(step(decided(DEAR, *table), 4)))
    assert found.status == "found" and found.dollars == pytest.approx(2.0)
    assert [(each.step, each.name) for each in found.concerns] == [(4, "act dear")]
    assert "'act cheap', cheaper, had $3.00" in found.concerns[0].seen
    assert under_routing(run(step(decided(DEAR, *table)))).status == "none"


def test_a_cheaper_tier_that_was_refused_or_worth_less_is_no_over_routing() -> None:
    table = (row(CHEAP, 3.0, 0.1, refused="may cost $1 and $0.5 are left"), row(DEAR, 1.0, 0.6))
    assert over_routing(run(step(decided(DEAR, *table)))).status == "none"
    table = (row(CHEAP, 1.0, 0.1), row(DEAR, 3.0, 0.6))
    assert over_routing(run(step(decided(DEAR, *table)))).status == "none"


def test_a_cheap_tier_where_a_dearer_one_had_the_higher_net_is_under_routing() -> None:
    table = (row(CHEAP, 1.0, 0.1), row(DEAR, 3.5, 0.6))
    audited = run(step(decided(CHEAP, *table), 1), step(decided(CHEAP, *table), 2))
    found = under_routing(audited)
    assert found.dollars == pytest.approx(5.0) and len(found.concerns) == 2
    assert over_routing(audited).status == "none"


def test_tiers_of_one_price_are_told_apart_by_their_time() -> None:
    table = (row(act("slow"), 1.0, 0.0, 60.0), row(act("quick"), 2.0, 0.0, 5.0))
    assert over_routing(run(step(decided(act("slow"), *table)))).dollars == pytest.approx(1.0)


def test_giving_up_with_net_left_is_under_routing_unless_a_limit_refused_it() -> None:
    rows = (row(DEAR, 2.5, 0.6), row(CHEAP, 4.0, 0.1, refused="may cost too much"))
    found = under_routing(run(stopped=decided(None, *rows)))
    assert found.dollars == pytest.approx(2.5) and found.concerns[0].name == "stop"
    assert under_routing(run(stopped=decided(None, rows[1], limit_alone=True))).status == "none"
    assert under_routing(run(stopped=decided(None, *rows, limit_alone=True))).dollars == pytest.approx(2.5)
    assert under_routing(run(stopped=decided(None, row(DEAR, -0.1, 0.6)))).status == "none"
    handed = decided(DEFER, row(DEFER, 0.2), *rows)
    assert under_routing(run(step(handed))).dollars == pytest.approx(2.3)


def test_submitting_where_a_check_had_the_higher_net_is_under_verification() -> None:
    table = (row(SUITE, 2.0, 0.0, 5.0, losses=1.5), row(SUBMIT, 1.2))
    found = under_verification(run(step(decided(SUBMIT, *table))))
    assert found.dollars == pytest.approx(0.8)
    assert "$1.50 of it in lower later loss" in found.concerns[0].seen
    better = (row(SUITE, 1.0, 0.0, 5.0), row(SUBMIT, 1.2))
    assert under_verification(run(step(decided(SUBMIT, *better)))).status == "none"
    checked = decided(SUITE, row(SUITE, 2.0), row(SUBMIT, 1.2))
    assert under_verification(run(step(checked))).status == "none"


def test_a_level_below_the_required_one_is_over_delegation() -> None:
    """A publish at no confirmation: the schedule asks for one, and a wrong one would be dear."""
    given = Submission(step=3, right=0.9, delivery=ActionClass.PUBLISH, level=0)
    found = over_delegation(run(submissions=(given,)))
    free, asked = (terms_at(level, ActionClass.PUBLISH, 0.9) for level in list(Confirmation)[:2])
    assert found.dollars == pytest.approx(free.price(Prices()) - asked.price(Prices()))
    assert found.dollars > 0 and "confirm was required" in found.concerns[0].seen
    confirmed = replace(given, level=1)
    assert over_delegation(run(submissions=(confirmed,))).status == "none"
    assert over_delegation(run()).status == "none"


def test_the_price_of_risk_may_ask_for_more_than_the_schedule() -> None:
    given = Submission(step=3, right=0.5, delivery=ActionClass.DRAFT, level=0)
    assert over_delegation(run(submissions=(given,))).status == "none"
    found = over_delegation(run(submissions=(given,), prices=Prices(risk=2000.0)))
    assert found.status == "found" and found.dollars > 0


def test_waits_and_failures_beyond_the_quote_are_congestion() -> None:
    table = decided(DEAR, row(DEAR, 3.0, 0.5, 10.0))
    calls = (
        request(100, failure="overloaded", dollars=0.3, known="worst case", seconds=4.0),
        request(100, waited=20.0, seconds=6.0),
    )
    audited = run(step(table, seconds=30.0, dollars=0.9, requests=calls))
    found = congestion(audited)  # 24 s were lost, 20 s and $0.30 of which are beyond the quote
    assert found.dollars == pytest.approx(0.01 * 20.0 + 0.3)
    assert "1 failed request, 24s waited and lost, 20s and $0.30 of it beyond" in found.concerns[0].seen


def test_a_wait_that_was_in_the_quote_is_no_congestion() -> None:
    table = decided(DEAR, row(DEAR, 3.0, 0.5, 30.0))
    audited = run(step(table, seconds=28.0, dollars=0.4, requests=(request(100, waited=20.0, seconds=6.0),)))
    assert congestion(audited).status == "none"
    assert congestion(run(step(table, seconds=90.0))).status == "none"  # slow, but nothing was waited for


def test_what_has_nothing_to_do_with_load_is_no_congestion() -> None:
    """An answer that our own interruption lost, and one of no use; nor does a source that tells of the latter
    only say which requests failed for load."""
    table = decided(DEAR, row(DEAR, 3.0, 0.5, 30.0))
    for failure in ("lost", "malformed", "request"):
        call = request(100, failure=failure, dollars=0.9, known="worst case", waited=None)
        assert (
            congestion(run(step(table, dollars=0.9, requests=(replace(call, waited=0.0),)))).status == "none"
        )
        assert congestion(foreign(step(table, dollars=0.9, requests=(call,)))).status == "unknown"


def test_another_agents_waits_have_no_quote_to_be_in() -> None:
    table = decided(DEAR, row(DEAR, 3.0, 0.5, 30.0))
    waited = foreign(step(table, seconds=28.0, requests=(request(100, waited=20.0),)))
    assert congestion(waited).dollars == pytest.approx(0.2)
    assert "quote" not in congestion(waited).concerns[0].seen
    silent = foreign(step(table, requests=(request(100, waited=None),)))
    assert congestion(silent).status == "unknown" and "how long" in congestion(silent).missing


def test_tokens_that_are_written_and_never_read_are_cache_misuse() -> None:
    table = decided(DEAR, row(DEAR, 3.0, 0.5))
    premium = (RATES.written - RATES.prefill) / 1e6
    first = step(table, 1, requests=(request(10, written=1000),))
    found = cache_misuse(run(first))
    assert found.dollars == pytest.approx(1000 * premium)
    half = step(table, 2, requests=(request(10, cached=500),))
    assert cache_misuse(run(first, half)).dollars == pytest.approx(500 * premium)
    whole = step(table, 2, requests=(request(10, cached=1000),))
    assert cache_misuse(run(first, whole)).status == "none"
    another = step(table, 2, requests=(request(10, cached=1000, model="n"),))
    assert cache_misuse(run(first, another)).dollars == pytest.approx(1000 * premium)


def test_a_long_session_is_looked_through_once() -> None:
    """Comparing each request with each later one would take minutes."""
    table = decided(DEAR, row(DEAR, 3.0, 0.5))
    one = step(
        table, 1, requests=tuple(request(10, cached=count % 7, written=500) for count in range(30_000))
    )
    begun = time.process_time()
    assert cache_misuse(run(one)).status == "found"
    assert time.process_time() - begun < 5


def test_what_was_already_cached_does_not_count_as_read_of_a_later_write() -> None:
    """A prompt grows: 1000 tokens cached, 200 written after them, and the next one reads 1000 only."""
    table = decided(DEAR, row(DEAR, 3.0, 0.5))
    grown = step(table, 1, requests=(request(10, cached=1000, written=200),))
    again = step(table, 2, requests=(request(210, cached=1000),))
    premium = (RATES.written - RATES.prefill) / 1e6
    assert cache_misuse(run(grown, again)).dollars == pytest.approx(200 * premium)


def test_a_cached_beginning_that_was_quoted_and_not_found_is_cache_misuse() -> None:
    table = decided(DEAR, row(DEAR, 3.0, 0.5))
    missed = step(table, cached=800.0, requests=(request(900, cached=100),))
    assert cache_misuse(run(missed)).dollars == pytest.approx(700 * (RATES.prefill - RATES.cached) / 1e6)
    assert cache_misuse(run(step(table, cached=800.0, requests=(request(9, cached=800),)))).status == "none"


def test_what_caches_saved_and_cost() -> None:
    table = decided(DEAR, row(DEAR, 3.0, 0.5))
    use = cache_use(
        run(
            step(table, requests=(request(10, written=1000), request(10, cached=900), request(1, rates=None)))
        )
    )
    assert (use.read, use.written, use.priced, use.unpriced) == (900, 1000, 2, 1)
    assert use.saved == pytest.approx(900 * 1.8 / 1e6) and use.premium == pytest.approx(1000 * 0.5 / 1e6)


def test_a_request_that_reports_no_usage_is_not_one_of_unknown_rates() -> None:
    """And one that was refused at no cost has used no cache."""
    table = decided(DEAR, row(DEAR, 3.0, 0.5))
    refused = request(usage=None, failure="rate", dollars=0.0)
    broken = request(usage=None, failure="broken", dollars=0.2, known="worst case")
    use = cache_use(run(step(table, requests=(refused, broken, request(1, rates=None), request(9)))))
    assert (use.priced, use.unpriced, use.silent) == (1, 1, 1)
    assert untold([use]) == "1 request that reported no usage and 1 request whose rates are not known"
    assert untold([use.model_copy(update={"unpriced": 0})]) == "1 request that reported no usage"


def test_what_a_source_cannot_tell_is_unknown_and_not_none() -> None:
    table = decided(DEAR, row(CHEAP, 3.0, 0.1), row(DEAR, 1.0, 0.6))
    unpriced = request(100, usage=None, dollars=None, known="unknown", waited=None)
    told = findings(foreign(step(table, requests=(unpriced,))))
    assert [each.mode for each in told] == list(FORMULAS)
    assert all(each.status == "unknown" and each.missing and not each.concerns for each in told)
    assert stale(run()).status == "unknown"


def test_estimates_of_which_the_newest_evidence_is_old_are_stale() -> None:
    def learnt(days: float, depreciation: float) -> Finding:
        began, ended = 1e9, 1e9 - 86_400 * days
        source = Learnt(runs=7, oldest=0.0, newest=ended, depreciation=depreciation)
        return stale(run(started=began, learnt=source))

    assert learnt(60, 0.99).status == "none"  # 0.99^60 = 0.55
    assert learnt(80, 0.99).status == "found"  # 0.45
    assert learnt(80, 1.0).status == "none"  # what does not depreciate is not stale
    assert "7 runs, the newest 80 days old" in learnt(80, 0.99).concerns[0].seen
    assert stale(run(learnt="shipped")).status == "none"
    assert stale(run()).status == "unknown"


def test_a_run_without_models_misuses_no_cache_and_meets_no_congestion() -> None:
    audited = run(step(decided(SUITE, row(SUITE, 1.0))))
    assert congestion(audited).status == "none" and cache_misuse(audited).status == "none"


CHOICES: tuple[Mode, ...] = ("over-routing", "under-routing", "under-verification", "over-delegation")


@pytest.mark.parametrize("candidates", [(), ("cheap",), ("dear",), ("cheap", "middle", "dear")])
@pytest.mark.parametrize("passing", [True, False])
def test_the_marginal_policy_has_none_of_them(
    tmp_path: Path, candidates: tuple[str, ...], passing: bool
) -> None:
    driven(tmp_path / "trace", "marginal", candidates, passing)
    audited = our_run(tmp_path / "trace")
    assert len(audited.steps) > 4
    assert [of(mode, audited).status for mode in CHOICES] == 4 * ["none"]


@pytest.mark.parametrize(
    ("policy", "mode"),
    [("cheapest", "under-routing"), ("dearest", "over-routing"), ("pipeline", "under-routing")],
)
def test_rules_that_ignore_the_table_give_something_up(tmp_path: Path, policy: str, mode: Mode) -> None:
    """By the numbers that the trace recorded: the rule's own table says what would have been better."""
    driven(tmp_path / "trace", policy, ())
    audited = our_run(tmp_path / "trace")
    found = of(mode, audited)
    assert found.status == "found" and found.dollars > 0
    for concern in found.concerns:
        decision = audited.steps[concern.step - 1].decision if concern.name != "stop" else audited.stopped
        assert decision is not None
        open_to_it = [each for each in decision.candidates if not each.refused]
        own = next((each.net for each in open_to_it if each.step == decision.chosen), 0.0)
        assert concern.dollars <= max(each.net for each in open_to_it) - own + 1e-9


def test_the_rule_that_never_checks_is_told_so(tmp_path: Path) -> None:
    settings = Settings(
        repository="/r", tests=("t",), tiers=LADDER, prices=Prices(risk=500.0), delivery=ActionClass.COMMIT
    )
    traced(tmp_path / "trace", "fewest-tokens", settings, ("cheap",))
    found = of("under-verification", our_run(tmp_path / "trace"))
    table = our_run(tmp_path / "trace").steps[-1].decision
    assert table is not None
    checks = [each.net for each in table.candidates if each.step.kind is StepKind.VERIFY]
    submit = next(each.net for each in table.candidates if each.step.kind is StepKind.SUBMIT)
    assert any(each.step.check is Check.SUITE for each in table.candidates)
    assert found.dollars == pytest.approx(max(0.0, max(checks) - submit)) and found.dollars > 0
