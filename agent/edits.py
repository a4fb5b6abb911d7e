"""Edits as a blob of the trace: paths and new contents (base64, since a file need not be text)."""

from __future__ import annotations

import base64

from pydantic import TypeAdapter

from tools.files import FileEdit

_EDITS: TypeAdapter[tuple[tuple[str, str | None], ...]] = TypeAdapter(tuple[tuple[str, str | None], ...])


def dump_edits(edits: tuple[FileEdit, ...]) -> bytes:
    """Edits as JSON bytes."""
    return _EDITS.dump_json(
        tuple(
            (edit.path, None if edit.content is None else base64.b64encode(edit.content).decode())
            for edit in edits
        )
    )


def load_edits(data: bytes) -> tuple[FileEdit, ...]:
    """Edits from a blob. Raises ValueError when it is not one."""
    return tuple(
        FileEdit(path, None if content is None else base64.b64decode(content, validate=True))
        for path, content in _EDITS.validate_json(data)
    )
