"""How people write "since when": `10m`, `2h30m`, `12:30`, `2027-06-01`, `2027-06-01T12:30`."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, tzinfo

import typer

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(?:\d+[smhdw])+")


def parse_moment(text: str, now: datetime) -> datetime:
    """Return the moment that `text` means.

    text: how long ago (numbers with s, m, h, d, w), a time of day (the last one that was, so
    `23:00` in the morning is yesterday's), a date (its midnight), or both joined by T or a blank.
    now: with the house's time zone, in which a time or a date is read.

    Raises typer.BadParameter.
    """
    zone = now.tzinfo
    if _DURATION.fullmatch(text):
        parts = re.findall(r"(\d+)([smhdw])", text)
        try:
            return now - timedelta(seconds=sum(int(n) * _SECONDS[unit] for n, unit in parts))
        except OverflowError:
            raise typer.BadParameter(f"{text!r} is longer ago than any calendar goes") from None
    try:
        if re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", text):
            return _last(time.fromisoformat(text.rjust(len(text) + (text[1] == ":"), "0")), now)
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return _at(date.fromisoformat(text), time(), zone)
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=zone)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no moment; write 10m, 2h, 3d, 12:30, 2027-06-01 or 2027-06-01T12:30"
        ) from None


def _at(day: date, of_day: time, zone: tzinfo | None) -> datetime:
    return datetime.combine(day, of_day, tzinfo=zone)


def _last(of_day: time, now: datetime) -> datetime:
    today = _at(now.date(), of_day, now.tzinfo)
    return today if today <= now else _at(now.date() - timedelta(days=1), of_day, now.tzinfo)
