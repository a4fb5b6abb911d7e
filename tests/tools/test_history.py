"""Where in a history a test began to fail, on made-up histories; and trees of commits read as data."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.base import take_base
from tools.history import (
    MOST_UNTOLD,
    Enough,
    Search,
    commit_named,
    commits_of,
    is_shallow,
    old_tree,
    search,
)
from tools.host_git import GitError

GIT = ("git", "-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")


def broken_at(at: int, untold: frozenset[int] = frozenset()) -> Callable[[int], bool | None]:
    """A test that fails at positions up to `at` (newest first), and passes beyond."""
    return lambda position: None if position in untold else position > at


@given(count=st.integers(1, 1000), data=st.data())
def test_the_commit_that_broke_it_is_found(count: int, data: st.DataObject) -> None:
    """However long the history is; in at most two looks for each time it can be halved."""
    at = data.draw(st.integers(0, count - 1))
    found = search(count, broken_at(at), dirty=False)
    assert found.complete
    if at == count - 1:  # the first commit brought it: it was never seen to pass
        assert found.good is None and found.suspects == ()
    else:
        assert found.suspects == (at,)
    assert len(found.told) <= 2 * count.bit_length() + 1


def test_what_is_not_committed_is_looked_at_first() -> None:
    found = search(50, broken_at(-1), dirty=True)
    assert (found.suspects, found.told) == ((-1,), {0: True})
    assert search(50, broken_at(7), dirty=True).suspects == (7,)


def test_trees_that_cannot_be_run_leave_a_range() -> None:
    found = search(20, broken_at(3, frozenset({3, 4})), dirty=False)
    assert found.suspects == (2, 3, 4) and found.good == 5 and found.complete


def test_a_history_that_cannot_be_run_is_given_up() -> None:
    found = search(1000, lambda _: None, dirty=False)
    assert found.untold == MOST_UNTOLD and found.good is None and found.complete


def test_a_search_whose_time_is_up_says_what_it_knows() -> None:
    looked: list[int] = []

    def probe(position: int) -> bool | None:
        if len(looked) == 4:
            raise Enough
        looked.append(position)
        return position > 5

    found = search(100, probe, dirty=False)
    assert found == Search(bad=4, good=8, told={1: False, 2: False, 4: False, 8: True}, complete=False)
    assert found.suspects == (4, 5, 6, 7)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Three commits: a symlink, a program, a file that becomes a folder, and a hostile subject."""
    root = tmp_path / "repo"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    (root / "a.py").write_text("A = 1\n")
    (root / "part").write_text("a file\n")
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    (root / "link").symlink_to("a.py")
    (root / "test_a.py").write_text("old\n")
    commit(root, "first")
    (root / "a.py").write_text("A = 2\n")
    (root / "part").unlink()
    (root / "part").mkdir()
    (root / "part" / "b.py").write_text("B = 1\n")
    (root / "test_a.py").write_text("new\n")
    commit(root, "\x1b[31m::error::second\u202e\n\nmore")
    (root / "new.py").write_text("")
    commit(root, "third")
    return root


def git(root: Path, *arguments: str) -> str:
    return subprocess.run((*GIT, *arguments), cwd=root, check=True, capture_output=True, text=True).stdout


def commit(root: Path, message: str) -> None:
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", message)


def test_an_old_tree_is_what_turns_the_base_into_it(repository: Path) -> None:
    base = take_base(repository)
    assert base.git_dir is not None
    commits = commits_of(base.git_dir, base.head)
    assert len(commits) == 3
    tree = old_tree(base, commits[2], keep=lambda path: path == "test_a.py")
    assert {path: (file.mode, file.data) for path, file in tree.files.items()} == {
        "a.py": ("100644", b"A = 1\n"),
        "part": ("100644", b"a file\n"),
    }
    assert sorted(tree.gone) == ["new.py", "part", "part/b.py"]


def test_what_is_not_committed_is_no_part_of_an_old_tree(repository: Path) -> None:
    (repository / "untracked.py").write_text("")
    (repository / "a.py").write_text("A = 3\n")
    base = take_base(repository)
    tree = old_tree(base, base.head, keep=lambda _: False)
    assert tree.files["a.py"].data == b"A = 2\n" and tree.gone == ("untracked.py",)


def test_subjects_are_neutralised(repository: Path) -> None:
    base = take_base(repository)
    assert base.git_dir is not None
    named = commit_named(base.git_dir, commits_of(base.git_dir, base.head)[1])
    assert named.subject == "\\x1b[31m::error::second\\u202e" and len(named.date) == 10


def test_merges_count_as_one_commit(repository: Path) -> None:
    git(repository, "checkout", "-q", "-b", "side", "HEAD~1")
    for number in range(3):
        (repository / "side.py").write_text(str(number))
        commit(repository, f"side {number}")
    git(repository, "checkout", "-q", "main")
    git(repository, "merge", "-q", "--no-ff", "-m", "merge", "side")
    base = take_base(repository)
    assert base.git_dir is not None
    assert len(commits_of(base.git_dir, base.head)) == 4
    assert len(commits_of(base.git_dir, base.head, most=2)) == 2


def test_a_shallow_clone_has_the_history_it_has(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth", "2", f"file://{repository}", "shallow")
    base = take_base(tmp_path / "shallow")
    assert base.git_dir is not None
    commits = commits_of(base.git_dir, base.head)
    assert len(commits) == 2 and is_shallow(base.git_dir)
    assert old_tree(base, commits[1], keep=lambda _: False).gone == ("new.py",)


def test_a_blob_that_is_not_there_is_an_error(repository: Path) -> None:
    base = take_base(repository)
    assert base.git_dir is not None
    first = commits_of(base.git_dir, base.head)[2]
    blob = git(repository, "rev-parse", f"{first}:a.py").strip()
    (repository / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises((GitError, ValueError)):
        old_tree(base, first, keep=lambda _: False)
