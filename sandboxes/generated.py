"""Files that installing a repository wrote into it: found, bounded, kept in the image, read back.

The bytes come from code of the repository. They are only ever handled as a tar of regular files here, and
unpacked inside a sandbox.
"""

from __future__ import annotations

import io
import posixpath
import secrets
import tarfile

from docker import DockerClient
from docker.errors import NotFound

from sandboxes.docker import LABEL, host_labels, remove_container
from sandboxes.engine import engine_errors

MAX_BYTES = 20 * 2**20


def generated_files(before: bytes, after: bytes) -> bytes | None:
    """Tar of the regular files of `after` that `before` does not have; None when beyond MAX_BYTES.

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
                return None
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = member.size, 0o755 if member.mode & 0o100 else 0o644
            kept.addfile(entry, tree.extractfile(member))
    return out.getvalue()


def read_generated(client: DockerClient, image: str, path: str) -> bytes:
    """Contents of the file `path` of an image, from a container that is never started; empty without one.

    Raises SandboxError when the engine fails.
    """
    name = f"{LABEL}-look-{secrets.token_hex(6)}"
    with engine_errors("reading the environment image"):
        client.containers.create(image, name=name, entrypoint=["true"], labels=host_labels())
        try:
            chunks, _ = client.api.get_archive(name, path)
            packed = b"".join(chunks)
        except NotFound:
            return b""
        finally:
            remove_container(client, name)
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:") as archive:
        member = archive.next()
        file = archive.extractfile(member) if member is not None and member.isreg() else None
        return file.read(2 * MAX_BYTES) if file is not None else b""
