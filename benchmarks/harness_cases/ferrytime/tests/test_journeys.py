from datetime import datetime

import pytest
from ferrytime import earliest_journey, read_timetable

ISLANDS = read_timetable(
    """
    [harbours]
    HAV Havnso
    SEJ Sejero  change=20
    NEK Nekselo walk=ORO:25
    ORO Oro
    TUN Tuno
    [sailings]
    H1 HAV-SEJ 09:00 60 daily
    H1 HAV-SEJ 13:00 60 daily
    S2 SEJ-NEK 10:10 40 daily
    S2 SEJ-NEK 10:20 40 daily
    S2 SEJ-NEK 14:30 40 daily
    O3 ORO-TUN 11:30 30 daily
    O3 ORO-TUN 23:50 45 daily
    """
)


def at(text):
    return datetime.fromisoformat(f"2025-07-01 {text}")


def test_a_single_ferry():
    journey = earliest_journey(ISLANDS, "HAV", "SEJ", at("08:00"))
    assert (journey.departs, journey.arrives, journey.changes) == (at("09:00"), at("10:00"), 0)


def test_a_change_takes_its_time():
    journey = earliest_journey(ISLANDS, "HAV", "NEK", at("08:00"))
    assert [leg.departs for leg in journey.legs] == [at("09:00"), at("10:20")]
    assert journey.arrives == at("11:00")
    assert journey.changes == 1


def test_a_walk_needs_no_change():
    journey = earliest_journey(ISLANDS, "NEK", "TUN", at("11:05"))
    assert [leg.line for leg in journey.legs] == ["", "O3"]
    assert journey.legs[1].departs == at("11:30")


def test_past_midnight():
    journey = earliest_journey(ISLANDS, "ORO", "TUN", at("12:00"))
    assert journey.arrives == datetime(2025, 7, 2, 0, 35)


def test_the_next_day_where_nothing_leaves_any_more():
    journey = earliest_journey(ISLANDS, "HAV", "SEJ", at("20:00"))
    assert journey.departs == datetime(2025, 7, 2, 9, 0)


def test_no_way_back():
    assert earliest_journey(ISLANDS, "TUN", "HAV", at("08:00")) is None


def test_an_unknown_harbour():
    with pytest.raises(ValueError, match="XXX"):
        earliest_journey(ISLANDS, "HAV", "XXX", at("08:00"))


def test_a_journey_prints_its_legs():
    journey = earliest_journey(ISLANDS, "NEK", "TUN", at("11:05"))
    assert str(journey) == "11:05 NEK - 11:30 ORO (on foot)\n11:30 ORO - 12:00 TUN (O3)"
