"""What the rules by path make of a run: V, who has to confirm the patch in hand, what a person is told."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from agent import fix
from agent.approvals.request import awaits, people_needed
from agent.bounds import bounded
from agent.confirming import asked_with, offerable
from agent.deliver import confirmed, unconfirmed
from agent.errors import TraceError
from agent.events import RunStarted
from agent.fold import start
from agent.loop import decide
from agent.observations import AttemptDone, BaselineDone, Counts, LocaliseDone, SubmissionDone
from agent.policies import policy_named
from agent.replaying.prices import other_settings
from agent.state import State
from agent.task import Settings
from agent.view import View
from policies.autonomy import DEFAULT_SCHEDULE, Confirmation, PathRule
from policies.belief import Belief
from policies.priors import repair_tier
from policies.vocabulary import ActionClass, Bill, StepKind

CONFIRM, MULTI = Confirmation.CONFIRM, Confirmation.MULTI_PARTY
AUTH = PathRule("auth/**", MULTI, 3, ("security@example.org",), source="the file")
DOCS = PathRule("docs/**", CONFIRM, classes=(ActionClass.DRAFT,))
SCHEDULE = replace(DEFAULT_SCHEDULE, paths=(AUTH, DOCS))


def holding(*paths: str, delivery: ActionClass = ActionClass.COMMIT, **more: object) -> State:
    """A run with a candidate in hand that changes these paths."""
    settings = Settings(
        repository="r",
        tests=("tests/test_login.py::test_a",),
        tiers=(repair_tier(),),
        delivery=delivery,
        schedule=SCHEDULE,
        **more,  # type: ignore[arg-type]
    )
    state = start(RunStarted(run_id="r", time=0.0, versions={}, policy="marginal", settings=settings))
    hand = AttemptDone(tier="repair", patch="p", tree="t", paths=paths)
    suite = BaselineDone(counts=Counts(), failing=(), complete=True, suite_seconds=1.0, verdicts="v", key="k")
    belief = Belief().after_candidate("repair")
    return replace(state, belief=belief, hand=hand, spent=Bill(0.25, 61.0), baseline=suite)


def test_the_paths_of_the_patch_decide_who_confirms() -> None:
    assert unconfirmed(holding("a.py")) == ""
    auth = holding("a.py", "auth/login.py")
    assert unconfirmed(auth) == (
        "the autonomy schedule asks 3 people to confirm a commit that changes auth/**"
    )
    assert confirmed(auth) is CONFIRM and auth.schedule.told(ActionClass.COMMIT) == AUTH.notify
    docs = holding("docs/x", delivery=ActionClass.DRAFT)
    assert unconfirmed(docs) == "the autonomy schedule asks a person to confirm a draft that changes docs/**"
    assert unconfirmed(holding("auth/x", delivery=ActionClass.DRAFT)) == ""


def test_nobody_is_asked_alone_for_what_takes_more_people() -> None:
    file = holding("a.py", delivery=ActionClass.DRAFT)
    assert offerable(file) == ""
    auth = holding("auth/x", delivery=ActionClass.DRAFT)
    assert offerable(auth) == "to apply it, 3 people would have to confirm it"
    assert fix.offerable is offerable


def test_a_decision_reckons_with_what_the_patch_in_hand_asks_for() -> None:
    """Submitting takes the attention of 3 people, $15, in place of one, $2."""
    policy = policy_named("marginal", SCHEDULE)

    def attention(state: State, name: str = "marginal") -> float:
        found = decide(state, policy if name == "marginal" else policy_named(name, SCHEDULE))
        rows = (row for row in found.candidates if row.step.kind is StepKind.SUBMIT)
        return next(row.quote.attention / row.quote.probability for row in rows)

    assert attention(holding("a.py")) == pytest.approx(2.0)
    assert attention(holding("auth/a.py")) == pytest.approx(15.0)
    assert attention(holding("auth/a.py"), "cheapest") == pytest.approx(15.0)


def test_v_follows_the_paths_of_targets_and_suspects() -> None:
    values = (("auth/**", 100.0), ("tests/**", 30.0))
    state = holding("a.py", values=values)
    assert state.prices.value == 30.0
    seen = LocaliseDone(method="m", lines=9, top=("x.py:1", "auth/login.py:7", "y.py:2"), ranking="r")
    suspected = replace(state, localised=seen)
    assert suspected.prices.value == 100.0 and suspected.prices.risk == 20.0
    late = LocaliseDone(method="m", lines=9, top=("x.py:1", "y.py:2", "z.py:3", "auth/a.py:1"), ranking="r")
    assert replace(state, localised=late).prices.value == 30.0, "only where the fault is likely"
    rows = [decide(each, policy_named("marginal", SCHEDULE)).candidates for each in (state, suspected)]
    submits = [next(row for row in found if row.step.kind is StepKind.SUBMIT) for found in rows]
    assert submits[1].quote.net(suspected.prices) > submits[0].quote.net(state.prices)
    other = other_settings(state.settings, ["value=$7"])
    assert replace(suspected, settings=other).prices.value == 7.0, "a what-if of V means V"


def test_settings_keep_their_rules_in_a_trace_and_older_ones_have_none() -> None:
    settings = holding("a.py", values=(("auth/**", 100.0),)).settings
    assert Settings.model_validate_json(settings.model_dump_json()) == settings
    data = json.loads(settings.model_dump_json())
    for name in ("people", "notify", "paths"):
        del data["schedule"][name]
    del data["values"]
    older = Settings.model_validate(data)
    assert older.schedule == DEFAULT_SCHEDULE and older.values == ()


@pytest.mark.parametrize(
    "change",
    [
        {"values": (("*a*a*a*a", 1.0),)},
        {"values": (("a", float("inf")),)},
        {"values": (("a", -1.0),)},
        {"values": (("a", 1.0),) * 1001},
        {"schedule": replace(DEFAULT_SCHEDULE, paths=(PathRule("[" * 300),))},
    ],
)
def test_rules_of_a_strange_trace_are_bounded(change: dict[str, object]) -> None:
    settings = holding("a.py").settings
    assert bounded(settings) is settings
    with pytest.raises(TraceError, match="rules by path"):
        bounded(settings.model_copy(update=change))


def test_a_person_is_asked_with_the_bill_the_risk_the_posterior_and_what_a_no_costs() -> None:
    state = holding("a.py", delivery=ActionClass.DRAFT)
    lines = asked_with(state)
    (right,) = (float(line.split()[3].rstrip(",")) for line in lines if line.startswith("right:"))
    assert 0.5 < right < 1
    assert "bill so far: $0.25 and 1m 01s" in lines
    (risk,) = (line for line in lines if line.startswith("a yes risks"))
    assert float(risk.split("$")[1].split(",")[0]) == pytest.approx(21 * (1 - right), abs=0.2)
    (no,) = (line for line in lines if line.startswith("a no loses"))
    assert float(no.split("$")[1].split(",")[0]) == pytest.approx(20 * right, abs=0.2)
    screen = io.StringIO()
    view = View(Console(file=screen, width=100))
    done = SubmissionDone(verified=True, key="k", targets_passed=1, patch="p", diff="d")
    view.offer("--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-x\n+\x1b[31my\n", replace(state, submission=done))
    shown = screen.getvalue()
    assert "+\\x1b[31my" in shown and "\x1b" not in shown
    assert all(line[:40] in shown for line in lines)
    told = replace(SCHEDULE, notify=((ActionClass.COMMIT, ("team@example.org",)),))
    with_names = replace(state, settings=state.settings.model_copy(update={"schedule": told}))
    assert "to be told of it: team@example.org" in asked_with(with_names)


def test_as_many_have_to_sign_as_the_rules_ask_for() -> None:
    auth = holding("auth/x", delivery=ActionClass.DRAFT)
    assert [people_needed(auth, each) for each in (ActionClass.COMMIT, ActionClass.PUBLISH)] == [3, 3]
    assert people_needed(auth, ActionClass.DRAFT) == 0
    assert people_needed(holding("a.py"), ActionClass.COMMIT) == 1
    done = SubmissionDone(verified=True, key="k", required=MULTI, confirmed=CONFIRM, people=3)
    committing = replace(holding("auth/x"), submission=done)
    assert awaits(committing) and people_needed(committing, ActionClass.COMMIT) == 3
