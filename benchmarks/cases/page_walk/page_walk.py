"""Collect the entries of a catalogue that is given out page by page, each naming the next one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypedDict


class Page(TypedDict):
    entries: list[str]
    next: str | None


class Catalogue:
    def __init__(self, fetch: Callable[[str], Page], first: str = "start") -> None:
        self.fetch = fetch
        self.first = first
        self.fetched = 0

    def pages(self) -> Iterator[Page]:
        token: str | None = self.first
        while token is not None:
            page = self.fetch(token)
            self.fetched += 1
            yield page
            token = page["next"]

    def entries(self, most: int | None = None) -> list[str]:
        """All entries, or the first so many; fetches no page that is not needed."""
        found: list[str] = []
        for page in self.pages():
            found.extend(page["entries"])
            if most is not None and len(found) >= most:
                return found[:most]
        return found
