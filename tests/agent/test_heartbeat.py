"""Progress in a log: neither silence nor a flood, and no thread that takes signals from the main one."""

from __future__ import annotations

import io
import time

import pytest
from rich.console import Console

from agent import heartbeat
from agent.view import View


def view_into(log: io.StringIO) -> View:
    return View(Console(file=log, width=120))


def test_a_silent_step_is_said_to_go_on_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "MOST_SECONDS", 0.2)
    log = io.StringIO()
    view = view_into(log)
    started = time.monotonic()
    view.wait("read environment")
    view.progress("installing\x1b[31m the project")
    while log.getvalue().count("still: ") < 3 and time.monotonic() < started + 20:
        time.sleep(0.1)
    view.finish()
    most = (time.monotonic() - started) / 0.2
    said = log.getvalue()
    assert 3 <= said.count("     still: installing\\x1b[31m the project (") <= most, said
    assert said.endswith(" s)\n")
    time.sleep(0.4)
    view.progress("later")
    view.finish()
    assert log.getvalue() == said, "nothing is said of what has ended"


def test_news_are_said_no_more_often_than_is_of_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "LEAST_SECONDS", 0.2)
    log = io.StringIO()
    view = view_into(log)
    started = time.monotonic()
    view.wait("act repair")
    for done in range(50):
        view.progress(f"tests: {done}")
        time.sleep(0.01)
    most = (time.monotonic() - started) / 0.2
    view.finish()
    lines = log.getvalue().splitlines()
    assert 1 <= len(lines) <= most
    assert all(line.startswith("     tests: ") for line in lines)
