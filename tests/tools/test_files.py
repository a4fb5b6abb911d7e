"""Reading, searching and editing the repository through a runtime."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.tools.local_runtime import LocalRuntime, write_tree
from tools.files import FileEdit, Match, apply, read, search, undo

INSIDE = str(Path(__file__).parents[2] / "tools" / "inside")
FILES = {
    "a.py": "def one():\n    return 1\n\n\ndef two():\n    return 2\n",
    "pkg/b.py": "VALUE = 'one\x0ctwo'\r\nlast",
    "pkg/long.txt": "x" * 5000 + "\nneedle\n",
    "blob.bin": b"\0needle",
    ".git/config": "needle",
}


@pytest.fixture
def repo(tmp_path: Path) -> str:
    return str(write_tree(tmp_path / "repo", FILES))


RUNTIME = LocalRuntime()


def test_read_numbers_lines_as_python_does(repo: str) -> None:
    found = read(RUNTIME, repo, "a.py", first=5, count=2)
    assert (found.first, found.total) == (5, 6)
    assert found.numbered == "5  def two():\n6      return 2"
    assert read(RUNTIME, repo, "pkg/b.py").lines == ("VALUE = 'one\x0ctwo'", "last")
    assert read(RUNTIME, repo, "a.py", first=100).lines == ()


def test_read_cuts_long_lines(repo: str) -> None:
    assert [len(line) for line in read(RUNTIME, repo, "pkg/long.txt").lines] == [1000, 6]


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "a/../../b", "", "a\0b"])
def test_paths_out_of_the_tree_are_refused(repo: str, path: str) -> None:
    with pytest.raises(ValueError, match="not a path inside the repository"):
        read(RUNTIME, repo, path)
    with pytest.raises(ValueError, match="not a path inside the repository"):
        apply(RUNTIME, repo, [FileEdit("a.py", b"x"), FileEdit(path, b"x")])
    assert (Path(repo) / "a.py").read_text() == FILES["a.py"]


def test_search_in_path_order_without_binaries_and_git(repo: str) -> None:
    assert search(RUNTIME, sys.executable, INSIDE, repo, "needle") == (Match("pkg/long.txt", 2, "needle"),)
    assert search(RUNTIME, sys.executable, INSIDE, repo, r"def \w+") == (
        Match("a.py", 1, "def one():"),
        Match("a.py", 5, "def two():"),
    )
    assert len(search(RUNTIME, sys.executable, INSIDE, repo, ".", limit=3)) == 3
    assert {m.path for m in search(RUNTIME, sys.executable, INSIDE, repo, "one", glob="pkg/*")} == {
        "pkg/b.py"
    }


def test_search_refuses_a_bad_pattern_in_one_line(repo: str) -> None:
    with pytest.raises(ValueError, match="not a regular expression"):
        search(RUNTIME, sys.executable, INSIDE, repo, "(")


def test_apply_and_undo_leave_the_tree_as_it_was(repo: str) -> None:
    before = {path: path.read_bytes() for path in Path(repo).rglob("*") if path.is_file()}
    record = apply(
        RUNTIME,
        repo,
        [
            FileEdit("a.py", b"new"),
            FileEdit("new/c.py", b"c"),
            FileEdit("pkg/b.py", None),
            FileEdit("a.py", b"newer"),
        ],
    )
    assert (Path(repo) / "a.py").read_bytes() == b"newer"
    assert (Path(repo) / "new/c.py").read_bytes() == b"c"
    assert not (Path(repo) / "pkg/b.py").exists()
    undo(RUNTIME, repo, record)
    assert {path: path.read_bytes() for path in Path(repo).rglob("*") if path.is_file()} == before


def test_apply_does_not_write_through_hard_links(repo: str, tmp_path: Path) -> None:
    kept = tmp_path / "checkpoint"
    kept.hardlink_to(Path(repo) / "a.py")
    apply(RUNTIME, repo, [FileEdit("a.py", b"new")])
    assert kept.read_text() == FILES["a.py"]


def test_a_failed_apply_puts_back_what_was_written(repo: str) -> None:
    with pytest.raises(OSError, match=r"a\.py"):
        apply(RUNTIME, repo, [FileEdit("pkg/b.py", b"x"), FileEdit("a.py/below", b"x")])
    assert (Path(repo) / "pkg/b.py").read_bytes() == str(FILES["pkg/b.py"]).encode()
