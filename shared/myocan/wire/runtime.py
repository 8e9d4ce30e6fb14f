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
        _check(text, len(raw))
    return raw


def from_utf8(raw: "bytes | bytearray | memoryview") -> str:
    """Decode `raw`; `WireError` if it is not UTF-8."""
    try:
        text = str(raw, "utf-8")
    except UnicodeError:
        raise WireError("the text is not UTF-8: encode it as UTF-8") from None
    if _LAX and len(raw) != len(text):
        _check(text, len(raw))
    return text


def _check(text: str, size: int) -> None:
    """Refuse what CPython would: `size` is how many bytes `text` takes; overlong ones take more."""
    for character in text:
        code = ord(character)
        if 0xD800 <= code < 0xE000 or code > 0x10FFFF:
            size = -1
            break
        size -= 1 if code < 0x80 else 2 if code < 0x800 else 3 if code < 0x10000 else 4
    if size:
        raise WireError("the text is not UTF-8: a surrogate or an overlong form")
