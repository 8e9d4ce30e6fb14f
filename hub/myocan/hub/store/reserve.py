"""Room set aside beside a store, so that a full disk does not leave its hub speechless.

The one idea: a file that is good for nothing but to be removed. Its blocks are taken when there is
room, and given up when there is none, for the few messages in which the hub writes that down.
"""

import contextlib
import errno
import logging
import os
from collections.abc import Callable
from pathlib import Path

__all__ = ["Reserve"]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

_log = logging.getLogger(__name__)


def _allocate(descriptor: int, size: int) -> None:
    """Give a file `size` bytes that are really on the disk. Raises OSError."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
    else:
        block = b"\0" * 65536
        for start in range(0, size, len(block)):
            os.pwrite(descriptor, block[: size - start], start)
        os.fsync(descriptor)


class Reserve:
    """The reserve of the store at `path` (None: it is in memory, and has none).

    Arguments:
        path: the store's file; the reserve is beside it, `.reserve` behind its name.
        size: its bytes, 0 for none.
        allocate: gives an open file so many bytes on the disk; raises OSError.
    """

    def __init__(
        self, path: Path | None, size: int, allocate: Callable[[int, int], None] = _allocate
    ) -> None:
        self._path = None
        if path is not None and size:
            whole = path.resolve()
            self._path = whole.with_name(whole.name + ".reserve")
        self._size = size
        self._allocate = allocate
        self._complained = False

    def fill(self) -> bool:
        """Set the room aside, if it is not; return whether the disk has it.

        It must have as much again: who has just made room has not made much, and a hub that stops
        and goes on in turns helps nobody.
        """
        if self._path is None:
            return True
        try:
            if self._path.stat().st_size == self._size:
                return True
        except OSError:
            pass
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                self._allocate(descriptor, 2 * self._size)
                os.ftruncate(descriptor, self._size)
            finally:
                os.close(descriptor)
        except OSError as error:
            with contextlib.suppress(OSError):
                self._path.unlink()
            if error.errno in _FULL:
                return False
            if not self._complained:
                self._complained = True
                _log.warning("%s: no room can be set aside (%s)", self._path, error)
        return True

    def give_up(self) -> bool:
        """Free the room; return whether there was any."""
        if self._path is None:
            return False
        try:
            self._path.unlink()
        except OSError:
            return False
        return True
