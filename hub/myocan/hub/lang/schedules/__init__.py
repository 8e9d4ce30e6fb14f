"""Schedules: what an AT says, and when it is due next."""

from myocan.hub.lang.schedules.due import HORIZON_DAYS, Place, at_clock, next_due
from myocan.hub.lang.schedules.schedule import (
    MONTHS,
    SEASONS,
    WEEKDAYS,
    Alternative,
    Between,
    Bound,
    In,
    Moment,
    On,
    Schedule,
)

__all__ = [
    "HORIZON_DAYS",
    "MONTHS",
    "SEASONS",
    "WEEKDAYS",
    "Alternative",
    "Between",
    "Bound",
    "In",
    "Moment",
    "On",
    "Place",
    "Schedule",
    "at_clock",
    "next_due",
]
