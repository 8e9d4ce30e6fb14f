"""What is in a compiled file, as far as it says what its code takes when it runs where it lies.

The one idea to know: of a file that is loaded into RAM, the bytecode of functions, the texts, and
the names that were not known before stay there, each piece of bytecode and text in blocks of its
own. Where a file is used in place (ROMFS), they stay in flash. What else a file becomes, objects of
functions and classes, tables, numbers of names, is in RAM either way; and the bytecode of modules
and class bodies in neither, since it runs once and is thrown away.

Source of the format: MicroPython's documentation, "MicroPython .mpy files", and py/bc.h for how a
function's bytecode begins.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

_TEXT, _BYTES, _TUPLE = 5, 6, 10
_BARE = (1, 2, 3, 4)
"""Kinds of constants without contents."""
_LOAD_NAME = 0x11
"""The instruction that looks a name up in a class body or a module, and in no function."""


class CompiledFile:
    """What is in the file at `path`. Raises ValueError if that is not understood here."""

    names: list[str]
    """Those that it brings along, for not every MicroPython knows them."""
    texts: list[int]
    functions: list[int]
    """Sizes in bytes; of what runs more than once."""

    def __init__(self, path: Path) -> None:
        self.names, self.texts, self.functions = [], [], []
        self._content = path.read_bytes()
        self._at = 4
        names, constants = self._number(), self._number()
        for _ in range(names):
            size = self._number()
            if not size & 1:
                self.names.append(self._take(size // 2 + 1)[:-1].decode())
        for _ in range(constants):
            self._constant()
        self._code(inner=False)
        if self._at != len(self._content):
            raise ValueError(f"{path} is not a compiled file that is understood here")

    def _take(self, count: int) -> bytes:
        self._at += count
        return self._content[self._at - count : self._at]

    def _number(self) -> int:
        number = 0
        while True:
            byte = self._take(1)[0]
            number = number << 7 | byte & 0x7F
            if byte < 0x80:
                return number

    def _constant(self) -> None:
        kind = self._take(1)[0]
        if kind in _BARE:
            return
        size = self._number()
        if kind == _TUPLE:
            for _ in range(size):
                self._constant()
        elif kind in (_TEXT, _BYTES):
            self._take(size + 1)
            self.texts.append(size + 1)
        else:
            self._take(size)

    def _code(self, *, inner: bool) -> None:
        head = self._number()
        bytecode = self._take(head >> 3)
        if inner and _first_instruction(bytecode) != _LOAD_NAME:
            self.functions.append(len(bytecode))
        if head & 4:
            for _ in range(self._number()):
                self._code(inner=True)


def _first_instruction(bytecode: bytes) -> int:
    """Return it; before it stand how much of a stack is needed, then the sizes of two tables (a bit
    of one and six of the other in each byte), then the tables."""
    at = 0
    while bytecode[at] & 0x80:
        at += 1
    tables = shift = 0
    more = True
    while more:
        at += 1
        byte = bytecode[at]
        tables += ((byte & 1) << shift) + ((byte >> 1 & 0x3F) << 6 * shift)
        shift += 1
        more = byte >= 0x80
    return bytecode[at + 1 + tables]


def stays_in_flash(files: Iterable[Path], names: Collection[str], block: int) -> int:
    """Return how many bytes of RAM are not taken when these files are used in place.

    names: all that were not known to MicroPython before. block: bytes, of which RAM is given away.
    """
    total = 0
    brought = set()
    for path in files:
        found = CompiledFile(path)
        total += sum(-(-size // block) * block for size in (*found.texts, *found.functions))
        brought.update(found.names)
    return total + sum(len(name.encode()) + 1 for name in brought.intersection(names))
