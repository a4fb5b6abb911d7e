"""Book meeting rooms: opening hours, repeating meetings, prices and utilisation."""

from .bookings import Booking, BookingError, Calendar
from .hours import OpeningHours
from .pricing import Tariff
from .repeats import Repeat
from .report import busiest_room, utilisation
from .rooms import Room, smallest_fitting
from .slots import Slot

__all__ = [
    "Booking",
    "BookingError",
    "Calendar",
    "OpeningHours",
    "Repeat",
    "Room",
    "Slot",
    "Tariff",
    "busiest_room",
    "smallest_fitting",
    "utilisation",
]
