"""TOML of a repository: data that may be hostile, so bounded in size and in the work its keys make."""

from __future__ import annotations

import tomllib
from typing import Any

MAX_BYTES = 2**20
MAX_KEY_STEPS = 2 * 10**7
"""Bound on the steps that reading the keys may take: 0.2 μs each, measured, so 4 s."""


def load_toml(data: bytes, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """The document. Raises ValueError for what is no TOML, too large, nested too deeply or too slow to read.

    Everything but keys is read in linear time: 8 MB of a lock file take about a second.
    """
    if len(data) > max_bytes:
        raise ValueError(f"it is larger than {max_bytes // 2**20} MB")
    if _key_steps(data) > MAX_KEY_STEPS:
        raise ValueError("its keys have too many dots")
    try:
        return tomllib.loads(data.decode())
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _key_steps(data: bytes) -> int:
    """At most how many steps tomllib takes for the keys.

    For each part of a key it walks all parts before it, those of the table's header included. A dot in a
    string counts as well: where strings begin and end is not known before the document is read.
    """
    lines = [(line.lstrip(), line.count(b".")) for line in data.split(b"\n") if line]
    deepest = max((dots for line, dots in lines if line.startswith(b"[")), default=0)
    return sum((dots + 1) * (dots + deepest + 1) for _, dots in lines)
