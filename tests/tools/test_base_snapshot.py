"""The base: what is in it, what is left out, and that reading it runs nothing of the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from driver import run_git

from tools.base import BaseError, take_base


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    (folder / "pkg").mkdir(parents=True)
    run_git(tmp_path, "init", "-q", str(folder))
    (folder / "pkg" / "a.py").write_text("x = 1\n")
    (folder / "gone.py").write_text("y = 1\n")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / ".gitignore").write_text("*.log\n")
    run_git(folder, "add", ".")
    run_git(folder, "commit", "-qm", "one")
    return folder


def test_uncommitted_work_is_the_base_and_ignored_files_are_not(repository: Path) -> None:
    (repository / "pkg" / "a.py").write_text("x = 2\n")
    (repository / "new_test.py").write_text("def test(): ...\n")
    (repository / "debug.log").write_text("secret\n")
    (repository / "gone.py").unlink()
    base = take_base(repository)
    assert sorted(base.files) == [".gitignore", "new_test.py", "pkg/a.py", "run.sh"]
    assert base.read("pkg/a.py") == b"x = 2\n"
    assert base.files["run.sh"].mode == "100755"
    assert base.head == run_git(repository, "rev-parse", "HEAD").strip()
    assert base.dirty == ("gone.py", "new_test.py", "pkg/a.py")


def test_tree_hash_changes_with_content_mode_and_name_only(repository: Path) -> None:
    first = take_base(repository).tree_hash
    os.utime(repository / "run.sh", (1, 1))
    assert take_base(repository).tree_hash == first
    (repository / "run.sh").chmod(0o644)
    changed_mode = take_base(repository).tree_hash
    assert changed_mode != first
    (repository / "run.sh").rename(repository / "ran.sh")
    assert take_base(repository).tree_hash not in (first, changed_mode)


def test_a_subfolder_means_its_repository(repository: Path) -> None:
    assert take_base(repository / "pkg").root == repository


def test_symlinks_out_of_the_tree_and_embedded_repositories_are_left_out(repository: Path) -> None:
    (repository / "passwd").symlink_to("/etc/passwd")
    (repository / "up").symlink_to("../outside")
    (repository / "fine").symlink_to("pkg/a.py")
    (repository / "embedded").mkdir()
    run_git(repository / "embedded", "init", "-q")
    (repository / "embedded" / "f.py").write_text("z = 1\n")
    base = take_base(repository)
    assert "passwd" not in base.files
    assert "up" not in base.files
    assert base.files["fine"].mode == "120000"
    assert not any(path.startswith("embedded") for path in base.files)
    assert any("symlink out of the tree" in note for note in base.notes)
    assert any("embedded" in note for note in base.notes)


def test_names_with_newlines_and_bytes_that_are_not_text(repository: Path) -> None:
    (repository / "with\nnewline.py").write_text("a = 1\n")
    (repository / os.fsdecode(b"caf\xe9.txt")).write_bytes(b"\xff\x00")
    base = take_base(repository)
    assert base.read("with\nnewline.py") == b"a = 1\n"
    assert base.read(os.fsdecode(b"caf\xe9.txt")) == b"\xff\x00"
    assert len(base.tree_hash) == 64
    assert b"newline.py" in base.tar()


def test_nothing_of_the_repository_runs(repository: Path, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    evil = repository / "evil.sh"
    evil.write_text(f"#!/bin/sh\ntouch {marker}\ncat\n")
    evil.chmod(0o755)
    (repository / ".gitattributes").write_text("* filter=evil diff=evil\n")
    for name, value in {
        "core.fsmonitor": str(evil),
        "core.hooksPath": str(repository),
        "filter.evil.clean": str(evil),
        "filter.evil.smudge": str(evil),
        "diff.evil.textconv": str(evil),
        "diff.external": str(evil),
    }.items():
        run_git(repository, "config", name, value)
    (repository / "post-index-change").write_text(f"#!/bin/sh\ntouch {marker}\n")
    (repository / "post-index-change").chmod(0o755)
    (repository / "pkg" / "a.py").write_text("x = 3\n")
    base = take_base(repository)
    assert base.read("pkg/a.py") == b"x = 3\n"
    assert not marker.exists()


def test_outside_git(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("x = 1\n")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "m.pyc").write_bytes(b"x")
    base = take_base(tmp_path)
    assert base.git_dir is None
    assert sorted(base.files) == ["m.py"]


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(BaseError, match="is not a folder"):
        take_base(tmp_path / "missing")
    with pytest.raises(BaseError, match="no files"):
        take_base(tmp_path)
    run_git(tmp_path, "init", "-q", "--bare", "bare.git")
    with pytest.raises(BaseError, match="bare repository"):
        take_base(tmp_path / "bare.git")


def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    run_git(tmp_path, "init", "-q")
    (tmp_path / "a.py").write_text("x = 1\n")
    base = take_base(tmp_path)
    assert base.head == ""
    assert base.dirty == ("a.py",)
