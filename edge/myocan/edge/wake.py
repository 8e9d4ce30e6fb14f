"""Lets another thread end a wait: a pair of connected sockets (CPython only)."""

import socket
from contextlib import suppress


class Wake:
    """`ring()`, from any thread, makes the object readable for a selector until `clear()`."""

    def __init__(self) -> None:
        self._out, self._in = socket.socketpair()
        self._out.setblocking(False)
        self._in.setblocking(False)

    def fileno(self) -> int:
        """Return the descriptor to wait for."""
        return self._out.fileno()

    def ring(self) -> None:
        """End the wait, now or when it begins."""
        with suppress(OSError):  # full, so it rings already; or closed, so nobody waits
            self._in.send(b"\0")

    def clear(self) -> None:
        """Be unreadable again."""
        with suppress(OSError):
            while self._out.recv(4096):
                pass

    def close(self) -> None:
        """Free the sockets."""
        self._out.close()
        self._in.close()
