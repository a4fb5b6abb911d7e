"""Tests and set-up commands that take all there is or leave monsters behind: the run goes on, or says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from driver import World, make_repository
from forgeries import BASE, TARGET

pytestmark = pytest.mark.docker

FILLS_THE_WORK_AREA = b"""\
import os


def test_that_fills_the_work_area():
    os.unlink("data.bin")
    with open("/workspace/big", "wb", buffering=0) as file:
        while True:
            file.write(b"x" * 2**20)
"""
DIGS = 'python3 -c \'import os; [(os.mkdir("deep"), os.chdir("deep")) for _ in range(3001)]\''


def test_a_test_that_fills_the_disk_fails_and_another_is_mended(world: World, tmp_path: Path) -> None:
    files = {**BASE, "data.bin": bytes(2**20), "tests/test_hog.py": FILLS_THE_WORK_AREA}
    repository = make_repository(tmp_path / "r", files)
    ran = world.fix(repository, "--test", TARGET)
    assert "Traceback" not in ran.output + ran.errors
    assert ran.code == 0, ran.output


@pytest.mark.parametrize(
    "command",
    ["truncate -s 2T huge", DIGS, "chmod 0 calc/* calc; mkfifo x"],
    ids=["sparse", "deep", "shut"],
)
def test_a_setup_that_leaves_monsters_is_noted(world: World, calc: Path, command: str) -> None:
    ran = world.fix(calc, "--test", "tests/test_core.py::test_add", "--setup-command", command, "--verbose")
    assert "Traceback" not in ran.output + ran.errors
    assert ran.code == 13, ran.output
