"""A time limit counts the time that a test takes, not the time that others on the machine take from it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIMITED = """
import os, subprocess, sys, time
from tools.inside.deadline import Deadline, TimeLimit

class Nobody:
    def emit(self, *_): pass
    def watch(self, _): pass

os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4)]
try:
    time.sleep(0.5)
    clock = Deadline(Nobody(), Nobody())
    began = time.monotonic()
    try:
        clock.begin(0.5)
        clock.arm(0.5)
        WORK
        print("through", time.monotonic() - began)
    except TimeLimit:
        print("cut", time.monotonic() - began)
finally:
    clock.disarm()
    for other in others:
        other.kill()
"""
COMPUTING = """until = time.process_time() + 0.15
        while time.process_time() < until: pass"""
ENDLESS = "while True: pass"
WAITING = "time.sleep(30)"


@pytest.mark.parametrize(
    ("work", "ends", "least", "most"),
    [(COMPUTING, "through", 0.15, 20.0), (ENDLESS, "cut", 0.6, 20.0), (WAITING, "cut", 0.4, 5.0)],
    ids=["computing", "endless", "waiting"],
)
def test_on_a_busy_processor(work: str, ends: str, least: float, most: float) -> None:
    """Five processes share one processor: what computes for 0.15 s takes longer than the limit of 0.5 s."""
    program = LIMITED.replace("WORK", work)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    ended, seconds = done.stdout.split()
    assert ended == ends
    assert least < float(seconds) < most
