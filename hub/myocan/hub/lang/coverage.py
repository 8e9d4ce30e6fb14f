"""Which values the ONs of a variable take, for two warnings.

The one idea: what an alternative of an ON takes is a set of slot values, kept as ranges of
integers. So "always hidden by an earlier ON" is a subset, and "a value no ON handles" a complement.
A test that is no such set (of a text, or against another variable) is treated like one more guard.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

from myocan.hub.core.program import INT64_MAX, INT64_MIN, Type, Variable
from myocan.hub.lang.declare import Symbol, decimal
from myocan.hub.lang.diagnostics import Report, Span, clip, quoted
from myocan.hub.lang.meaning import Arrival, Comparison, Condition, Every, On, Test

Ranges = tuple[tuple[int, int], ...]
"""Integers, as (first, last) pairs in ascending order with gaps between them."""

_MOST_GUARDS = 4
"""Above this many guards not all their combinations are looked up; some hidden ONs go unnoticed."""


def warn_of_ons(
    ons: Sequence[On], places: Sequence[Span], symbols: Sequence[Symbol], report: Report
) -> None:
    """Warn of ONs that an earlier one always hides, and of values that no ON handles.

    Arguments:
        ons, places: the ONs, and where each stands.
        symbols: the module's variables, none of them broken.
        report: takes the warnings.
    """
    variables = [symbol.variable for symbol in symbols if symbol.variable is not None]
    _warn_of_hidden(ons, places, variables, report)
    _warn_of_unhandled(ons, [symbol.span for symbol in symbols], variables, report)


def _warn_of_hidden(
    ons: Sequence[On], places: Sequence[Span], variables: Sequence[Variable], report: Report
) -> None:
    # For each variable and set of guards: the values taken so far, and the lines that take them.
    taken: dict[tuple[int, frozenset[Condition]], tuple[Ranges, int]] = {}
    for on, place in zip(ons, places, strict=True):
        guards = frozenset(term for line in on.guards for term in _terms(line.does))
        hiding: set[int] = set()
        hidden = bool(on.arrivals)
        for arrival in on.arrivals:
            values, conditions = _takes(arrival, variables)
            needs = guards | conditions
            earlier: Ranges = ()
            for subset in _subsets(needs):
                found = taken.get((arrival.variable, subset))
                if found is not None:
                    earlier = _union(earlier, found[0])
                    hiding.add(found[1])
            hidden = hidden and not _without(values, earlier)
        if hidden:
            lines = " and ".join(str(line) for line in sorted(hiding)[:3])
            report.warning(
                place,
                f"this ON never runs: the ON of line {lines} comes first and always matches",
            )
        for arrival in on.arrivals:
            values, conditions = _takes(arrival, variables)
            key = (arrival.variable, guards | conditions)
            before, line = taken.get(key, ((), on.line))
            taken[key] = (_union(before, values), line)


def _warn_of_unhandled(
    ons: Sequence[On], places: Sequence[Span], variables: Sequence[Variable], report: Report
) -> None:
    handled: dict[int, Ranges] = {}
    for on in ons:
        for arrival in on.arrivals:
            values, conditions = _takes(arrival, variables)
            variable = variables[arrival.variable]
            if conditions and variable.type not in (Type.ANY, Type.TEXT):
                values = _domain(variable)  # who knows which; say nothing
            elif conditions:
                values = ()
            handled[arrival.variable] = _union(handled.get(arrival.variable, ()), values)
    for index, values in sorted(handled.items()):
        variable = variables[index]
        missing = _without(_domain(variable), values)
        if missing:
            report.warning(
                places[index],
                f"no ON handles {_told(missing, variable)} of {quoted(variable.name)}; if that is "
                f"meant, add ON {clip(variable.name)} with THEN ignore",
            )


def _takes(arrival: Arrival, variables: Sequence[Variable]) -> tuple[Ranges, frozenset[Condition]]:
    """Return the values that an alternative takes, and what else must hold."""
    domain = _domain(variables[arrival.variable])
    condition = arrival.condition
    if condition is None:
        return domain, frozenset()
    if isinstance(condition, Test) and condition.variable == arrival.variable:
        return _without(domain, _complement(condition)), frozenset()
    return domain, frozenset((condition,))


def _complement(test: Test) -> Ranges:
    """Return the integers for which a test does not hold."""
    c = test.constant
    below, above = (INT64_MIN, c - 1), (c + 1, INT64_MAX)
    return {
        Comparison.EQ: (below, above),
        Comparison.NE: ((c, c),),
        Comparison.LT: ((c, INT64_MAX),),
        Comparison.LE: (above,),
        Comparison.GT: ((INT64_MIN, c),),
        Comparison.GE: (below,),
    }[test.comparison]


def _domain(variable: Variable) -> Ranges:
    match variable.type:
        case Type.ENUMERATION:
            return ((0, len(variable.members) - 1),)
        case Type.BOOLEAN:
            return ((0, 1),)
        case Type.TIME:
            return ((0, 1439),)
        case Type.DECIMAL:
            return ((variable.lower, variable.upper),)
    return ((0, 0),)


def _union(a: Ranges, b: Ranges) -> Ranges:
    found: list[tuple[int, int]] = []
    for first, last in sorted((*a, *b)):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return tuple(found)


def _without(a: Ranges, b: Ranges) -> Ranges:
    found: list[tuple[int, int]] = []
    for first, last in a:
        for low, high in b:
            if high < first or low > last:
                continue
            if low > first:
                found.append((first, low - 1))
            first = high + 1
            if first > last:
                break
        if first <= last:
            found.append((first, last))
    return tuple(found)


def _subsets(conditions: frozenset[Condition]) -> Iterable[frozenset[Condition]]:
    some = tuple(conditions)
    if len(some) > _MOST_GUARDS:
        yield frozenset()
        yield from (frozenset((one,)) for one in some)
        yield conditions
        return
    for size in range(len(some) + 1):
        yield from (frozenset(chosen) for chosen in combinations(some, size))


def _terms(condition: object) -> Iterable[Condition]:
    if isinstance(condition, Every):
        for term in condition.conditions:
            yield from _terms(term)
    else:
        assert not isinstance(condition, type)
        yield condition  # type: ignore[misc]


def _told(missing: Ranges, variable: Variable) -> str:
    """Return values as people say them."""
    if variable.type is Type.ENUMERATION:
        names = [variable.members[i] for first, last in missing for i in range(first, last + 1)]
        return _some(quoted(name) for name in names)
    if variable.type is Type.BOOLEAN:
        return _some(
            ("false", "true")[i] for first, last in missing for i in range(first, last + 1)
        )
    if variable.type not in (Type.DECIMAL, Type.TIME):
        return "other values"
    return _some(_range(first, last, variable) for first, last in missing)


def _range(first: int, last: int, variable: Variable) -> str:
    def told(value: int) -> str:
        if variable.type is Type.TIME:
            return f"{value // 60:02d}:{value % 60:02d}"
        return decimal(value, variable.decimals)

    if first == last:
        return told(first)
    if first == INT64_MIN:
        return f"values up to {told(last)}"
    if last == INT64_MAX:
        return f"values from {told(first)}"
    return f"{told(first)} to {told(last)}"


def _some(words: Iterable[str]) -> str:
    several = list(words)
    if len(several) > 4:
        return f"{', '.join(several[:3])} and {len(several) - 3} more"
    return " and ".join([", ".join(several[:-1]), several[-1]]) if len(several) > 1 else several[0]
