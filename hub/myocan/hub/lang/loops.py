"""Which messages a message can lead to.

The one idea: a cycle is so simple that this can be told from the program: a message runs its ONs,
and what these write runs the WHENs that read it, once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from myocan.hub.core.program import Role
from myocan.hub.lang import meaning
from myocan.hub.lang.keys import whose

Node = TypeVar("Node", bound=tuple[str, ...])


def outputs(module: meaning.Meaning, variable: int) -> set[tuple[str, str, str, str]]:
    """Return the topics that a message for a variable can make a module publish to.

    The last of the four says with which key, as `whose` does.
    """
    written: set[int] = set()
    for on in module.ons:
        if any(arrival.variable == variable for arrival in on.arrivals):
            written |= _written(on.actions)
    changed = {module.declared(number) for number in (variable, *written)}
    for when in module.whens:
        if not changed.isdisjoint(module.declared(number) for number in when.reads):
            written |= _written(when.actions)
    found = set()
    for number in written:
        declared = module.variables[module.declared(number)]
        if declared.role is Role.PUBLIC and declared.topic is not None:
            found.add((*declared.topic, _key(module, number)))
    return found


def _key(module: meaning.Meaning, number: int) -> str:
    selected = module.selections[-1 - number].key if number < 0 else None
    if isinstance(selected, meaning.Text):
        return selected.value
    return whose(module.variables[module.declared(number)])


def _written(actions: tuple[meaning.Line, ...]) -> set[int]:
    writing = (
        meaning.Set | meaning.Store | meaning.Copy | meaning.Add | meaning.Next | meaning.Activate
    )
    return {line.does.variable for line in actions if isinstance(line.does, writing)}


def loops(leads: Mapping[Node, set[Node]]) -> list[list[Node]]:
    """Return a shortest loop of each group of nodes that lead to one another."""
    found = []
    for group in _groups(leads):
        start = min(group)
        loop = _shortest(start, group, leads)
        if loop is not None:
            found.append(loop)
    return sorted(found)


def _shortest(start: Node, group: set[Node], leads: Mapping[Node, set[Node]]) -> list[Node] | None:
    """Return the nodes of a shortest way from `start` back to it, within the group."""
    came: dict[Node, Node] = {}
    waiting = [start]
    for node in waiting:
        for following in sorted(leads.get(node, ())):
            if following == start:
                way = [node]
                while way[-1] != start:
                    way.append(came[way[-1]])
                return way[::-1]
            if following in group and following not in came:
                came[following] = node
                waiting.append(following)
    return None


def _groups(leads: Mapping[Node, set[Node]]) -> list[set[Node]]:
    """Return the strongly connected components (Tarjan's algorithm, without recursion)."""
    number: dict[Node, int] = {}
    lowest: dict[Node, int] = {}
    open_: list[Node] = []
    is_open: set[Node] = set()
    groups: list[set[Node]] = []
    for root in sorted(leads):
        if root in number:
            continue
        work = [(root, iter(sorted(leads.get(root, ()))))]
        number[root] = lowest[root] = len(number)
        open_.append(root)
        is_open.add(root)
        while work:
            node, following = work[-1]
            for other in following:
                if other not in number:
                    number[other] = lowest[other] = len(number)
                    open_.append(other)
                    is_open.add(other)
                    work.append((other, iter(sorted(leads.get(other, ())))))
                    break
                if other in is_open:
                    lowest[node] = min(lowest[node], number[other])
            else:
                work.pop()
                if work:
                    lowest[work[-1][0]] = min(lowest[work[-1][0]], lowest[node])
                if lowest[node] == number[node]:
                    group: set[Node] = set()
                    while node not in group:
                        group.add(open_.pop())
                    is_open -= group
                    groups.append(group)
    return groups
