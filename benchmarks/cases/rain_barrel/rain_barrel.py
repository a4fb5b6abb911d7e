"""How full a rain barrel is, day by day."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Barrel:
    capacity: float
    litres: float = 0.0
    spilled: float = 0.0
    history: list[float] = field(default_factory=list)

    def day(self, rain: float, watering: float) -> float:
        """One day: it rains first, the garden is watered in the evening. Litres the garden went without."""
        self.litres += rain
        self.spilled += max(self.litres - self.capacity, 0.0)
        self.litres = min(self.litres, self.capacity)
        given = min(watering, self.litres)
        self.litres -= given
        self.history.append(self.litres)
        return watering - given


def dry_days(capacity: float, days: list[tuple[float, float]]) -> int:
    """Days on which the barrel could not give what the garden needed."""
    barrel = Barrel(capacity)
    return sum(barrel.day(rain, watering) > 0 for rain, watering in days)
