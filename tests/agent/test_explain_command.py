"""`agent explain`: what it prints fits 80 columns, what it writes is whole, and bad input is one line."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from agent.cli import app
from agent.explain import explained, show
from agent.lessons import Attempt, Lesson
from agent.memory import remember
from agent.settings import memory_file, resolve
from agent.sources import user_file
from tools.repair.reports import Tally

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
    assert "no change found from $0.00 to $20,000,000" in text
    assert "these estimates would choose repair: within" in " ".join(text.split())
    assert "Delivering what it finds (a draft)" in text
    assert not [line for line in text.splitlines() if line != line.rstrip()]
    assert "…" not in text, "nothing is cut off"


def test_it_says_why_repeats_follow_each_other() -> None:
    """They do where much is at stake."""
    assert "verify repeat" not in shown(value="$20")
    much = shown(value="$1000")
    assert "verify repeat, verify" in much
    assert "verify repeat: the failing tests once more" in much
    assert all(len(line.rstrip()) <= 80 for line in much.splitlines())


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


def test_the_repositorys_table_counts(tmp_path: Path) -> None:
    """A draft that a person must confirm costs their two dollars: it takes a higher value to begin."""
    repository = tmp_path / "repository"
    repository.mkdir()
    free = CliRunner().invoke(app, ["explain", "--budget", "none", str(repository)]).output
    table = repository / "pyproject.toml"
    table.write_text('[tool.agent.autonomy]\ndraft = "confirm"\ncommit = "free"\n')
    asked = CliRunner().invoke(app, ["explain", "--budget", "none", str(repository)]).output

    def begins(text: str) -> float:
        return float(text.split("How it begins")[1].split("from")[2].split()[0].removeprefix("$"))

    assert begins(asked) > begins(free) + 2
    assert "needs confirm" in asked and "needs free" in free
    assert "note: the repository's [tool.agent.autonomy] asks for less" in asked
    table.write_text('[tool.agent.autonomy]\ndrafts = "confirm"\n')
    done = CliRunner().invoke(app, ["explain", str(repository)])
    assert done.exit_code == 2
    assert "unknown action class 'drafts'" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--value", ""], "value: '' is not an amount of money"),
        (["/nowhere"], "/nowhere is not a folder"),
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


def test_it_asks_what_finished_runs_taught_and_says_so() -> None:
    """As `agent fix` would: after runs in which the embedded tier found nothing, less is expected of it."""
    assert "as shipped" in shown()
    failed = Attempt(tier="repair", right=False, dollars=0, seconds=9, searched=1.0)
    for number in range(12):
        remember(memory_file(), Lesson(run=str(number), finished=time.time(), attempts=(failed,)))
    assert "learnt from 12 finished runs" in shown()
    assert "as shipped" in shown(memory="false")
    learnt, shipped = (explained(resolve({"memory": word}, None), False) for word in ("true", "false"))
    assert (learnt.learnt_from, shipped.learnt_from) == (12, 0)
    assert learnt.plan.right < shipped.plan.right
    tallies = {"index": Tally(5, 1, 0.2), "guard": Tally(20, 0, 0.6)}
    right = Attempt(tier="repair", right=True, dollars=0, seconds=20, searched=0.8)
    remember(
        memory_file(),
        Lesson(run="r", finished=time.time(), attempts=(right,), templates=tallies, template="index"),
    )
    said = "'guard' is 0.80 times as likely to be right as shipped (no fix in 20 candidates tried)"
    assert said in " ".join(shown().split()) and said not in " ".join(shown(memory="false").split())
    memory_file().unlink()
    memory_file().mkdir()
    assert "cannot read" in shown() and "as shipped" in shown()
