"""Prices and cancellation fees."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from roombook import Slot, Tariff
from roombook.pricing import cents, started_quarters

TARIFF = Tariff(hourly=Decimal("20"))


def at(start: str, end: str) -> Slot:
    return Slot.parse(f"2025-03-03 {start}", f"2025-03-03 {end}")


@pytest.mark.parametrize(("minutes", "quarters"), [(1, 1), (15, 1), (16, 2), (60, 4), (61, 5)])
def test_started_quarters(minutes, quarters):
    assert started_quarters(timedelta(minutes=minutes)) == quarters


def test_an_hour():
    assert TARIFF.price(at("09:00", "10:00")) == Decimal("20.00")


def test_a_started_quarter_is_paid_in_full():
    assert TARIFF.price(at("09:00", "10:05")) == Decimal("25.00")


def test_the_evening_costs_more():
    assert TARIFF.price(at("17:00", "18:00")) == Decimal("25.00")


def test_only_the_evening_part_costs_more():
    assert TARIFF.price(at("16:30", "17:30")) == Decimal("22.50")


def test_four_hours_are_discounted():
    assert TARIFF.price(at("09:00", "13:00")) == Decimal("72.00")


def test_just_under_four_hours_are_not():
    assert TARIFF.price(at("09:00", "12:59")) == Decimal("80.00")


def test_prices_are_rounded_half_up():
    assert cents(Decimal("1.005")) == Decimal("1.01")


def test_price_of_a_series():
    assert TARIFF.series_price([at("09:00", "10:00"), at("17:00", "18:00")]) == Decimal("45.00")


def test_cancelling_in_time_is_free():
    assert TARIFF.cancellation_fee(at("09:00", "10:00"), datetime(2025, 3, 2, 9, 0)) == 0


def test_cancelling_late_costs_half():
    fee = TARIFF.cancellation_fee(at("09:00", "10:00"), datetime(2025, 3, 2, 9, 1))
    assert fee == Decimal("10.00")


def test_cancelling_after_the_start_costs_everything():
    fee = TARIFF.cancellation_fee(at("09:00", "10:00"), datetime(2025, 3, 3, 9, 0))
    assert fee == Decimal("20.00")
