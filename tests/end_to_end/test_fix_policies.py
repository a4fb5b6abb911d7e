"""`agent fix --policy`: another rule chooses, and the rest is the same: verified, recorded, replayed."""

from __future__ import annotations

from pathlib import Path

import pytest
from driver import World, refused
from forgeries import HONEST_FIX, TARGET

pytestmark = pytest.mark.docker


def test_a_cascade_goes_from_tier_to_tier_and_is_verified_and_replayed(world: World, calc: Path) -> None:
    edits = {path: data.decode() for path, data in HONEST_FIX.items()}
    world.tier("dear", dollars=0.5, ability=3, attempts=2, replies=[{"edits": edits}])
    world.tier("cheap", dollars=0.1, ability=-3, attempts=2, replies=[])
    ran = world.fix(calc, "--test", TARGET, "--tier", "dear", "--tier", "cheap", "--policy", "cascade")
    assert ran.code == 0, ran.output
    assert ran.steps()[4:] == ["act cheap", "act dear", "submit"]
    assert ran.report["outcome"] == "fixed" and ran.report["verified"]
    assert ran.events("run-started")[0]["policy"] == "cascade"
    assert "steps are chosen by the baseline 'cascade'" in ran.output
    again = world.replay(ran.trace)
    assert again.code == 0 and "identical" in again.output


def test_an_unknown_policy_is_a_usage_error(world: World, calc: Path) -> None:
    refused(world.fix(calc, "--policy", "best"), "unknown policy 'best'", "known: marginal, pipeline")
