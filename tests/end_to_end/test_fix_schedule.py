"""Who must confirm what: a repository that asks for more confirmation than the schedule gets it."""

from __future__ import annotations

from pathlib import Path

import pytest
from driver import World
from forgeries import HONEST_FIX, TARGET

pytestmark = pytest.mark.docker


def test_a_repository_may_ask_for_a_person_where_the_schedule_asks_for_nobody(
    world: World, calc: Path
) -> None:
    edits = {path: data.decode() for path, data in HONEST_FIX.items()}
    world.tier("dear", dollars=0.5, ability=3, attempts=1, replies=[{"edits": edits}])
    pyproject = calc / "pyproject.toml"
    pyproject.write_bytes(pyproject.read_bytes() + b'\n[tool.agent.autonomy]\ndraft = "confirm"\n')
    patch = calc.parent / "fix.patch"
    ran = world.fix(calc, "--test", TARGET, "--tier", "dear", "--value", "$100", "--patch-out", str(patch))
    assert ran.code == 11, ran.output
    assert "the autonomy schedule asks a person to confirm a draft" in " ".join(ran.output.split())
    assert not patch.exists()
    assert ran.report["delivered"] == []
    assert "delivered   " not in ran.output
    kept = ran.trace / "fix.patch"
    assert kept.is_file()
    assert f"it waits for that in {kept}" in ran.report["explanation"]
    (started,) = ran.events("run-started")
    assert ["draft", 1] in started["settings"]["schedule"]["levels"]
    assert "identical" in world.replay(ran.trace).output
