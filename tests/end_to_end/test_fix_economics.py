"""The loop buys a priced tier exactly when eq. 1 says so: crossovers computed by hand, checked by running."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from driver import World
from forgeries import HONEST_FIX, TARGET

pytestmark = pytest.mark.docker

PRICE = 0.5
ABILITY = 0.3
LOCALISED_GAIN = 0.5
FREE = ("--latency-price", "0", "--risk-price", "0", "--irreversible-price", "0")


def crossover() -> float:
    """V* at which V·p = price, for one attempt of one tier.

    With λ = ρ = 0 waiting and wrong drafts cost nothing, localising is free and worth its gain, and a right
    patch passes every check; so the attempt is worth V·p - price with
    p = ∫ logistic(ability + gain - d) φ(d) dd (MTA eq. 1; the policy itself sums over a grid).
    """
    d = np.linspace(-8, 8, 100_001)
    density = np.exp(-(d**2) / 2) / np.sqrt(2 * np.pi)
    p = np.trapezoid(density / (1 + np.exp(d - ABILITY - LOCALISED_GAIN)), d)
    return PRICE / float(p)


@pytest.mark.parametrize(("factor", "bought"), [(0.98, False), (1.02, True)])
def test_a_priced_tier_is_bought_exactly_above_its_crossover_value(
    world: World, calc: Path, factor: float, bought: bool
) -> None:
    edits = {path: data.decode() for path, data in HONEST_FIX.items()}
    world.tier("dear", dollars=PRICE, ability=ABILITY, attempts=1, replies=[{"edits": edits}])
    value = str(crossover() * factor)
    ran = world.fix(calc, "--test", TARGET, "--tier", "dear", "--value", value, *FREE)
    assert ran.code == (0 if bought else 10), ran.output
    assert ran.report["dollars"] == (PRICE if bought else 0)
    assert ("act dear" in ran.steps()) == bought
    if bought:
        assert ran.steps().index("read localise") < ran.steps().index("act dear")


def test_a_free_tier_that_takes_longer_than_it_saves_is_passed_over(world: World, calc: Path) -> None:
    """$0 is not free of time: a dear tier that answers in a second comes first at these prices."""
    edits = {path: data.decode() for path, data in HONEST_FIX.items()}
    world.tier("dear", dollars=PRICE, seconds=1, ability=3, attempts=1, replies=[{"edits": edits}])
    ran = world.fix(calc, "--test", TARGET, "--latency-price", "0.5", "--value", "$100")
    assert ran.code == 0, ran.output
    assert "act repair" not in ran.steps()
    assert ran.report["dollars"] == PRICE


def test_the_free_tier_comes_first_and_the_dear_one_is_not_needed(world: World, calc: Path) -> None:
    world.tier("dear", dollars=4 * PRICE, seconds=60, ability=2, attempts=2, replies=[{"edits": {}}])
    ran = world.fix(calc, "--test", TARGET)
    assert ran.code == 0, ran.output
    assert ran.report["dollars"] == 0, ran.output
    assert "act repair" in ran.steps()
    assert "act dear" not in ran.steps()


def test_a_dearer_tier_is_bought_when_the_free_one_is_exhausted(world: World, calc: Path) -> None:
    """Two edits in two files: no single edit mends it, so the search runs dry and the dear tier is bought."""
    core, money = calc / "calc" / "core.py", calc / "calc" / "money.py"
    core.write_text(core.read_text().replace("sum(values) / (len(values) + 1)", "divide(values)"))
    money.write_text(money.read_text() + "\n\nRATE = None\n")
    world.tier(
        "dear",
        dollars=PRICE,
        seconds=60,
        ability=3,
        attempts=1,
        replies=[{"edits": {"calc/core.py": HONEST_FIX["calc/core.py"].decode()}, "note": "as it was"}],
    )
    ran = world.fix(calc, "--test", TARGET, "--value", "$60")
    assert ran.code == 0, ran.output
    assert ran.report["dollars"] == PRICE
    acts = [step for step in ran.steps() if step.startswith("act ")]
    assert acts[-1] == "act dear"
    assert acts[0] == "act repair"


def test_planning_is_bought_only_from_a_tier_that_can_plan(world: World, calc: Path) -> None:
    edits = {path: data.decode() for path, data in HONEST_FIX.items()}
    world.tier(
        "planner",
        dollars=1.0,
        plan_dollars=0.01,
        ability=-1,
        attempts=1,
        plans=["look at mean"],
        replies=[{"edits": edits}],
    )
    ran = world.fix(calc, "--test", TARGET, "--tier", "planner", "--value", "$100")
    assert ran.code == 0, ran.output
    assert "plan planner" in ran.steps()
    assert ran.report["dollars"] == pytest.approx(1.01)
