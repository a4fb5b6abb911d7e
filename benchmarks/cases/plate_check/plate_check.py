"""Check and sort the number plates of a car park's season tickets."""

from __future__ import annotations

import re

PLATE = re.compile(r"([A-Z]{1,3})-([A-Z]{1,2}) ([1-9][0-9]{0,3})(E?)")


def valid(plate: str) -> bool:
    return PLATE.fullmatch(plate) is not None


def tidy(text: str) -> str:
    """As it stands on the car: capitals, one hyphen, one blank."""
    parts = re.findall(r"[A-Z]+|[0-9]+", text.upper())
    if len(parts) < 3:
        return text
    return f"{parts[0]}-{parts[1]} {''.join(parts[2:])}"


def electric(plates: list[str]) -> list[str]:
    """Plates that end in E, by place, letters, then number."""
    found = []
    for plate in plates:
        match = PLATE.fullmatch(plate)
        if match and match[4]:
            found.append((match[1], match[2], int(match[3]), plate))
    return [plate for *_, plate in sorted(found)]
