"""What runs came to, by hand; the gap to the best in hindsight; gains by kind; sums and over how much."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from audit_parts import DEFER, PRICES, SUBMIT, SUITE, act, decided, foreign, request, row, run, step, traced
from test_policies import LADDER

from agent.audit.audited import audit_of, audit_run
from agent.audit.gains import kinds_of, kinds_together, margins
from agent.audit.gap import gap_of, gaps_together
from agent.audit.ours import our_run
from agent.audit.realised import realised, summed
from agent.audit.results import Gap, Total
from agent.audit.runs import Later, Run, Step, Submission
from agent.audit.tallies import MOST_NAMES, Tallies
from agent.task import Settings
from policies.autonomy import Attention, Confirmation, Schedule, terms_at
from policies.vocabulary import ActionClass, Limits, Outcome, Prices

ASKED = Settings(
    repository="/r", tests=("t",), tiers=LADDER, limits=Limits(5.0, 900.0), delivery=ActionClass.COMMIT
)


def delivered(**changed: object) -> Run:
    """A fixed run that committed: one attempt for $0.50 and 20 s, a submit of 30 s with 0.02 loss units."""
    made = step(decided(act("dear"), row(act("dear"), 9.0, 0.5, 20.0)), 1, succeeded=True)
    handed = step(decided(SUBMIT, row(SUBMIT, 8.0, 0.0, 30.0)), 2, loss=0.02, succeeded=True)
    given = Submission(step=2, right=0.98, delivery=ActionClass.COMMIT, level=1)
    plain = run(made, handed, outcome=Outcome.FIXED, verified=True, submissions=(given,))
    return replace(plain, **changed)  # type: ignore[arg-type]


def net_of(audited: Run) -> float | None:
    return realised(audited)[0].net.exact


def test_a_fixed_run_by_hand() -> None:
    """20 - 0.50 - 0.01·50 - (20 + 20·0.05)·0.02 - 2 for the confirmation."""
    came, how = realised(delivered())
    assert how == "verified"
    assert came.value.exact == 20.0 and came.dollars.exact == 0.5
    assert came.time.exact == pytest.approx(0.5) and came.loss.exact == pytest.approx(0.02)
    assert came.risk.exact == pytest.approx(0.42) and came.attention.exact == 2.0
    assert came.net.exact == pytest.approx(20 - 0.5 - 0.5 - 0.42 - 2.0)


@pytest.mark.parametrize(
    ("said", "change"),
    [
        (Later(word="merged", time=1.0), +0.42),  # nothing was lost after all
        (Later(word="reverted", time=1.0), -20 + 0.42 - 21.0),  # severity 1: 20 + 20·0.05
        (Later(word="reworked", time=1.0, minutes=15.0), 0.42 - 15.0),  # $1 a minute
    ],
)
def test_what_came_later_overrides_what_was_expected(said: Later, change: float) -> None:
    before, after = net_of(delivered()), net_of(delivered(later=(said,)))
    assert before is not None and after == pytest.approx(before + change)


def test_the_last_word_counts() -> None:
    words = (Later(word="reverted", time=1.0), Later(word="merged", time=2.0))
    assert net_of(delivered(later=words)) == net_of(delivered(later=words[1:]))


def test_rework_is_priced_by_the_schedules_attention() -> None:
    dear = Schedule(attention=Attention(confirm=6.0))
    said = (Later(word="reworked", time=1.0, minutes=10.0),)
    assert realised(delivered(later=said, schedule=dear))[0].rework.exact == pytest.approx(30.0)


def test_what_is_not_known_stays_unknown_and_is_counted() -> None:
    handed = step(decided(DEFER, row(DEFER, 1.0)), 1)
    came, how = realised(run(handed, outcome=Outcome.DEFERRED))
    assert came.value.exact is None and came.net.exact is None and "what became of it" in how
    assert came.attention.exact == 0.5  # a glance
    merged = run(handed, outcome=Outcome.DEFERRED, later=(Later(word="merged", time=1.0),))
    assert realised(merged)[0].value.exact == 20.0
    cut = step(decided(SUITE, row(SUITE, 1.0, 0.0, 5.0)), 1, seconds=None, loss=None, lost=True)
    came = realised(run(cut, delivered().steps[0], outcome=None))[0]
    assert (came.seconds.known, came.seconds.unknown, came.seconds.total) == (1, 1, 20.0)
    assert came.net.exact is None and came.time.exact is None


def test_another_agents_run_is_unknown_where_it_says_nothing() -> None:
    table = decided(act("m"), row(act("m"), 1.0, 0.5, 9.0))
    priced = step(table, 1, requests=(request(1000),))
    tool = step(table, 2, dollars=None)
    came, how = realised(foreign(priced, tool))
    assert came.dollars.exact == 0.5  # a tool that asks no model bills nothing
    assert came.value.exact is None and came.risk.exact is None and "nobody checked" in how
    unpriced = step(table, 1, dollars=None, requests=(request(9, dollars=None, known="unknown"),))
    assert realised(foreign(unpriced))[0].dollars.exact is None
    assert realised(foreign(priced, verified=True))[0].value.exact == 20.0
    assert realised(foreign(priced, verified=False))[0].value.exact == 0.0


def test_sums_say_over_how_many_runs() -> None:
    parts = [realised(each)[0] for each in (delivered(), run(outcome=None), run(outcome=Outcome.LIMIT))]
    together = summed(parts)
    assert (together.value.total, together.value.known, together.value.unknown) == (20.0, 2, 1)
    assert (together.net.known, together.net.unknown) == (2, 1)
    assert together.net.total == pytest.approx(net_of(delivered()))


# The gap.


def test_the_records_prove_what_could_have_been_left_out(tmp_path: Path) -> None:
    """A cascade in which only the third tier could: the two before it gave nothing."""
    traced(tmp_path / "trace", "cascade", ASKED, ("dear",))
    audited = our_run(tmp_path / "trace")
    net = net_of(audited)
    wasted = [each for each in audited.steps if each.name in ("act cheap", "act middle")]
    cost = sum((each.dollars or 0) + 0.01 * (each.seconds or 0) for each in wasted)
    assert net is not None and cost > 0.25
    gap = gap_of(audited, net)
    assert gap.proved == pytest.approx(cost) and "2 steps that gave nothing" in gap.instead
    assert gap.low is not None and gap.mean is not None and gap.high is not None
    assert gap.proved - 1e-9 <= gap.low <= gap.mean <= gap.high


@pytest.mark.parametrize("why", ["lost", "unanswered"])
def test_a_step_without_a_result_could_have_been_left_out_whichever_tier_it_asked(why: str) -> None:
    """An attempt of the tier that then succeeded is kept only where that tier was told of it."""
    fixed = delivered()
    asked = decided(act("dear"), row(act("dear"), 9.0, 0.5, 20.0))
    before = step(asked, 1, dollars=0.2, seconds=180.0)
    rest = tuple(replace(each, number=each.number + 1) for each in fixed.steps)
    given = tuple(replace(each, step=each.step + 1) for each in fixed.submissions)

    def proved(first: Step) -> Gap:
        audited = replace(fixed, steps=(first, *rest), submissions=given)
        return gap_of(audited, net_of(audited))

    gap = proved(replace(before, **{why: True}))  # type: ignore[arg-type]
    assert gap.proved == pytest.approx(0.2 + 1.8) and "1 step that gave nothing" in gap.instead
    told = proved(replace(before, succeeded=False))
    assert told.proved == 0.0 and told.instead == "nothing beats what was done"


def test_where_nothing_came_of_it_nothing_at_all_is_proved_to_be_better(tmp_path: Path) -> None:
    traced(tmp_path / "trace", "cascade", ASKED, ())
    audited = our_run(tmp_path / "trace")
    net = net_of(audited)
    assert net is not None and net < -0.8
    gap = gap_of(audited, net)
    assert gap.proved == pytest.approx(-net) and gap.instead == "by doing nothing at all"
    assert gap.low == pytest.approx(-net)  # all may be too hard: then nothing is the best
    assert gap.high is not None and -net < gap.high <= PRICES.value - net
    assert gap.mean is not None and gap.low < gap.mean < gap.high


def test_what_a_hard_limit_forbids_is_no_better_allocation(tmp_path: Path) -> None:
    """The same run, with a budget that the dear tier's worst case ($1.20) did not fit into."""
    traced(tmp_path / "trace", "cheapest", ASKED, ())
    audited = our_run(tmp_path / "trace")
    net = net_of(audited)
    free = gap_of(audited, net)
    tight = gap_of(replace(audited, limits=Limits(dollars=1.1)), net)
    none = gap_of(replace(audited, limits=Limits(dollars=0.0)), net)
    assert free.mean is not None and tight.mean is not None and none.mean is not None
    assert free.mean > tight.mean > none.mean == pytest.approx(none.proved)


def test_what_a_flag_confirms_costs_no_attention_in_hindsight_either(tmp_path: Path) -> None:
    traced(tmp_path / "trace", "cascade", ASKED, ())
    audited = our_run(tmp_path / "trace")
    net = net_of(audited)
    means = {
        gap_of(replace(audited, schedule=Schedule(attention=Attention(confirm=dollars))), net).mean
        for dollars in (1.0, 2.0)
    }
    assert len(means) == 1


def test_a_revert_makes_doing_nothing_the_best(tmp_path: Path) -> None:
    traced(tmp_path / "trace", "dearest", ASKED, ("dear",))
    audited = our_run(tmp_path / "trace")
    undone = replace(audited, later=(Later(word="reverted", time=1.0),))
    net = net_of(undone)
    assert net is not None and net < -20
    gap = gap_of(undone, net)
    assert gap.proved == pytest.approx(-net) and gap.low == pytest.approx(-net)
    assert gap.mean is not None and gap.mean > -net  # another tier might have been right


def test_no_interval_where_the_source_or_the_end_gives_none() -> None:
    assert "one run does not tell" in gap_of(foreign(), None).unknown
    unknown = gap_of(run(outcome=None), None)
    assert unknown.mean is None and "is not known" in unknown.unknown
    stopped = gap_of(run(outcome=Outcome.INTERRUPTED), -0.5)
    assert stopped.proved == 0.5 and stopped.mean is None and "from outside" in stopped.unknown
    early = gap_of(run(outcome=Outcome.LIMIT), -0.5)
    assert early.proved == 0.5 and "before anything was known" in early.unknown
    nothing = gap_of(run(outcome=Outcome.NOTHING_TO_FIX), -0.5)
    assert (nothing.low, nothing.mean, nothing.high) == (0.5, 0.5, 0.5)


def test_gaps_add_up_as_independent_ones() -> None:
    one = Gap(proved=0.5, low=0.5, mean=2.0, high=6.0, sd=3.0)
    together = gaps_together([one, one.model_copy(update={"sd": 4.0}), Gap(proved=1.0, unknown="why")])
    assert (together.proved, together.mean, together.sd, together.runs) == (2.0, 4.0, 5.0, 2)
    assert together.high == pytest.approx(4.0 + 1.6448536 * 5.0)
    assert together.low == 1.0  # what the records of the same two runs prove, and no less
    assert gaps_together([Gap(unknown="why")]).unknown


# Gains, predictions, autonomy.


def test_gain_per_full_dollar_of_each_kind() -> None:
    cheap = step(decided(act("cheap"), row(act("cheap"), 5.0, 1.0, 100.0)), 1, dollars=1.5, seconds=50.0)
    dear = step(decided(act("dear"), row(act("dear"), 2.0, 2.0, 0.0)), 2)
    check = step(decided(SUITE, row(SUITE, 0.5, 0.0, 50.0)), 3)
    kinds = {each.kind: each for each in kinds_of(run(cheap, dear, check))}
    assert kinds["act"].gain == pytest.approx(7.0 + 4.0) and kinds["act"].price == pytest.approx(2.0 + 2.0)
    assert kinds["act"].paid.exact == pytest.approx(1.5 + 0.5 + 2.0)
    assert kinds["act"].dollars.exact == pytest.approx(1.5 + 2.0) and kinds["act"].seconds.exact == 50.0
    assert kinds["act"].per_step(kinds["act"].gain) == pytest.approx(11 / 2)
    assert kinds["act"].per_dollar == pytest.approx(11 / 4) and kinds["act"].last == pytest.approx(2.0)
    assert kinds["verify"].last == pytest.approx(2.0)
    assert margins(kinds.values()) == pytest.approx(1.0)
    both = {each.kind: each for each in kinds_together([kinds_of(run(cheap)), kinds_of(run(dear))])}
    assert both["act"].steps == 2 and both["act"].last == pytest.approx((7.0 + 4.0) / 4.0)
    assert margins([kinds["act"]]) is None


def test_a_step_whose_table_is_not_known_is_counted_apart() -> None:
    known = step(decided(SUITE, row(SUITE, 0.5, 0.0, 50.0)), 1)
    (kind,) = kinds_of(run(known, replace(known, number=2, decision=None)))
    assert (kind.steps, kind.unpredicted) == (1, 1) and kind.gain == pytest.approx(1.0)
    assert kind.seconds.exact == 100.0  # of both


def test_another_agents_steps_are_summed_by_kind() -> None:
    """Nothing was predicted, but dollars and seconds are known; of one step they are not."""
    table = decided(act("m"), row(act("m"), 1.0, 0.5, 9.0))
    told = step(table, 1, requests=(request(1000),))
    silent = step(table, 2, dollars=None, seconds=None, requests=(request(9, dollars=None, known="unknown"),))
    (kind,) = kinds_of(foreign(told, silent))
    assert (kind.steps, kind.unpredicted) == (0, 2) and kind.per_step(kind.gain) is None
    assert kind.dollars == Total(total=0.5, known=1, unknown=1)
    assert kind.seconds == Total(total=9.0, known=1, unknown=1)
    assert kind.paid == Total(unknown=2)


def test_predictions_count_where_the_truth_came_out() -> None:
    tallies = Tallies()
    table = decided(act("dear"), row(act("dear"), 5.0, 1.0, 10.0, p=0.7))
    tallies.take(
        run(
            step(table, 1, succeeded=True, dollars=1.5, seconds=40.0),
            step(table, 2, succeeded=False),
            step(table, 3, succeeded=None),
            step(table, 4, succeeded=True, lost=True),
        )
    )
    (found,) = tallies.reliability()
    assert (found.kind, found.of, found.n, found.rate) == ("act", "dear", 2, 0.5)
    assert found.brier == pytest.approx((0.3**2 + 0.7**2) / 2)
    assert [(each.low, each.n) for each in found.bins] == [(0.7, 2)]
    billed = {each.what: each for each in tallies.accuracy()}
    assert billed["dollars"].ratio == pytest.approx(3.5 / 3) and billed["dollars"].covered == 1.0
    assert billed["seconds"].covered == pytest.approx(2 / 3)  # 40 s where 20 were the worst case
    (drifted,) = tallies.drift()
    assert (drifted.n, drifted.right) == (2, 1) and drifted.expected == pytest.approx(1.4)


def test_a_worst_case_is_no_bill_and_a_step_of_no_time_has_none_to_keep_to() -> None:
    tallies = Tallies()
    asked = decided(act("big"), row(act("big"), 5.0, 0.1, 10.0))
    timeout = request(0, usage=None, failure="timeout", dollars=0.2158, known="worst case")
    handed = decided(DEFER, row(DEFER, 1.0))
    tallies.take(
        run(
            step(asked, 1, dollars=0.2158, seconds=20.0, requests=(timeout,)),
            step(asked, 2, dollars=0.12, requests=(request(100, dollars=0.12),)),
            step(handed, 3, seconds=0.02),
        )
    )
    found = {(each.what, each.of): (each.n, each.billed) for each in tallies.accuracy()}
    assert found == {("dollars", "act big"): (1, 0.12), ("seconds", "act big"): (2, 30.0)}


def test_names_from_traces_do_not_fill_the_memory() -> None:
    tallies, more = Tallies(), Tallies()
    for number in range(2 * MOST_NAMES):
        named = act(f"tier-{number}")
        each = run(step(decided(named, row(named, 5.0, 1.0, 10.0)), succeeded=True))
        (tallies if number % 2 else more).take(each)
    tallies.add(more)
    assert len(tallies.chances) <= MOST_NAMES + 1 and len(tallies.bills) <= MOST_NAMES + 2
    assert sum(each.n for each in tallies.reliability()) == 2 * MOST_NAMES


def test_autonomy_used_beside_what_was_asked_for() -> None:
    lax = replace(delivered().submissions[0], level=0)
    audit = audit_of(
        [audit_run(each, steps=False) for each in (delivered(), delivered(submissions=(lax,)))], [], Tallies()
    )
    (summed_up,) = audit.autonomy
    assert (summed_up.free, summed_up.confirm, summed_up.laxer, summed_up.stricter) == (1, 1, 1, 0)
    (use,) = audit.runs[1].autonomy
    assert (use.scheduled, use.required, use.used) == (1, 1, 0)
    levels = (Confirmation.FREE, Confirmation.CONFIRM)
    free, asked = (terms_at(level, use.delivery, use.right).price(Prices()) for level in levels)
    assert use.cost == pytest.approx(max(0.0, free - asked))


def test_caches_are_valued_beside_v() -> None:
    table = decided(act("m"), row(act("m"), 1.0, 0.5, 9.0))
    cached = run(step(table, requests=(request(10, cached=1_000_000),)), prices=Prices(value=500.0))
    audit = audit_of([audit_run(each, steps=False) for each in (cached, run(), run())], [], Tallies())
    assert [(each.low, each.high, each.runs) for each in audit.cache] == [(20.0, 100.0, 2), (100.0, None, 1)]
    assert [each.use.saved for each in audit.cache] == [0.0, pytest.approx(1.8)]
