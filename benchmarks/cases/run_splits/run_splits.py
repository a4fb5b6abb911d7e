"""Times of a run: "1:02:03" and what follows from them."""

from __future__ import annotations


def seconds(time: str) -> int:
    """Seconds of "h:mm:ss", "mm:ss" or "ss"."""
    total = 0
    for part in time.split(":"):
        total = total * 60 + int(part)
    return total


def clock(total: int) -> str:
    minutes, rest = divmod(total, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def splits(times: list[str]) -> list[str]:
    """Time of each lap, from the times at which the laps ended."""
    ends = [0, *(seconds(time) for time in times)]
    return [clock(ends[i + 1] - ends[i]) for i in range(len(times))]


def pace(time: str, kilometres: float) -> str:
    """Time per kilometre, rounded."""
    return clock(round(seconds(time) / kilometres))


def negative_split(times: list[str]) -> bool:
    """Whether the second half was faster; an odd lap in the middle belongs to neither."""
    laps = [seconds(lap) for lap in splits(times)]
    half = len(laps) // 2
    return sum(laps[len(laps) - half :]) < sum(laps[:half])
