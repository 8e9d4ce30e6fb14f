"""TLS of a board: speaks to no broker whose certificate does not come from the house's authority.

The one idea to know: a certificate has dates, and a board has no clock before it has spoken to the
hub. So the clock is put to the day on which the authority was made, and after each refusal a month
on, up to _YEARS; then it begins again. What a board cannot see, therefore, is that a certificate
has run out; that the authority signed it, and for this broker, it sees.

An authority is one certificate, in DER, since small boards read no PEM. MicroPython can take one
from version 1.22 on; flashing refuses older ones.
"""

import binascii
import errno
import gc
import os
import select
import ssl
import time

from myocan.edge.clock import const
from myocan.edge.link import Link

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from myocan.edge.interfaces import Spec

_GREETING_MS = const(16_000)
"""How long the greetings may take: they are seconds of reckoning for a small processor."""
_YEARS = const(15)
_UNTRUSTED = const(-9984)
"""MBEDTLS_ERR_X509_CERT_VERIFY_FAILED, from mbedtls/x509.h. Newer MicroPython raises a ValueError
instead, which says in words what is wrong with the certificate."""
_GREETING = const(2)  # as in link.py


class TlsLink(Link):
    """A Link that speaks TLS.

    broker: also `ca` (the authority's certificate, base64 of DER) and `since` (year and month in
        which it begins).
    """

    def __init__(
        self,
        broker: "Spec",
        client_id: str,
        network: "Any" = None,
        random: "Callable[[int], bytes]" = os.urandom,
    ) -> None:
        super().__init__(broker, client_id, network, random)
        self._months = 0
        self._context: Any = None  # so that mypy asks no stubs, which lack verify_mode
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._context.load_verify_locations(cadata=binascii.a2b_base64(broker["ca"]))
        if time.gmtime()[:2] < tuple(broker["since"]):
            self._set_clock()

    def due(self, now: int) -> int:
        """See interfaces.Link."""
        return 0 if self._flags else super().due(now)

    def _greet(self) -> None:
        gc.collect()  # TLS takes its buffers whole
        self._poller.unregister(self._socket)
        self._socket = self._wrap(self._socket)
        self._poller.register(self._socket, select.POLLOUT)
        super()._greet()
        # the greetings of TLS are exchanged while the first packet is written
        self._answer.set(self._now, _GREETING_MS)
        if self._stall.on:
            self._stall.set(self._now, _GREETING_MS)

    def _converse(self, flags: int) -> None:
        self._count = 0
        try:
            super()._converse(flags)
        except ValueError as error:
            if self._state != _GREETING:
                raise  # not the certificate's
            raise OSError(_UNTRUSTED, str(error))  # noqa: B904 (no chains)
        if self._count:
            self._flags = flags  # TLS may have taken more from the socket, so no poll tells of it

    def _flush(self) -> None:
        try:
            super()._flush()
        except ValueError as error:
            raise OSError(_UNTRUSTED, str(error))  # noqa: B904 (no chains)

    def _fail(self, error: OSError) -> None:
        code = error.args[0] if error.args else 0
        if code == _UNTRUSTED:
            self._months = (self._months + 1) % (_YEARS * 12)
            self._set_clock()
            error = OSError(
                "its certificate is not from the authority that this board knows, "
                "or not for this host, or not valid now"
            )
        elif isinstance(code, int) and code < -1000:
            error = OSError(f"no TLS there ({error.args[-1]})")
        elif code == errno.ECONNRESET and self._state == _GREETING:
            error = OSError("it hangs up on a board that speaks TLS")
        super()._fail(error)

    def _wrap(self, plain: "Any") -> "Any":
        host = self._broker["host"]
        return self._context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)

    def _set_clock(self) -> None:
        """Put the clock to the month in which the authority begins, and so many later."""
        from machine import RTC  # type: ignore[import-not-found]

        year, month = self._broker["since"]
        month += self._months - 1
        RTC().datetime((year + month // 12, month % 12 + 1, 28, 0, 0, 0, 0, 0))
