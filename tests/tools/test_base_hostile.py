"""Repositories made to hurt whoever reads them, and rare kinds of honest ones: read as bytes, or refused in
one clear line; nothing of theirs runs, and nothing outside them is read."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from driver import run_git
from test_base_snapshot import repository

from tools.base import BaseError, take_base
from tools.host_git import GitError, author, git

__all__ = ["repository"]


def names(folder: Path) -> list[str]:
    return sorted(take_base(folder).files)


TRACKED = [".gitignore", "gone.py", "pkg/a.py", "run.sh"]


def test_a_configured_tree_elsewhere_is_not_read(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "key.txt").write_text("key")
    run_git(repository, "config", "core.worktree", str(tmp_path / "secrets"))
    base = take_base(repository)
    assert base.root == repository
    assert sorted(base.files) == TRACKED


@pytest.mark.parametrize("link", ["gitdir: /nonexistent\n", "gitdir: .git\n", "", "\0" * 100_000])
def test_a_git_file_that_leads_nowhere_is_no_repository(tmp_path: Path, link: str) -> None:
    (tmp_path / "a.py").write_text("a = 1\n")
    (tmp_path / ".git").write_text(link)
    base = take_base(tmp_path)
    assert (base.root, base.git_dir, sorted(base.files)) == (tmp_path, None, ["a.py"])


def test_links_pipes_and_sockets_are_left_out(repository: Path) -> None:
    for name, target in {
        "passwd": "/etc/passwd",
        "etc": "/etc",
        "up": "../..",
        "git": ".git/config",
        "round": "about",
        "about": "round",
    }.items():
        (repository / name).symlink_to(target)
    (repository / "pkg2").mkdir()
    (repository / "pkg2" / "b.py").write_text("b = 1\n")
    run_git(repository, "add", "pkg2")
    (repository / "pkg2" / "b.py").unlink()
    (repository / "pkg2").rmdir()
    (repository / "pkg2").symlink_to("/etc")
    os.mkfifo(repository / "pipe")
    os.mkfifo(repository / "pkg" / ".gitattributes")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(repository / "socket"))
    assert names(repository) == sorted([*TRACKED, "about", "round"])


def test_a_tracked_file_that_is_a_pipe_now_is_left_out(repository: Path) -> None:
    (repository / "gone.py").unlink()
    os.mkfifo(repository / "gone.py")
    base = take_base(repository)
    assert "gone.py" not in base.files
    assert "left out (not a regular file): gone.py" in base.notes


def test_files_too_large_are_left_out_and_named(repository: Path) -> None:
    for name in ("tracked.bin", "untracked.bin", "ignored.log"):
        with (repository / name).open("wb") as file:
            file.truncate(2**30)
    empty = run_git(repository, "hash-object", "-w", "/dev/null").strip()
    run_git(repository, "update-index", "--add", "--cacheinfo", f"100644,{empty},tracked.bin")
    base = take_base(repository)
    assert sorted(base.files) == TRACKED
    assert base.notes == ("left out (larger than 64 MB): untracked.bin, tracked.bin",)


def test_what_no_sandbox_has_room_for_is_refused_unread(repository: Path) -> None:
    for number in range(7):
        with (repository / f"data{number}.bin").open("wb") as file:
            file.truncate((57 + number) * 2**20)
    with pytest.raises(BaseError) as refused:
        take_base(repository)
    assert str(refused.value) == (
        f"{repository} takes 420 MB in 11 files, and a sandbox has room for 400 MB; let git ignore what its "
        "tests do not need (the largest is data6.bin, 63.0 MB), or name a smaller one"
    )
    assert len(take_base(repository, max_bytes=2**30).files) == 11
    with pytest.raises(BaseError, match="has 11 files, more than 10; let git ignore"):
        take_base(repository, max_bytes=2**30, max_files=10)


def test_small_files_count_as_the_pages_they_take(repository: Path) -> None:
    with pytest.raises(BaseError, match="in 4 files"):
        take_base(repository, max_bytes=4 * 4096 - 1)
    assert len(take_base(repository, max_bytes=4 * 4096).files) == 4


def test_names_that_differ_in_case_and_names_like_options(repository: Path) -> None:
    for name in ("A.py", "a.py", "-rf", "--output=x", "::set-output name=a::b", "\x1b[31mred", "a b"):
        (repository / name).write_text(name)
    base = take_base(repository)
    assert {name: base.read(name) for name in ("A.py", "a.py")} == {"A.py": b"A.py", "a.py": b"a.py"}
    assert len(base.files) == len(TRACKED) + 7


def test_embedded_repositories_are_not_entered(repository: Path) -> None:
    inner = repository / "inner"
    inner.mkdir()
    run_git(inner, "init", "-q", ".")
    (inner / "f.py").write_text("f = 1\n")
    (repository / "linked").mkdir()
    (repository / "linked" / ".git").write_text("gitdir: ../inner/.git\n")
    (repository / "linked" / "g.py").write_text("g = 1\n")
    run_git(repository, "init", "-q", "--bare", "bare")
    found = names(repository)
    assert not any(name.startswith(("inner", "linked")) for name in found)
    assert "bare/HEAD" in found, "a bare one is files like others"
    assert take_base(inner).root == inner


def test_attributes_change_nothing(repository: Path) -> None:
    (repository / ".gitattributes").write_text(
        "*.py text eol=crlf ident\n*.txt working-tree-encoding=UTF-16 export-ignore\n*.bin filter=lfs\n"
    )
    contents = {
        "crlf.py": b"a = 1\r\n# $Id$\r\n",
        "wide.txt": "wide".encode("utf-16"),
        "large.bin": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
    }
    for name, data in contents.items():
        (repository / name).write_bytes(data)
    base = take_base(repository)
    assert {name: base.read(name) for name in contents} == contents


def test_kinds_of_checkouts(repository: Path, tmp_path: Path) -> None:
    (repository / "pkg2").mkdir()
    (repository / "pkg2" / "b.py").write_text("b = 1\n")
    run_git(repository, "add", ".")
    run_git(repository, "commit", "-qm", "two")
    head = run_git(repository, "rev-parse", "HEAD").strip()
    everything = sorted([*TRACKED, "pkg2/b.py"])

    run_git(repository, "worktree", "add", "-q", str(tmp_path / "tree"))
    (repository / ".git" / "info" / "exclude").write_text("*.tmp\n")
    (tmp_path / "tree" / "x.tmp").write_text("x")
    worktree = take_base(tmp_path / "tree" / "pkg")
    assert (worktree.root, worktree.head, sorted(worktree.files)) == (tmp_path / "tree", head, everything)

    run_git(tmp_path, "clone", "-q", "--depth=1", f"file://{repository}", "shallow")
    assert names(tmp_path / "shallow") == everything
    run_git(tmp_path, "clone", "-q", "--shared", str(repository), "shared")
    shared = take_base(tmp_path / "shared")
    assert (shared.head, sorted(shared.files), shared.dirty) == (head, everything, ())

    run_git(repository, "checkout", "-q", "--detach")
    run_git(repository, "update-index", "--split-index")
    assert names(repository) == everything
    run_git(repository, "update-index", "--no-split-index")
    run_git(repository, "sparse-checkout", "set", "--cone", "--sparse-index", "pkg2")
    assert names(repository) == [".gitignore", "gone.py", "pkg2/b.py", "run.sh"]


def test_a_commit_whose_tree_is_missing_is_one_clear_line(repository: Path) -> None:
    tree = run_git(repository, "rev-parse", "HEAD^{tree}").strip()
    (repository / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    with pytest.raises(BaseError, match="git cannot read") as refused:
        take_base(repository)
    assert "\n" not in str(refused.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_nobody_may_read_is_one_clear_line(repository: Path) -> None:
    (repository / "run.sh").chmod(0)
    with pytest.raises(BaseError, match=r"cannot read .*run\.sh: Permission denied; allow it, or let git"):
        take_base(repository)


def test_the_author_is_the_repository_s_then_the_user_s_then_ours(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    assert author(repository / ".git") == ("marginal-agent", "agent@localhost")
    (tmp_path / "gitconfig").write_text("[user]\n\tname = The User\n\temail = user@example.org\n")
    run_git(repository, "config", "user.email", "work@example.org")
    assert author(repository / ".git") == ("The User", "work@example.org")


def test_without_git_it_is_one_clear_line(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(BaseError, match=r"git is not installed; install it"):
        take_base(repository)


def test_git_that_does_not_end_is_given_up(repository: Path) -> None:
    os.mkfifo(repository / "endless")
    run_git(repository, "config", "include.path", str(repository / "endless"))
    with pytest.raises(GitError, match="did not end within 1 s"):
        git("rev-parse", "HEAD", git_dir=repository / ".git", timeout=1)


def test_a_missing_object_is_not_fetched(repository: Path, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    for name, value in {
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
        "remote.origin.url": f"ext::touch {marker}",
        "remote.origin.uploadpack": f"touch {marker};",
        "protocol.allow": "always",
        "core.sshCommand": f"touch {marker};",
        "core.alternateRefsCommand": f"touch {marker};",
    }.items():
        run_git(repository, "config", name, value)
    with pytest.raises(GitError):
        git("cat-file", "-p", "1" * 40, git_dir=repository / ".git")
    assert not marker.exists()
