"""Schedules: what an AT says, when it is due next, and how it is read from the words of a line."""

from myocan.hub.lang.schedules.cursor import Mistake
from myocan.hub.lang.schedules.due import next_due
from myocan.hub.lang.schedules.place import HORIZON_YEARS, Place, at_clock
from myocan.hub.lang.schedules.remarks import remarks
from myocan.hub.lang.schedules.schedule import (
    MONTHS,
    SEASONS,
    WEEKDAYS,
    Alternative,
    Between,
    Bound,
    Condition,
    In,
    Moment,
    On,
    Schedule,
)
from myocan.hub.lang.schedules.words import parse_schedule

HORIZON_DAYS = 366 * HORIZON_YEARS
"""How far ahead `next_due` looks, at most, in days."""

__all__ = [
    "HORIZON_DAYS",
    "HORIZON_YEARS",
    "MONTHS",
    "SEASONS",
    "WEEKDAYS",
    "Alternative",
    "Between",
    "Bound",
    "Condition",
    "In",
    "Mistake",
    "Moment",
    "On",
    "Place",
    "Schedule",
    "at_clock",
    "next_due",
    "parse_schedule",
    "remarks",
]
