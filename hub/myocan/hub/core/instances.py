"""The instances of a keyed module: for each key, the values of the keyed variables.

The one idea: no cycle works here. The module's slots are a *window* that shows one instance at a
time: it is copied in before its cycle, and what the cycle has changed is copied back. So a cycle of
an instance is like any other, and an instance costs two integers for each variable.

Not all instances need be here: see `shelf`. Those that nobody has spoken to for longest leave first
(a hand goes round, and takes whoever was not shown since it last came by).
"""

from __future__ import annotations

try:
    import cython
except ImportError:  # a pure build runs without Cython
    from myocan.hub.core.uncompiled import cython

if not cython.compiled:
    from myocan.hub.core.uncompiled import NULL_TAG, grown, state_of, table

_INITIAL_PLACES = 8


class Instances:
    """The instances of one module that are in memory.

    Arguments:
        slots: of the keyed variables in the module's window, in declaration order.
        initial: what these hold at birth.

    Attributes:
        shown: the place of the one in the window, -1 for none.
    """

    def __init__(self, slots: list[int], initial: list[int]) -> None:
        if not cython.compiled:
            self._values: list[int] = []
            self._states: list[int] = []
            self._recent: list[int] = []
            self._key_of: list[int] = []
        self._width = len(initial)
        self._fixed_owner: list[object] = []
        self._initial = table(self._fixed_owner, initial)
        self._slots = table(self._fixed_owner, slots)
        self.clear()

    def clear(self) -> None:
        """Let go of all of them, and of the memory that they took."""
        self.shown = -1
        self._keys: list[str] = []
        self._added: dict[str, None] = {}
        self._removed: set[str] = set()
        self._places: dict[int, int] = {}
        self._free: list[int] = []
        self._used = 0
        self._capacity = 0
        self._hand = 0
        self._own_places(_INITIAL_PLACES)

    def count(self) -> int:
        """Return how many there are."""
        return len(self._places)

    def ordered(self) -> list[str]:
        """Return their keys, in order; the list stays as it is, whatever becomes of them."""
        if self._added or self._removed:
            keys = self._keys
            if self._removed:
                keys = [key for key in keys if key not in self._removed]
            self._keys = sorted([*keys, *self._added]) if self._added else keys
            self._added = {}
            self._removed = set()
        return self._keys

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
        self._added[key] = None
        self._key_of[place] = key_number
        self._recent[place] = 1
        for number in range(self._width):
            self.keep(place, number, self._initial[number], NULL_TAG, 0)
        return place

    def remove(self, key_number: int, key: str) -> None:
        """Drop the instance of a key that is there, or let it go."""
        place = self._places.pop(key_number)
        self._free.append(place)
        self._key_of[place] = -1
        if key in self._added:
            del self._added[key]
        else:
            self._removed.add(key)
        if self.shown == place:
            self.shown = -1

    def let_go(self, most: int, texts: list[str]) -> None:
        """Let go of all but `most`, of those first that were not shown for longest.

        Arguments:
            most: how many may stay, 1 or more.
            texts: the core's text pool.
        """
        while len(self._places) > most:
            place = self._hand
            self._hand = place + 1 if place + 1 < self._used else 0
            if self._recent[place]:
                self._recent[place] = 0
            elif self._key_of[place] >= 0:
                key_number = self._key_of[place]
                self.remove(key_number, texts[key_number])

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
        self._recent = grown(owner, self._recent, self._used, capacity)
        self._key_of = grown(owner, self._key_of, self._used, capacity)
        self._capacity = capacity
        self._owner = owner
