"""The instances of a keyed module: for each key, the values of the keyed variables.

The one idea: no cycle works here. The module's slots are a *window* that shows one instance at a
time: it is copied in before its cycle, and what the cycle has changed is copied back. So a cycle of
an instance is like any other, and an instance costs two integers for each variable.
"""

from __future__ import annotations

from bisect import bisect_left, insort

try:
    import cython
except ImportError:  # a pure build runs without Cython
    from myocan.hub.core.uncompiled import cython

if not cython.compiled:
    from myocan.hub.core.uncompiled import NULL_TAG, grown, state_of, table

_INITIAL_PLACES = 8


class Instances:
    """All instances of one module.

    Arguments:
        slots: of the keyed variables in the module's window, in declaration order.
        initial: what these hold at birth.

    Attributes:
        keys: of those alive, in order.
        shown: the place of the one in the window, -1 for none.
    """

    def __init__(self, slots: list[int], initial: list[int]) -> None:
        if not cython.compiled:
            self._values: list[int] = []
            self._states: list[int] = []
        self.keys: list[str] = []
        self.shown = -1
        self._width = len(initial)
        self._fixed_owner: list[object] = []
        self._initial = table(self._fixed_owner, initial)
        self._slots = table(self._fixed_owner, slots)
        self._places: dict[int, int] = {}
        self._free: list[int] = []
        self._used = 0
        self._capacity = 0
        self._own_places(_INITIAL_PLACES)

    def find(self, key_number: int) -> int:
        """Return the place of the instance whose key has this text number, -1 if there is none."""
        place = self._places.get(key_number)
        return -1 if place is None else place

    def add(self, key_number: int, key: str) -> int:
        """Let the instance of a new key be born; return its place."""
        if self._free:
            place = self._free.pop()
        else:
            place = self._used
            if place == self._capacity:
                self._own_places(2 * place)
            self._used = place + 1
        self._places[key_number] = place
        insort(self.keys, key)
        for number in range(self._width):
            self.keep(place, number, self._initial[number], NULL_TAG, 0)
        return place

    def remove(self, key_number: int, key: str) -> None:
        """Drop the instance of a key that is there."""
        place = self._places.pop(key_number)
        self._free.append(place)
        del self.keys[bisect_left(self.keys, key)]
        if self.shown == place:
            self.shown = -1

    def keep(self, place: int, number: int, value: int, tag: int, written: int) -> None:
        """Keep what the keyed variable of this number holds."""
        cell = place * self._width + number
        self._values[cell] = value
        self._states[cell] = state_of(tag, written)

    def _own_places(self, capacity: int) -> None:
        owner: list[object] = []
        used = self._used * self._width
        cells = capacity * self._width
        self._values = grown(owner, self._values, used, cells)
        self._states = grown(owner, self._states, used, cells)
        self._capacity = capacity
        self._owner = owner
