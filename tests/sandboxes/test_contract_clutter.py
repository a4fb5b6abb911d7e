"""What hostile code leaves in the work area: exported as plain files or refused, and always put back."""

from __future__ import annotations

import io
import tarfile

import pytest
from contract import SMALL, Opener, said, script, shell, started

from sandboxes.interface import Sandbox, SandboxLimits


def test_a_work_area_nobody_may_enter_is_opened_again(any_sandbox: Sandbox) -> None:
    any_sandbox.write("/workspace/repo/a.py", b"a = 1\n")
    token = any_sandbox.checkpoint("/workspace/repo")
    # Podman's work area is root's, which nobody inside can shut in the first place.
    shut = shell(any_sandbox, "chmod 0 repo/a.py repo && { test ! -O /workspace || chmod 0 /workspace; }")
    assert shut.exit_code == 0
    any_sandbox.restore(token)
    assert shell(any_sandbox, "cat repo/a.py").stdout == b"a = 1\n"


CLUTTER = r"""
import os, socket
os.chdir('/workspace/repo')
os.mkfifo('pipe')
socket.socket(socket.AF_UNIX).bind('socket')
os.link('kept.py', 'hard')
os.symlink('loop', 'loop')
os.symlink('/etc/passwd', 'passwd')
os.symlink('x' * 4000, 'long')
for name in (b'new\nline', b'\xff\xfe', b'-rf', b'n' * 255, b'\x1b[31m', b'::set-output name=a::b'):
    with open(name, 'w') as file:
        file.write('clutter')
for name in ('closed', 'closed/deeper'):
    os.mkdir(name)
with open('closed/deeper/file', 'w') as file:
    file.write('kept too')
os.chmod('closed/deeper/file', 0)
os.chmod('closed/deeper', 0)
os.chmod('closed', 0)
"""


def test_clutter_is_exported_as_files_and_put_back(any_sandbox: Sandbox) -> None:
    any_sandbox.write("/workspace/repo/kept.py", b"kept = 1\n")
    token = any_sandbox.checkpoint("/workspace/repo")
    said(any_sandbox, CLUTTER)
    with tarfile.open(fileobj=io.BytesIO(any_sandbox.export("/workspace/repo"))) as archive:
        members = {member.name: member for member in archive}
    assert {member.type for member in members.values()} <= {tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE}
    assert {"kept.py", "hard", "new\nline", "\udcff\udcfe", "closed/deeper/file"} <= members.keys()
    assert not {"pipe", "socket"} & members.keys()
    again = any_sandbox.checkpoint("/workspace/repo")
    any_sandbox.restore(token)
    assert shell(any_sandbox, "ls -A repo").stdout == b"kept.py\n"
    any_sandbox.restore(again)
    assert shell(any_sandbox, "ls -A repo | wc -l; cat repo/hard").stdout == b"13\nkept = 1\n"


def test_a_tree_too_deep_for_any_path(any_sandbox: Sandbox) -> None:
    any_sandbox.write("/workspace/repo/kept.py", b"kept = 1\n")
    token = any_sandbox.checkpoint("/workspace/repo")
    dig = "import os\nos.chdir('/workspace/repo')\nfor _ in range(10000): os.mkdir('deep'); os.chdir('deep')"
    assert script(any_sandbox, dig).exit_code == 0
    for refused in (any_sandbox.export, any_sandbox.checkpoint):
        with pytest.raises(OSError, match="File name too long"):
            refused("/workspace/repo")
    any_sandbox.restore(token)
    assert shell(any_sandbox, "ls -A repo").stdout == b"kept.py\n"


def test_a_sparse_file_larger_than_any_disk(any_sandbox: Sandbox) -> None:
    any_sandbox.write("/workspace/repo/kept.py", b"kept = 1\n")
    token = any_sandbox.checkpoint("/workspace/repo")
    assert shell(any_sandbox, "truncate -s 1T repo/kept.py repo/huge").exit_code == 0
    for refused in (any_sandbox.export, any_sandbox.checkpoint, any_sandbox.read):
        path = "/workspace/repo/huge" if refused == any_sandbox.read else "/workspace/repo"
        with pytest.raises(ValueError, match="more than"):
            refused(path)
    any_sandbox.restore(token)
    assert any_sandbox.read("/workspace/repo/kept.py") == b"kept = 1\n"


def test_as_many_files_as_fit_are_put_back(open_sandbox: Opener, counted_files: bool) -> None:
    limits = SandboxLimits(memory_bytes=2**30, disk_bytes=128 * 2**20, processes=64)
    with started(open_sandbox(limits)) as sandbox:
        sandbox.write("/workspace/repo/kept.py", b"kept = 1\n")
        token = sandbox.checkpoint("/workspace")
        fill = "for i in range(10**6): open(f'/workspace/{i}', 'w').close()"
        result = script(sandbox, fill, timeout=60)
        assert (result.disk_full and b"No space left" in result.stderr) or not counted_files
        sandbox.restore(token)
        assert shell(sandbox, "find . -type f").stdout == b"./repo/kept.py\n"


def test_a_full_work_area_is_put_back(open_sandbox: Opener) -> None:
    with started(open_sandbox(SMALL)) as sandbox:
        sandbox.write("/workspace/repo/kept.py", b"kept = 1\n")
        token = sandbox.checkpoint("/workspace")
        result = shell(sandbox, "rm repo/kept.py; cat /dev/zero > elsewhere")
        assert result.disk_full
        sandbox.restore(token)
        assert sandbox.read("/workspace/repo/kept.py") == b"kept = 1\n"
