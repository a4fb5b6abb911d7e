"""The index of a herb book: which pages speak of which plant."""

from __future__ import annotations


def index(pages: list[str], plants: list[str]) -> dict[str, list[int]]:
    """The pages (from 1) on which each plant is named, in whatever case."""
    found: dict[str, list[int]] = {}
    for number, page in enumerate(pages, start=1):
        words = {word.strip(".,;:()").lower() for word in page.split()}
        for plant in plants:
            if plant.lower() in words:
                found.setdefault(plant, []).append(number)
    return found


def spans(numbers: list[int]) -> str:
    """Page numbers as an index prints them: 3, 5-8, 11."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(str(part[0]) if len(part) == 1 else f"{part[0]}-{part[-1]}" for part in parts)


def printed(pages: list[str], plants: list[str]) -> list[str]:
    return [f"{plant} {spans(numbers)}" for plant, numbers in sorted(index(pages, plants).items())]
