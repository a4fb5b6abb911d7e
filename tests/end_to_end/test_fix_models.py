"""`agent fix` with a model behind an endpoint that is no good, or whose model is not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from driver import Ran, World, refused
from forgeries import BASE, HONEST_FIX
from servers import ChatServer, Scripted
from test_replay import Event, resealed

OPTIONS = ("--tier", "model", "--value", "50")


@pytest.fixture(scope="module")
def server() -> Iterator[ChatServer]:
    with ChatServer() as started:
        assert isinstance(started, ChatServer)
        yield started


def configure(world: World, base_url: str, more: str = "") -> None:
    """A model tier in the user's own file, with `more` settings."""
    config = world.folder / "config" / "marginal-agent" / "config.toml"
    config.write_text(
        f'[[tiers]]\nname = "model"\nprovider = "compatible"\nmodel = "scripted-1"\nbase_url = "{base_url}"\n'
        f"price = {{ prefill = 3.0, decode = 15.0 }}\nattempts = 2\nmetrics = false\n{more}\n"
    )


def whole(files: Mapping[str, bytes]) -> str:
    """A reply that gives whole files."""
    blocks = (f"{path}\n```\n{data.decode()}```\n" for path, data in files.items())
    return "The cause is plain.\n" + "\n".join(blocks)


def test_a_refused_key_ends_with_20_and_the_run_goes_on_once_it_is_taken(
    world: World, calc: Path, server: ChatServer
) -> None:
    wrong = {"error": {"message": "Incorrect API key provided", "type": "invalid_request_error"}}
    server.play(Scripted(status=401, error=wrong))
    configure(world, server.base_url, "max_output = 16001")
    ran = world.fix(calc, *OPTIONS)
    assert ran.code == 20, ran.output
    assert "note: tier 'model': max_output = 16001 is cut to 16000" in ran.output
    assert len(server.requests) == 1
    why = ran.report["explanation"]
    assert why.startswith(
        f"tier 'model' is gone: compatible scripted-1 at {server.base_url.partition('://')[2]}: "
    )
    assert "refuses the key" in why
    assert ran.report["dollars"] == 0
    assert "Traceback" not in ran.output + ran.errors
    server.play(Scripted(whole(HONEST_FIX)))
    resumed = world.resume(ran.trace)
    assert resumed.code == 0, resumed.output
    assert server.problems == []
    assert resumed.report["dollars"] == pytest.approx((120 * 3 + 30 * 15) / 1e6)
    assert world.replay(ran.trace).code == 0


def test_a_model_that_is_of_no_use_is_paid_for_and_the_run_ends_with_10(
    world: World, calc: Path, server: ChatServer
) -> None:
    path = next(iter(HONEST_FIX))
    nonsense = f"src/none.py\n<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> REPLACE\n{'@' * 1_000_000}"
    server.play(Scripted("I cannot help.", refusal=True), *[Scripted(nonsense, piece=100_000)] * 5)
    configure(world, server.base_url)
    ran = world.fix(calc, *OPTIONS)
    assert ran.code == 10, ran.output
    assert len(server.requests) == 2
    assert ran.report["dollars"] == pytest.approx(2 * (120 * 3 + 30 * 15) / 1e6)
    assert ran.report["dollars"] == sum(each["dollars"] for each in ran.events("request"))
    notes = " ".join(ran.report["notes"])
    assert "refused to answer" in notes
    assert "src/none.py" in notes
    assert len(notes) < 2000
    assert "Traceback" not in ran.output + ran.errors
    assert (calc / path).read_bytes() == BASE[path]


def test_its_last_attempt_may_give_several_patches_of_which_one_is_right(
    world: World, calc: Path, server: ChatServer
) -> None:
    wrong = {path: BASE[path] + b"# No, it is something else.\n" for path in HONEST_FIX}
    both = f"CANDIDATE 1\n{whole(wrong)}\nCANDIDATE 2\n{whole(HONEST_FIX)}"
    server.play(Scripted(whole(wrong)), Scripted(both))
    configure(world, server.base_url)
    ran = world.fix(calc, *OPTIONS)
    assert ran.code == 0, ran.output
    wishes = [request.body["messages"][-1]["content"] for request in server.requests]
    assert ["different fixes" in wish for wish in wishes] == [False, True]
    asked = [each["candidates"] for each in ran.events("request")]
    assert asked[0] == 1 < asked[1], asked
    first, second = (
        each["observation"] for each in ran.events("result") if each["observation"]["type"] == "attempt"
    )
    assert len(first["refused"]) == 1
    assert (second["refused"], second["tried"]) == ([], 2), "what failed before is not run again"
    assert "refused before" in second["dropped"][0]
    assert world.replay(ran.trace).code == 0
    _its_candidates_are_run_again(world, ran)


def _its_candidates_are_run_again(world: World, ran: Ran) -> None:
    """Those that failed, too; the model is not asked. A trace that says otherwise of one differs."""
    out = world.folder / "executed.json"
    found = world.agent("replay", str(ran.trace), "--execute", "--json", str(out))
    assert found.code == 0, found.output + found.errors
    steps = [step for step in json.loads(out.read_text())["steps"] if step["step"] == "act model"]
    assert [step["result"] for step in steps] == ["same", "same"]
    assert "its candidate was run again" in steps[0]["why"]
    assert "its 2 candidates were run again" in steps[1]["why"]

    def forge(events: list[Event]) -> None:
        first = next(each for each in events if each.get("observation", {}).get("type") == "attempt")
        first["observation"]["refused"] = []

    forged = resealed(ran.trace, world.folder / "forged", forge)
    found = world.agent("replay", str(forged), "--execute", "--json", str(out))
    assert found.code == 1, found.output + found.errors
    differs = [step for step in json.loads(out.read_text())["steps"] if step["result"] == "differs"]
    assert [(step["step"], step["field"]) for step in differs] == [("act model", "candidates")] * 2
    assert "refused before" in differs[1]["recorded"]
    assert "1 of 1 targets still fail" in differs[1]["now"]


def test_a_key_that_is_not_set(world: World, calc: Path) -> None:
    configure(world, "http://localhost:1/v1", 'key_variable = "NO_SUCH_KEY"')
    refused(world.fix(calc, *OPTIONS), "tier 'model'", "NO_SUCH_KEY is not set; set it, or")
