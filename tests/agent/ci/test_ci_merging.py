"""Patches of several tasks in one tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.ci.merging import Conflict, merged
from tools.base import Base, take_base
from tools.files import FileEdit

LINES = [f"line {n}\n" for n in range(20)]


@pytest.fixture
def base(tmp_path: Path) -> Base:
    (tmp_path / "a.py").write_text("".join(LINES))
    (tmp_path / "b.py").write_text("b = 1\n")
    return take_base(tmp_path)


def edited(number: int, text: str) -> FileEdit:
    return FileEdit("a.py", "".join([*LINES[:number], text, *LINES[number + 1 :]]).encode())


def test_edits_of_other_lines_and_files_go_together(base: Base) -> None:
    together = merged(base, [(edited(2, "two\n"),), (edited(15, "fifteen\n"), FileEdit("b.py", b"b = 2\n"))])
    content = {edit.path: edit.content for edit in together}
    expected = [*LINES]
    expected[2], expected[15] = "two\n", "fifteen\n"
    assert content == {"a.py": "".join(expected).encode(), "b.py": b"b = 2\n"}


def test_lines_beside_each_other_are_no_conflict(base: Base) -> None:
    both = merged(base, [(edited(2, "two\n"),), (edited(3, "three\n"),), (edited(1, ""),)])
    assert both[0].content == "".join([LINES[0], "two\n", "three\n", *LINES[4:]]).encode()


def test_long_changes_are_one_each(tmp_path: Path) -> None:
    lines = ["x\n"] * 10_000
    (tmp_path / "a.py").write_text("".join(lines))
    ends = "".join(["first\n", *lines[1:-1], "last\n"]).encode()
    middle = "".join([*lines[:5_000], "middle\n", *lines[5_001:]]).encode()
    with pytest.raises(Conflict):
        merged(take_base(tmp_path), [(FileEdit("a.py", ends),), (FileEdit("a.py", middle),)])


def test_two_lines_put_in_at_one_place_are_a_conflict(base: Base) -> None:
    first, second = (
        FileEdit("a.py", "".join([*LINES[:5], text, *LINES[5:]]).encode()) for text in ("x\n", "y\n")
    )
    with pytest.raises(Conflict):
        merged(base, [(first,), (second,)])


def test_the_same_edit_twice_is_one(base: Base) -> None:
    assert merged(base, [(edited(2, "two\n"),), (edited(2, "two\n"),)]) == (edited(2, "two\n"),)


@pytest.mark.parametrize("other", [edited(2, "zwei\n"), FileEdit("a.py", None)])
def test_the_same_lines_are_a_conflict(other: FileEdit, base: Base) -> None:
    with pytest.raises(Conflict, match=r"the same lines of a\.py"):
        merged(base, [(edited(2, "two\n"),), (other,)])


def test_two_new_files_of_one_name_are_a_conflict(base: Base) -> None:
    with pytest.raises(Conflict):
        merged(base, [(FileEdit("new.py", b"1\n"),), (FileEdit("new.py", b"2\n"),)])


def test_attributes_of_the_repository_do_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("".join(LINES))
    (tmp_path / ".gitattributes").write_text("* merge=union\n")
    base = take_base(tmp_path)
    with pytest.raises(Conflict):
        merged(base, [(edited(2, "two\n"),), (edited(2, "zwei\n"),)])
