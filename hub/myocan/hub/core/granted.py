"""What methods of modules in Python may do while they run, see `myocan.hub.python`.

The one idea: a method has no more hands than an instruction. What it assigns can be undone, and
what it says is only collected; so its cycle ends like any other.

A variable is named by its number in the program, a line by a pc of the layout that belongs to it.
"""

from __future__ import annotations

from myocan.hub.core.machine import Machine

try:
    import cython
except ImportError:  # a pure build runs without Cython
    from myocan.hub.core.uncompiled import cython

if not cython.compiled:
    from myocan.hub.core.uncompiled import CREATE, DROP


class Granted(Machine):
    """Lets methods see and change the module that runs. For one thread."""

    def holds(self, variable: int) -> tuple[int, int]:
        """Return the tag and value in a variable's slot, in its own units."""
        slot = self._home + variable
        return self._slots[slot].tag, self._slots[slot].value

    def give(self, variable: int, tag: int, value: int, pc: int) -> None:
        """Assign what fits the variable, in its own units."""
        if self.tracing:
            self._trail[-1][3].append(pc)
        self._assign(self._home + variable, value, tag, pc)

    def holds_of(self, variable: int, key: str) -> tuple[int, int]:
        """Return the tag and value of a map's value for a key; the first value of none."""
        slot = self._home + variable
        slot = self._elements.get((slot, self._text_numbers.get(key, -1)), slot)
        return self._slots[slot].tag, self._slots[slot].value

    def keys_of(self, variable: int) -> list[str]:
        """Return the keys of a map that were ever assigned, in order."""
        map_slot = self._home + variable
        return sorted(
            self.texts[key_number]
            for (slot, key_number), element in self._elements.items()
            if slot == map_slot and self._slots[element].written
        )

    def give_of(self, variable: int, key: str, tag: int, value: int, pc: int) -> int:
        """Assign a map's value for a key; return 1, 0 if that is none, -1 if these are too many."""
        key_number = self.intern(key)
        if not self._is_key(key_number):
            return 0
        if self._touched >= self._most_touched:
            return -1
        if self.tracing:
            self._trail[-1][3].append(pc)
        self._assign(self._element(self._home + variable, key_number), value, tag, pc)
        return 1

    def say(self, topic: int, text: str, pc: int) -> None:
        """Send a line of the log, or the arguments of a call, if the cycle does not fail."""
        if self.tracing:
            self._trail[-1][3].append(pc)
        self._pieces.clear()
        self._effect(topic, text, pc)

    def bear_or_drop(self, born: bool, key: str, pc: int) -> bool:
        """Let an instance be born or dropped when the cycle ends; False for what is no key."""
        key_number = self.intern(key)
        if not self._is_key(key_number):
            return False
        self._births.append((CREATE if born else DROP, key_number, pc))
        self._effects = 1
        return True

    def moment(self) -> tuple[int, str]:
        """Return the log's time, milliseconds since 1970 UTC, and the key of this instance."""
        return self._now, self.texts[self._instance] if self._instance >= 0 else ""

    def fail(self, text: str, pc: int) -> None:
        """Say why and where a method fails."""
        self.said = text
        self._pc = pc
