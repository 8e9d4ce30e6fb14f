"""A TCP proxy that can be cut: what lies between a board and its broker, in a test's hands."""

from __future__ import annotations

import contextlib
import queue
import selectors
import socket
import threading
from collections.abc import Callable
from typing import Any, Self


class Cut:
    """Forwards connections from `port` to `target` (host, port); use it in a `with` block.

    host: the address on which it listens.

    `cut()` closes all connections and refuses new ones, as an unplugged router with a machine
    behind it would; `freeze()` lets nothing through but closes nothing, as a lost radio link does;
    `mend()` ends both.
    """

    def __init__(self, target: tuple[str, int], host: str = "127.0.0.1") -> None:
        self._target = target
        self._host = host
        self._server: socket.socket | None = None
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._frozen = False
        self._selector = selectors.DefaultSelector()
        self._bell, self._rope = socket.socketpair()
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._orders: queue.Queue[tuple[Callable[[], None] | None, threading.Event]] = queue.Queue()
        self.port = 0
        self._listen()
        self._thread = threading.Thread(target=self._run, name="cut")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._order(None)
        self._thread.join()
        self._cut()
        self._bell.close()
        self._rope.close()
        self._selector.close()

    def cut(self) -> None:
        """Close every connection, and refuse others from now on."""
        self._order(self._cut)

    def freeze(self) -> None:
        """Let nothing through, in either direction; new connections are made and say nothing."""
        self._order(self._freeze)

    def mend(self) -> None:
        """Let connections be made, and bytes flow, again."""
        self._order(self._mend)

    def _order(self, what: Callable[[], None] | None) -> None:
        done = threading.Event()
        self._orders.put((what, done))
        self._rope.send(b"\0")
        assert done.wait(60), "the proxy's thread has ended"

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._bell:
                    self._bell.recv(1)
                    what, done = self._orders.get()
                    if what is not None:
                        what()
                    done.set()
                    if what is None:
                        return
                    break  # the order may have closed what else was ready
                if key.fileobj is self._server:
                    self._accept()
                else:
                    self._forward(key.fileobj)

    def _listen(self) -> None:
        self._server = socket.create_server((self._host, self.port))
        self.port = self._server.getsockname()[1]
        self._selector.register(self._server, selectors.EVENT_READ)

    def _cut(self) -> None:
        for each in list(self._pairs):
            self._close(each)
        if self._server is not None:
            self._selector.unregister(self._server)
            self._server.close()
            self._server = None

    def _freeze(self) -> None:
        if self._frozen:
            return
        self._frozen = True
        for each in self._pairs:
            self._selector.unregister(each)

    def _mend(self) -> None:
        if self._frozen:
            self._frozen = False
            for each in self._pairs:
                self._selector.register(each, selectors.EVENT_READ)
        if self._server is None:
            self._listen()

    def _accept(self) -> None:
        assert self._server is not None
        near, _ = self._server.accept()
        try:
            far = socket.create_connection(self._target, 5)
        except OSError:
            near.close()
            return
        for one, other in ((near, far), (far, near)):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._pairs[one] = other
            if not self._frozen:
                self._selector.register(one, selectors.EVENT_READ)

    def _forward(self, source: Any) -> None:
        if source not in self._pairs:
            return  # closed with its other half a moment ago
        try:
            piece = source.recv(65536)
            if piece:
                self._pairs[source].sendall(piece)
                return
        except OSError:
            pass
        self._close(source)

    def _close(self, one: socket.socket) -> None:
        for each in (one, self._pairs.get(one)):
            if each is not None and self._pairs.pop(each, None) is not None:
                with contextlib.suppress(KeyError):
                    self._selector.unregister(each)
                each.close()
