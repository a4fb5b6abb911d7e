"""Patches of several tasks in one tree."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from tools.base import Base
from tools.files import FileEdit
from tools.host_git import GitError, empty_git_dir, git


class Conflict(ValueError):
    """Two patches change the same lines of `path`."""

    def __init__(self, path: str) -> None:
        super().__init__(f"it changes the same lines of {path} as another patch")
        self.path = path


def merged(base: Base, patches: Sequence[tuple[FileEdit, ...]]) -> tuple[FileEdit, ...]:
    """All of these edits of the base in one, merged line by line where they are of the same file.

    Raises Conflict.
    """
    together: dict[str, FileEdit] = {}
    for edit in (edit for patch in patches for edit in patch):
        other = together.get(edit.path)
        together[edit.path] = edit if other is None else _both(base.read(edit.path), other, edit)
    return tuple(together.values())


def _both(before: bytes | None, one: FileEdit, other: FileEdit) -> FileEdit:
    if one.content == other.content:
        return one
    if before is None or one.content is None or other.content is None:
        raise Conflict(one.path)
    with tempfile.TemporaryDirectory(prefix="marginal-agent-") as scratch:
        names = []
        for name, content in (("one", one.content), ("before", before), ("other", other.content)):
            path = Path(scratch, name)
            path.write_bytes(content)
            names.append(str(path))
        try:
            return FileEdit(
                one.path, git("merge-file", "-p", "-q", *names, git_dir=empty_git_dir(Path(scratch)))
            )
        except GitError:
            raise Conflict(one.path) from None
