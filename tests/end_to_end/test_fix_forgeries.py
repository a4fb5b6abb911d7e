"""A tier that forges instead of fixing: the loop ends with exit code 10 and no patch (hard rule 4)."""

from __future__ import annotations

from pathlib import Path

import pytest
from driver import World, run_git
from forgeries import FORGERIES, TARGET, Forgery

pytestmark = pytest.mark.docker

PER_RUN = 5
"""Attempts the loop looks ahead; each attempt of a run plays one forgery."""

BATCHES = [FORGERIES[start : start + PER_RUN] for start in range(0, len(FORGERIES), PER_RUN)]


def reply(edits: dict[str, bytes | None]) -> dict[str, object]:
    return {"edits": {path: None if data is None else data.decode() for path, data in edits.items()}}


@pytest.mark.parametrize("batch", BATCHES, ids=lambda batch: batch[0].name.replace(" ", "-"))
def test_no_forgery_becomes_a_fix(world: World, calc: Path, batch: tuple[Forgery, ...]) -> None:
    world.tier("forger", dollars=0, attempts=PER_RUN, ability=3, replies=[reply(f.edits) for f in batch])
    status = run_git(calc, "status", "--porcelain")
    ran = world.fix(
        calc, "--test", TARGET, "--tier", "forger", "--value", "$1000", "--patch-out", str(world.folder / "p")
    )
    assert ran.code == 10, ran.output
    results = [event["observation"] for event in ran.events("result")]
    attempts = [seen for seen in results if seen["type"] == "attempt"]
    refused = [seen for seen in results if seen["type"] in ("check", "submission") and seen["reasons"]]
    assert len(attempts) >= len(batch), "every forgery of the batch was tried"
    # Most are dropped at once; what passes its target here is refused by the suite.
    assert sum(bool(seen["dropped"]) for seen in attempts[: len(batch)]) + len(refused) == len(batch)
    assert not (world.folder / "p").exists()
    assert not list(ran.trace.glob("*.patch"))
    assert run_git(calc, "status", "--porcelain") == status
    assert world.replay(ran.trace).code == 0
