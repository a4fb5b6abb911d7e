"""TOML of a repository: data that may be hostile, so bounded in size and in the depth of its keys."""

from __future__ import annotations

import re
import tomllib
from typing import Any

MAX_BYTES = 2**20
MAX_LINE_DOTS = 64
_IN_STRINGS = re.compile(rb"\"[^\"\n]*\"|'[^'\n]*'")


def load_toml(data: bytes) -> dict[str, Any]:
    """The document. Raises ValueError for what is no TOML, too large, or nested absurdly deep.

    (A key of many dots takes time quadratic in their number, a deep array exhausts the stack.)
    """
    if len(data) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES // 2**20} MB")
    if any(line.count(b".") > MAX_LINE_DOTS for line in _IN_STRINGS.sub(b"", data).split(b"\n")):
        raise ValueError(f"a line of it has more than {MAX_LINE_DOTS} dots")
    try:
        return tomllib.loads(data.decode())
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
