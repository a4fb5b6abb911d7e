"""`agent menu` as a person and a program see it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from agent.cli import app
from agent.errors import UsageError
from agent.lessons import Attempt, Lesson
from agent.memory import remember
from agent.menu_cli import task_values
from agent.settings import REPAIR, memory_file
from agent.sources import user_file
from tools.repair.reports import Tally

TIERS = {"cheap": (1.0, 0.8), "dear": (4.0, 2.6)}
"""Dollars and ability."""


@pytest.fixture(autouse=True)
def two_tiers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration of the test's own, with a cheap and a dear tier."""
    for name in [name for name in os.environ if name.startswith("AGENT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    user_file().parent.mkdir(parents=True)
    text = ""
    for name, (dollars, ability) in TIERS.items():
        script = tmp_path / f"{name}.json"
        script.write_text(json.dumps({"dollars": dollars, "ability": ability, "seconds": 20, "replies": []}))
        text += f'[[tiers]]\nname = "{name}"\nprovider = "scripted"\nscript = "{script}"\n'
    user_file().write_text(text)


def agent_menu(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["menu", *arguments])


def test_the_offers_and_every_inequality_are_shown_within_80_columns() -> None:
    ran = agent_menu("--values", "5:6,10:5,20:4,50:2")
    assert ran.exit_code == 0, ran.output
    assert max(map(len, ran.output.splitlines())) <= 80
    assert "inequalities hold, each at the V where it is tightest" in ran.output
    assert "FAILS" not in ran.output and ran.output.count("holds") == ran.output.count(">=")


def test_json_says_the_same_and_everybody_picks_their_own_offer() -> None:
    ran = agent_menu("--values", "lognormal:20:1", "--json")
    assert ran.exit_code == 0, ran.output
    found = json.loads(ran.output)
    offers = found["offers"]
    assert len(offers) >= 2 and len(found["values"]["dollars"]) == 200
    for value, meant in zip(found["values"]["dollars"], found["offered"], strict=True):
        worth = [value * offer["quality"] - offer["price"] for offer in offers] + [0.0]
        assert worth[meant] >= max(worth) - 1e-6
    groups = len(offers) + 1
    assert len(found["inequalities"]) == groups * (groups - 1)
    assert all(each["holds"] for each in found["inequalities"])
    assert {each["kind"] for each in found["inequalities"]} == {"IC", "IR"}


def test_time_and_risk_are_priced_and_not_paid_twice() -> None:
    """Dearer time raises a tier's cost by its 20 s, and what is to be paid stays above the money it costs."""
    costs = []
    for price in ("0", "0.05"):
        ran = agent_menu("--values", "100", "--latency-price", price, "--tier", "dear", "--json")
        (tier,) = json.loads(ran.output)["tiers"]
        costs.append(tier["full_price"])
        assert tier["dollars"] == 4
    assert costs[1] - costs[0] == pytest.approx(1.0)


def test_a_menu_of_nothing_is_said() -> None:
    ran = agent_menu("--values", "1", "--tier", "dear")
    assert ran.exit_code == 0 and "no offer" in ran.output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not an amount of money"),
        ("5,much", "'much' is not an amount of money"),
        ("5:0", "weight above 0"),
        ("5:nan", "weight above 0"),
        ("lognormal", "a median and a sigma"),
        ("lognormal:20:x", "could not convert"),
        ("lognormal:20:-1", "above 0"),
        (",".join(map(str, range(2000))), "more than 1000 values"),
    ],
)
def test_bad_values_are_one_line(text: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        task_values(text)
    assert message in str(raised.value) and "\n" not in str(raised.value)
    assert len(str(raised.value)) < 250
    ran = agent_menu("--values", text)
    assert ran.exit_code == 2 and ran.exception.__class__ is SystemExit


def test_prices_and_tiers_are_those_of_fix() -> None:
    for wrong in (("--tier", "gpt"), ("--risk-price", "-1")):
        ran = agent_menu("--values", "20", *wrong)
        assert ran.exit_code == 2 and ran.exception.__class__ is SystemExit


def test_qualities_are_what_finished_runs_taught() -> None:
    def quality(*options: str) -> tuple[int, float]:
        found = json.loads(agent_menu("--values", "20", "--json", *options).output)
        return found["learnt_from"], next(t["quality"] for t in found["tiers"] if t["name"] == "dear")

    assert "estimates: as shipped" in agent_menu("--values", "20").output
    failed = Attempt(tier="dear", right=False, dollars=4, seconds=20)
    for number in range(12):
        remember(memory_file(), Lesson(run=str(number), finished=time.time(), attempts=(failed,)))
    assert "estimates: learnt from 12 finished runs" in agent_menu("--values", "20").output
    learnt, shipped = quality(), quality("--no-memory")
    assert (learnt[0], shipped[0]) == (12, 0)
    assert learnt[1] < shipped[1] - 0.1


def test_templates_that_moved_are_named() -> None:
    def shown() -> str:
        return agent_menu("--values", "20").output

    assert "kinds of edits" not in shown()
    tallies = {"index": Tally(5, 1, 0.2), "guard": Tally(20, 0, 0.6)}
    right = Attempt(tier=REPAIR, right=True, dollars=0, seconds=20, searched=0.8)
    remember(
        memory_file(),
        Lesson(run="r", finished=time.time(), attempts=(right,), templates=tallies, template="index"),
    )
    assert (
        "kinds of edits tried earlier or later for it: "
        "'guard' is 0.80 times as likely to be right as shipped (no fix in 20 candidates tried), "
        "'index' is 1.23 times (1 fix in 5 candidates tried)"
    ) in " ".join(shown().split())
    found = json.loads(agent_menu("--values", "20", "--json").output)
    assert found["templates"] == {
        "guard": {"factor": 0.8, "tried": 20, "right": 0},
        "index": {"factor": 1.231, "tried": 5, "right": 1},
    }


def test_prices_are_rounded_for_people_and_whole_for_programs() -> None:
    shown = agent_menu("--values", "lognormal:20:50").output
    assert "e+" in shown and max(map(len, shown.split())) < 25
    found = json.loads(agent_menu("--values", "lognormal:20:50", "--json").output)
    assert found["values"]["dollars"][-1] > 1e60
