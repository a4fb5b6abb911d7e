"""Which paths a patch changes, as git writes patches; no line of a file passes for a header."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.diff_paths import changed_paths


def git(folder: Path, *arguments: str) -> bytes:
    identity = ("-c", "user.name=T", "-c", "user.email=t@example.org")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, check=True)
    return done.stdout


def test_every_kind_of_change_is_seen(tmp_path: Path) -> None:
    before = {
        "a b.py": b"-- sql\nx\n" * 9,
        "gone.py": b"1\n",
        "old.py": b"same\n" * 20,
        "mode.sh": b"m\n",
        "blob.bin": bytes(range(256)),
        'naïve\t"q".py': b"q\n",
        "empty.py": b"",
    }
    git(tmp_path, "init", "-q")
    for name, data in before.items():
        (tmp_path / name).write_bytes(data)
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "base")
    (tmp_path / "a b.py").write_bytes(b"-- a/../etc/passwd\n++ b/other.py\nx\n" * 3)
    (tmp_path / "gone.py").unlink()
    (tmp_path / "old.py").rename(tmp_path / "new.py")
    (tmp_path / "mode.sh").chmod(0o755)
    (tmp_path / "blob.bin").write_bytes(bytes(reversed(range(256))))
    (tmp_path / 'naïve\t"q".py').write_bytes(b"r\n")
    (tmp_path / "empty.py").unlink()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "no newline").write_bytes(b"x")
    git(tmp_path, "add", "-A")
    patch = git(tmp_path, "diff", "--cached", "--binary", "-M")
    expected = {*before, "new.py", "sub/no newline"}
    assert {*changed_paths(patch)} == expected
    assert {*changed_paths(git(tmp_path, "diff", "--cached", "-M", "-U0"))} == expected
    assert {*changed_paths(git(tmp_path, "diff", "--cached", "--no-renames"))} == expected


@given(st.lists(st.binary(max_size=30).filter(lambda line: b"\n" not in line), max_size=8))
def test_no_content_of_a_file_is_a_header(lines: list[bytes]) -> None:
    body = b"".join(b"+" + line + b"\n" for line in lines)
    patch = b"--- /dev/null\n+++ b/x.py\n@@ -0,0 +1,%d @@\n" % len(lines) + body
    assert changed_paths(patch) == ("x.py",)


def test_a_hunk_that_claims_more_lines_than_it_has_hides_nothing() -> None:
    patch = b"--- a/x\n+++ b/x\n@@ -1,99 +1,99 @@\n x\ndiff --git a/y b/y\nrename from y\nrename to z\n"
    assert changed_paths(patch) == ("x", "y", "z")


@pytest.mark.parametrize("data", [b"", b"hello\n", b"@@ -1 +1 @@\n-a\n+b\n", bytes(range(256))])
def test_what_is_no_patch_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="names no file"):
        changed_paths(data)
