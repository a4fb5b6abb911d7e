"""The repository's own schedule in a run: the base branch's rules whatever the change makes of them, rules by
path, who is told, and what a person at a terminal is asked."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from driver import Ran, World, run_git
from forgeries import HONEST_FIX, TARGET

pytestmark = pytest.mark.docker

(FIXED,) = HONEST_FIX
RULES = f"""[[paths]]
match = "/{FIXED}"
confirmation = "multi-party"
people = 3
notify = ["security@example.org"]
"""


def with_rules(calc: Path, rules: str = RULES) -> None:
    """main has the rules; the branch that is checked out has dropped them."""
    (calc / ".agent").mkdir()
    file = calc / ".agent" / "autonomy.toml"
    file.write_text(rules)
    run_git(calc, "add", "-A")
    run_git(calc, "commit", "-qm", "rules")
    run_git(calc, "branch", "-f", "base")
    run_git(calc, "checkout", "-q", "-b", "change")
    file.write_text('[classes]\ncommit = "free"\n')
    run_git(calc, "commit", "-qam", "without them")


def at_a_terminal(world: World, calc: Path, answer: str, env: Mapping[str, str], *options: str) -> str:
    """What the screen shows of `agent fix` at a terminal at which somebody has typed an answer."""
    command, _, _ = world.arguments(calc, "--test", TARGET, *options)
    ours, theirs = pty.openpty()
    os.write(ours, answer.encode())
    process = subprocess.Popen(
        command, env=world.environment({"TERM": "dumb", **env}), stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 65536):
            shown += part
    except OSError:  # how Linux says that the other end is closed
        pass
    finally:
        os.close(ours)
        process.wait(timeout=60)
    assert process.returncode == 0, shown
    return " ".join(shown.decode("utf-8", "replace").replace("│", " ").split())  # without the frame


def test_the_change_under_repair_cannot_drop_who_confirms(world: World, calc: Path) -> None:
    with_rules(calc)
    honest = world.honest()
    committing = ("--test", TARGET, *honest, "--value", "$200", "--commit", "fix/calc")
    ran = world.fix(calc, *committing, "--base-ref", "base")
    assert ran.code == 11, ran.output
    assert f"asks 3 people to confirm a commit that changes /{FIXED}" in " ".join(ran.output.split())
    assert "the working tree asks for less confirmation than base (" in " ".join(ran.output.split())
    assert "fix/calc" not in run_git(calc, "branch")
    assert ran.report["notify"] == ["security@example.org"]
    assert "notify      security@example.org" in ran.output
    (submitted,) = _submissions(ran)
    assert (submitted["required"], submitted["people"]) == (2, 3)
    assert submitted["notify"] == ["security@example.org"]
    assert "identical" in world.replay(ran.trace).output
    ruled_by_itself = world.fix(calc, *committing)
    assert ruled_by_itself.code == 0, "nobody says what the change is for: what is checked out rules"
    assert "fix/calc" in run_git(calc, "branch")


def _submissions(ran: Ran) -> list[dict[str, object]]:
    return [
        each["observation"] for each in ran.events("result") if each["observation"]["type"] == "submission"
    ]


def test_a_person_at_a_terminal_is_told_what_is_at_stake_and_a_no_is_a_no(world: World, calc: Path) -> None:
    (calc / ".agent").mkdir()
    (calc / ".agent" / "autonomy.toml").write_text('[[paths]]\nmatch = "tests/**"\nvalue = 7\n')
    run_git(calc, "add", "-A")
    run_git(calc, "commit", "-qm", "what a test is worth")
    before = (calc / FIXED).read_bytes()
    shown = at_a_terminal(world, calc, "n\n", {"CI": ""}, *world.honest())
    for said in ("right: with probability ", "bill so far: $0", "a yes risks $", "a no loses $"):
        assert said in shown, shown
    assert "V of $7.00 with that probability" in shown, "lowered by the path of the failing test"
    assert "apply the patch to your tree?" in shown and "(fixed, not applied)" in shown
    assert "identical" in world.replay(world.folder / "trace-1").output
    assert (calc / FIXED).read_bytes() == before


def test_nobody_is_asked_under_ci_or_for_what_takes_more_people(world: World, calc: Path) -> None:
    honest = world.honest()
    shown = at_a_terminal(world, calc, "y\n", {"CI": "true"}, *honest)
    assert "apply the patch" not in shown and "applied" not in shown
    with_rules(calc)
    shown = at_a_terminal(world, calc, "y\n", {"CI": ""}, *honest, "--base-ref", "base")
    assert "apply the patch to your tree?" not in shown
    assert "to apply it, 3 people would have to confirm it" in shown
    assert run_git(calc, "status", "--porcelain") == ""
