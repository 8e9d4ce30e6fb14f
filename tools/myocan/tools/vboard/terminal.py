"""The cable of a virtual board: a pseudo-terminal, as unhurried as a USB serial port.

The one idea to know: whoever reads gets every byte, and nobody has to read. A board that prints
faster than it is read waits, as behind a USB cable; once nothing was read for a while, nobody is
there, and it prints on with all but the newest thrown away.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import tty
from collections.abc import Callable

BACKLOG = 64 * 1024
"""Unread output for which the board waits, in bytes; also how much of it is remembered."""
STALE = 4096
"""Unread output that is kept when nobody reads, in bytes: what a terminal shows at first."""
UNREAD_S = 0.5
"""When nothing was read for so long, nobody reads."""


class Terminal:
    """A pseudo-terminal.

    link: a symbolic link to it to make, or "".
    typed: called with what was typed. hold: called with True when the board should print no more
        for now, and then with False.
    """

    def __init__(
        self, link: str, typed: Callable[[bytes], None], hold: Callable[[bool], None]
    ) -> None:
        self._link = link
        self._typed = typed
        self._hold = hold
        self._loop = asyncio.get_running_loop()
        self._output = b""
        self._transcript = b""
        self._holding: asyncio.TimerHandle | None = None
        self._abandoned = False
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)  # kept open: else the master fails when a reader leaves
        os.set_blocking(self._master, False)
        self.port = os.ttyname(self._slave)
        self._loop.add_reader(self._master, self._readable)
        if link:
            self._unlink()
            os.symlink(self.port, link)

    def close(self) -> None:
        """Take it away."""
        if self._holding is not None:
            self._holding.cancel()
        self._unlink()
        self._loop.remove_reader(self._master)
        self._loop.remove_writer(self._master)
        os.close(self._slave)
        os.close(self._master)

    @property
    def transcript(self) -> bytes:
        """The newest output, whether anybody read it or not."""
        return self._transcript

    def show(self, output: bytes) -> None:
        """Print something."""
        self._transcript = (self._transcript + output)[-BACKLOG:]
        self._output += output
        self._write()
        if len(self._output) > BACKLOG and not self._abandoned and self._holding is None:
            self._hold(True)
            self._holding = self._loop.call_later(UNREAD_S, self._nobody_reads)

    def _unlink(self) -> None:
        if self._link and os.path.islink(self._link):
            os.unlink(self._link)

    def _readable(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._typed(os.read(self._master, 4096))

    def _write(self) -> None:
        if self._output:
            try:
                written = os.write(self._master, self._output)
            except BlockingIOError:
                written = 0
            self._output = self._output[written:]
            if written:
                self._abandoned = False
                self._let_go()
        if self._output:
            if self._abandoned:
                self._output = self._output[-STALE:]
            self._loop.add_writer(self._master, self._write)
        else:
            self._loop.remove_writer(self._master)

    def _nobody_reads(self) -> None:
        self._abandoned = True
        self._output = self._output[-STALE:]
        self._let_go()

    def _let_go(self) -> None:
        if self._holding is not None:
            self._holding.cancel()
            self._holding = None
            self._hold(False)
