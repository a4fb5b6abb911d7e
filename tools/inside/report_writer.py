"""Writes the signed report lines that `tools.report` reads on the host.

A line is `MAC JSON\\n`; the MAC is keyed BLAKE2b over the JSON bytes, which hold the line's number. Code
under test that finds the descriptor cannot add, repeat or drop a line without the key. (It runs in the
same process, so it could search memory for the key: the static scan looks for code that would.)
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

# Kept here because tests replace attributes of os and json for a while.
_write = os.write
_getpid = os.getpid
_encode = json.JSONEncoder(ensure_ascii=False).encode
_sign = hashlib.blake2b


class Reporter:
    """Emits events from this process only (a fork of it, made by a test, stays silent)."""

    def __init__(self, descriptor: int, key: bytes) -> None:
        os.set_inheritable(descriptor, False)
        self.descriptor = descriptor
        self._process = os.getpid()
        self._key = key
        self._count = 0

    def emit(self, event: str, **fields: Any) -> None:
        """Write one line."""
        if _getpid() != self._process:
            return
        # A lone surrogate (a file name that is not UTF-8, say) has no place in JSON.
        body = _encode({"n": self._count, "event": event, **fields}).encode("utf-8", "replace")
        self._count += 1
        line = _sign(body, key=self._key, digest_size=16).hexdigest().encode() + b" " + body + b"\n"
        while line:
            line = line[_write(self.descriptor, line) :]
