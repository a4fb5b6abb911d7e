"""Small tasks for the tests of the policies: hand-made ones, and a generator of random ones."""

from __future__ import annotations

from hypothesis import strategies as st

from policies.estimates import (
    CheckEstimate,
    DifficultyPrior,
    Estimates,
    FinalEstimate,
    FlakinessPrior,
    PreparationEstimate,
    ReadEstimate,
    TierEstimate,
)
from policies.vocabulary import ActionClass, Check, Limits, Prices, Step, StepKind

SUBMIT = Step(StepKind.SUBMIT, ActionClass.DRAFT)
DEFER = Step(StepKind.DEFER, ActionClass.DRAFT)
LOCALISE = Step(StepKind.READ, ActionClass.EXECUTE, "localise")


def act(tier: str) -> Step:
    return Step(StepKind.ACT, ActionClass.DRAFT, tier=tier)


def plan(tier: str) -> Step:
    return Step(StepKind.PLAN, ActionClass.READ, tier=tier)


def verify(check: Check) -> Step:
    return Step(StepKind.VERIFY, ActionClass.EXECUTE, check=check)


def certain_difficulty() -> DifficultyPrior:
    """All mass (but e^-50) at d = 0, so that success probabilities can be written down by hand."""
    return DifficultyPrior(mean=0.0, sd=1.0, points=3, reach=10.0)


def coin(name: str = "coin", dollars: float = 1.0, seconds: float = 0.0, **changes: object) -> TierEstimate:
    """A tier that is right half of the time on d = 0, never wrong and plausible, with one attempt."""
    settings: dict[str, object] = {
        "name": name,
        "ability": 0.0,
        "discrimination": 1.0,
        "dollars": dollars,
        "seconds": seconds,
        "worst_dollars": dollars,
        "worst_seconds": seconds,
        "attempts": 1,
        "overfit": 0.0,
    }
    return TierEstimate(**(settings | changes))  # type: ignore[arg-type]


def plain(*tiers: TierEstimate, **changes: object) -> Estimates:
    """No checks, no reads, a free and powerless final verification, no flakiness: only what is added."""
    settings: dict[str, object] = {
        "tiers": tiers,
        "checks": (),
        "reads": (),
        "preparations": (),
        "final": FinalEstimate(0.0, 0.0, 0.0),
        "defer_share": 0.0,
        "difficulty": certain_difficulty(),
        "flakiness": FlakinessPrior(0.0),
    }
    return Estimates(**(settings | changes))  # type: ignore[arg-type]


def free_prices(**changes: float) -> Prices:
    """V = 20 and nothing else has a price."""
    return Prices(**({"value": 20.0, "latency": 0.0, "risk": 0.0, "irreversible": 0.0} | changes))


def _number(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False).map(lambda x: round(x, 3))


@st.composite
def tiers(draw: st.DrawFn, name: str, most_attempts: int) -> TierEstimate:
    exhaustive = draw(st.booleans())
    slices = tuple(draw(st.sampled_from([(0.6, 0.3), (0.5,), (0.3, 0.3), (0.7, 0.3)]))[:most_attempts])
    dollars, seconds = draw(_number(0, 1)), draw(_number(0, 20))
    planning = draw(st.booleans())
    switch = draw(st.sampled_from([0.0, 0.25]))
    return TierEstimate(
        name=name,
        ability=draw(_number(-1.5, 1.5)),
        discrimination=draw(_number(0.3, 2)),
        dollars=dollars,
        seconds=seconds,
        worst_dollars=dollars * 1.5 + switch,
        worst_seconds=seconds * 2,
        attempts=draw(st.integers(1, most_attempts)),
        slices=slices if exhaustive else (),
        overfit=draw(_number(0, 0.6)),
        knowledge_gain=(("localised", draw(_number(0, 2))), ("planned", draw(_number(0, 2)))),
        switch_dollars=switch,
        can_plan=planning,
        plan_dollars=0.1,
        plan_seconds=3.0,
        plan_worst_dollars=0.2,
        plan_worst_seconds=9.0,
        retry=draw(st.sampled_from([1.0, 0.4])),
        alone=draw(st.sampled_from([1.0, 0.4])),
        right_share=draw(st.sampled_from([1.0, 0.5])),
        length_gain=draw(st.sampled_from([0.0, -0.7])),
        cost_difficulty=draw(st.sampled_from([0.0, 0.3])),
        cost_length=draw(st.sampled_from([0.0, 0.5])),
        cost_sd=draw(st.sampled_from([0.0, 0.6])),
    )


@st.composite
def tasks(draw: st.DrawFn, limited: bool) -> tuple[Estimates, Prices, ActionClass, Limits, tuple[int, int]]:
    """(estimates, prices, delivery, limits, (passes, fails) at reproduction), small enough to enumerate."""
    two, noisy = draw(st.booleans()), draw(st.booleans())
    available = [
        CheckEstimate(Check.AFFECTED, draw(_number(0, 0.6)), 0.0, draw(_number(0, 5)), 20.0),
        CheckEstimate(Check.SUITE, draw(_number(0.5, 0.95)), 0.0, draw(_number(0, 15)), 50.0),
        CheckEstimate(Check.REPEAT, 0.0, 0.0, 2.0, 10.0, target_runs=2, most=draw(st.integers(1, 2))),
        CheckEstimate(
            Check.REVIEW,
            draw(_number(0.1, 0.9)),
            0.2,
            4.0,
            20.0,
            0.3,
            target_runs=0 if noisy else 1,
            sensitivity=0.9 if noisy else 1.0,
        ),
    ]
    checks = draw(st.lists(st.sampled_from(available), max_size=2, unique_by=lambda c: c.check))
    estimates = Estimates(
        tiers=tuple(draw(tiers(name, 1 if two else 2)) for name in (("a", "b") if two else ("a",))),
        checks=tuple(checks),
        reads=(ReadEstimate("localise", draw(_number(0, 10)), 20.0),) if draw(st.booleans()) else (),
        preparations=(PreparationEstimate("intake", 2.0, 20.0), PreparationEstimate("baseline", 6.0, 20.0)),
        final=FinalEstimate(draw(_number(0, 0.9)), draw(_number(0, 15)), 45.0),
        attempts=2,
        defer_share=draw(_number(0, 0.6)),
        difficulty=draw(
            st.sampled_from(
                [
                    DifficultyPrior(points=4),
                    DifficultyPrior(points=3, lengths=2),
                    DifficultyPrior(points=2, lengths=2, weights=(0.1, 0.4, 0.3, 0.2)),
                ]
            )
        ),
        flakiness=FlakinessPrior(draw(_number(0, 0.3))),
    )
    prices = Prices(draw(_number(5, 60)), draw(_number(0, 0.05)), draw(_number(0, 20)), draw(_number(0, 20)))
    limits = Limits()
    if limited:
        limits = Limits(
            draw(_number(0.2, 5)), draw(_number(20, 150)), draw(st.sampled_from([50.0, 0.5, 0.05]))
        )
    classes = [ActionClass.DRAFT, ActionClass.COMMIT, ActionClass.PUBLISH, ActionClass.DEPLOY]
    delivery = draw(st.sampled_from(classes))
    flaky = draw(st.sampled_from([(0, 0), (0, 3), (1, 2)]))
    return estimates, prices, delivery, limits, flaky
