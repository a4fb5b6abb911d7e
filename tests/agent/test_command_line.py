"""The command line as a whole: every command is there, and none waits for what another one needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.cli import COMMANDS, app

HEAVY = ("numpy", "docker", "git", "pydantic", "openai", "anthropic", "agent.settings")


def test_what_every_command_waits_for_is_light() -> None:
    program = f"import sys, agent.cli; print([name for name in {HEAVY!r} if name in sys.modules])"
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_help_lists_every_command_with_a_line() -> None:
    lines = CliRunner().invoke(app, ["--help"]).output.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in lines] == list(COMMANDS)
    assert all(len(line.split()) > 3 for line in lines)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_its_name_and_no_options_of_the_shell(name: str) -> None:
    shown = CliRunner().invoke(app, [name, "--help"])
    assert shown.exit_code == 0
    assert f" {name} " in shown.output.splitlines()[0]
    assert "completion" not in shown.output


def test_a_misspelt_command_is_told_the_right_one() -> None:
    refused = CliRunner().invoke(app, ["fxi"])
    assert refused.exit_code == 2
    assert "Did you mean 'fix'?" in refused.output
