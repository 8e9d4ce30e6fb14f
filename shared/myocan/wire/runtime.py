"""What MicroPython and CPython do differently, and must do alike here.

UTF-8 is what RFC 3629 says: MicroPython encodes and decodes surrogates, overlong forms and numbers
past U+10FFFF without a word, CPython refuses them. What one end accepts the other must accept too,
so they are refused. And `const`, which MicroPython's compiler knows, must exist on CPython.
"""

from .errors import WireError


def const(value: int) -> int:
    """Return `value`. To MicroPython's compiler the name makes a constant, one that begins with an
    underscore takes no memory, and what stands under a false one is left out."""
    return value


try:
    b"\xed\xa0\x80".decode()
    _LAX = True
except UnicodeError:
    _LAX = False


def to_utf8(text: str) -> bytes:
    """Encode `text`; `WireError` if it holds a surrogate."""
    try:
        raw = text.encode()
    except UnicodeError:
        raise WireError("the text holds a surrogate: send whole characters") from None
    if _LAX and len(raw) != len(text):
        _check(raw)
    return raw


def from_utf8(raw: "bytes | bytearray | memoryview") -> str:
    """Decode `raw`; `WireError` if it is not UTF-8."""
    try:
        text = str(raw, "utf-8")
    except UnicodeError:
        raise WireError("the text is not UTF-8: encode it as UTF-8") from None
    if _LAX and len(raw) != len(text):
        _check(raw)
    return text


def _check(raw: "bytes | bytearray | memoryview") -> None:
    """Refuse what CPython would. By bytes: MicroPython keeps every character it meets for ever."""
    before = 0
    for byte in raw:
        if (
            byte in (0xC0, 0xC1)
            or byte > 0xF4
            or (before == 0xE0 and byte < 0xA0)
            or (before == 0xED and byte >= 0xA0)
            or (before == 0xF0 and byte < 0x90)
            or (before == 0xF4 and byte >= 0x90)
        ):
            raise WireError("the text is not UTF-8: a surrogate or an overlong form")
        before = byte
