"""Money, durations and rates as people write them: `$2`, `2 usd`, `10m`, `90/h`. Dollars are shown by
`policies.amounts`."""

from __future__ import annotations

import math
import re

_NUMBER = r"(?P<number>\d+(?:\.\d+)?|\.\d+)"
_MONEY = re.compile(rf"^\$?\s*{_NUMBER}\s*(?:\$|usd|dollars?)?$", re.IGNORECASE)
_DURATION_PART = re.compile(
    rf"\s*{_NUMBER}\s*(?P<unit>ms|[smhd]|secs?|seconds?|mins?|minutes?|hrs?|hours?|days?)(?![a-z])\s*", re.I
)
_RATE = re.compile(r"^(?P<money>.+?)\s*(?:/|per)\s*(?P<unit>[a-z]+)$", re.IGNORECASE)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = re.compile(rf"^{_NUMBER}\s*(?P<unit>[kmgt])i?b?$", re.IGNORECASE)
_BYTES = {"k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_NO_LIMIT = {"none", "unlimited", "inf", "no"}


def money(text: str) -> float:
    """Dollars from `2`, `$2`, `0.5 usd`. Raises ValueError for anything else, negatives included."""
    match = _MONEY.match(text.strip())
    if match is None:
        raise ValueError(f"'{text}' is not an amount of money of at least 0 (write $2, 0.50 or '2 usd')")
    return float(match["number"])


def duration(text: str) -> float:
    """Seconds from `90`, `90s`, `10m`, `1h30m`. Raises ValueError for anything else."""
    stripped = text.strip()
    if re.fullmatch(_NUMBER, stripped):
        return float(stripped)
    total, position = 0.0, 0
    while position < len(stripped):
        match = _DURATION_PART.match(stripped, position)
        if match is None:
            raise ValueError(f"'{text}' is not a duration of at least 0 (write 90s, 10m or 1h30m)")
        total += float(match["number"]) * _SECONDS[_unit(match["unit"])]
        position = match.end()
    if not stripped:
        raise ValueError("an empty text is not a duration (write 90s, 10m or 1h30m)")
    return total


def rate(text: str) -> float:
    """Dollars per second from `0.01`, `$0.01/s`, `90/h`. Raises ValueError for anything else."""
    match = _RATE.match(text.strip())
    if match is None:
        return money(text)
    unit = match["unit"].lower()
    try:
        seconds = _SECONDS[_unit(unit)]
    except KeyError:
        raise ValueError(f"'{text}' is not a price of time (write $0.01/s or 90/h)") from None
    return money(match["money"]) / seconds


def money_limit(text: str) -> float:
    """Like `money`, and `none` means no limit."""
    return math.inf if text.strip().lower() in _NO_LIMIT else money(text)


def duration_limit(text: str) -> float:
    """Like `duration`, and `none` means no limit."""
    return math.inf if text.strip().lower() in _NO_LIMIT else duration(text)


def size(text: str) -> int:
    """Bytes from `512m`, `2g`, `1.5 GiB` (powers of two). Raises ValueError for anything else."""
    match = _SIZE.match(text.strip())
    if match is None:
        raise ValueError(f"'{text}' is not a size (write 512m or 2g)")
    return int(float(match["number"]) * _BYTES[match["unit"].lower()])


def _unit(word: str) -> str:
    word = word.lower()
    return "ms" if word == "ms" else word[0] if word[0] in _SECONDS else word


def counted(count: int, what: str, many: str = "") -> str:
    """`1 test`, `3 tests`; with `many`, as in `2 people`."""
    return f"{count} {what if count == 1 else many or what + 's'}"


def show_size(count: float) -> str:
    """Bytes as `640 kB`, `12 MB`, `1.4 GB` (powers of ten, as engines and disks count)."""
    divisor, unit = (1e9, "GB") if count >= 1e9 else (1e6, "MB") if count >= 1e6 else (1e3, "kB")
    return f"{count / divisor:.{int(count < 10 * divisor and unit != 'kB')}f} {unit}"


def show_seconds(seconds: float) -> str:
    """`0.4s`, `42s`, `3m 10s`, `1h 05m` or `no limit`."""
    if math.isinf(seconds):
        return "no limit"
    if seconds < 10:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s" if whole % 60 else f"{whole // 60}m"
    return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
