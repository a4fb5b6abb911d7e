"""A run that stops: since which commit the test fails, found in the sandbox, and the page for a person."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from driver import Ran, World, make_repository, run_git

pytestmark = pytest.mark.docker

CODE = b"def lookup(name):\n    return {'a': 1, 'd': 4}[name]\n"
BROKEN = CODE.replace(b", 'd': 4", b"")
TEST = b"from part.calc import lookup\n\n\ndef test_lookup():\n    assert lookup('d') == 4\n"
TARGET = "tests/test_calc.py::test_lookup"


def commit(repository: Path, subject: str, **files: bytes) -> str:
    for name, data in files.items():
        (repository / "part" / f"{name}.py").write_bytes(data)
    run_git(repository, "add", "part", "log")
    run_git(repository, "commit", "-qm", subject)
    return run_git(repository, "rev-parse", "HEAD").strip()


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """Eight commits, of which the fourth broke what a test that is not committed yet asks for; a program, a
    link, and a filter that would run on the host if anything checked out."""
    repository = make_repository(
        tmp_path / "repo",
        {"part/__init__.py": b"", "part/calc.py": CODE, "log": b"1\n", ".gitattributes": b"* filter=evil\n"},
    )
    ran = tmp_path / "ran"
    run_git(repository, "config", "filter.evil.smudge", f"sh -c 'touch {ran}; cat'")
    (repository / "part" / "link.py").symlink_to("calc.py")
    for number in range(2, 9):
        (repository / "log").write_text(f"{number}\n")
        commit(repository, f"change {number}", calc=BROKEN if number >= 4 else CODE)
    (repository / "tests").mkdir()
    (repository / "tests" / "test_calc.py").write_bytes(TEST)
    return repository


def stopped(world: World, repository: Path, *options: str) -> Ran:
    world.tier("idle", dollars=0, seconds=0.1, attempts=1, ability=2, replies=[])
    return world.fix(repository, "--test", TARGET, "--tier", "idle", *options)


def test_the_commit_that_broke_it_is_named_before_a_person_takes_over(
    world: World, broken: Path, tmp_path: Path
) -> None:
    ran = stopped(world, broken)
    assert ran.code == 10, ran.output
    assert ran.steps()[-1] == "read history"
    found = ran.report["handover"]["history"]
    assert [each["subject"] for each in found["since"]] == ["change 4"] and found["suspects"] == 1
    assert found["passes"]["subject"] == "change 3" and not found["uncommitted"]
    assert (found["commits"], found["untold"], found["complete"]) == (8, 0, True)
    page = (ran.trace / "handover.md").read_text()
    assert "- fails since `" in page and "change 4`" in page
    assert f"- `{TARGET}`, failed 2 of 2 times alone: `KeyError: 'd'`" in page
    assert "history     fails since" in ran.output and "handover.md" in ran.output
    assert not (tmp_path / "ran").exists()
    assert run_git(broken, "status", "--short").split() == ["??", "tests/"]
    replayed = world.replay(ran.trace)
    assert replayed.code == 0 and "identical" in replayed.output
    verified = world.agent("trace", "verify", str(ran.trace))
    assert verified.code == 0 and "handover.md" in verified.output


def test_work_that_is_not_committed_is_named_as_the_cause(world: World, broken: Path) -> None:
    (broken / "part" / "calc.py").write_bytes(CODE)
    commit(broken, "mended", calc=CODE)
    (broken / "part" / "calc.py").write_bytes(BROKEN)
    ran = stopped(world, broken)
    found = ran.report["handover"]["history"]
    assert found["uncommitted"] and not found["since"] and found["looks"] == 1
    assert "fails since what is not committed yet" in ran.output


def test_where_looking_is_too_dear_the_page_says_what_it_would_cost(world: World, broken: Path) -> None:
    ran = stopped(world, broken, "--latency-price", "0.4", "--value", "500")
    assert ran.code == 10 and "read history" not in ran.steps()
    assert ran.report["handover"]["history"] is None
    assert "of time at your prices, and spares you about" in ran.report["handover"]["unsearched"]


def test_a_job_hands_over_each_task_that_it_could_not_fix(world: World, broken: Path, tmp_path: Path) -> None:
    world.tier("idle", dollars=0, seconds=0.1, attempts=1, ability=2, replies=[])
    out = tmp_path / "out"
    ran = world.agent("ci", str(broken), "--out", str(out), "--tier", "idle")
    assert ran.code == 10, ran.output + ran.errors
    (task,) = json.loads((out / "result.json").read_text())["tasks"]
    assert [each["subject"] for each in task["handover"]["history"]["since"]] == ["change 4"]
    assert (out / task["page"]).read_text().startswith("# Not fixed")
    assert "history fails since" in (out / "summary.md").read_text()
