"""Messages: short JSON arrays, read and written without a binary float.

A message is an array of known length in which only one place is free text, so it is cut at the
commas before and behind that place, each piece is read by itself, and then held to the same check
as where it is written. No general JSON reader is involved: those differ between runtimes, go as
deep as a stranger wants, and make `21.50` a float.

What is written is the shortest form. What is read may have JSON's white space around each piece,
and any escape in a text. Every decoder takes arbitrary bytes, returns the message or raises a
`WireError` that says which field is wrong and what belongs there, goes no deeper than the format,
and holds at no time more memory than twice its input (or what the longest text needs).

Here is what every board reads and writes; the hub's ends of the messages are in `hub_message.py`,
objects are read in `objects.py`, and proposals, which not every board answers, in `proposal.py`.
"""

from .errors import WireError
from .fixed import MAX_DECIMALS, MAX_UNITS, Fixed
from .runtime import const, from_utf8, to_utf8

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Value: TypeAlias = bool | int | Fixed | str | None

WIRE_VERSION = 1
MAX_TEXT = 4096  # bytes of UTF-8; what is larger stays outside, and a reference travels
MAX_PAYLOAD = 32768  # bytes; longer ones are refused unread. A text in escapes takes 6 * MAX_TEXT
MAX_NAMES = 128  # keys of an object; bounds what a dict of tiny pairs can cost
MAX_WORD = 128  # characters of a producer, a transaction, a store's identity, a name
MAX_BOOT = (1 << 31) - 1
MAX_TS = 253_402_300_799_999  # the last millisecond of the year 9999, so that any calendar has it
LEVELS = ("info", "warn", "alert")
SPACE = b" \t\r\n"

_CONSTANTS = {b"null": None, b"true": True, b"false": False}
_ESCAPES = {
    98: 8,
    102: 12,
    110: 10,
    114: 13,
    116: 9,
    34: 34,
    92: 92,
    47: 47,
}  # \b \f \n \r \t " \ /


# What a board writes


def encode_value(value: "Value") -> bytes:
    """The JSON text of a value: None, a bool, an integer, a `Fixed`, or text.

    Integers: below 2**63 in magnitude. Text: at most 4,096 bytes of UTF-8, no surrogates. Raises
    `WireError`; for a float too, since only the port knows its decimals.
    """
    if value is None:
        return b"null"
    if value is True:
        return b"true"
    if value is False:
        return b"false"
    if isinstance(value, str):
        return _quote(value)
    if isinstance(value, Fixed):
        return str(value).encode()
    if isinstance(value, int) and -MAX_UNITS <= value <= MAX_UNITS:
        return f"{value:d}".encode()
    raise WireError("value: None, bool, an int below 2**63, text, or Fixed(215, 1) for 21.5")


def encode_base(boot: int, base: int, lost: int) -> bytes:
    """What opens a connection: nothing below `base` will ever come from this boot.

    base: 1 to 2**63 - 1. lost: how many messages the board threw away in this boot. Raises
    `WireError`.
    """
    return join(check_boot(boot), check_whole(base, "base", 1), check_whole(lost, "lost"))


def encode_log(level: str, text: str, ts: "int | None", boot: int) -> bytes:
    """A line for the hub's log. level: `info`, `warn` or `alert`. ts and boot as in a message.

    Raises `WireError`.
    """
    return join(check_level(level), check_text(text), check_ts(ts), check_boot(boot))


def encode_status(status: "dict[str, Any]") -> bytes:
    """A board's or a hub's status, keys sorted; `applied` is a dict of port name to value.

    Raises `WireError`. What else the keys of version 1 may hold, the reader checks.
    """
    return write_object(status, True)


def join(*fields: "Value") -> bytes:
    return b"[" + b",".join([encode_value(field) for field in fields]) + b"]"


def write_object(values: "dict[str, Any]", nested: bool) -> bytes:
    """Write an object of plain values; a nested one may hold another as `applied`."""
    parts = []
    if not isinstance(values, dict) or len(values) > MAX_NAMES:
        raise WireError(f"a dict of at most {MAX_NAMES} names belongs here")
    for key in sorted([check_word(key, "name") for key in values]):
        inner = nested and key == "applied"
        raw = write_object(values[key], False) if inner else encode_value(values[key])
        parts.append(f'"{key}":'.encode() + raw)
    return check_size(b"{" + b",".join(parts) + b"}")


def _quote(text: str) -> bytes:
    """Write a text as JSON: UTF-8, only quote, backslash and control characters escaped."""
    raw = to_utf8(text)
    if len(raw) > MAX_TEXT:
        raise WireError(f"a text has at most {MAX_TEXT} bytes: send a reference to it")
    if raw and (min(raw) < 32 or raw.find(b'"') >= 0 or raw.find(b"\\") >= 0):
        quoted = bytearray()
        for byte in raw:
            if byte < 32 or byte == 34 or byte == 92:
                quoted.append(92)
                for letter in _ESCAPES:
                    if _ESCAPES[letter] == byte:
                        byte = letter
                        break
                else:
                    quoted += f"u{byte:04x}".encode()
                    continue
            quoted.append(byte)
        raw = bytes(quoted)
    return b'"' + raw + b'"'


# What a board reads


def decode_data(payload: bytes) -> "tuple[Value, int, int | None, str, int]":
    """A message as the hub publishes it: value, offset, ts, producer, incarnation.

    Raises `WireError`.
    """
    value, offset, ts, producer, incarnation = cut(payload, 0, 4)
    return (
        read(value),
        whole(offset, "offset"),
        moment(ts),
        check_word(read(producer), "producer"),
        whole(incarnation, "incarnation"),
    )


def decode_ack(payload: bytes) -> "tuple[int, int, int, str]":
    """An acknowledgement: boot, seq, now_ms, store. All up to seq is on the hub's disk.

    now_ms is the hub's clock, milliseconds since 1970 UTC, store the log's identity. Raises
    `WireError`.
    """
    boot, seq, now_ms, store = cut(payload, 0, 3)
    return (
        whole(boot, "boot", 0, MAX_BOOT),
        whole(seq, "seq"),
        whole(now_ms, "now_ms", 0, MAX_TS),
        check_word(read(store), "store"),
    )


def cut(payload: bytes, before: int, after: int) -> "list[bytes]":
    """Cut an array at its first `before` and last `after` commas."""
    check_size(payload)
    if payload[:1] != b"[" or payload[-1:] != b"]":
        payload = payload.strip(SPACE)
    fields = payload[1:-1].rsplit(b",", after)
    if before:
        fields[:1] = fields[0].split(b",", before)
    if len(fields) <= before + after or payload[0] != 91 or payload[-1] != 93:
        raise WireError(f"a JSON array of {before + after + 1} fields belongs here")
    return fields


def whole(raw: bytes, what: str, low: int = 0, high: int = MAX_UNITS) -> int:
    """Read a whole number. Raises `WireError`."""
    if raw.isdigit() and len(raw) < 20 and raw[0] != 48:
        number = int(raw)
        if low <= number <= high:
            return number
    return check_whole(read(raw), what, low, high)


def moment(raw: bytes) -> "int | None":
    """Read a ts. Raises `WireError`."""
    return whole(raw, "ts", 0, MAX_TS) if raw.isdigit() else check_ts(read(raw))


def read(raw: bytes) -> "Value":
    """Read a constant, a number or a text. Raises `WireError`."""
    if raw in _CONSTANTS:
        return _CONSTANTS[raw]
    first = raw[0] if raw else 0
    if first == 34 and raw[-1] == 34:
        return _unquote(raw)
    digits = raw[1:] if first == 45 else raw
    point = digits.find(b".")
    part = digits[point + 1 :]  # all of it if there is no point
    if point >= 0:
        digits = digits[:point]
    if (
        digits.isdigit()
        and len(digits) < 20
        and (digits[0] != 48 or len(digits) == 1)
        and (point < 0 or (part.isdigit() and len(part) <= MAX_DECIMALS))
    ):
        units = int(digits if point < 0 else digits + part)
        if units <= MAX_UNITS:
            if first == 45:
                units = -units
            return units if point < 0 else Fixed(units, len(part))
    bare = raw.strip(SPACE)
    if len(bare) < len(raw):
        return read(bare)
    raise wrong("a constant, a text, or a number below 2**63, 9 decimals at most,", raw)


def _unquote(raw: bytes) -> str:
    """Read a text and resolve its escapes (RFC 8259, 7)."""
    end = len(raw) - 1
    if raw.find(b'"', 1) == end < MAX_TEXT + 2 and raw.find(b"\\") < 0 and min(raw) > 31:
        return from_utf8(memoryview(raw)[1:end])
    # Filled byte by byte, for on a board nothing should be allocated at each escape.
    found = bytearray(min(end, MAX_TEXT + 4) if end > 0 else 0)
    size = 0
    at = 1
    high = 0  # the first half of a surrogate pair, waiting for the second
    while at < end and size <= MAX_TEXT:
        byte = raw[at]
        at += 1
        code = -1  # a character that was given by its number
        if byte == 92:
            byte = raw[at]
            at += 1
            if byte == 117:
                code = _hex(raw, at)
                at += 4
                if 0xD800 <= code < 0xDC00 and not high:
                    high = code
                    continue
                if high and 0xDC00 <= code < 0xE000:
                    code += 0x10000 - 0xDC00 + ((high - 0xD800) << 10)
                    high = 0
                elif code < 0 or 0xD800 <= code < 0xE000:
                    break
            elif byte in _ESCAPES:
                byte = _ESCAPES[byte]
            else:
                break
        elif byte < 32 or byte == 34:
            break
        if high:
            break
        more = 0 if code < 0x80 else 1 if code < 0x800 else 2 if code < 0x10000 else 3
        if more:
            byte = (-64 >> (more - 1)) & 255 | code >> 6 * more
        elif code >= 0:
            byte = code
        found[size] = byte
        size += 1
        while more:
            more -= 1
            found[size] = 128 | code >> 6 * more & 63
            size += 1
    else:
        if at == end and size <= MAX_TEXT and not high:
            return from_utf8(memoryview(found)[:size])
    raise wrong(f"a text of at most {MAX_TEXT} bytes in JSON's form", raw)


def _hex(raw: bytes, at: int) -> int:
    """The four hexadecimal digits at `at`, -1 if they are not."""
    code = 0
    if at + 4 >= len(raw):
        return -1
    for i in range(at, at + 4):
        digit = raw[i]
        if 48 <= digit < 58:
            digit -= 48
        elif 96 < digit | 32 < 103:
            digit = (digit | 32) - 87
        else:
            return -1
        code = code * 16 + digit
    return code


def check_whole(number: "Value", what: str, low: int = 0, high: int = MAX_UNITS) -> int:
    if type(number) is int and low <= number <= high:
        return number
    raise WireError(f"{what}: a whole number from {low} to {high} belongs here")


def check_boot(boot: "Value") -> int:
    return check_whole(boot, "boot", 0, MAX_BOOT)


def check_ts(ts: "Value") -> "int | None":
    return None if ts is None else check_whole(ts, "ts", 0, MAX_TS)


def check_text(text: "Value") -> str:
    if isinstance(text, str):
        return text
    raise WireError("a text belongs here")


def check_level(level: "Value") -> str:
    if isinstance(level, str) and level in LEVELS:
        return level
    raise WireError("level: info, warn or alert belongs here")


def check_word(text: "Value", what: str) -> str:
    """A word is printable ASCII without space, comma, quote and backslash: never escaped or cut."""
    if isinstance(text, str) and 0 < len(text) <= MAX_WORD:
        for byte in to_utf8(text):
            if not 32 < byte < 127 or byte in (34, 44, 92):
                break
        else:
            return text
    raise WireError(f"{what}: a word of ASCII without comma, quote and backslash belongs here")


def check_size(payload: bytes) -> bytes:
    if len(payload) > MAX_PAYLOAD:
        raise WireError(f"a payload has at most {MAX_PAYLOAD} bytes, not {len(payload)}")
    return payload


def wrong(wanted: str, raw: bytes) -> WireError:
    return WireError(f"{wanted} belongs here, not {raw[:32]!r}")
