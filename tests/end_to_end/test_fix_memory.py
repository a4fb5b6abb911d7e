"""What `agent fix` keeps of a run, and what the next one makes of it."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from docker import DockerClient
from driver import Ran, World, make_repository, start, wait_for
from forgeries import BASE, TARGET

from agent.lessons import Lesson

pytestmark = pytest.mark.docker


def lessons(world: World) -> list[Lesson]:
    file = world.folder / "state" / "marginal-agent" / "memory.jsonl"
    return (
        [Lesson.model_validate_json(line) for line in file.read_text().splitlines()] if file.exists() else []
    )


@dataclass(frozen=True)
class Life:
    """Runs one after the other in one world, and the lessons kept after each: the first and the second on one
    tree, the others on another; the third without a memory, the last under CI."""

    world: World
    runs: tuple[Ran, ...]
    kept: tuple[list[Lesson], ...]


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory, docker_client: DockerClient) -> Life:
    """Shared: what is asked of these runs changes nothing."""
    folder = tmp_path_factory.mktemp("memory")
    world, calc = World(folder / "home"), make_repository(folder / "calc", BASE)
    world.memory = ""  # as it is by default
    runs, kept = [], []
    for tree, options, ci in (
        ("one", (), ""),
        ("one", (), ""),
        ("another", ("--no-memory",), ""),
        ("another", (), ""),
        ("another", (), "true"),
    ):
        (calc / "NOTES").write_text(f"{tree} tree\n")
        runs.append(world.fix(calc, "--test", TARGET, *options, env={"CI": ci}))
        assert runs[-1].code == 0, runs[-1].output
        kept.append(lessons(world))
    return Life(world, tuple(runs), tuple(kept))


def test_a_run_leaves_a_line_and_the_next_one_learns_from_it(life: Life) -> None:
    first, second, without, _, in_ci = life.runs
    assert [len(kept) for kept in life.kept] == [1, 1, 1, 2, 2]
    assert "estimates learnt" not in first.output
    (kept,) = life.kept[0]
    assert kept.attempts[-1].right
    assert kept.attempts[-1].searched
    assert kept.templates[kept.template].passed >= 1
    text = kept.model_dump_json()
    assert not any(word in text for word in ("calc", "test_", ".py"))
    assert "estimates learnt from 1 finished run" in second.output
    shipped, learnt = (ran.events("run-started")[0]["settings"]["tiers"][0] for ran in (first, second))
    assert learnt["ability"] > shipped["ability"]
    (again,) = life.kept[1]
    assert again.run != kept.run and again.task == kept.task, "the same task once more is no more evidence"
    assert "estimates learnt" not in without.output
    assert "estimates learnt from 2 finished runs" in in_ci.output
    assert "under CI nothing of this run is kept" in in_ci.output
    assert "nothing of this run is kept" not in first.output + second.output + without.output
    assert not in_ci.events("run-started")[0]["settings"]["memory"]
    assert life.world.replay(second.trace).code == 0
    assert len(lessons(life.world)) == 2


def test_a_resumed_run_counts_once(world: World, calc: Path) -> None:
    world.memory = "true"
    process, _, trace = start(world, calc, "--test", TARGET)
    events = trace / "events.jsonl"
    wait_for(lambda: events.is_file() and events.read_text().count('"type":"intent"') >= 4, 300)
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


def test_a_template_that_fixed_is_tried_earlier_by_later_runs(life: Life) -> None:
    first, second, _, _, last = life.runs
    template = found(first)["template"]
    settings = [ran.events("run-started")[0]["settings"] for ran in (first, second, last)]
    factors = [each["template_factors"].get(template, 1.0) for each in settings]
    assert 1 == factors[0] < factors[1] < factors[2], "no run, one, and two are evidence"
    assert found(last)["next_index"] < found(first)["next_index"]
    assert f"'{template}' is" in life.world.agent("menu", "--values", "20").output
    assert life.world.replay(last.trace).code == 0
