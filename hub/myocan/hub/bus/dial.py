"""Making a connection, in a thread, and saying in plain words why there is none.

The one idea to know: looking up a name, connecting and greeting block, for seconds if need be, and
the agent has timers to serve. So they happen in a thread, and the open `Link` is handed over.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable

from myocan.hub.bus.address import Address, BusError
from myocan.hub.bus.link import Link

__all__ = ["Dialler", "check_authority", "explain"]


class Dialler:
    """Makes one link at a time.

    done: called, in the thread, when `result` has something.
    """

    def __init__(self, done: Callable[[], None]) -> None:
        self._done = done
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._result: Link | Exception | None = None

    def dial(self, make: Callable[[], Link], pause: float) -> None:
        """Make a link after a pause and open it. pause: seconds."""
        self._thread = threading.Thread(
            target=self._run, args=(make, pause), name="bus-dial", daemon=True
        )
        self._thread.start()

    def result(self) -> Link | Exception | None:
        """Return, once, the open link, or why there is none; None while it is dialled."""
        result, self._result = self._result, None
        return result

    def close(self) -> None:
        """Give up what is dialled, and wait until the thread has ended."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()
        if isinstance(self._result, Link):
            self._result.abort("stopped")

    def _run(self, make: Callable[[], Link], pause: float) -> None:
        if self._closed.wait(pause):
            return
        try:
            link = make()
            link.open()
        except Exception as error:  # whatever it is, the agent gets to read it
            self._result = error
        else:
            self._result = link
        self._done()


def check_authority(address: Address) -> None:
    """Raise BusError if the file of certificates cannot be used, before anything is started."""
    if address.ca is None:
        return
    try:
        ssl.create_default_context(cafile=address.ca)
    except OSError as error:  # SSLError among them
        why = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise BusError(f"?ca= of the broker's URL names {address.ca}: {why}") from None


def explain(error: Exception, address: Address) -> tuple[str, bool]:
    """Return why a connection could not be made, and whether that lasts until somebody acts."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"the certificate of the broker at {address} is not to be trusted "
            f"({error.verify_message}): name the right host, or its authority with ?ca=PATH"
        ), True
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        return (
            f"no TLS with the broker at {address} ({error.reason or error}): "
            "write mqtt:// if it has none there"
        ), True
    if isinstance(error, ConnectionRefusedError):
        return f"nobody listens at {address}: is the broker running?", False
    if isinstance(error, socket.gaierror):
        return f"no host of the name {address.host} is known", False
    if isinstance(error, TimeoutError):
        return f"the broker at {address} does not answer", False
    return f"no connection to the broker at {address}: {error}", False
