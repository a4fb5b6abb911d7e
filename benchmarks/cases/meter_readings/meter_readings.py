"""What a household used, from the readings of its meter; the meter starts again after 99999."""

from __future__ import annotations


class Meter:
    def __init__(self, digits: int = 5) -> None:
        self.size = 10**digits
        self.readings: list[tuple[int, int]] = []

    def read(self, day: int, value: int) -> None:
        if not 0 <= value < self.size:
            raise ValueError(f"the meter cannot show {value}")
        if self.readings and day <= self.readings[-1][0]:
            raise ValueError("readings must be in order")
        self.readings.append((day, value))

    def used(self) -> int:
        """Units between the first and the last reading."""
        total = 0
        for i in range(1, len(self.readings)):
            total += (self.readings[i][1] - self.readings[i - 1][1]) % self.size
        return total

    def per_day(self) -> float:
        if len(self.readings) < 2:
            return 0.0
        return self.used() / (self.readings[-1][0] - self.readings[0][0])
