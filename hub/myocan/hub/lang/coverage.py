"""Which values the ONs of a variable take, for two warnings.

The one idea: what an alternative of an ON takes is a set of slot values, kept as ranges of
integers. So "always hidden by an earlier ON" is a subset, and "a value no ON handles" a complement.
A test that is no such set (of a text, or against another variable) is treated like one more guard.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import combinations

from myocan.hub.core.program import INT64_MAX, INT64_MIN, Type, Variable
from myocan.hub.lang.diagnostics import MAX_DIAGNOSTICS, Report, Span, clip, quoted
from myocan.hub.lang.meaning import Arrival, Comparison, Condition, Every, On, Test
from myocan.hub.lang.symbols import Symbol, decimal

Ranges = tuple[tuple[int, int], ...]
"""Integers, as (first, last) pairs in ascending order with gaps between them."""

_Case = tuple[int, frozenset[Condition]]
"""A variable, and what must hold besides its value."""

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
    taken: dict[_Case, Ranges] = {}
    takers: dict[_Case, list[tuple[int, Ranges]]] = {}  # line, values
    warned = 0
    for on, place in zip(ons, places, strict=True):
        cases = _cases(on, variables)
        hidden = True
        for (variable, conditions), values in cases.items():
            left = values
            for subset in _subsets(conditions):
                left = _without(left, taken.get((variable, subset), ()))
            hidden = hidden and not left
        if not any(cases.values()):
            names = " or ".join(quoted(variables[variable].name) for variable, _ in cases)
            report.warning(place, f"this ON never runs: {names} never has such a value")
        elif hidden:
            report.warning(place, f"this ON never runs: {_comes_first(cases, takers)}")
            warned += 1
        else:
            for case, values in cases.items():
                taken[case] = _union(taken.get(case, ()), values)
                takers.setdefault(case, []).append((on.line, values))
        if warned > MAX_DIAGNOSTICS:
            return  # no more are shown


def _cases(on: On, variables: Sequence[Variable]) -> dict[_Case, Ranges]:
    """Return what an ON takes: of each variable, and under the same conditions, which values."""
    guards = frozenset(term for line in on.guards for term in _terms(line.does))
    found: dict[_Case, list[tuple[int, int]]] = {}
    for arrival in on.arrivals:
        values, conditions = _takes(arrival, variables)
        found.setdefault((arrival.variable, guards | conditions), []).extend(values)
    return {case: _union((), tuple(values)) for case, values in found.items()}


def _comes_first(cases: dict[_Case, Ranges], takers: dict[_Case, list[tuple[int, Ranges]]]) -> str:
    lines: set[int] = set()
    for (variable, conditions), values in cases.items():
        left = values
        found = [taker for s in _subsets(conditions) for taker in takers.get((variable, s), ())]
        for line, earlier in sorted(found):  # a set of conditions has no order
            rest = _without(left, earlier)
            if rest != left:
                lines.add(line)
            left = rest
    if len(lines) == 1:
        return f"the ON of line {lines.pop()} comes first and always matches"
    told = _some(str(line) for line in sorted(lines))
    return f"the ONs of lines {told} come first and always match"


def _warn_of_unhandled(
    ons: Sequence[On], places: Sequence[Span], variables: Sequence[Variable], report: Report
) -> None:
    handled: dict[int, list[tuple[int, int]]] = {}
    for on in ons:
        for arrival in on.arrivals:
            values, conditions = _takes(arrival, variables)
            variable = variables[arrival.variable]
            if conditions and variable.type not in (Type.ANY, Type.TEXT):
                values = _domain(variable)  # who knows which; say nothing
            elif conditions:
                values = ()
            handled.setdefault(arrival.variable, []).extend(values)
    for index, ranges in sorted(handled.items()):
        variable = variables[index]
        missing = _without(_domain(variable), _union((), tuple(ranges)))
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
    found = {
        Comparison.EQ: ((INT64_MIN, c - 1), (c + 1, INT64_MAX)),
        Comparison.NE: ((c, c),),
        Comparison.LT: ((c, INT64_MAX),),
        Comparison.LE: ((c + 1, INT64_MAX),),
        Comparison.GT: ((INT64_MIN, c),),
        Comparison.GE: ((INT64_MIN, c - 1),),
    }[test.comparison]
    return tuple((first, last) for first, last in found if first <= last)


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
        place = max(bisect_right(b, first, key=lambda pair: pair[0]) - 1, 0)
        while first <= last and place < len(b) and b[place][0] <= last:
            low, high = b[place]
            if low > first:
                found.append((first, low - 1))
            first = max(first, high + 1)
            place += 1
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
