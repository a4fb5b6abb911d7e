"""Replay: identical on what was recorded; a difference, an altered byte or a missing blob is named."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from docker import DockerClient
from driver import Ran, World, make_repository, refused
from forgeries import BASE, TARGET

pytestmark = pytest.mark.docker
Event = dict[str, Any]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, docker_client: DockerClient) -> tuple[World, Ran]:
    """One real run, shared: every test works on a copy of its trace."""
    folder = tmp_path_factory.mktemp("replay")
    world = World(folder / "home")
    ran = world.fix(make_repository(folder / "calc", BASE), "--test", TARGET)
    assert ran.code == 0, ran.output
    return world, ran


def resealed(trace: Path, target: Path, change: Callable[[list[Event]], None]) -> Path:
    """A copy of a trace whose events were changed and whose chain was made anew, as a forger would."""
    shutil.copytree(trace, target)
    path = target / "events.jsonl"
    events = [json.loads(line)["event"] for line in path.read_text().splitlines()]
    change(events)
    prev, lines = "0" * 64, []
    for event in events:
        body = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
        digest = hashlib.sha256((prev + body).encode()).hexdigest()
        lines.append(f'{{"prev":"{prev}","hash":"{digest}","event":{body}}}\n')
        prev = digest
    path.write_text("".join(lines))
    return target


def test_identical_and_the_head_hash_is_the_printed_one(recorded: tuple[World, Ran]) -> None:
    world, ran = recorded
    again = world.replay(ran.trace)
    assert again.code == 0, again.output
    assert "identical" in again.output
    assert ran.report["head_hash"] in again.output


def test_an_unchanged_reseal_is_identical_too(recorded: tuple[World, Ran], tmp_path: Path) -> None:
    world, ran = recorded
    copy = resealed(ran.trace, tmp_path / "copy", lambda events: None)
    assert world.replay(copy).code == 0


def repository_of(ran: Ran) -> Path:
    return Path(ran.events("run-started")[0]["settings"]["repository"])


def test_its_steps_are_the_same_when_they_are_run_again(recorded: tuple[World, Ran], tmp_path: Path) -> None:
    """In a fresh sandbox, where the repository is now; nothing is delivered again."""
    world, ran = recorded
    moved, out = tmp_path / "moved", tmp_path / "out.json"
    shutil.copytree(repository_of(ran), moved)
    trace = resealed(ran.trace, tmp_path / "copy", lambda events: None)
    (trace / "fix.patch").unlink()
    found = world.agent("replay", str(trace), "--execute", "--repo", str(moved), "--json", str(out))
    assert found.code == 0, found.output + found.errors
    steps = {step["step"]: step["result"] for step in json.loads(out.read_text())["steps"]}
    assert set(steps.values()) == {"same"}
    assert {"verify baseline", "act repair", "submit"} <= steps.keys()
    assert not (trace / "fix.patch").exists()
    assert (moved / "calc/core.py").read_bytes() == BASE["calc/core.py"]
    assert "as recorded" in found.output


def test_a_forged_observation_is_named_when_its_step_is_run_again(
    recorded: tuple[World, Ran], tmp_path: Path
) -> None:
    """And it alone: each step is done from the recorded state."""

    def change(events: list[Event]) -> None:
        results = (event["observation"] for event in events if event["type"] == "result")
        seen = {observation["type"]: observation for observation in results}
        seen["submission"]["counts"]["passed"] += 1
        seen["reproduction"]["messages"][0] += " (forged)"

    world, ran = recorded
    copy, out = resealed(ran.trace, tmp_path / "copy", change), tmp_path / "out.json"
    found = world.agent("replay", str(copy), "--execute", "--json", str(out))
    assert found.code == 1, found.output + found.errors
    steps = json.loads(out.read_text())["steps"]
    differs = {step["step"]: step["field"] for step in steps if step["result"] == "differs"}
    assert differs == {"verify reproduce": "messages[0]", "submit": "counts.passed"}
    assert "was" in found.output and "now" in found.output


def test_a_tree_that_has_changed_is_not_run(recorded: tuple[World, Ran], tmp_path: Path) -> None:
    world, ran = recorded
    moved = tmp_path / "moved"
    shutil.copytree(repository_of(ran), moved)
    (moved / "calc/core.py").write_bytes(b"# another\n")
    found = world.agent("replay", str(ran.trace), "--execute", "--repo", str(moved))
    tree = ran.events("result")[0]["observation"]["tree_hash"]
    refused(found, f"recorded was {tree[:12]}", "is not the tree of this trace", "--repo")
    gone = world.agent("replay", str(ran.trace), "--execute", "--repo", str(tmp_path / "gone"))
    refused(gone, "is not a folder", "--repo DIR")


def test_other_prices_differ_at_the_first_decision(recorded: tuple[World, Ran], tmp_path: Path) -> None:
    def change(events: list[Event]) -> None:
        events[0]["settings"]["prices"]["value"] = 21.0

    world, ran = recorded
    found = world.replay(resealed(ran.trace, tmp_path / "copy", change))
    assert found.code == 1
    assert "differs: decision 1 (line 2)" in found.output


def test_a_forged_observation_differs_where_it_first_matters(
    recorded: tuple[World, Ran], tmp_path: Path
) -> None:
    def change(events: list[Event]) -> None:
        baseline = next(e for e in events if e["type"] == "result" and e["observation"]["type"] == "baseline")
        baseline["observation"]["suite_seconds"] = 500.0

    world, ran = recorded
    found = world.replay(resealed(ran.trace, tmp_path / "copy", change))
    assert found.code == 1
    assert "differs: decision 5" in found.output


def test_a_forged_outcome_is_found(recorded: tuple[World, Ran], tmp_path: Path) -> None:
    def change(events: list[Event]) -> None:
        submission = next(
            e for e in events if e["type"] == "result" and e["observation"]["type"] == "submission"
        )
        submission["observation"]["verified"] = False

    world, ran = recorded
    found = world.replay(resealed(ran.trace, tmp_path / "copy", change))
    assert found.code == 1
    assert "what its steps came to is not 'fixed'" in found.errors


def test_one_flipped_byte_is_located(recorded: tuple[World, Ran], tmp_path: Path) -> None:
    world, ran = recorded
    shutil.copytree(ran.trace, tmp_path / "copy")
    path = tmp_path / "copy" / "events.jsonl"
    data = bytearray(path.read_bytes())
    position = len(data) // 2
    data[position] ^= 1
    path.write_bytes(bytes(data))
    found = world.replay(tmp_path / "copy")
    assert found.code == 1
    line = data[:position].count(b"\n") + 1
    assert f"line {line} of" in found.errors
    assert "was altered" in found.errors


def test_an_altered_blob_is_named(recorded: tuple[World, Ran], tmp_path: Path) -> None:
    world, ran = recorded
    shutil.copytree(ran.trace, tmp_path / "copy")
    blob = sorted((tmp_path / "copy" / "blobs").iterdir())[0]
    blob.write_bytes(blob.read_bytes() + b" ")
    found = world.replay(tmp_path / "copy")
    assert found.code == 1
    assert blob.name[:12] in found.errors


def test_a_flipped_last_byte_and_a_missing_blob_are_named_too(
    recorded: tuple[World, Ran], tmp_path: Path
) -> None:
    world, ran = recorded
    shutil.copytree(ran.trace, tmp_path / "copy")
    path = tmp_path / "copy" / "events.jsonl"
    data = path.read_bytes()
    path.write_bytes(data[:-1] + b"\x0b")
    found = world.replay(tmp_path / "copy")
    assert found.code == 1
    assert f"line {len(data.splitlines())} of" in found.errors
    path.write_bytes(data)
    gone = sorted((tmp_path / "copy" / "blobs").iterdir())[0]
    gone.unlink()
    found = world.replay(tmp_path / "copy")
    assert found.code == 1
    assert gone.name[:12] in found.errors
