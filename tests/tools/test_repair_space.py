"""The space of candidates: order, masses, duplicates."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tools.inside.repair.bodies import fingerprint
from tools.inside.repair.candidates import Candidate
from tools.inside.repair.scope import Project
from tools.inside.repair.slice import describe
from tools.inside.repair.source import Source
from tools.inside.repair.space import Space, whole_space

TEXT = '''"""Größen."""
LIMIT = 3


class Box:
    def __init__(self, items):
        self.items = items

    def first(self, n):
        if n > LIMIT:
            n = LIMIT
        return self.items[:n]


def widest(boxes):
    best = 0
    for box in boxes:
        if len(box.items) > best:
            best = len(box.items)
    return best
'''


def space(scores: dict[tuple[str, int], float] | None = None, seed: int = 0) -> Space:
    made = Project()
    made.add(Source("box.py", TEXT.encode()))
    return whole_space(made, scores, seed)


def test_masses_sum_to_one_and_fall() -> None:
    candidates = list(space().candidates.values())
    assert sum(c.mass for c in candidates) == pytest.approx(1.0)
    assert all(one.mass >= other.mass - 1e-9 for one, other in pairwise(candidates))


def test_the_order_is_the_same_each_time_and_in_another_process() -> None:
    program = (
        "import sys; sys.path.insert(0, '.'); sys.path.insert(0, 'tests/tools')\n"
        "import test_repair_space as t\n"
        "print([(c.start, c.end, c.replacement) for c in t.space().candidates.values()])"
    )
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", program]
    orders = {
        subprocess.run(command, cwd=root, env={"PYTHONHASHSEED": seed}, stdout=-1, check=True).stdout
        for seed in ("1", "2")
    }
    here = [(c.start, c.end, c.replacement) for c in space().candidates.values()]
    assert orders == {f"{here!r}\n".encode()}


def test_the_seed_decides_ties_only() -> None:
    one, other = space(seed=1).candidates.values(), space(seed=2).candidates.values()
    assert one != other
    assert {(c.start, c.end, c.replacement) for c in one} == {(c.start, c.end, c.replacement) for c in other}


def test_only_suspect_statements_are_edited_most_suspect_first() -> None:
    candidates = space({("box.py", 18): 1.0, ("box.py", 12): 0.2}).candidates.values()
    assert {c.line for c in candidates} == {18, 12}
    half = sum(c.mass for c in candidates if c.line == 18)
    assert half > 0.8
    assert next(iter(candidates)).line == 18


def test_no_two_fresh_candidates_compile_to_the_same_code() -> None:
    made = space()
    source = made.sources["box.py"]
    seen = {fingerprint(compile(source.data, "box.py", "exec"))}
    for index, candidate in made.candidates.items():
        if made.stale(index) is None:
            key = fingerprint(compile(made.patched(candidate), "box.py", "exec"))
            assert key not in seen, candidate
            seen.add(key)
    assert len(seen) > 300


def test_every_candidate_called_invalid_does_not_compile() -> None:
    made = space()
    for index, candidate in made.candidates.items():
        if made.stale(index) == "invalid":
            with pytest.raises(SyntaxError):
                compile(made.patched(candidate), "box.py", "exec")


@pytest.mark.parametrize("data", [b"\xff\xfe", b"def f(:\n", b"x = 1\0\n"])
def test_a_file_that_cannot_be_parsed_is_refused(data: bytes) -> None:
    with pytest.raises((SyntaxError, ValueError)):
        Source("bad.py", data)


def test_of_a_table_of_data_only_the_first_entries_are_edited() -> None:
    made = Project()
    data = f"TABLE = [{'1 + 2, ' * 3000}]\nLIMIT = 3\n".encode()
    made.add(Source("table.py", data))
    starts = [candidate.start for candidate in whole_space(made, None, 0).candidates.values()]
    last = data.index(b"LIMIT")
    assert any(start >= last for start in starts)
    assert max(start for start in starts if start < last) < 7 * 200


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("LIMIT = 3", "LIMIT = 4", "LIMIT = 3 -> LIMIT = 4"),
        ("    return best", "        return best", "return best -> at another indentation"),
        (
            "    best = 0",
            "    if not boxes:\n        return 0\n    best = 0",
            "best = 0 -> if not boxes: ⏎ return 0 ⏎ best = 0",
        ),
    ],
)
def test_a_patch_is_described_in_one_line(old: str, new: str, said: str) -> None:
    start = TEXT.encode().index(old.encode())
    edit = Candidate("box.py", start, start + len(old.encode()), new.encode(), "any", 1, 1.0)
    assert describe(Source("box.py", TEXT.encode()), edit) == said
