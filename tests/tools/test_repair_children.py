"""Forked children: limits, and what ends without an answer."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tools.inside.repair.children import run_in_child
from tools.inside.repair.tree import Tree

MEMORY = 600_000_000


def spin() -> Any:
    while True:
        pass


def hog() -> Any:
    return len(bytearray(2_000_000_000))


def orphan(path: str) -> Any:
    """A grandchild in the same group would write later."""
    if os.fork() == 0:
        time.sleep(1)
        Path(path).write_text("late")
        os._exit(0)
    return "left"


def test_an_answer_comes_back() -> None:
    result = run_in_child(lambda: {"passed": True, "name": "é"}, 5, MEMORY)
    assert (result.ended, result.answer) == ("answered", {"passed": True, "name": "é"})


def test_a_loop_is_cut() -> None:
    result = run_in_child(spin, 0.3, MEMORY)
    assert (result.ended, result.answer) == ("timeout", None)


@pytest.mark.parametrize(
    "work", [hog, lambda: os._exit(0), lambda: sys.exit(0), lambda: os.kill(os.getpid(), 9)]
)
def test_no_answer_is_no_answer(work: Any) -> None:
    assert run_in_child(work, 5, MEMORY).ended == "died"


def test_what_a_child_starts_dies_with_it(tmp_path: Path) -> None:
    late = tmp_path / "late"
    assert run_in_child(lambda: orphan(str(late)), 5, MEMORY).answer == "left"
    time.sleep(1.5)
    assert not late.exists()


def test_a_file_is_put_back_and_its_hard_links_keep_theirs(tmp_path: Path) -> None:
    file, kept = tmp_path / "m.py", tmp_path / "kept.py"
    file.write_bytes(b"a = 1\n")
    file.chmod(0o640)
    kept.hardlink_to(file)
    compiled = tmp_path / "__pycache__" / "m.cpython-311.pyc"
    compiled.parent.mkdir()
    compiled.write_bytes(b"old")
    tree = Tree(str(tmp_path), [str(tmp_path)], str(tmp_path / "ours"))
    with pytest.raises(KeyError), tree.holding({"m.py": b"a = 2\n"}):
        assert file.read_bytes() == b"a = 2\n"
        assert kept.read_bytes() == b"a = 1\n"
        assert not compiled.exists()
        raise KeyError
    assert file.read_bytes() == b"a = 1\n"
    assert file.stat().st_mode & 0o777 == 0o640
