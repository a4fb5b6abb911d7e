"""Timetables of ferries between islands: read, searched, printed."""

from .days import Season, Weekdays
from .harbours import Harbour, Harbours
from .journeys import Journey, Leg, earliest_journey
from .reading import TimetableError, read_timetable
from .timetable import Sailing, Timetable

__all__ = [
    "Harbour",
    "Harbours",
    "Journey",
    "Leg",
    "Sailing",
    "Season",
    "Timetable",
    "TimetableError",
    "Weekdays",
    "earliest_journey",
    "read_timetable",
]
