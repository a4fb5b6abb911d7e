"""Write out the rows of a knitting pattern: "k2 3(p k2) k" has three repeats of "p k k"."""

from __future__ import annotations


def stitches(row: str) -> str:
    """The stitches one by one: k (knit), p (purl), y (yarn over)."""
    text, _ = _group(row, 0)
    return text


def _group(row: str, position: int) -> tuple[str, int]:
    """The stitches up to the end of this bracket, and where it goes on."""
    done = ""
    times = ""
    while position < len(row):
        sign = row[position]
        position += 1
        if sign == " ":
            continue
        if sign.isdigit():
            times += sign
        elif sign == ")":
            break
        elif sign == "(":
            inner, position = _group(row, position)
            done += inner * int(times or 1)
            times = ""
        else:
            count = ""
            while position < len(row) and row[position].isdigit():
                count += row[position]
                position += 1
            done += sign * int(count or 1)
    return done, position


def width(row: str) -> int:
    return len(stitches(row))
