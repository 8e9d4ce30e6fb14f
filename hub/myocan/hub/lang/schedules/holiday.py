"""Which days are holidays, by the English names that the `holidays` package gives them.

The one idea: words name the holidays whose name they are, with `day` behind them or without, or
else those whose name contains them. So `independence day` is not Juneteenth
National Independence Day, and `thanksgiving` needs no `day`.

`christmas` and `easter` are known everywhere. Where the country's list has them they are the days
of that list, so in a country of the eastern churches they are theirs; else they are 25 December,
and the day before Easter Monday, and failing that the western Easter.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date, timedelta
from functools import lru_cache

ANY = "holidays"
"""The word for every holiday of the country."""

EVERYWHERE = ("christmas", "easter")
"""Holidays that count without a country."""

WELL_KNOWN = (
    *EVERYWHERE,
    *("christmas day", "christmas eve", "boxing day", "new years day", "new years eve"),
    *("good friday", "easter sunday", "easter monday", "ascension day", "pentecost"),
    *("whit sunday", "whit monday", "pentecost monday", "corpus christi", "epiphany"),
    *("assumption day", "all saints day", "all souls day", "labor day", "labour day", "may day"),
    *("independence day", "national day", "thanksgiving day", "memorial day", "carnival"),
)
"""Names that are in use in many countries: known without loading the lists of all of them."""

_MOVED = ("observed", "substitute", "in lieu")
_REMARK = re.compile(r"\([^)]*\)")


def words_of(name: str) -> str:
    """Return a name as people write it in a rule: `new years day` for `New Year's Day`."""
    letters = (letter if letter.isalnum() else " " for letter in name.lower().replace("'", ""))
    return " ".join("".join(letters).split())


def holiday_days(words: str, year: int, country: str) -> frozenset[date]:
    """Return the days of a year that are the holiday of these words.

    Arguments:
        words: lower case, `holidays` for any.
        year: 1 to 9999.
        country: ISO 3166 code of two letters; "" for none: only `christmas` and `easter` then.
    """
    listed = _listed(country, year)
    if words == ANY:
        return frozenset(day for day, _, _ in listed)
    found = _called(words, listed)
    if found:
        return found
    if words == "christmas":
        return frozenset({date(year, 12, 25)})
    if words == "easter":
        monday = _called("easter monday", listed) or _called("orthodox easter monday", listed)
        if monday:
            return frozenset(day - timedelta(days=1) for day in monday)
        return _western_easter(year)
    return frozenset()


def holiday_on(day: date, country: str) -> str:
    """Return the words of the holiday that a day is in a country, "" if it is none.

    Of several the first by name that is no substitute for another day.
    """
    on_this_day = [
        (moved, name) for listed, name, moved in _listed(country, day.year) if listed == day
    ]
    return min(on_this_day, default=(False, ""))[1]


def holiday_names(country: str, years: Collection[int]) -> frozenset[str]:
    """Return the words of all holidays of a country in these years, those known everywhere too."""
    names = {name for year in years for _, name, _ in _listed(country, year)}
    return frozenset((*names, *EVERYWHERE))


@lru_cache(maxsize=1)
def every_name() -> frozenset[str]:
    """Return the words of all holidays of all countries; takes a second, the first time."""
    import holidays

    countries = holidays.list_supported_countries(include_aliases=False)
    return frozenset().union(*(holiday_names(country, (2025,)) for country in countries))


def is_called(words: str, names: Collection[str]) -> bool:
    """Tell whether some holiday among `names` would be named by `words`."""
    if words in names or f"{words} day" in names:
        return True
    return bool(set(words.split()) - _NOISE) and any(f" {words} " in f" {name} " for name in names)


_NOISE = frozenset(("day", "of", "the", "day off", "holiday", "and", "eve", "in", "for"))
"""Words that name no holiday by themselves."""

_Listed = tuple[tuple[date, str, bool], ...]
"""(day, words of the name, whether it stands in for the day itself)"""


def _called(words: str, listed: _Listed) -> frozenset[date]:
    exact = {words, "easter sunday" if words == "easter" else f"{words} day"}
    real = [(day, name) for day, name, moved in listed if not moved]
    found = frozenset(day for day, name in real if name in exact)
    if found or words == "easter":  # every other name with `easter` in it is another day
        return found
    return frozenset(day for day, name in real if f" {words} " in f" {name} ")


@lru_cache(maxsize=512)
def _listed(country: str, year: int) -> _Listed:
    if not country:
        return ()
    import holidays

    try:
        found = holidays.country_holidays(country, years=year, language="en_US")
    except NotImplementedError:
        return ()
    listed = []
    for day, names in sorted(found.items()):
        for name in names.split(";") if day.year == year else ():
            moved = any(word in name.lower() for word in _MOVED)
            listed.append((day, words_of(_REMARK.sub(" ", name)), moved))
    return tuple(listed)


@lru_cache(maxsize=512)
def _western_easter(year: int) -> frozenset[date]:
    from dateutil.easter import easter  # type: ignore[import-untyped]

    try:
        return frozenset({easter(year)})
    except ValueError:  # beyond the years of its tables
        return frozenset()
