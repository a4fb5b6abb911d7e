"""Files of the work area: bytes kept exactly, links never followed out, checkpoints that hold."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandboxes.interface import RunRequest, Sandbox


def shell(sandbox: Sandbox, command: str) -> str:
    result = sandbox.run(RunRequest(("sh", "-c", command), timeout=20))
    assert result.exit_code == 0, result.stderr
    return result.stdout.decode()


def tar_of(members: dict[str, bytes | str]) -> bytes:
    """A tar: bytes are files, text is a link's target."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            if isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
                archive.addfile(entry)
            else:
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def members_of(tar: bytes) -> dict[str, bytes | str]:
    found: dict[str, bytes | str] = {}
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        for entry in archive:
            body = archive.extractfile(entry) if entry.isreg() else None
            if body is not None:
                found[entry.name] = body.read()
            elif entry.issym():
                found[entry.name] = entry.linkname
    return found


def test_write_read_remove(any_sandbox: Sandbox) -> None:
    data = bytes(range(256)) * 1000
    any_sandbox.write("/workspace/deep/er/file", data, executable=True)
    any_sandbox.write("/workspace/deep/er/file", data)  # a new content leaves a program a program
    assert any_sandbox.read("/workspace/deep/er/file") == data
    assert shell(any_sandbox, "stat -c '%u %g %a' deep/er/file") == "1000 1000 755\n"
    with pytest.raises(ValueError, match="more than 10"):
        any_sandbox.read("/workspace/deep/er/file", max_bytes=10)
    any_sandbox.remove("/workspace/deep")
    any_sandbox.remove("/workspace/deep")
    with pytest.raises(FileNotFoundError):
        any_sandbox.read("/workspace/deep/er/file")
    with pytest.raises(IsADirectoryError):
        any_sandbox.write("/workspace/folder/x", b"")
        any_sandbox.write("/workspace/folder", b"")


def test_special_files_are_not_read(any_sandbox: Sandbox) -> None:
    shell(any_sandbox, "mkfifo pipe; ln -s /dev/zero zero")
    with pytest.raises(ValueError, match="not a regular file"):
        any_sandbox.read("/workspace/pipe")
    with pytest.raises(ValueError, match="outside"):
        any_sandbox.read("/workspace/zero")


def test_links_out_of_the_work_area_are_refused(any_sandbox: Sandbox) -> None:
    shell(any_sandbox, "ln -s /tmp out; ln -s /etc/passwd users; ln -s / root")
    for path in ("/workspace/out/x", "/workspace/root/tmp/x", "/tmp/x", "/workspace/../tmp/x"):
        with pytest.raises(ValueError, match="outside"):
            any_sandbox.write(path, b"x")
        with pytest.raises(ValueError, match="outside"):
            any_sandbox.remove(path)
    for path in ("/workspace/users", "/workspace/root/etc/passwd", "/etc/passwd"):
        with pytest.raises(ValueError, match="outside"):
            any_sandbox.read(path)
    with pytest.raises(ValueError, match="outside"):
        any_sandbox.export("/workspace/root")
    with pytest.raises(ValueError, match="outside"):
        any_sandbox.put_tar("/workspace/out", tar_of({"x": b""}))


def test_writing_replaces_a_link_and_not_its_target(any_sandbox: Sandbox) -> None:
    any_sandbox.write("/workspace/target", b"kept")
    shell(any_sandbox, "ln -s target link; ln target hard")
    any_sandbox.write("/workspace/link", b"new")
    any_sandbox.write("/workspace/hard", b"new")
    assert any_sandbox.read("/workspace/target") == b"kept"
    assert any_sandbox.read("/workspace/link") == b"new"


def test_tar_in_and_out(any_sandbox: Sandbox) -> None:
    members: dict[str, bytes | str] = {"a/b.txt": b"x" * 100_000, "a/link": "b.txt", "c": b"", "\udcff": b"n"}
    any_sandbox.put_tar("/workspace/repo", tar_of(members))
    shell(any_sandbox, "mkfifo repo/pipe; ln repo/a/b.txt repo/hard")
    expected = {**members, "hard": b"x" * 100_000}
    assert members_of(any_sandbox.export("/workspace/repo")) == expected
    with pytest.raises(ValueError, match="more than 5000 bytes"):
        any_sandbox.export("/workspace/repo", max_bytes=5000)
    with pytest.raises(FileNotFoundError):
        any_sandbox.export("/workspace/missing")
    assert shell(any_sandbox, "echo well") == "well\n"


@pytest.mark.parametrize(
    "members",
    [
        {"../x": b""},
        {"a/../../x": b""},
        {"/workspace/../etc/x": b""},
        {"a": "/tmp", "a/x": b""},
        {"a": "..", "a/x": b""},
    ],
)
def test_tar_members_that_leave_are_refused(any_sandbox: Sandbox, members: dict[str, bytes | str]) -> None:
    with pytest.raises(ValueError):
        any_sandbox.put_tar("/workspace/repo", tar_of(members))
    assert shell(any_sandbox, "ls /tmp; ls -A /workspace | grep -v repo || true") == ""


def test_a_tar_that_does_not_fit(any_sandbox: Sandbox) -> None:
    shell(any_sandbox, "fallocate -l 1000M big")
    with pytest.raises(OSError, match="No space left"):
        any_sandbox.put_tar("/workspace/repo", tar_of({"x": bytes(60 * 2**20)}))
    any_sandbox.remove("/workspace/big")
    assert shell(any_sandbox, "echo well") == "well\n"


def test_broken_tar_is_a_value_error(any_sandbox: Sandbox) -> None:
    with pytest.raises(ValueError):
        any_sandbox.put_tar("/workspace/repo", b"no tar at all" * 1000)
    assert shell(any_sandbox, "echo well") == "well\n"


VANDAL = """
import os
os.chdir('/workspace/repo')
open('in_place', 'r+').write('XXXX')       # same inode, same length
os.utime('in_place', ns=(1, 1))
os.unlink('gone')
os.rename('moved', 'elsewhere')
os.chmod('mode', 0o777)
os.unlink('link'); os.symlink('/etc', 'link')
os.rename('folder', 'old'); open('folder', 'w').write('a file now')
os.makedirs('new/deep'); open('new/deep/er', 'w').write('stranger')
os.chmod('new', 0)
"""


def test_restore_undoes_every_kind_of_change(any_sandbox: Sandbox) -> None:
    names = ("in_place", "gone", "moved", "mode", "folder/inner", "untouched")
    any_sandbox.put_tar("/workspace/repo", tar_of({**dict.fromkeys(names, b"text"), "link": "mode"}))
    describe = "cd repo && find . -printf '%p %y %m %s %l %T@\\n' | grep -v '^. d' | sort; cat in_place"
    before, inode = shell(any_sandbox, describe), shell(any_sandbox, "stat -c %i repo/untouched")
    files = members_of(any_sandbox.export("/workspace/repo"))
    token = any_sandbox.checkpoint("/workspace/repo")
    for _ in range(2):
        assert any_sandbox.run(RunRequest((any_sandbox.python, "-c", VANDAL), timeout=20)).exit_code == 0
        any_sandbox.restore(token)
        assert members_of(any_sandbox.export("/workspace/repo")) == files
        assert file_times_only(shell(any_sandbox, describe)) == file_times_only(before)
    assert shell(any_sandbox, "stat -c %i repo/untouched") == inode, "an untouched file is left alone"


def file_times_only(listing: str) -> list[str]:
    return [line if " f " in line else line.rsplit(" ", 1)[0] for line in listing.splitlines()]


def test_restore_of_a_folder_that_became_a_link(any_sandbox: Sandbox) -> None:
    any_sandbox.write("/workspace/repo/file", b"1")
    any_sandbox.write("/workspace/other/file", b"2")
    token = any_sandbox.checkpoint("/workspace/repo")
    shell(any_sandbox, "rm -r repo; ln -s other repo")
    any_sandbox.restore(token)
    assert any_sandbox.read("/workspace/repo/file") == b"1"
    assert any_sandbox.read("/workspace/other/file") == b"2"


def test_checkpoints_are_independent(any_sandbox: Sandbox) -> None:
    tokens = []
    for text in (b"one", b"two", b"three"):
        any_sandbox.write("/workspace/repo/file", text)
        tokens.append(any_sandbox.checkpoint("/workspace/repo"))
    for token, text in zip(tokens, (b"one", b"two", b"three"), strict=True):
        any_sandbox.restore(token)
        assert any_sandbox.read("/workspace/repo/file") == text


names = st.text("abc", min_size=1, max_size=2)
trees = st.dictionaries(
    st.lists(names, min_size=1, max_size=3).map("/".join), st.binary(max_size=20), max_size=6
)


def plain_tree(tree: dict[str, bytes]) -> dict[str, bytes | str]:
    """Without files that would have to be folders too."""
    return {
        path: data for path, data in tree.items() if not any(other.startswith(path + "/") for other in tree)
    }


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=trees.map(plain_tree), after=trees.map(plain_tree))
def test_restore_is_exact_for_any_two_trees(
    any_sandbox: Sandbox, before: dict[str, bytes | str], after: dict[str, bytes | str]
) -> None:
    any_sandbox.remove("/workspace/repo")
    any_sandbox.put_tar("/workspace/repo", tar_of(before))
    token = any_sandbox.checkpoint("/workspace/repo")
    any_sandbox.remove("/workspace/repo")
    any_sandbox.put_tar("/workspace/repo", tar_of(after))
    any_sandbox.restore(token)
    assert members_of(any_sandbox.export("/workspace/repo")) == before
