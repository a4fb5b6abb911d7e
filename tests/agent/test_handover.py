"""What a person is handed when no step pays any more: as data, as one page, in a few lines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from test_history_step import FOUND, driven
from test_policies import LADDER, tier

from agent.going_on import at_value, decided, next_step
from agent.handover import Handover, handover_of
from agent.handover_page import code, in_short, page
from agent.observations import AttemptDone, SubmissionDone
from agent.state import Search, State
from policies.autonomy import Confirmation
from policies.priors import repair_tier
from policies.vocabulary import ActionClass, Check, Limits, Outcome, Prices


def handed(state: State, candidate: str = "") -> Handover:
    found = handover_of(state, candidate)
    assert found is not None
    return found


@pytest.fixture
def cheap(tmp_path: Path) -> State:
    """Worth so little that it stops before the dear tiers are asked."""
    return driven(tmp_path / "trace", prices=Prices(value=0.8))[0]


def test_it_says_from_which_value_on_it_would_go_on(cheap: State) -> None:
    found = handed(cheap)
    needed = found.going_on.value
    assert needed is not None and needed > 0.8
    assert next_step(decided(at_value(cheap, needed))) is not None
    assert next_step(decided(at_value(cheap, 0.97 * needed))) is None
    assert [tier.tier for tier in found.going_on.tiers] == ["dear"]
    assert all(tier.configured and tier.net <= 0 and tier.chance > 0 for tier in found.going_on.tiers)


def test_whether_it_is_worth_more_is_asked_where_much_depends_on_it(tmp_path: Path) -> None:
    tiers = (*LADDER[:2], tier("dear", 1.5, 14.0))
    state, _ = driven(tmp_path / "trace", tiers=tiers, limits=Limits(100.0, 900.0))
    found = handed(state)
    assert found.question is not None and found.question.about == "value"
    assert found.question.text.endswith("or more to you? You said $20.00.")
    assert found.question.then.startswith("With --value ")


def test_where_every_tier_has_tried_all_no_value_helps(tmp_path: Path) -> None:
    found = handed(driven(tmp_path / "trace")[0])
    assert found.going_on.value is None and found.question is None
    assert found.going_on.tiers == ()
    assert found.going_on.done == tuple(f"{each.name} has nothing left to try" for each in LADDER)
    assert {each.tier: each.tried for each in found.tried} == {each.name: 2 for each in LADDER}
    assert "question" not in " ".join(in_short(found))


def test_where_another_policy_stopped_no_value_is_named(tmp_path: Path) -> None:
    found = handed(driven(tmp_path / "trace", "cascade")[0])
    assert found.going_on.value is None and found.question is None
    assert [each.tier for each in found.going_on.tiers] == ["cheap", "middle", "dear"]


def test_a_limit_asks_for_as_much_more_as_it_takes(tmp_path: Path) -> None:
    state, _ = driven(tmp_path / "trace", limits=Limits(dollars=1.0, seconds=900.0))
    assert state.ended is Outcome.LIMIT
    found = handed(state)
    more = found.going_on.more_dollars
    assert more > 0 and found.going_on.more_seconds == 0
    spent = state.spent.dollars
    assert found.question is not None and found.question.about == "budget"
    assert f"--budget {1.0 + more:.2f}" in found.question.then
    assert spent + 1.2 <= 1.0 + more + 1e-9  # the worst case of the dear tier
    assert found.question.worth > 0.5


def test_models_that_are_not_configured_are_priced_for_this_task(tmp_path: Path) -> None:
    state, _ = driven(tmp_path / "trace", tiers=(repair_tier(),))
    missing = [tier for tier in handed(state).going_on.tiers if not tier.configured]
    assert missing and {tier.key for tier in missing} <= {"ANTHROPIC_API_KEY", "OPENAI_API_KEY"}
    assert all(0 < tier.chance < 1 and tier.dollars > 0 for tier in missing)
    assert [tier.dollars for tier in missing] == sorted(tier.dollars for tier in missing)


def with_candidate(state: State, **changed: object) -> State:
    hand = AttemptDone(tier="dear", patch="p", tree="x", description="swap `a` and b")
    hand = hand.model_copy(update=changed)
    belief = state.belief.after_candidate("dear", 0.6, hand.share)
    return replace(state, hand=hand, belief=belief, ended=Outcome.DEFERRED)


def test_which_of_two_patches_is_meant_is_asked_where_it_decides(cheap: State) -> None:
    """All that a machine can check was checked, and a person's word would let it be delivered."""
    prices = {"prices": Prices(risk=100.0), "delivery": ActionClass.COMMIT}
    searches = {**cheap.searches, "dear": Search(used=(0.0, 0.0))}
    state = replace(cheap, settings=cheap.settings.model_copy(update=prices), searches=searches)

    def checked(**changed: object) -> State:
        found = with_candidate(state, **changed)
        belief = found.belief
        for check in (*[Check.REPEAT] * 3, Check.SUITE):
            belief = belief.after_check(check, True)
        return replace(found, belief=belief)

    rivals = checked(clusters=2, plausible=3, share=0.5)
    assert next_step(decided(rivals)) is None
    found = handed(rivals, "/t/candidate.patch")
    assert found.question is not None and found.question.about == "rivals"
    assert found.question.text == (
        "Is the candidate the one that is meant? 3 patches pass the failing tests, and do 2 different things."
    )
    assert found.candidate is not None and found.candidate.rivals == 1
    assert found.candidate.passed == ("target", "repeat", "suite")
    assert "1 more pass as well and do something else" in page(found, "/t", "r", "h")
    assert next_step(decided(checked())) is not None  # without a rival it is submitted, and nobody is asked


def test_a_verified_patch_that_waits_asks_for_its_delivery(tmp_path: Path) -> None:
    state, _ = driven(tmp_path / "trace", "cascade", delivery=ActionClass.PUBLISH)
    waiting = with_candidate(state)
    submission = SubmissionDone(
        verified=True, key="k", undelivered="nobody confirmed it; it waits", required=Confirmation.CONFIRM
    )
    found = handed(replace(waiting, submission=submission), "/t/fix.patch")
    assert found.question is not None and found.question.about == "delivery"
    assert found.question.text == "May the verified patch be delivered as a publish?"
    assert found.question.then == "It waits for that: nobody confirmed it."
    assert found.candidate is not None and found.candidate.verified
    assert in_short(found) == [f"question    {found.question.text} {found.question.then}"]
    assert "- nothing more has to be bought: the patch is verified" in page(found, "/t", "r", "h")


def test_nothing_is_handed_over_where_nobody_has_to_take_over(cheap: State) -> None:
    assert handover_of(replace(cheap, ended=Outcome.FIXED), "") is None
    assert handover_of(replace(cheap, ended=Outcome.INTERRUPTED), "") is None
    assert handover_of(replace(cheap, reproduction=None, baseline=None, ended=Outcome.LIMIT), "") is not None
    unnamed = cheap.settings.model_copy(update={"tests": ()})
    assert handover_of(replace(cheap, settings=unnamed, reproduction=None, baseline=None), "") is None


def test_a_flaky_test_is_handed_over_with_its_looks(cheap: State) -> None:
    assert cheap.reproduction is not None
    seen = cheap.reproduction.model_copy(update={"passes": (1,), "messages": ("E   assert 1 == 2",)})
    flaky = replace(cheap, reproduction=seen, history=None, ended=Outcome.FLAKY)
    found = handed(flaky)
    assert (found.failures[0].failed, found.failures[0].looks) == (1, 2)
    assert found.failures[0].said == "assert 1 == 2"
    again = seen.model_copy(update={"runs": 8, "passes": (5,)})
    (failure,) = handed(replace(flaky, looked_again=again)).failures
    assert (failure.failed, failure.looks) == (4, 10)
    assert found.unsearched == "what fails only sometimes cannot be told from a look at each commit"


def test_in_short_names_the_first_of_several_commits(cheap: State) -> None:
    found = handed(replace(cheap, history=FOUND.model_copy(update={"suspects": 4})))
    said = "fails since one of these, which could not be told apart: cccccccccccc 2026-01-02 break it"
    assert in_short(found)[0] == f"history     {said}"


def test_a_search_that_does_not_pay_says_what_it_would_cost(tmp_path: Path) -> None:
    state, _ = driven(tmp_path / "trace", "cascade", seconds_each=60.0)
    assert handed(state).unsearched == (
        "not looked for: it would take about 6m 06s, $3.66 of time at your prices, and spares you about "
        "$1.50 of looking"
    )


def test_a_group_of_a_job_that_a_limit_stopped_is_not_said_to_be_looked_at(cheap: State) -> None:
    def group(ended: Outcome, **changed: object) -> Handover:
        assert cheap.reproduction is not None
        seen = cheap.reproduction.model_copy(update={"targets": ("t", "u"), "passes": (0, 0)})
        settings = cheap.settings.model_copy(update={"surveyed": ("intake",), **changed})
        return handed(replace(cheap, settings=settings, reproduction=seen, history=None, ended=ended))

    assert group(Outcome.NOT_FIXED).unsearched.endswith("these tests are looked at one by one first")
    over = Limits(dollars=5.0, seconds=cheap.spent.seconds)
    assert group(Outcome.LIMIT, limits=over).unsearched == "not looked for: there was no time"
    assert group(Outcome.LIMIT).unsearched == "not looked for: a hard limit came before"


def test_the_page_has_every_part_and_no_text_of_others_is_markup(cheap: State) -> None:
    hostile = "\x1b[31m`</code><img src=x>` ::error::[x](http://e) @all $x$\n# h"
    assert cheap.reproduction is not None and cheap.localised is not None
    seen = cheap.reproduction.model_copy(update={"targets": (hostile,), "messages": (f"E   {hostile}",)})
    since = FOUND.since[0].model_copy(update={"subject": hostile})
    state = replace(
        cheap,
        reproduction=seen,
        notes=(hostile,),
        plan=hostile,
        explanation=hostile,
        history=FOUND.model_copy(update={"since": (since,)}),
    )
    state = replace(with_candidate(state, description=hostile), ended=Outcome.NOT_FIXED)
    text = page(handed(state, hostile), hostile, "r", "h")
    for title in ("What fails", "Since when", "What was ruled out", "The best candidate"):
        assert f"## {title}\n" in text
    assert "## The price of going on\n" in text and "## One question\n" in text
    outside = "".join(text.split("`")[::2])
    assert not any(mark in outside for mark in ("img", "http", "@all", "::error", "\x1b", "# h"))
    assert text.count("`") % 2 == 0 and "\x1b" not in text
    assert "\n# h" not in text


def test_a_code_span_cannot_be_ended_from_inside() -> None:
    assert code("a`b\nc") == "`aˋb c`"
    assert code("") == "` `"
