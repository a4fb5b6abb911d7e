"""Pairs of edits: how they are made, and that a search finds one where no single edit will do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from docker import DockerClient

from sandboxes.building import PYTHON
from sandboxes.docker import DockerSandbox
from sandboxes.docker_backend import DockerBackend
from tools.inside.repair.candidates import Candidate
from tools.inside.repair.pairs import MOST_APART, pairs
from tools.repair.search import PAIR, RepairSearch

REPO = "/workspace/repo"
SECONDS = 600.0  # of a search: more than any takes, on a busy machine too
DATA = b"a = 1\nb = 2\nc = 3\n"


def single(at: int, new: bytes, mass: float, path: str = "m.py") -> Candidate:
    return Candidate(path, at, at + 1, new, "t", DATA[:at].count(b"\n") + 1, mass)


def written(found: list[Candidate], data: bytes = DATA) -> list[bytes]:
    return [data[: each.start] + each.replacement + data[each.end :] for each in found]


def test_both_edits_are_made_and_the_likeliest_pairs_come_first() -> None:
    singles = {0: single(4, b"7", 0.5), 1: single(10, b"88", 0.3), 2: single(16, b"9", 0.2)}
    found = pairs(singles, [1], {"m.py": DATA}, 0)
    assert written(found) == [b"a = 7\nb = 88\nc = 3\n", b"a = 1\nb = 88\nc = 9\n"]
    assert [each.mass for each in found] == pytest.approx([5 / 7, 2 / 7])
    assert pairs(singles, [1], {"m.py": DATA}, 0) == found
    both = pairs(singles, [1, 0, 2, 5], {"m.py": DATA}, 0)
    assert len(set(written(both))) == len(both) == 3


def test_the_likeliest_are_halves_too_but_weigh_less_than_those_that_moved_the_failure() -> None:
    singles = {0: single(4, b"7", 0.5), 1: single(10, b"88", 0.3), 2: single(16, b"9", 0.2)}
    found = pairs(singles, [2], {"m.py": DATA}, 0, likely=1)
    assert written(found) == [
        b"a = 7\nb = 2\nc = 9\n",  # 10 x .2 x .5
        b"a = 1\nb = 88\nc = 9\n",  # 10 x .2 x .3
        b"a = 7\nb = 88\nc = 3\n",  # .5 x .3
    ]


def test_halves_that_touch_stand_in_other_files_or_far_apart_make_no_pair() -> None:
    singles = {
        0: single(4, b"7", 0.5),
        1: single(4, b"8", 0.3),
        2: single(5, b"\n\n", 0.1),
        3: single(10, b"9", 0.1, path="n.py"),
    }
    assert pairs(singles, [0, 3], {"m.py": DATA, "n.py": DATA}, 0) == []
    for gap, count in ((MOST_APART, 1), (MOST_APART + 1, 0)):
        far = b"1" + b" " * gap + b"2"
        ends = {0: single(0, b"3", 0.5), 1: Candidate("m.py", gap + 1, gap + 2, b"4", "t", 1, 0.5)}
        assert len(pairs(ends, [0], {"m.py": far}, 0)) == count


@pytest.fixture(scope="module")
def sandbox(docker_client: DockerClient, environment_image: str) -> Iterator[DockerSandbox]:
    with DockerBackend(docker_client).sandbox(environment_image, python=PYTHON) as started:
        yield started


@pytest.mark.docker
def test_a_pair_is_found_where_no_single_edit_will_do(sandbox: DockerSandbox) -> None:
    files = {
        "summary.py": "def summary(values):\n    total = sum(values) - 1\n    count = len(values) + 1\n"
        "    return total, count\n",
        "test_summary.py": "from summary import summary\n\n\ndef test_summary():\n"
        "    for values in ([1, 2, 3], [5, 5], [0], []):\n        total, count = summary(values)\n"
        "        assert total == sum(values)\n        assert count == len(values)\n",
    }
    sandbox.remove(REPO)
    for path, text in files.items():
        sandbox.write(f"{REPO}/{path}", text.encode())

    def begun() -> RepairSearch:
        return RepairSearch(
            sandbox, sandbox.python, REPO, ["summary.py"], ["test_summary.py::test_summary"], timeout=2.0
        )

    search = begun()
    singles = search.prepare()
    assert singles.masses[-1] == pytest.approx(0.95)
    alone = search.advance(0, SECONDS, singles.count)
    assert (alone.plausible, alone.exhausted) == (None, True)
    assert alone.moved and all(index < singles.count for index in alone.moved)

    space = search.add_pairs(alone.moved)
    assert space.count > singles.count and space.masses[-1] == pytest.approx(1.0)
    assert search.add_pairs(alone.moved) == space, "they are added once"
    found = search.advance(singles.count, SECONDS, space.count - singles.count)
    assert found.plausible is not None and found.plausible.template == PAIR
    names: dict[str, Any] = {}
    exec(found.plausible.content, names)  # (the patch of the function above)
    assert names["summary"]([4, 5, 6, 7]) == (22, 4)
    assert found.moved == (), "pairs are no halves of pairs"

    again = begun()
    assert again.prepare().count == singles.count
    assert again.add_pairs(alone.moved).masses == space.masses
    resumed = again.advance(found.next_index - 1, SECONDS, 1)
    assert resumed.plausible is not None and resumed.plausible.content == found.plausible.content
