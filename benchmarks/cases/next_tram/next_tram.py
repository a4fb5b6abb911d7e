"""The next tram by a timetable that repeats every day."""

from __future__ import annotations

DAY = 24 * 60


def minutes(clock: str) -> int:
    hours, rest = clock.split(":")
    return int(hours) * 60 + int(rest)


def next_departure(timetable: list[str], now: str) -> str:
    """The first departure at or after `now`; after the last of the day, the first of the morning."""
    departures = sorted(timetable, key=minutes)
    for departure in departures:
        if minutes(departure) >= minutes(now):
            return departure
    return departures[0]


def waiting_time(timetable: list[str], now: str) -> int:
    """Minutes until the next tram, over midnight where need be."""
    return (minutes(next_departure(timetable, now)) - minutes(now)) % DAY


def board(timetable: list[str], now: str) -> str:
    wait = waiting_time(timetable, now)
    return "now" if wait == 0 else f"in {wait} min"
