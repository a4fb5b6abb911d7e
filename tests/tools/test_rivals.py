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


@dataclass(frozen=True)
class Ranked:
    best: int
    clusters: int
    share: float
    heals: bool | None
    seconds: float


def ranked(
    folder: Path, calc: str, target: str, other: str, *edits: tuple[str, str, float], witness: str = ""
) -> Ranked:
    """Rank the edits of calc.py (old, new, mass); every one of them must pass these tests but the witness."""
    tests = f"from calc import *\n\n\ndef test_target():\n    {target}\n\n\ndef test_other():\n    {other}\n"
    tests += f"\n\ndef test_witness():\n    {witness}\n" if witness else ""
    write_tree(folder, {"calc.py": calc, "test_calc.py": tests})
    settings = {
        "root": str(folder),
        "path": "calc.py",
        "edits": edits,
        "targets": ["test_calc.py::test_target"],
        "affected": ["test_calc.py::test_other"],
        "witnesses": ["test_calc.py::test_witness"] if witness else [],
    }
    env = {
        **os.environ,
        "PYTHONPATH": str(PROJECT),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # ours take seconds to load
    }
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
    edits = (("size < room", "size < room + 1", 0.101), ("size < room", "size <= room", 0.1))
    found = ranked(tmp_path, FITS, "assert fits(3, 3)", "assert fits(2, 3) and not fits(7, 3)", *edits)
    assert (found.best, found.clusters, found.share) == (1, 1, 1.0)  # the smaller edit of near equals


def test_an_overfit_patch_loses(tmp_path: Path) -> None:
    """It has twice the mass, and makes everything fit that is not huge."""
    edits = (("size < room", "size < room + 4", 0.2), ("size < room", "size <= room", 0.1))
    found = ranked(tmp_path, FITS, "assert fits(3, 3)", "assert fits(2, 3) and not fits(7, 3)", *edits)
    assert (found.best, found.clusters) == (1, 2)
    assert 0.5 < found.share < 1


WITNESSED = ("def price(n):\n    return n * 4 - 3\n", "assert price(1) == 2", "assert price(0) == -3")


def test_what_makes_a_witness_pass_wins(tmp_path: Path) -> None:
    """The overfit one has most of the mass, and does as the original on what passes."""
    edits = (("n * 4", "(5 if n == 1 else n * 4)", 0.3), ("n * 4", "n * 5", 0.1))
    found = ranked(tmp_path, *WITNESSED, *edits, witness="assert price(2) == 7")
    assert (found.best, found.clusters, found.heals) == (1, 2, True)
    alone = ranked(tmp_path, *WITNESSED, *edits)
    assert (alone.best, alone.clusters, alone.heals) == (0, 2, None)


def test_where_no_witness_passes_none_is_sure(tmp_path: Path) -> None:
    edits = (("n * 4", "(5 if n == 1 else n * 4)", 0.3),)
    found = ranked(tmp_path, *WITNESSED, *edits, witness="assert price(2) == 7")
    assert (found.best, found.share, found.heals) == (0, 0.25, False)
    assert ranked(tmp_path, *WITNESSED, *edits).share == 1.0


@pytest.mark.parametrize(
    "written",
    ['(n):\n    """\n    >>> last(10)\n    5\n    """', "(n) -> int:"],
    ids=["an example in the docstring", "the type of the result"],
)
def test_the_one_that_agrees_with_what_is_written_wins(tmp_path: Path, written: str) -> None:
    """Both make the test pass, and change all that was wrong; the other one has more mass."""
    calc = f"def last{written}\n    return n - 1\n"
    edits = (("n - 1", "n / 2", 0.5), ("n - 1", "n // 2", 0.2))
    found = ranked(tmp_path, calc, "assert last(4) == 2", "assert last(3)", *edits)
    assert (found.best, found.clusters) == (1, 2)
    plain = calc.replace("-> int", "").replace(">>>", "")
    assert ranked(tmp_path / "plain", plain, "assert last(4) == 2", "assert last(3)", *edits).best == 0


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
    assert 0.5 < found.share < 0.7


def test_what_does_not_do_the_same_twice_is_left_alone(tmp_path: Path) -> None:
    calc = "import random\n\n\ndef draw(n):\n    return [n, random.random()][:n]\n"
    edits = (("[n, ", "[n + 1, ", 0.3), ("[n, ", "[1 + n, ", 0.1))
    found = ranked(tmp_path, calc, "assert draw(1) == [2]", "assert draw(0) == []", *edits)
    assert (found.best, found.clusters) == (0, 2)
    assert found.share == pytest.approx(0.75)
    still = calc.replace("random.random()", "0.5")
    assert (
        ranked(tmp_path / "still", still, "assert draw(1) == [2]", "assert draw(0) == []", *edits).clusters
        == 1
    )


COUNTER = """
import asyncio


class Counter:
    def __init__(self):
        self.counts = {}

    def add(self, name, n=1):
        self.counts[name] = n

    def pairs(self, limit):
        for name in self.counts:
            if self.counts[name] < limit:
                yield name

    async def later(self, n):
        return self.counts.get(n)


def counter(**counts):
    made = Counter()
    made.counts.update(counts)
    return made
"""


@pytest.mark.parametrize(
    ("target", "old", "news"),
    [
        (
            "c = counter(a=2); c.add('a', 2); assert c.counts == {'a': 4}",
            "[name] = n",
            (
                "[name] = n + self.counts.get(name, 0)",
                "[name] = self.counts.get(name, 0) + n",
                "[name] = n * 2",
            ),
        ),
        (
            "assert list(counter(a=2, b=3).pairs(2)) == ['a']",
            "< limit",
            ("<= limit", "< limit + 1", "in (limit, limit - 1)"),
        ),
        (
            "assert asyncio.run(counter().later('b')) == 0",
            "get(n)",
            ("get(n, 0)", "get(n, 2 - 2)", "get(n, n and 0)"),
        ),
    ],
)
def test_methods_generators_and_coroutines_are_compared_by_what_comes_of_them(
    tmp_path: Path, target: str, old: str, news: tuple[str, ...]
) -> None:
    """The first two of three do the same."""
    other = "c = counter(a=1); c.add('b'); assert list(c.pairs(2)) and asyncio.run(c.later('a')) == 1"
    found = ranked(tmp_path, COUNTER, target, other, *((old, new, 0.1) for new in news))
    assert found.clusters == 2


HOSTILE = """
import itertools
import time


class Slow:
    def __repr__(self):
        while True:
            pass


class Closed:
    def __reduce__(self):
        raise RuntimeError("not to be copied")

    def __deepcopy__(self, memo):
        raise RuntimeError("not to be copied")


class Bottomless:
    def __reduce__(self):
        return (Bottomless, (), None, itertools.repeat(self.__class__))


class Swallower:
    def __setstate__(self, state):
        while True:
            try:
                time.sleep(0.01)
            except BaseException:
                pass

    def __getstate__(self):
        return {"a": 1}


def use(thing, n):
    return n < 3
"""


@pytest.mark.parametrize(
    "thing",
    [
        "Slow()",
        "Closed()",
        "Bottomless()",
        "Swallower()",
        "[0] * 10**7",
        "itertools.count()",
        "use",
    ],
)
def test_hostile_arguments_are_bounded(tmp_path: Path, thing: str) -> None:
    edits = (("n < 3", "n <= 3", 0.2), ("n < 3", "n < 4", 0.1))
    target, other = f"assert use({thing}, 3)", f"assert use({thing}, 2) and not use(1, 7)"
    found = ranked(tmp_path, HOSTILE, target, other, *edits)
    assert found.clusters <= 2
    assert found.seconds < 60


def test_functions_that_end_the_process_or_leave_files_are_bounded(tmp_path: Path) -> None:
    calc = (
        "import os\n\n\ndef use(n):\n    if n > 10:\n        os._exit(0)\n    if n < 0:\n"
        "        open('left', 'w').write('x')\n    return n < 3\n"
    )
    edits = (("n < 3", "n <= 3", 0.2), ("n < 3", "n < 4", 0.1))
    found = ranked(tmp_path, calc, "assert use(3)", "assert use(2) and not use(7)", *edits)
    assert (found.best, found.clusters) == (0, 2)  # nothing is known of either
    assert not (tmp_path / "left").exists()
