"""A log that knows the kiln it is about."""

from __future__ import annotations


class Log:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, line: str) -> None:
        self.lines.append(line)


class KilnLog(Log):
    """Notes temperatures, and warns once each time a limit is passed."""

    def __init__(self, kiln: str, limit: int) -> None:
        super().__init__()
        self.kiln = kiln
        self.limit = limit
        self.above = False

    def measured(self, minute: int, degrees: int) -> None:
        self.write(f"{minute:>4} {self.kiln} {degrees}")
        if degrees > self.limit and not self.above:
            self.write(f"{minute:>4} {self.kiln} above {self.limit}")
        self.above = degrees > self.limit

    def warnings(self) -> int:
        return sum("above" in line for line in self.lines)
