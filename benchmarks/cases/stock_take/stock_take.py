"""Compare what should be in a store with what was counted there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Article:
    name: str
    expected: int
    counted: int | None = None

    def difference(self) -> int | None:
        """None as long as nobody has counted."""
        if self.counted is None:
            return None
        return self.counted - self.expected


class StockTake:
    def __init__(self, expected: dict[str, int]) -> None:
        self.articles = {name: Article(name, number) for name, number in expected.items()}

    def count(self, name: str, number: int) -> None:
        """What lies in several places is counted in several goes."""
        article = self.articles.setdefault(name, Article(name, 0))
        article.counted = (article.counted or 0) + number

    def open(self) -> list[str]:
        return sorted(article.name for article in self.articles.values() if article.counted is None)

    def report(self) -> list[str]:
        lines = []
        for name in sorted(self.articles):
            difference = self.articles[name].difference()
            if difference:
                lines.append(f"{name}: {difference:+}")
        return lines
