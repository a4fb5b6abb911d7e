"""Patches: made by us from vetted edits, applied all or nothing, committed without touching the tree."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from driver import run_git
from test_base_snapshot import repository

from tools.base import take_base
from tools.files import FileEdit
from tools.patch import (
    PatchError,
    apply_to_tree,
    branch_problem,
    commit_to_branch,
    make_patch,
    patched_tree_hash,
    unsafe_path,
)

__all__ = ["repository"]
AUTHOR = ("A Person", "a@example.org")


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../x", "a/../../x", ".git/config", "a/.GIT/hooks/x", ".gitattributes", "a\nb", ""],
)
def test_unsafe_paths_are_refused(repository: Path, path: str) -> None:
    assert unsafe_path(path) is not None
    with pytest.raises(PatchError):
        make_patch(take_base(repository), [FileEdit(path, b"x")])


def test_a_patch_applies_with_git_and_gives_the_announced_tree(repository: Path) -> None:
    (repository / "noeol.txt").write_bytes(b"no end of line")
    base = take_base(repository)
    edits = [
        FileEdit("pkg/a.py", b"x = 2\n"),
        FileEdit("gone.py", None),
        FileEdit("new/deep.py", "é = 1\n".encode()),
        FileEdit("noeol.txt", b"changed"),
    ]
    patch = make_patch(base, edits)
    subprocess.run(["git", "apply", "-"], cwd=repository, input=patch, check=True)
    assert take_base(repository).tree_hash == patched_tree_hash(base, edits)


def test_apply_is_all_or_nothing_when_a_file_changed_meanwhile(repository: Path) -> None:
    base = take_base(repository)
    (repository / "gone.py").write_text("changed = 1\n")
    with pytest.raises(PatchError, match="has changed since"):
        apply_to_tree(base, [FileEdit("pkg/a.py", b"x = 2\n"), FileEdit("gone.py", b"y = 2\n")])
    assert (repository / "pkg" / "a.py").read_text() == "x = 1\n"


def test_apply_keeps_modes_and_leaves_no_other_file(repository: Path) -> None:
    base = take_base(repository)
    apply_to_tree(base, [FileEdit("run.sh", b"#!/bin/sh\necho\n")])
    assert (repository / "run.sh").stat().st_mode & 0o777 == 0o755
    assert run_git(repository, "status", "--porcelain") == " M run.sh\n"


def test_nothing_is_written_through_symlinks(repository: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x.py").write_text("x = 1\n")
    (repository / "link").symlink_to("pkg")
    base = take_base(repository)
    with pytest.raises(PatchError, match="symlink"):
        make_patch(base, [FileEdit("link/a.py", b"x = 2\n")])
    (repository / "pkg" / "a.py").unlink()
    (repository / "pkg").rmdir()
    (repository / "pkg").symlink_to(outside)
    with pytest.raises(PatchError, match="symlinked folder"):
        apply_to_tree(base, [FileEdit("pkg/a.py", b"x = 2\n")])
    assert (outside / "x.py").read_text() == "x = 1\n"


def test_nothing_is_written_where_the_base_does_not_look(repository: Path) -> None:
    (repository / "etc").symlink_to("/etc")
    run_git(repository, "init", "-q", "inner")
    run_git(repository, "init", "-q", "--bare", "bare")
    base = take_base(repository)
    for path in ("etc/x", "etc", "inner/a.py"):
        with pytest.raises(PatchError, match="left out"):
            make_patch(base, [FileEdit(path, b"x")])
    with pytest.raises(PatchError, match="embedded repository"):
        make_patch(base, [FileEdit("bare/hooks/post-checkout", b"x")])
    with pytest.raises(PatchError, match="embedded repository"):
        make_patch(base, [FileEdit("new/HEAD", b"ref: refs/heads/x\n"), FileEdit("new/config", b"x")])


@pytest.mark.parametrize("path", ["pkg", "pkg/a.py/below.py"])
def test_a_path_that_is_a_folder_or_below_a_file_is_refused(repository: Path, path: str) -> None:
    with pytest.raises(PatchError, match=r"is a folder|lies below"):
        make_patch(take_base(repository), [FileEdit(path, b"x = 2\n")])


def test_commit_leaves_tree_index_and_branch_alone(repository: Path) -> None:
    (repository / "other.py").write_text("dirty = 1\n")
    (repository / "gone.py").write_text("y = 5\n")
    before = run_git(repository, "status", "--porcelain")
    branch = run_git(repository, "branch", "--show-current")
    base = take_base(repository)
    patch = make_patch(base, [FileEdit("pkg/a.py", b"x = 2\n")])
    assert branch_problem(base, "fix/one") is None
    commit = commit_to_branch(base, patch, "fix/one", "Fix it", AUTHOR)
    assert run_git(repository, "status", "--porcelain") == before
    assert run_git(repository, "branch", "--show-current") == branch
    assert run_git(repository, "show", f"{commit}:pkg/a.py") == "x = 2\n"
    assert run_git(repository, "show", f"{commit}:gone.py") == "y = 1\n"
    assert run_git(repository, "log", "-1", "--format=%an <%ae>", "fix/one") == "A Person <a@example.org>\n"
    assert "exists already" in str(branch_problem(base, "fix/one"))


def test_commit_refuses_a_patch_that_builds_on_uncommitted_lines(repository: Path) -> None:
    (repository / "pkg" / "a.py").write_text("x = 10\n")
    base = take_base(repository)
    patch = make_patch(base, [FileEdit("pkg/a.py", b"x = 11\n")])
    with pytest.raises(PatchError, match="commit or stash"):
        commit_to_branch(base, patch, "fix/two", "Fix it", AUTHOR)
    assert "fix/two" not in run_git(repository, "branch", "--list")


@pytest.mark.parametrize("name", ["-x", "a..b", "x.lock", "a b"])
def test_bad_branch_names(repository: Path, name: str) -> None:
    assert "not a name git accepts" in str(branch_problem(take_base(repository), name))
