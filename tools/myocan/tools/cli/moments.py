"""How people write "since when": `10m`, `2h30m`, `12:30`, `2027-06-01`, `2027-06-01T12:30`."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, tzinfo

import typer

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_TERM = re.compile(r"(\d{1,9})\s*(seconds?|minutes?|hours?|days?|weeks?|[smhdw])")
_LENGTH = re.compile(rf"(?:{_TERM.pattern}\s*)+")
_TIME = r"\d{1,2}:\d{2}(:\d{2})?"
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
        if re.fullmatch(_TIME, text):
            return _last(time.fromisoformat(text.rjust(len(text) + (text[1] == ":"), "0")), now)
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return _at(date.fromisoformat(text), time(), zone)
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=zone)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no moment; write 10m, 2h, 3d, 12:30, 2027-06-01 or 2027-06-01T12:30"
        ) from None


def parse_coming(text: str, now: datetime) -> datetime:
    """Return the moment that `text` means, of those to come.

    text: a time of day (the next one), a date (its midnight), or both. now: see `parse_moment`.

    Raises typer.BadParameter.
    """
    if _DURATION.fullmatch(text):
        raise typer.BadParameter(f"{text!r} is no time of day; write 23:58 or 2027-06-01T23:58")
    moment = parse_moment(text, now)
    if not re.fullmatch(_TIME, text):
        return moment
    today = _at(now.date(), moment.time(), now.tzinfo)
    return today if today >= now else _at(now.date() + timedelta(days=1), moment.time(), now.tzinfo)


def parse_duration(text: str) -> int:
    """Return how many milliseconds `text` means: 90s, 2h30m, 3d, 2 hours, 1 day 12 hours.

    Raises typer.BadParameter.
    """
    if not _LENGTH.fullmatch(text):
        raise typer.BadParameter(f"{text!r} is no length of time; write 90s, 2h30m, 3d, or 2 hours")
    return sum(int(count) * _SECONDS[unit[0]] for count, unit in _TERM.findall(text)) * 1000


def _at(day: date, of_day: time, zone: tzinfo | None) -> datetime:
    return datetime.combine(day, of_day, tzinfo=zone)


def _last(of_day: time, now: datetime) -> datetime:
    today = _at(now.date(), of_day, now.tzinfo)
    return today if today <= now else _at(now.date() - timedelta(days=1), of_day, now.tzinfo)
