"""What a board sent, as the scalars that the core takes.

The one idea: the same few payload texts come again and again, so a value's JSON is looked up, not
read; only a text that was not seen before goes through the wire package. What is accepted, and the
words of what is refused, are the wire package's alone: whenever the quick way meets anything
unusual, `decode_up` decides.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from myocan.hub.core import Core, Tag
from myocan.wire import Fixed, decode_up, decode_value

__all__ = ["Scalars", "Sent"]

Sent = tuple[int, int, int, int | None, int]
"""(tag, value, seq, ts, boot)"""

REMEMBERED = 4096
"""Texts of values that are kept; bounds what a board of endlessly new readings can make of it."""

_Count = Annotated[int, msgspec.Meta(ge=1, le=(1 << 63) - 1)]
_Millis = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999)]
_Boot = Annotated[int, msgspec.Meta(ge=0, le=(1 << 31) - 1)]
_UP = msgspec.json.Decoder(tuple[msgspec.Raw, _Count, _Millis | None, _Boot])


class Scalars:
    """Reads messages of boards for one `Core`."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._epoch = core.epoch
        self._known: dict[bytes, tuple[int, int]] = {}

    def decode_up(self, payload: bytes) -> Sent:
        """Take a message of a board apart. Raises `WireError` as `myocan.wire.decode_up` does."""
        if self._epoch != self._core.epoch:  # numbers of texts are others now
            self._known.clear()
            self._epoch = self._core.epoch
        try:
            raw, seq, ts, boot = _UP.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._slowly(payload)
        text = bytes(raw)
        # JSON has more spellings of a whole number than this format: 5.0, 5e0, -0
        rest = payload[len(text) + 2 : -1]
        if ts is None:
            rest = rest.replace(b"null", b"")
        if not rest.replace(b",", b"").isdigit():
            return self._slowly(payload)
        scalar = self._known.get(text)
        if scalar is None:
            scalar = self.scalar(decode_value(text))
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[text] = scalar
        return (*scalar, seq, ts, boot)

    def _slowly(self, payload: bytes) -> Sent:
        value, seq, ts, boot = decode_up(payload)
        return (*self.scalar(value), seq, ts, boot)

    def scalar(self, value: bool | int | Fixed | str | None) -> tuple[int, int]:
        """Return a wire value as the core's (tag, value)."""
        if value is None:
            return int(Tag.NULL), 0
        if isinstance(value, bool):
            return int(Tag.BOOL), int(value)
        if isinstance(value, int):
            return 0, value
        if isinstance(value, Fixed):
            return value.decimals, value.units
        return int(Tag.TEXT), self._core.intern(value)
