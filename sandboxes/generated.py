"""Files that installing a repository wrote into it: found and bounded.

The bytes come from code of the repository. They are only ever handled as a tar of regular files here, and
unpacked inside a sandbox.
"""

from __future__ import annotations

import io
import posixpath
import tarfile

MAX_BYTES = 20 * 2**20


NOTHING = bytes(2 * tarfile.BLOCKSIZE)
"""A tar without files."""


def generated_files(before: bytes, after: bytes) -> bytes:
    """Tar of the regular files of `after` that `before` does not have; ValueError beyond MAX_BYTES.

    Byte code is left out: it is made again when needed.
    """
    with tarfile.open(fileobj=io.BytesIO(before), mode="r:") as tree:
        known = {posixpath.normpath(member.name) for member in tree}
    total = 0
    out = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(after), mode="r:") as tree,
        tarfile.open(fileobj=out, mode="w:", format=tarfile.GNU_FORMAT) as kept,
    ):
        for member in tree:
            name = posixpath.normpath(member.name)
            if not member.isreg() or name in known or name.endswith(".pyc"):
                continue
            total += member.size
            if total > MAX_BYTES:
                raise ValueError(f"it is more than {MAX_BYTES // 2**20} MB")
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = member.size, 0o755 if member.mode & 0o100 else 0o644
            kept.addfile(entry, tree.extractfile(member))
    return out.getvalue()
