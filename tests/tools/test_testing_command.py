"""Suites that are not pytest: by exit code, or by the JUnit XML the command writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.local_runtime import LocalRuntime
from tools.command_tests import CommandRunner
from tools.testing import RunLimits

LIMITS = RunLimits(seconds=10)
GOOD = "<testsuite><testcase classname='k' name='a'/><testcase classname='k' name='b'/></testsuite>"
BAD = GOOD.replace("name='b'/>", "name='b'><failure message='boo'/></testcase>")


def runner_of(folder: Path, shell: str) -> CommandRunner:
    return CommandRunner(LocalRuntime(), shell, repo=str(folder), junit=str(folder / "report.xml"))


@pytest.mark.parametrize(
    ("shell", "outcome"), [("true", "passed"), ("exit 3", "failed"), ("kill -9 $$", "failed")]
)
def test_exit_code(shell: str, outcome: str, tmp_path: Path) -> None:
    run = runner_of(tmp_path, shell).run(None, LIMITS)
    assert run.complete
    assert [(test, str(verdict.outcome)) for test, verdict in run.verdicts.items()] == [(shell, outcome)]


def test_a_command_that_hangs(tmp_path: Path) -> None:
    run = runner_of(tmp_path, "sleep 60").run(None, RunLimits(seconds=1))
    assert str(run.verdicts["sleep 60"].outcome) == "timeout"


def test_junit_gives_a_verdict_per_test(tmp_path: Path) -> None:
    shell = f'echo "{BAD}" > $AGENT_JUNIT; exit 1'
    run = runner_of(tmp_path, shell).run(None, LIMITS)
    assert run.complete
    assert run.failing == ("k::b",)
    assert run.verdicts["k::b"].message == "boo"
    chosen = runner_of(tmp_path, shell).run(["k::a"], LIMITS)
    assert (chosen.complete, chosen.collected) == (True, ("k::a",))
    assert runner_of(tmp_path, shell).collect(LIMITS).collected == ("k::a", "k::b")


@pytest.mark.parametrize(
    ("shell", "words"),
    [
        (f'echo "{BAD}" > $AGENT_JUNIT', "exit code 0, which its report does not explain"),
        (f'echo "{GOOD}" > $AGENT_JUNIT; exit 1', "exit code 1, which its report does not explain"),
        ("echo '<testsuite/>' > $AGENT_JUNIT", "holds no tests"),
        ("echo '<!DOCTYPE x><testsuite/>' > $AGENT_JUNIT", "cannot be read"),
        (
            f'echo "{GOOD.replace("name=" + chr(39) + "b", "name=" + chr(39) + "a")}" > $AGENT_JUNIT',
            "k::a twice",
        ),
    ],
)
def test_a_report_that_contradicts_the_exit_code_or_is_broken_proves_nothing(
    shell: str, words: str, tmp_path: Path
) -> None:
    run = runner_of(tmp_path, shell).run(None, LIMITS)
    assert not run.complete
    assert words in run.problem


def test_an_old_report_is_not_read_again(tmp_path: Path) -> None:
    (tmp_path / "report.xml").write_text(GOOD)
    run = runner_of(tmp_path, "true").run(None, LIMITS)
    assert run.collected == ("true",)


def test_ids_that_were_not_reported(tmp_path: Path) -> None:
    run = runner_of(tmp_path, "true").run(["other"], LIMITS)
    assert (run.complete, run.problem) == (False, "other was not reported")
