"""A run killed with -9 is resumed: nothing recorded is paid for again, what was under way is booked."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import pytest
from docker import DockerClient
from driver import Ran, World, containers_of, make_repository, refused, start, wait_for
from forgeries import BASE, TARGET

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, docker_client: DockerClient) -> tuple[World, Ran]:
    """One whole run of `calc`, shared: every test works on a copy of its trace."""
    folder = tmp_path_factory.mktemp("finished")
    world = World(folder / "home")
    ran = world.fix(make_repository(folder / "calc", BASE), *world.honest(), "--test", TARGET)
    assert ran.code == 0, ran.output
    return world, ran


def cut(ran: Ran, lines: int, copy: Path) -> Path:
    """A copy of a trace that has only so many lines (to the end when negative: so many less)."""
    shutil.copytree(ran.trace, copy)
    events = copy / "events.jsonl"
    events.write_text("".join(events.read_text().splitlines(keepends=True)[:lines]))
    return copy


def one_line(ran: Ran) -> str:
    """What a run says, with wrapped lines as one."""
    return " ".join(ran.output.split())


def test_killed_in_the_middle_of_a_step_and_resumed(
    world: World, calc: Path, docker_client: DockerClient
) -> None:
    process, _, trace = start(world, calc, "--test", TARGET)
    events = trace / "events.jsonl"
    wait_for(lambda: events.is_file() and events.read_text().count('"type":"intent"') >= 3, 300)
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    recorded = events.read_text()
    ran = world.resume(trace)
    assert ran.code == 0, ran.output
    assert events.read_text().startswith(recorded)
    assert ran.report["outcome"] == "fixed"
    assert ran.steps().count("read intake") == 1
    lost = [event for event in ran.events("result") if event["observation"]["type"] == "lost"]
    assert len(lost) == 1
    assert world.replay(trace).code == 0
    wait_for(lambda: containers_of(process, docker_client) == [], 120)


def test_an_unsettled_purchase_is_booked_at_its_worst_case(world: World, calc: Path) -> None:
    world.tier("dear", dollars=0.5, worst_dollars=0.7, ability=5, attempts=3, replies=[{"edits": {}}])
    whole = world.fix(calc, "--test", TARGET, "--tier", "dear", "--budget", "$1")
    assert whole.report["dollars"] == 0.5
    lines = (whole.trace / "events.jsonl").read_text().splitlines(keepends=True)
    bought = next(n for n, line in enumerate(lines) if _event(line)["type"] == "request-intent")
    (whole.trace / "events.jsonl").write_text("".join(lines[: bought + 1]))
    resumed = world.resume(whole.trace)
    assert "a request to dear without an answer was booked at its worst case, $0.70" in one_line(resumed)
    assert "dear        1 request (1 cut off), $0.70 (all of it worst cases)" in resumed.output
    assert resumed.report["dollars"] == 0.7  # and not bought again: 0.7 more does not fit into $1
    assert resumed.code == 12, resumed.output
    assert world.replay(whole.trace).code == 0


def test_a_finished_run_says_again_what_it_came_to(finished: tuple[World, Ran]) -> None:
    """It may have been killed when its end was on record and its report was not."""
    world, ran = finished
    events = (ran.trace / "events.jsonl").read_bytes()
    again = world.resume(ran.trace)
    assert (again.code, again.report) == (ran.code, ran.report)
    assert "this run had ended already; nothing was left to do" in again.output
    assert (ran.trace / "events.jsonl").read_bytes() == events


KILLS = {
    "before its first decision": ("run-started", 1),
    "after a decision": ("decision", 3),
    "in the baseline": ("intent", 4),
    "after an attempt": ("result", -2),
    "in final verification": ("intent", -1),
    "before it delivers": ("delivery-intent", 1),
}


@pytest.mark.parametrize("kill", KILLS)
def test_killed_at_a_boundary_it_ends_as_without(
    kill: str, finished: tuple[World, Ran], tmp_path: Path
) -> None:
    world, ran = finished
    kind, nth = KILLS[kill]
    types = [_event(line)["type"] for line in (ran.trace / "events.jsonl").read_text().splitlines()]
    places = [place for place, each in enumerate(types) if each == kind]
    trace = cut(ran, places[nth - 1 if nth > 0 else nth] + 1, tmp_path / "trace")
    again = world.resume(trace)
    assert (again.code, again.report["outcome"]) == (0, "fixed"), again.output
    assert again.report["diff"] == ran.report["diff"] == (trace / "fix.patch").read_text()
    assert again.report["dollars"] == ran.report["dollars"]
    results = again.events("result")
    lost = [event for event in results if event["observation"]["type"] == "lost"]
    assert len(lost) == (kind == "intent")
    assert len(results) - len(lost) == len(ran.steps())
    if kind == "delivery-intent":
        assert again.steps() == ran.steps(), "what was verified is not verified again"
    assert world.replay(trace).code == 0


@pytest.mark.parametrize("option", [("--policy", ""), ("--test", "x"), ("--value", ""), ("--apply",)])
def test_no_setting_goes_with_a_resume(finished: tuple[World, Ran], option: tuple[str, ...]) -> None:
    """Nor an empty one: it would be passed over in silence."""
    world, ran = finished
    refused(world.agent("fix", "--resume", str(ran.trace), *option), "only --json and --verbose go with it")


def test_killed_before_its_end_was_written(finished: tuple[World, Ran], tmp_path: Path) -> None:
    world, ran = finished
    trace = cut(ran, -1, tmp_path / "trace")
    assert "the end of the run is not recorded" in " ".join(world.replay(trace).output.split())
    again = world.resume(trace)
    assert again.code == 0, again.output
    assert again.report["outcome"] == "fixed"
    assert again.steps() == ran.steps()


def test_a_tree_that_changed_refuses_the_resume_and_keeps_the_trace(
    finished: tuple[World, Ran], tmp_path: Path
) -> None:
    world, ran = finished
    trace = cut(ran, 8, tmp_path / "trace")
    new = Path(ran.events("run-started")[0]["settings"]["repository"], "new.py")
    new.write_text("x = 1\n")
    refused(world.resume(trace), "has changed since the trace was begun")
    new.unlink()
    assert world.resume(trace).code == 0


def test_an_interrupted_run_can_be(world: World, calc: Path, docker_client: DockerClient) -> None:
    process, _, trace = start(world, calc, *world.honest(), "--test", TARGET)
    events = trace / "events.jsonl"
    wait_for(lambda: events.is_file() and events.read_text().count('"type":"intent"') >= 4, 300)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert containers_of(process, docker_client) == []
    assert b"agent fix --resume " in output
    ran = world.resume(trace)
    assert ran.code == 0, ran.output
    assert [event["outcome"] for event in ran.events("run-ended")] == ["interrupted", "fixed"]
    assert world.replay(trace).code == 0


def _event(line: str) -> dict[str, object]:
    event: dict[str, object] = json.loads(line)["event"]
    return event
