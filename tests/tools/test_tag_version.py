"""Versions from tags, on real git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools.base import take_base
from tools.tag_version import tag_version


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init")
    (tmp_path / "a.py").write_text("a = 1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "one")
    return tmp_path


@pytest.mark.parametrize(
    ("tag", "version"),
    [
        ("v1.2.3", "1.2.3"),
        ("1.2", "1.2"),
        ("release-2024.1.0rc1", "2024.1.0rc1"),
        ("package/v3.0.0", "3.0.0"),
        ("nightly-1-of-many", "0.0.0"),
        ("v1.x", "0.0.0"),
        ("v" + "9" * 200, "9" * 200),
    ],
)
def test_a_tagged_commit_has_the_version_of_its_tag(repository: Path, tag: str, version: str) -> None:
    git(repository, "tag", tag)
    found = tag_version(take_base(repository))
    assert found == version


def test_commits_after_a_tag_are_the_next_patch_in_development(repository: Path) -> None:
    git(repository, "tag", "v1.2.3")
    for number in range(3):
        git(repository, "commit", "--allow-empty", "-m", str(number))
    assert tag_version(take_base(repository)) == "1.2.4.dev3"


def test_without_tags_or_git_there_is_no_version(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert tag_version(take_base(repository)) == "0.0.0"
    bare = tmp_path_factory.mktemp("plain")
    (bare / "a.py").write_text("a = 1\n")
    assert tag_version(take_base(bare)) == "0.0.0"
