"""Several patches that pass: equal ones are one cluster, overfit ones lose, hostile ones are bounded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tools.local_runtime import write_tree

PROJECT = Path(__file__).parents[2]
TESTS = "from calc import {names}\n\n\n{tests}"


@dataclass(frozen=True)
class Ranked:
    best: int
    clusters: int
    share: float
    seconds: float


def ranked(
    folder: Path, calc: str, targets: str, others: str, *edits: tuple[str, str, float], names: str = "*"
) -> Ranked:
    """Rank the edits of calc.py (old, new, mass); every one of them must pass these tests."""
    tests = f"from calc import {names}\n\n\ndef test_target():\n    {targets}\n\n\ndef test_other():\n    {others}\n"
    write_tree(folder, {"calc.py": calc, "test_calc.py": tests})
    settings = {
        "root": str(folder),
        "path": "calc.py",
        "edits": edits,
        "targets": ["test_calc.py::test_target"],
        "affected": ["test_calc.py::test_other"],
    }
    env = {**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, str(PROJECT / "tests/tools/rival_run.py")],
        input=json.dumps(settings),
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    verdicts, *rest = json.loads(done.stdout.splitlines()[-1])
    assert verdicts == ["passed"] * len(edits)
    return Ranked(*rest)


FITS = "def fits(size, room):\n    return size < room\n"


def test_equal_patches_are_no_rivals(tmp_path: Path) -> None:
    edits = (("size < room", "size < room + 1", 0.3), ("size < room", "size <= room", 0.1))
    found = ranked(tmp_path, FITS, "assert fits(3, 3)", "assert fits(2, 3) and not fits(7, 3)", *edits)
    assert (found.best, found.clusters, found.share) == (1, 1, 1.0)  # the smaller edit of the two


def test_an_overfit_patch_loses(tmp_path: Path) -> None:
    """It has twice the mass, and makes everything fit that is not huge."""
    edits = (("size < room", "size < room + 4", 0.2), ("size < room", "size <= room", 0.1))
    found = ranked(tmp_path, FITS, "assert fits(3, 3)", "assert fits(2, 3) and not fits(7, 3)", *edits)
    assert (found.best, found.clusters) == (1, 2)
    assert 0.5 < found.share < 1


def test_mass_counts_where_behaviour_does_not_tell(tmp_path: Path) -> None:
    """Both change one input only; members of one cluster put their masses together."""
    calc = "def sign(n):\n    if n > 0:\n        return 1\n    return -1\n"
    edits = (
        ("return -1", "return n and -1", 0.3),
        ("return -1", "return -1 if n else 0", 0.2),
        ("return -1", "return -1 if n else False", 0.4),
    )
    found = ranked(tmp_path, calc, "assert sign(0) == 0", "assert sign(3) == 1 and sign(-3) == -1", *edits)
    assert (found.best, found.clusters) == (0, 2)
    assert found.share == pytest.approx(5 / 9)
