"""A file that steers a hub's clock and its disk's patience, for who writes it and who reads it."""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

__all__ = ["Steering"]

_NUMBERS = struct.Struct("<qq")


class Steering:
    """The file at `path`; made with `Steering.make`."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _NUMBERS.size)

    @classmethod
    def make(cls, path: Path) -> Steering:
        """Make the file: the clock is right, the disk as it is."""
        path.write_bytes(bytes(_NUMBERS.size))
        return cls(path)

    @property
    def clock_ms(self) -> int:
        """What is added to the wall clock, in milliseconds."""
        return int(_NUMBERS.unpack(self._memory[:])[0])

    @property
    def sync_ms(self) -> int:
        """How many milliseconds are added to a sync."""
        return int(_NUMBERS.unpack(self._memory[:])[1])

    def steer(self, clock_ms: int, sync_ms: int) -> None:
        """Set both."""
        self._memory[:] = _NUMBERS.pack(clock_ms, sync_ms)
