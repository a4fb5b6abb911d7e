"""Every policy by name, driven by the loop with scripted results: it ends, is recorded, and replays."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent import fold
from agent.errors import UsageError
from agent.events import RequestDone, RunStarted, StepDone, TierSeen
from agent.loop import Performed, decide, drive, handed_over
from agent.observations import (
    AttemptDone,
    BaselineDone,
    CheckDone,
    Counts,
    DeferralDone,
    EnvironmentDone,
    IntakeDone,
    LocaliseDone,
    Observation,
    PlanDone,
    ReproductionDone,
    SubmissionDone,
)
from agent.policies import ALSO, MARGINAL, POLICIES, check_policy, policy_named
from agent.purse import Purse
from agent.replay import replay
from agent.replaying.what_if import what_if
from agent.run import Run, begin, reopen
from agent.settings import resolve
from agent.state import State
from agent.task import Settings
from agent.trace import Trace
from policies.estimates import TierEstimate
from policies.power import Flakiness
from policies.vocabulary import Bill, Decision, Limits, Outcome, Step, StepKind


def tier(name: str, ability: float, dollars: float, can_plan: bool = False) -> TierEstimate:
    return TierEstimate(
        name, ability, 1.5, dollars, 5.0, 2 * dollars, 20.0, 2,
        can_plan=can_plan, plan_dollars=0.01, plan_seconds=2.0,
        plan_worst_dollars=0.02, plan_worst_seconds=9.0,
    )  # fmt: skip


LADDER = (tier("cheap", 0.0, 0.05), tier("middle", 0.5, 0.2), tier("dear", 1.5, 0.6, can_plan=True))


class Scripted:
    """Effects without a world: the attempts of some tiers yield a candidate, which passes or fails everything
    that comes after. Each step takes a second, and the expected dollars of its tier."""

    def __init__(self, run: Run, candidates: frozenset[str], passing: bool) -> None:
        self.run = run
        self.candidates = candidates
        self.passing = passing
        self.now = 0.0
        self.steps: list[str] = []

    def clock(self) -> float:
        return self.now

    def look(self, state: State) -> tuple[TierSeen, ...]:
        return ()

    def perform(self, state: State, step: Step, purse: Purse) -> Performed:
        reserved = purse.reserved
        assert reserved.dollars <= state.left.dollars and reserved.seconds <= state.left.seconds
        self.now += 1.0
        self.steps.append(step.name)
        dollars = next((t.dollars for t in LADDER if t.name == step.tier), 0.0)
        dollars = 0.01 if step.kind is StepKind.PLAN else dollars
        if dollars:
            purse.open(step.tier or "", dollars)
            purse.settle(RequestDone(tier=step.tier or "", dollars=dollars))
        return Performed(self._observation(step))

    def _observation(self, step: Step) -> Observation:
        blob = self.run.writer.blob(f"{step.name} {self.now}".encode())
        counts = Counts(collected=2, passed=1, failed=1)
        match step.name:
            case "read intake":
                return IntakeDone(tree_hash="a" * 40, files=2, head="b" * 40, dirty=0)
            case "read environment":
                return EnvironmentDone(
                    image="i", image_digest="d", python="3.11", backend="docker", cached=True
                )
            case "verify reproduce":
                return ReproductionDone(targets=("t",), runs=2, passes=(0,), seconds_each=0.5)
            case "verify baseline":
                return BaselineDone(
                    counts=counts, failing=("t",), complete=True, suite_seconds=1, verdicts=blob, key="k"
                )
            case "read localise":
                return LocaliseDone(method="m", lines=1, top=("a.py:1",), affected=("u",), ranking=blob)
        match step.kind:
            case StepKind.PLAN:
                return PlanDone(tier=step.tier or "", note="look there")
            case StepKind.ACT:
                found = step.tier in self.candidates
                return AttemptDone(tier=step.tier or "", patch=blob if found else "", tree=str(self.now))
            case StepKind.VERIFY if step.check:
                return CheckDone(check=step.check, key="k", passed=self.passing)
            case StepKind.SUBMIT:
                hand = self.run.state.hand
                assert hand is not None
                return SubmissionDone(
                    verified=self.passing, key="k", targets_passed=1, patch=hand.patch, counts=counts
                )
        return DeferralDone()


class Nobody:
    def decided(self, state: State, decision: Decision) -> None: ...
    def begun(self, step: Step) -> None: ...
    def requested(self, done: RequestDone) -> None: ...
    def waiting(self, seconds: float) -> None: ...
    def observed(self, observation: Observation, bill: Bill) -> None: ...


def driven(
    folder: Path, name: str, candidates: tuple[str, ...], passing: bool = True, dollars: float = 5.0
) -> tuple[State, list[str]]:
    settings = Settings(
        repository="/r", tests=("t",), tiers=LADDER, limits=Limits(dollars=dollars, seconds=900.0)
    )
    run = begin(settings, folder, name)
    effects = Scripted(run, frozenset(candidates), passing)
    state = drive(run.state, policy_named(name), effects, run.append, effects.clock, Nobody())
    run.writer.close()
    return state, effects.steps[4:]


@pytest.mark.parametrize("tests", [("t",), ()])
def test_the_suite_is_one_more_look_at_the_targets(tmp_path: Path, tests: tuple[str, ...]) -> None:
    """Named ones are run alone before it, others after it."""
    settings = Settings(repository="/r", tests=tests, tiers=LADDER, limits=Limits(5.0, 900.0))
    run = begin(settings, tmp_path / "trace")
    effects = Scripted(run, frozenset(), True)
    state = drive(run.state, policy_named("marginal"), effects, run.append, effects.clock, Nobody())
    run.writer.close()
    alone, suite = effects.steps.index("verify reproduce"), effects.steps.index("verify baseline")
    assert (alone < suite) is bool(tests)
    assert state.belief.flakiness == (Flakiness(0, 3),)


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize(("candidates", "passing"), [((), True), (("dear",), True), (("cheap",), False)])
def test_every_policy_ends_and_replays(
    tmp_path: Path, name: str, candidates: tuple[str, ...], passing: bool
) -> None:
    """Only a verified patch is a fix; decisions are recomputed by the policy the trace names."""
    state, steps = driven(tmp_path / "trace", name, candidates, passing)
    fixed = state.submission is not None and state.submission.verified
    assert state.ended in (Outcome.FIXED, Outcome.NOT_FIXED)
    assert (state.ended is Outcome.FIXED) is fixed
    assert steps, "nothing was tried"
    found = replay(tmp_path / "trace")
    assert found.difference == ""
    assert found.decisions == state.steps + (state.ended is Outcome.NOT_FIXED)
    events = list(Trace(tmp_path / "trace").events())
    assert getattr(events[0], "policy", None) == name
    assert sum(isinstance(event, StepDone) for event in events) == state.steps


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("pipeline", ["read localise", "plan dear", "act cheap", "act cheap"]),
        ("cheapest", ["act cheap", "act cheap"]),
        ("dearest", ["act dear", "submit"]),
        (
            "weitzman",
            ["plan dear", "act cheap", "act cheap", "act middle", "act middle", "act dear", "submit"],
        ),
        ("cascade", ["act cheap", "act middle", "act dear", "submit"]),
        (
            "fewest-tokens",
            ["act cheap", "act cheap", "act middle", "act middle", "act dear", "submit"],
        ),
    ],
)
def test_what_a_rule_does_when_only_the_dear_tier_can(tmp_path: Path, name: str, steps: list[str]) -> None:
    state, taken = driven(tmp_path / "trace", name, ("dear",))
    assert taken == steps
    assert (state.ended is Outcome.FIXED) is (taken[-1] == "submit")


def test_a_budget_that_refuses_what_a_rule_wants_ends_as_a_limit(tmp_path: Path) -> None:
    state, taken = driven(tmp_path / "trace", "dearest", (), dollars=1.0)
    assert state.ended is Outcome.LIMIT
    assert taken == []
    assert state.explanation == (
        "a hard limit alone stopped it: by the rule 'dearest' act dear is next, but it may cost $1.20 and "
        "$1.00 are left"
    )


def test_a_reopened_run_keeps_its_policy(tmp_path: Path) -> None:
    begin(Settings(repository="/r", tests=("t",), tiers=LADDER), tmp_path / "trace", "cascade").writer.close()
    assert reopen(tmp_path / "trace").policy == "cascade"


def test_a_replay_under_another_policy_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driven(tmp_path / "trace", "cascade", ("dear",))
    monkeypatch.setattr("agent.replay.policy_named", lambda name, schedule: policy_named(MARGINAL, schedule))
    assert replay(tmp_path / "trace").difference.startswith("decision")


def test_the_policy_is_a_setting_of_the_user_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("AGENT_POLICY", raising=False)
    hostile = b'[tool.agent]\npolicy = "dearest"\n'
    assert resolve({}, hostile).policy == MARGINAL
    assert any("policy" in note for note in resolve({}, hostile).notes)
    monkeypatch.setenv("AGENT_POLICY", "cascade")
    assert resolve({}, None).policy == "cascade"
    assert resolve({"policy": "weitzman"}, None).policy == "weitzman"
    assert resolve({"policy": "always-dearest"}, None).policy == "dearest"
    with pytest.raises(UsageError, match="unknown policy 'best'; known: marginal, pipeline, "):
        resolve({"policy": "best"}, None)
    with pytest.raises(UsageError, match="unknown policy ''; known: marginal"):
        resolve({"policy": ""}, None)


def test_a_policy_has_the_same_names_everywhere(tmp_path: Path) -> None:
    driven(tmp_path / "t", "cascade", ("dear",))
    for name in (*POLICIES, *ALSO):
        assert resolve({"policy": name}, None).policy == check_policy(name)
        assert what_if(Trace(tmp_path / "t"), [], name).other.policy == check_policy(name)
    for wrong in ("best", "always-cascade", "Cheapest", ""):
        with pytest.raises(UsageError) as fixing:
            resolve({"policy": wrong}, None)
        with pytest.raises(UsageError) as replaying:
            what_if(Trace(tmp_path / "t"), [], wrong)
        assert str(fixing.value) == str(replaying.value)
        assert all(name in str(fixing.value) for name in (*POLICIES, *ALSO))


def test_what_a_job_hands_over_is_written_down_whatever_its_price(tmp_path: Path) -> None:
    """Else a short deadline refuses what takes no time; the same decision is recomputed from the trace."""
    settings = Settings(
        repository="/r",
        tests=("t",),
        tiers=LADDER,
        limits=Limits(seconds=20.0),
        surveyed=("intake", "localise"),
    )
    state = fold.start(RunStarted(run_id="r", time=0, versions={}, policy="marginal", settings=settings))
    decision = decide(state, policy_named("marginal", settings.schedule))
    assert decision.chosen is not None and decision.chosen.subject == "intake"
    assert decision.reason == "read intake was done for all tasks of the job"
    assert handed_over(state) == {"intake", "localise"}
    plain = fold.start(
        RunStarted(
            run_id="r",
            time=0,
            versions={},
            policy="marginal",
            settings=settings.model_copy(update={"surveyed": ()}),
        )
    )
    assert handed_over(plain) == frozenset()
