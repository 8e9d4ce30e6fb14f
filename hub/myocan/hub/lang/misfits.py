"""Says what a subscriber cannot take of what is published.

The one idea: what a variable takes follows from its declaration, so two declarations say whether
every value of one is a value of the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from myocan.hub.core.program import INT64_MAX, INT64_MIN, Type, Variable
from myocan.hub.lang import Topic
from myocan.hub.lang.diagnostics import listed, quoted
from myocan.hub.lang.symbols import describe
from myocan.hub.lang.words import fold
from myocan.hub.patterns import matches

MOST: Final = 4
"""Most members that a message names."""


def misfit(published: Variable, heard: Variable) -> str | None:
    """Return what a subscriber cannot take of a published variable, None if it takes all."""
    kinds = (published.type, heard.type)
    if Type.ANY in kinds:
        return None
    if published.type is Type.EVENT:
        return f"an event, without a value, and {describe(heard)} takes none"
    if kinds == (Type.ENUMERATION, Type.ENUMERATION):
        taken = {fold(member) for member in heard.members}
        return _missing((m for m in published.members if fold(m) not in taken), heard)
    if kinds == (Type.DECIMAL, Type.DECIMAL):
        return _outside(published, heard)
    fits = {
        Type.TEXT: (Type.TEXT, Type.ENUMERATION, Type.TIME),
        Type.ENUMERATION: (Type.TEXT,),
        Type.TIME: (Type.TIME, Type.TEXT),
    }.get(heard.type, (heard.type,))
    if published.type in fits:
        return _unmatched(published.members, heard)  # a text is looked at when it arrives
    return f"{describe(published)}, which does not fit {describe(heard)}"


def _unmatched(words: Iterable[str], heard: Variable) -> str | None:
    """Return the words that a text cannot be, since it has a pattern."""
    if not heard.pattern:
        return None
    return _missing((word for word in words if not matches(heard.pattern, fold(word))), heard)


def _outside(published: Variable, heard: Variable) -> str | None:
    if published.lower == INT64_MIN and published.upper == INT64_MAX:
        return None  # it promises nothing; each value is looked at when it arrives
    shift, other = 10**heard.decimals, 10**published.decimals
    below = heard.lower != INT64_MIN and published.lower * shift < heard.lower * other
    above = heard.upper != INT64_MAX and published.upper * shift > heard.upper * other
    if below or above:
        return f"{describe(published)}, which goes beyond {describe(heard)}"
    return None


def misfit_outside(topic: Topic, heard: Variable) -> str | None:
    """Return what a subscriber cannot take of an adapter's topic, None if it takes all."""
    if heard.type is Type.ANY:
        return None
    if topic.kind == "event":
        return f"an event, without a value, and {describe(heard)} takes none"
    if topic.values is None or heard.type is Type.TEXT:
        return _unmatched(topic.values or (), heard)
    if heard.type in (Type.ENUMERATION, Type.BOOLEAN):
        taken = {fold(member) for member in heard.members or ("false", "true")}
        return _missing((value for value in topic.values if fold(value) not in taken), heard)
    return f"words ({', '.join(topic.values[:MOST])}), which do not fit {describe(heard)}"


def _missing(missing: Iterable[str], heard: Variable) -> str | None:
    words = [quoted(word) for word in missing]
    if not words:
        return None
    more = [f"{len(words) - MOST} more"] if len(words) > MOST else []
    joined = listed([*words[:MOST], *more]).replace(" or ", " and ")
    without = "does not take" if heard.pattern else "lacks"
    return f"{joined}, which {describe(heard)} {without}"
