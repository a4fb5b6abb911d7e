"""What a booking costs: an hourly rate, started quarters, evening surcharge, discounts, cancellation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal

from .slots import Slot

CENT = Decimal("0.01")
QUARTER = timedelta(minutes=15)


@dataclass(frozen=True)
class Tariff:
    """Prices of a room, in euros.

    `evening_from` is the time of day from which the surcharge (a share, 0.25 = 25 %) is due;
    `long_hours` is the length from which the long-booking discount applies; a booking cancelled less
    than `notice` before its start costs the `late_share` of its price.
    """

    hourly: Decimal
    evening_from: time = time(17)
    evening_surcharge: Decimal = Decimal("0.25")
    long_hours: int = 4
    long_discount: Decimal = Decimal("0.10")
    notice: timedelta = timedelta(hours=24)
    late_share: Decimal = Decimal("0.50")

    def price(self, slot: Slot) -> Decimal:
        """Price of a booking, rounded to cents."""
        total = Decimal(0)
        for quarter in range(started_quarters(slot.duration)):
            start = slot.start + quarter * QUARTER
            total += self._quarter_rate(start)
        if slot.duration >= timedelta(hours=self.long_hours):
            total -= total * self.long_discount
        return cents(total)

    def series_price(self, slots: Iterable[Slot]) -> Decimal:
        """Price of several bookings."""
        return sum((self.price(slot) for slot in slots), Decimal(0))

    def cancellation_fee(self, slot: Slot, cancelled: datetime) -> Decimal:
        """What is still due when the booking is cancelled at that moment."""
        if cancelled >= slot.start:
            return self.price(slot)
        if slot.start - cancelled < self.notice:
            return cents(self.price(slot) * self.late_share)
        return Decimal(0)

    def _quarter_rate(self, start: datetime) -> Decimal:
        rate = self.hourly / 4
        if start.time() >= self.evening_from:
            rate += rate * self.evening_surcharge
        return rate


def started_quarters(duration: timedelta) -> int:
    """How many quarters of an hour are begun: 15 minutes are one, 16 are two."""
    return -(-duration // QUARTER)


def cents(amount: Decimal) -> Decimal:
    """The amount rounded half up to cents."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)
