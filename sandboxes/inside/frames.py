"""Frames between the host and the runner: a length-prefixed JSON header and a raw payload.

On the wire: 4 bytes length of the header, 8 bytes length of the payload (big endian), header, payload.
"""

from __future__ import annotations

import json
import os
import struct
from typing import Any, Dict, Tuple

PREFIX = struct.Struct(">IQ")
MAX_HEADER = 16_000_000
CHUNK = 1 << 20
FEED_WINDOW = 4 << 20  # bytes of input that may be on their way to an interactive command, unread by it


def encode(message: Dict[str, Any], payload_size: int = 0) -> bytes:
    """Prefix and header of a frame; `payload_size` raw bytes must follow."""
    header = json.dumps(message).encode("ascii")
    return PREFIX.pack(len(header), payload_size) + header


def decode_prefix(prefix: bytes) -> Tuple[int, int]:
    """Lengths of header and payload. Raises ValueError for a header no peer of ours would send."""
    header_size, payload_size = PREFIX.unpack(prefix)
    if header_size > MAX_HEADER:
        raise ValueError(f"frame header of {header_size} bytes")
    return header_size, payload_size


def read_exactly(fd: int, size: int) -> bytes:
    """`size` bytes from a blocking descriptor. Raises EOFError when it ends before."""
    parts = []
    while size:
        part = os.read(fd, min(size, CHUNK))
        if not part:
            raise EOFError("the other end is gone")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def write_all(fd: int, data: bytes) -> None:
    """All of `data` to a blocking descriptor."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def read_header(fd: int) -> Tuple[Dict[str, Any], int]:
    """Next header and the number of payload bytes that follow it. Raises EOFError at the end."""
    header_size, payload_size = decode_prefix(read_exactly(fd, PREFIX.size))
    message: Dict[str, Any] = json.loads(read_exactly(fd, header_size).decode("ascii"))
    return message, payload_size


def send(fd: int, message: Dict[str, Any], payload: bytes = b"") -> None:
    """Write one frame."""
    write_all(fd, encode(message, len(payload)) + payload)
