"""What `agent fix` keeps of a run, and what the next one makes of it."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from driver import Ran, World, start, wait_for
from forgeries import TARGET

from agent.lessons import Lesson

pytestmark = pytest.mark.docker


def lessons(world: World) -> list[Lesson]:
    file = world.folder / "state" / "marginal-agent" / "memory.jsonl"
    return (
        [Lesson.model_validate_json(line) for line in file.read_text().splitlines()] if file.exists() else []
    )


def test_a_run_leaves_a_line_and_the_next_one_learns_from_it(world: World, calc: Path) -> None:
    world.memory = ""  # as it is by default
    by_hand = {"CI": ""}
    first = world.fix(calc, "--test", TARGET, env=by_hand)
    assert first.code == 0, first.output
    assert "estimates learnt" not in first.output
    (kept,) = lessons(world)
    assert kept.attempts[-1].right
    assert kept.attempts[-1].searched
    assert kept.templates[kept.template].passed >= 1
    text = kept.model_dump_json()
    assert not any(word in text for word in ("calc", "test_", ".py"))
    second = world.fix(calc, "--test", TARGET, env=by_hand)
    assert second.code == 0, second.output
    assert "estimates learnt from 1 finished run" in second.output
    shipped, learnt = (ran.events("run-started")[0]["settings"]["tiers"][0] for ran in (first, second))
    assert learnt["ability"] > shipped["ability"]
    (again,) = lessons(world)
    assert again.run != kept.run and again.task == kept.task, "the same task once more is no more evidence"
    (calc / "NOTES").write_text("another tree\n")
    without = world.fix(calc, "--test", TARGET, "--no-memory", env=by_hand)
    assert "estimates learnt" not in without.output
    assert len(lessons(world)) == 1
    assert world.fix(calc, "--test", TARGET, env=by_hand).code == 0
    assert len(lessons(world)) == 2
    in_ci = world.fix(calc, "--test", TARGET, env={"CI": "true"})
    assert "estimates learnt from 2 finished runs" in in_ci.output
    assert "under CI nothing of this run is kept" in in_ci.output
    assert "nothing of this run is kept" not in first.output + second.output + without.output
    assert not in_ci.events("run-started")[0]["settings"]["memory"]
    assert len(lessons(world)) == 2
    assert world.replay(second.trace).code == 0
    assert len(lessons(world)) == 2


def test_a_resumed_run_counts_once(world: World, calc: Path) -> None:
    world.memory = "true"
    process, _, trace = start(world, calc, "--test", TARGET)
    events = trace / "events.jsonl"
    wait_for(lambda: events.is_file() and events.read_text().count('"type":"intent"') >= 4, 120)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    world.memory = "false"
    ran = world.resume(trace)
    assert ran.code == 0, ran.output
    (kept,) = lessons(world)
    assert [attempt.right for attempt in kept.attempts][-1]
    assert kept.run == ran.events("run-started")[0]["run_id"]


def found(ran: Ran) -> dict[str, Any]:
    """The attempt that found the patch."""
    return next(
        event["observation"]
        for event in ran.events("result")
        if event["observation"]["type"] == "attempt" and event["observation"]["patch"]
    )


def test_a_template_that_fixed_is_tried_earlier_by_later_runs(world: World, calc: Path) -> None:
    world.memory = "true"
    runs = []
    for number in range(3):
        (calc / "NOTES").write_text(f"tree {number}\n")  # another tree each time, so that each is evidence
        runs.append(world.fix(calc, "--test", TARGET))
        assert runs[-1].code == 0, runs[-1].output
    template = found(runs[0])["template"]
    settings = [ran.events("run-started")[0]["settings"] for ran in runs]
    factors = [each["template_factors"].get(template, 1.0) for each in settings]
    assert 1 == factors[0] < factors[1] < factors[2]
    assert found(runs[2])["next_index"] < found(runs[0])["next_index"]
    assert f"'{template}' is" in world.agent("menu", "--values", "20").output
    assert world.replay(runs[2].trace).code == 0
