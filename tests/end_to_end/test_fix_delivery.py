"""Delivery as asked: a patch file always; the tree or a branch only with the flag."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from driver import World, run_git
from forgeries import TARGET

pytestmark = pytest.mark.docker


def test_patch_out_and_nothing_else(world: World, calc: Path) -> None:
    target, summary = world.folder / "out.patch", world.folder / "summary.md"
    options = (*world.honest(), "--patch-out", str(target))
    ran = world.fix(calc, *options, env={"GITHUB_STEP_SUMMARY": str(summary)})
    assert ran.code == 0, ran.output
    assert f"head hash: {ran.report['head_hash']}" in summary.read_text()
    assert run_git(calc, "status", "--porcelain") == ""
    assert f"patch file {target}" in ran.report["delivered"]
    assert target.read_text() == ran.report["diff"]
    subprocess.run(["git", "apply", str(target)], cwd=calc, check=True)
    check = "from calc import mean; assert mean([1, 2, 6]) == 3"
    subprocess.run([sys.executable, "-c", check], cwd=calc, check=True)


def test_apply_changes_the_tree_and_nothing_else(world: World, calc: Path) -> None:
    ran = world.fix(calc, *world.honest(), "--apply")
    assert ran.code == 0, ran.output
    assert run_git(calc, "status", "--porcelain") == " M calc/core.py\n"
    submit = next(event for event in ran.events("decision") if _chosen(event) == "submit")
    assert submit["decision"]["chosen"]["action_class"] == "commit"


def test_commit_makes_a_branch_and_leaves_the_tree(world: World, calc: Path) -> None:
    (calc / "mine.txt").write_text("not committed\n")
    ran = world.fix(calc, *world.honest(), "--test", TARGET, "--commit", "fix/mean")
    assert ran.code == 0, ran.output
    assert run_git(calc, "status", "--porcelain") == "?? mine.txt\n"
    assert run_git(calc, "branch", "--show-current") == "main\n"
    assert run_git(calc, "diff", "--name-only", "main", "fix/mean") == "calc/core.py\n"
    assert "Fix tests/test_core.py::test_mean" in run_git(calc, "log", "-1", "--format=%B", "fix/mean")


def test_a_commit_that_cannot_be_made_is_deferred_with_the_patch(world: World, calc: Path) -> None:
    core = calc / "calc" / "core.py"
    core.write_bytes(core.read_bytes().replace(b"(len(values) + 1)", b"(len(values) + 2)"))
    ran = world.fix(calc, *world.honest(), "--test", TARGET, "--commit", "fix/mean")
    assert ran.code == 11, ran.output
    assert "commit or stash" in ran.report["explanation"]
    assert ran.report["explanation"].startswith("verified, but not all delivered: ")
    assert ran.report["delivered"] == [f"patch file {ran.trace / 'fix.patch'}"]
    assert (ran.trace / "fix.patch").is_file()
    assert "fix/mean" not in run_git(calc, "branch")


def test_a_price_of_risk_that_asks_for_more_confirmation_defers(world: World, calc: Path) -> None:
    """At $2000 a wrong draft is dear enough that a person should look: verified, and left to them."""
    target = world.folder / "out.patch"
    ran = world.fix(calc, "--risk-price", "$2000", "--value", "$500", "--patch-out", str(target))
    assert ran.code == 11, ran.output
    assert ran.steps()[-1] == "submit"
    assert "two people must confirm it" in ran.report["explanation"]
    assert not target.exists()
    assert run_git(calc, "status", "--porcelain") == ""


def _chosen(event: dict[str, dict[str, dict[str, str]]]) -> str:
    return event["decision"]["chosen"]["kind"] if event["decision"]["chosen"] else ""
