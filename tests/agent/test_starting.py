"""What starting takes counts towards a deadline."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agent import starting

ROOT = Path(__file__).parents[2]


def test_it_is_the_age_of_a_new_process() -> None:
    program = "import time; time.sleep(0.5); from agent.starting import *; print(starting_seconds())"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert 0.5 <= float(done.stdout) <= starting.MOST_SECONDS


def test_a_process_that_has_done_other_things_is_not_starting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "MOST_SECONDS", 0.0)
    assert starting.starting_seconds() == 0.0


def test_where_it_cannot_be_told_it_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting.time, "clock_gettime", lambda _: (_ for _ in ()).throw(OSError()))
    assert starting.starting_seconds() == 0.0
