"""`agent explain`: what it prints fits 80 columns, what it writes is whole, and bad input is one line."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from agent.cli import app
from agent.explain import explained, show
from agent.settings import resolve
from agent.sources import user_file

SCRIPT = {"dollars": 0.1, "seconds": 5, "ability": 1.0, "attempts": 2, "replies": []}


@pytest.fixture(autouse=True)
def own_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration folder of the test's own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    user_file().parent.mkdir(parents=True)


def shown(**flags: object) -> str:
    stream = io.StringIO()
    show(explained(resolve(flags, None), False), Console(file=stream, width=80, highlight=False))
    return stream.getvalue()


def test_it_says_the_plan_the_crossovers_and_the_prices() -> None:
    text = shown(value="$20")
    assert all(len(line.rstrip()) <= 80 for line in text.splitlines())
    assert "1.  read localise" in text
    assert "2.  act repair" in text
    assert "stop: there is nothing left to try" in text
    assert "from  $0.00  stop" in text
    assert "no other price changes it" in text
    assert "…" not in text, "nothing is cut off"


def test_it_stops_where_the_crossover_says_so() -> None:
    """The value it names is the first at which it would begin."""
    text = shown(value="$20")
    line = next(line for line in text.splitlines() if line.startswith("value"))
    least = float(line.split("$")[2].split()[0])
    assert "act repair" not in shown(value=f"{least:.2f}").split("How it begins")[0]
    assert "act repair" in shown(value=f"{least + 0.01:.2f}").split("How it begins")[0]


def test_json_holds_everything(tmp_path: Path) -> None:
    script = tmp_path / "cheap.json"
    script.write_text(json.dumps(SCRIPT))
    user_file().write_text(f'[[tiers]]\nname = "cheap"\nprovider = "scripted"\nscript = "{script}"\n')
    target = tmp_path / "out.json"
    arguments = ["explain", "--tier", "cheap", "--budget", "none", "--deadline", "none", "--apply"]
    done = CliRunner().invoke(app, [*arguments, "--json", str(target)])
    assert done.exit_code == 0, done.output
    data = json.loads(target.read_text())
    assert data["delivery"] == "commit"
    assert data["limits"]["dollars"] == "Infinity"
    assert [tier["name"] for tier in data["tiers"]] == ["cheap"]
    assert data["opening"][-1] == "act cheap"
    assert data["choices"][0] == {"value": 0.0, "choice": ["stop"]}
    assert {change["price"] for change in data["changes"]} >= {"value", "latency", "tier cheap"}
    assert data["plan"]["steps"][-1]["step"] == "act cheap"
    assert data["complete"] is True


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--value", "much"], "value: 'much' is not an amount of money"),
        (["--tier", "absent"], "unknown tier 'absent'"),
        (["--deadline", "0"], "deadline 0 leaves no time"),
        (["--json", "/nowhere/out.json"], "/nowhere is not a folder"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], said: str) -> None:
    done = CliRunner().invoke(app, ["explain", *arguments])
    assert done.exit_code == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
