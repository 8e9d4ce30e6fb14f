"""How values are written: the texts of decimals and times of day, and JSON as it travels.

The one idea: a scalar is a (tag, value) pair (see `program`), and each has exactly one JSON text,
so that equal states are equal bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

from myocan.hub.core.program import DIGITS, INT64_MAX, INT64_MIN, Tag

_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(am|pm)?", re.ASCII | re.IGNORECASE)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.([0-9]{1,9}))?", re.ASCII)

_NULL, _BOOL, _TEXT = int(Tag.NULL), int(Tag.BOOL), int(Tag.TEXT)


def decimal_text(units: int, decimals: int) -> str:
    """Return `units` of 10 ** -decimals as people write it: (2150, 2) is `21.50`.

    Arguments:
        units: any integer.
        decimals: digits behind the point, 0 or more.
    """
    if not decimals:
        return str(units)
    digits = str(abs(units)).rjust(decimals + 1, "0")
    sign = "-" if units < 0 else ""
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"


def number_text(number: int) -> str:
    """Return a number of the stack (units of 10 ** -9) without needless zeros: `21.5`, `3`."""
    text = decimal_text(number, DIGITS).rstrip("0").rstrip(".")
    return text if text not in {"", "-", "-0"} else "0"


def time_text(minutes: int) -> str:
    """Return minutes since midnight (0 to 1439) as `HH:MM`."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def parse_time(text: str) -> int | None:
    """Return the minutes since midnight that `text` (`7:05`, `23:59`, `3:00pm`) names, or None."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    hour, half = int(match[1]), (match[3] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    return hour * 60 + int(match[2])


def scalar_json(tag: int, value: int, texts: Sequence[str]) -> str:
    """Return the one JSON text of a scalar, as it is logged and as it travels.

    Arguments:
        tag: `Tag`, or the decimals of a number.
        value: what the tag says; for `TEXT` an index into `texts`.
        texts: the core's text pool.
    """
    if tag == _TEXT:
        return json.dumps(texts[value], ensure_ascii=False)
    if tag == _NULL:
        return "null"
    if tag == _BOOL:
        return "true" if value else "false"
    return decimal_text(value, tag)


def plain_text(tag: int, value: int, texts: Sequence[str]) -> str:
    """Return a scalar as people write it: as its JSON, but a text without quotes."""
    return texts[value] if tag == _TEXT else scalar_json(tag, value, texts)


def commit_json(fields: Sequence[tuple[str, str, str, str]]) -> str:
    """Return the JSON text of a commit of several fields of state models, see `commits`.

    Arguments:
        fields: module, variable, key ("" for none) and JSON text of each.
    """
    told = ", ".join(
        f"{json.dumps(f'{module}[{key}].{variable}' if key else f'{module}.{variable}')}: {text}"
        for module, variable, key, text in fields
    )
    return json.dumps(f"{{{told}}}", ensure_ascii=False)


def parse_scalar(text: str, intern: Callable[[str], int]) -> tuple[int, int]:
    """Return the (tag, value) that a JSON text stands for; the inverse of `scalar_json`.

    Arguments:
        text: one JSON scalar; numbers without exponent, at most nine digits behind the point.
        intern: gives a text its number, `Core.intern`.

    Raises:
        ValueError: it is no such scalar; the message says what is wrong with it.
    """
    if text == "null":
        return _NULL, 0
    if text in {"true", "false"}:
        return _BOOL, int(text == "true")
    if text[:1] == '"':
        value = json.loads(text)
        if not isinstance(value, str):
            raise ValueError("not one text")
        return _TEXT, intern(value)
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError("neither null, true, false, a text nor a number of at most nine decimals")
    decimals = len(match[1] or "")
    units = int(text.replace(".", ""))
    if not INT64_MIN <= units <= INT64_MAX:
        raise ValueError("a number of more than 64 bits")
    return decimals, units
