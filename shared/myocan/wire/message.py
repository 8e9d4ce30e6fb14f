"""Messages: short JSON arrays, read and written without a binary float.

A message is an array of known length in which only one place is free text, so it is cut at the
commas before and behind that place, and each piece read by itself. No general JSON reader is
involved: those differ between runtimes, go as deep as a stranger wants, and make `21.50` a float.

What is written is the shortest form. What is read may have JSON's white space around each piece,
and any escape in a text. Every decoder takes arbitrary bytes, returns the message or raises a
`WireError` that says which field is wrong and what belongs there, and takes no more memory than
twice its input (and what a message of the longest text needs, whatever the input).
"""

from .errors import WireError
from .fixed import MAX_DECIMALS, MAX_UNITS, Fixed
from .text import from_utf8, to_utf8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Value: TypeAlias = bool | int | Fixed | str | None

WIRE_VERSION = 1
MAX_TEXT = 4096  # bytes of UTF-8; what is larger stays outside, and a reference travels
MAX_PAYLOAD = 32768  # bytes; longer ones are refused unread. A text in escapes takes 6 * MAX_TEXT
MAX_NAMES = 128  # keys of an object; bounds what "{...}" of tiny pairs can make a dict cost
MAX_WORD = 128  # bytes of a producer, a transaction, a store's identity
MAX_BOOT = (1 << 31) - 1
MAX_COUNT = (1 << 63) - 1
MAX_TS = 253_402_300_799_999  # the last millisecond of the year 9999, so that any calendar has it
LEVELS = ("info", "warn", "alert")

_SPACE = b" \t\r\n"
_CONSTANTS = {b"null": None, b"true": True, b"false": False}
_ESCAPES = {
    b"b": b"\b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b'"': b'"',
    b"\\": b"\\",
    b"/": b"/",
}
# What a known key of a status must be: a whole number up to this one, or of a type.
_STATUS: "dict[str, Any]" = {
    "online": bool,
    "boot": MAX_BOOT,
    "incarnation": MAX_COUNT,
    "connection": MAX_COUNT,
    "wire": MAX_COUNT,
    "free": MAX_COUNT,
    "lost": MAX_COUNT,
    "sdk": str,
    "runtime": str,
    "config": str,
    "version": str,
    "reason": str,
    "applied": dict,
}


# Values


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
    if isinstance(value, int):
        if not -MAX_UNITS <= value <= MAX_UNITS:
            raise WireError("an integer lies below 2**63 in magnitude: send a text instead")
        return f"{value:d}".encode()
    if isinstance(value, Fixed):
        return str(value).encode()
    if isinstance(value, str):
        return _quote(value)
    raise WireError(
        f"a {type(value).__name__} cannot travel: None, bool, int, text, or Fixed(215, 1) for 21.5"
    )


def decode_value(raw: bytes) -> "Value":
    """Read the JSON text of one value. Raises `WireError`."""
    return _value(_bounded(raw))


# Arrays


def encode_data(
    value: "Value", offset: int, ts: "int | None", producer: str, incarnation: int
) -> bytes:
    """A message as the hub publishes it.

    offset, incarnation: the log's, 0 to 2**63 - 1. ts: milliseconds since 1970 UTC, None if
    nobody knows. producer: who wrote it, printable ASCII without space, comma, quote and
    backslash. Raises `WireError`.
    """
    head = encode_value(value)
    _check(offset, MAX_COUNT, "offset")
    _check_ts(ts)
    _check(incarnation, MAX_COUNT, "incarnation")
    word = _check_word(producer, "producer")
    return b"[" + head + f',{offset},{_null(ts)},"{word}",{incarnation}]'.encode()


def decode_data(payload: bytes) -> "tuple[Value, int, int | None, str, int]":
    """Take what `encode_data` made apart: value, offset, ts, producer, incarnation."""
    value, offset, ts, producer, incarnation = _fields(payload, 0, 4)
    return (
        _value(value),
        _whole(offset, MAX_COUNT, "offset"),
        _ts(ts),
        _word(producer, "producer"),
        _whole(incarnation, MAX_COUNT, "incarnation"),
    )


def encode_up(value: "Value", seq: int, ts: "int | None", boot: int) -> bytes:
    """A message as a board sends it.

    seq: 1 to 2**63 - 1. ts: milliseconds since 1970 UTC, None if the board cannot know. boot: 0
    to 2**31 - 1. Raises `WireError`.
    """
    head = encode_value(value)
    _check(seq, MAX_COUNT, "seq", 1)
    _check_ts(ts)
    _check(boot, MAX_BOOT, "boot")
    return b"[" + head + f",{seq},{_null(ts)},{boot}]".encode()


def decode_up(payload: bytes) -> "tuple[Value, int, int | None, int]":
    """Take what `encode_up` made apart: value, seq, ts, boot."""
    value, seq, ts, boot = _fields(payload, 0, 3)
    return (
        _value(value),
        _whole(seq, MAX_COUNT, "seq", 1),
        _ts(ts),
        _whole(boot, MAX_BOOT, "boot"),
    )


def encode_base(boot: int, base: int, lost: int) -> bytes:
    """What opens a connection: nothing below `base` will ever come from this boot.

    base: 1 to 2**63 - 1. lost: how many messages the board threw away in this boot. Raises
    `WireError`.
    """
    _check(boot, MAX_BOOT, "boot")
    _check(base, MAX_COUNT, "base", 1)
    _check(lost, MAX_COUNT, "lost")
    return f"[{boot},{base},{lost}]".encode()


def decode_base(payload: bytes) -> "tuple[int, int, int]":
    """Take what `encode_base` made apart: boot, base, lost."""
    boot, base, lost = _fields(payload, 0, 2)
    return (
        _whole(boot, MAX_BOOT, "boot"),
        _whole(base, MAX_COUNT, "base", 1),
        _whole(lost, MAX_COUNT, "lost"),
    )


def encode_ack(boot: int, seq: int, now_ms: int, store: str) -> bytes:
    """An acknowledgement: all of `boot` up to `seq` is on the hub's disk.

    seq: 0 to 2**63 - 1. now_ms: the hub's clock, milliseconds since 1970 UTC. store: the log's
    identity, a word as a producer is. Raises `WireError`.
    """
    _check(boot, MAX_BOOT, "boot")
    _check(seq, MAX_COUNT, "seq")
    _check(now_ms, MAX_TS, "now_ms")
    word = _check_word(store, "store")
    return f'[{boot},{seq},{now_ms},"{word}"]'.encode()


def decode_ack(payload: bytes) -> "tuple[int, int, int, str]":
    """Take what `encode_ack` made apart: boot, seq, now_ms, store."""
    boot, seq, now_ms, store = _fields(payload, 0, 3)
    return (
        _whole(boot, MAX_BOOT, "boot"),
        _whole(seq, MAX_COUNT, "seq"),
        _whole(now_ms, MAX_TS, "now_ms"),
        _word(store, "store"),
    )


def encode_log(level: str, text: str, ts: "int | None", boot: int) -> bytes:
    """A line for the hub's log. level: `info`, `warn` or `alert`. Raises `WireError`."""
    if level not in LEVELS:
        raise WireError("a board's log has the levels info, warn and alert")
    _check_ts(ts)
    _check(boot, MAX_BOOT, "boot")
    return f'["{level}",'.encode() + _quote(text) + f",{_null(ts)},{boot}]".encode()


def decode_log(payload: bytes) -> "tuple[str, str, int | None, int]":
    """Take what `encode_log` made apart: level, text, ts, boot."""
    level, text, ts, boot = _fields(payload, 1, 2)
    name = _word(level, "level")
    if name not in LEVELS:
        raise WireError(f"level {name[:32]!r}: a board's log has info, warn and alert")
    return (name, _text(text, "text"), _ts(ts), _whole(boot, MAX_BOOT, "boot"))


def encode_propose(txn: str, expires_ms: int, values: "dict[str, Value]") -> bytes:
    """Ask a board whether its ports would take these values.

    txn: the incarnation and a random part, a word as a producer is. expires_ms: by the hub's
    clock. values: port name to value. Raises `WireError`.
    """
    word = _check_word(txn, "txn")
    _check(expires_ms, MAX_TS, "expires_ms")
    return _bounded(f'["{word}",{expires_ms},'.encode() + _quote_object(values) + b"]")


def decode_propose(payload: bytes) -> "tuple[str, int, dict[str, Value]]":
    """Take what `encode_propose` made apart: txn, expires_ms, values."""
    txn, expires_ms, values = _fields(payload, 2, 0)
    return (
        _word(txn, "txn"),
        _whole(expires_ms, MAX_TS, "expires_ms"),
        _object(values, False),
    )


def encode_verdict(txn: str, ok: bool, why: "str | None" = None) -> bytes:
    """A board's answer to a proposal. why: given exactly when refused. Raises `WireError`."""
    word = _check_word(txn, "txn")
    if ok is True and why is None:
        return f'["{word}",true]'.encode()
    if ok is False and isinstance(why, str):
        return f'["{word}",false,'.encode() + _quote(why) + b"]"
    raise WireError("a verdict is True, or False and why")


def decode_verdict(payload: bytes) -> "tuple[str, bool, str | None]":
    """Take what `encode_verdict` made apart: txn, ok, why (None if it is True)."""
    txn, rest = _fields(payload, 1, 0)
    word = _word(txn, "txn")
    if rest.strip(_SPACE) == b"true":
        return (word, True, None)
    comma = rest.find(b",")
    if comma < 0 or rest[:comma].strip(_SPACE) != b"false":
        raise WireError('a verdict is [txn, true] or [txn, false, "why"]')
    return (word, False, _text(rest[comma + 1 :], "why"))


# Objects


def encode_status(status: "dict[str, Any]") -> bytes:
    """A board's or a hub's status, keys sorted.

    `online` must be there. Keys that version 1 does not know may hold any value; `applied` holds
    port name to value. Raises `WireError`.
    """
    _check_status(status)
    return _bounded(_quote_object(status))


def decode_status(payload: bytes) -> "dict[str, Any]":
    """Read a status. Keys that version 1 does not know are kept. Raises `WireError`."""
    status = _object(_bounded(payload), True)
    _check_status(status)
    return status


def _check_status(status: "dict[str, Any]") -> None:
    if "online" not in status:
        raise WireError("a status says whether its writer is online: add online, true or false")
    for key in status:
        value = status[key]
        rule = _STATUS.get(key)
        if isinstance(rule, int):
            _check(value, rule, key)
        elif rule is not None and not isinstance(value, rule):
            raise WireError(f"{key} of a status must be a {rule.__name__}")
        elif rule is None and isinstance(value, dict):
            raise WireError(f"{key[:32]!r} of a status must be a plain value")


def _quote_object(values: "dict[str, Any]") -> bytes:
    if not isinstance(values, dict) or len(values) > MAX_NAMES:
        raise WireError(f"a dict of at most {MAX_NAMES} names belongs here")
    parts = []
    for key in values:
        _check_word(key, "name")
    for key in sorted(values):
        value = values[key]
        raw = _quote_object(value) if isinstance(value, dict) else encode_value(value)
        parts.append(f'"{key}":'.encode() + raw)
    return b"{" + b",".join(parts) + b"}"


def _object(raw: bytes, nested: bool) -> "dict[str, Any]":
    at = _skip(raw, 0)
    found, at = _pairs(raw, at, nested)
    if _skip(raw, at) != len(raw):
        raise WireError("nothing may follow the object")
    return found


def _pairs(raw: bytes, at: int, nested: bool) -> "tuple[dict[str, Any], int]":
    """Read the object that begins at `at`; a nested one may hold an object as `applied`."""
    found: dict[str, Any] = {}
    if raw[at : at + 1] != b"{":
        raise WireError("a JSON object belongs here")
    at = _skip(raw, at + 1)
    if raw[at : at + 1] == b"}":
        return found, at + 1
    while True:
        end = _end(raw, at)
        key = _word(raw[at:end], "name")
        at = _skip(raw, end)
        if key in found or len(found) == MAX_NAMES or raw[at : at + 1] != b":":
            raise WireError(f"name {key[:32]!r}: once, then a colon; at most {MAX_NAMES} names")
        at = _skip(raw, at + 1)
        if nested and key == "applied":
            found[key], at = _pairs(raw, at, False)
        else:
            end = _end(raw, at)
            found[key] = _value(raw[at:end])
            at = end
        at = _skip(raw, at)
        mark = raw[at : at + 1]
        if mark == b"}":
            return found, at + 1
        if mark != b",":
            raise WireError("a comma or the closing brace is missing in an object")
        at = _skip(raw, at + 1)


def _skip(raw: bytes, at: int) -> int:
    """The place of the first byte from `at` that is not white space."""
    while raw[at : at + 1] in (b" ", b"\t", b"\r", b"\n"):
        at += 1
    return at


def _end(raw: bytes, at: int) -> int:
    """Where the string, number or constant ends that begins at `at`."""
    if raw[at : at + 1] != b'"':
        while raw[at : at + 1] not in (b",", b"}", b" ", b"\t", b"\r", b"\n", b""):
            at += 1
        return at
    while True:
        at = raw.find(b'"', at + 1)
        if at < 0:
            raise WireError("a text has no closing quote")
        first = at
        while raw[first - 1] == 92:
            first -= 1
        if (at - first) % 2 == 0:
            return at + 1


# Pieces


def _fields(payload: bytes, before: int, after: int) -> "list[bytes]":
    """Cut an array at its first `before` and last `after` commas."""
    _bounded(payload)
    if payload[:1] != b"[" or payload[-1:] != b"]":
        payload = payload.strip(_SPACE)
        if payload[:1] != b"[" or payload[-1:] != b"]" or len(payload) < 2:
            raise WireError(f"a JSON array of {before + after + 1} fields belongs here")
    start = 1
    end = len(payload) - 1
    fields = []
    for _ in range(before):
        comma = payload.find(b",", start, end)
        if comma < 0:
            raise WireError(f"the array has fewer than {before + after + 1} fields")
        fields.append(payload[start:comma])
        start = comma + 1
    for _ in range(after):
        comma = payload.rfind(b",", start, end)
        if comma < 0:
            raise WireError(f"the array has fewer than {before + after + 1} fields")
        fields.insert(before, payload[comma + 1 : end])
        end = comma
    fields.insert(before, payload[start:end])
    return fields


def _whole(raw: bytes, high: int, what: str, low: int = 0) -> int:
    if raw.isdigit() and len(raw) < 20 and (raw[0] != 48 or len(raw) == 1):
        number = int(raw)
        if low <= number <= high:
            return number
    else:
        bare = raw.strip(_SPACE)
        if len(bare) < len(raw):
            return _whole(bare, high, what, low)
    raise WireError(f"{what}: a whole number from {low} to {high} belongs here, not {raw[:32]!r}")


def _ts(raw: bytes) -> "int | None":
    if raw == b"null" or raw.strip(_SPACE) == b"null":
        return None
    return _whole(raw, MAX_TS, "ts")


def _word(raw: bytes, what: str) -> str:
    """Read a quoted name: printable ASCII without space, comma, quote and backslash."""
    if raw[:1] != b'"' or raw[-1:] != b'"':
        raw = raw.strip(_SPACE)
    if raw[:1] == b'"' and raw[-1:] == b'"' and _is_word(raw[1:-1]):
        return from_utf8(raw[1:-1])
    raise WireError(f"{what}: a name in quotes belongs here, not {raw[:32]!r}")


def _value(raw: bytes) -> "Value":
    if raw in _CONSTANTS:
        return _CONSTANTS[raw]
    if raw[:1] == b'"':
        return _text(raw, "value")
    digits = raw[1:] if raw[:1] == b"-" else raw
    point = digits.find(b".")
    if point < 0:
        if digits.isdigit() and len(digits) < 20 and (digits[0] != 48 or len(digits) == 1):
            number = int(raw)
            if -MAX_UNITS <= number <= MAX_UNITS:
                return number
    elif len(digits) < 22 and (digits[0] != 48 or point == 1):
        whole = digits[:point]
        part = digits[point + 1 :]
        if whole.isdigit() and part.isdigit() and len(part) <= MAX_DECIMALS:
            units = int(whole + part)
            if units <= MAX_UNITS:
                return Fixed(-units if raw[0] == 45 else units, len(part))
    bare = raw.strip(_SPACE)
    if len(bare) < len(raw):
        return _value(bare)
    raise WireError(
        "value: null, true, false, a text, or a number below 2**63 without exponent and with at "
        f"most {MAX_DECIMALS} decimals belongs here, not {raw[:32]!r}"
    )


def _text(raw: bytes, what: str) -> str:
    """Read a quoted text of at most MAX_TEXT bytes."""
    end = len(raw) - 1
    if raw[:1] != b'"' or raw[-1:] != b'"' or end < 1:
        bare = raw.strip(_SPACE)
        if len(bare) < len(raw):
            return _text(bare, what)
        raise WireError(f"{what}: a text in quotes belongs here, not {raw[:32]!r}")
    if min(raw) < 32:
        raise WireError(f"{what}: escape control characters in a text as \\u00XX")
    if raw.find(b"\\") < 0:
        if raw.find(b'"', 1) != end:
            raise WireError(f'{what}: a quote within a text is escaped as \\"')
        if end - 1 <= MAX_TEXT:
            return from_utf8(memoryview(raw)[1:end])
    else:
        return _unescape(raw, 1, end, what)
    raise WireError(f"{what}: a text has at most {MAX_TEXT} bytes: send a reference to it")


def _unescape(raw: bytes, at: int, end: int, what: str) -> str:
    """Resolve JSON's escapes (RFC 8259, 7); a surrogate must have its other half."""
    found = bytearray()
    high = 0  # the first half of a pair, waiting for the second
    while len(found) <= MAX_TEXT:
        mark = raw.find(b"\\", at, end)
        stop = end if mark < 0 else mark
        if raw.find(b'"', at, stop) >= 0 or (high and (mark < 0 or at < stop)):
            break
        found += memoryview(raw)[at:stop]
        if mark < 0:
            return from_utf8(found)
        kind = raw[mark + 1 : mark + 2]
        at = mark + 2
        if kind != b"u":
            if high or at > end or kind not in _ESCAPES:
                break
            found += _ESCAPES[kind]
            continue
        code = _hex(raw[at : at + 4])
        at += 4
        if high:
            if not 0xDC00 <= code < 0xE000:
                break
            found += chr(0x10000 + ((high - 0xD800) << 10) + code - 0xDC00).encode()
            high = 0
        elif 0xD800 <= code < 0xDC00:
            high = code
        elif code < 0 or 0xDC00 <= code < 0xE000:
            break
        else:
            found += chr(code).encode()
    raise WireError(
        f"{what}: escape quotes, and surrogates in pairs; a text has at most {MAX_TEXT} bytes"
    )


def _hex(digits: bytes) -> int:
    code = 0
    for digit in digits.lower():
        place = b"0123456789abcdef".find(bytes((digit,)))
        if place < 0:
            return -1
        code = code * 16 + place
    return code if len(digits) == 4 else -1


def _quote(text: str) -> bytes:
    """Write a text as JSON: UTF-8, only quote, backslash and control characters escaped."""
    if not isinstance(text, str):
        raise WireError(f"a text belongs here, not a {type(text).__name__}")
    raw = to_utf8(text)
    if len(raw) > MAX_TEXT:
        raise WireError(f"a text has at most {MAX_TEXT} bytes: send a reference to it")
    if raw and (min(raw) < 32 or raw.find(b'"') >= 0 or raw.find(b"\\") >= 0):
        quoted = bytearray()
        for byte in raw:
            if byte < 32:
                quoted += f"\\u{byte:04x}".encode()
            else:
                if byte in (34, 92):
                    quoted += b"\\"
                quoted += bytes((byte,))
        raw = bytes(quoted)
    return b'"' + raw + b'"'


def _is_word(raw: bytes) -> bool:
    return (
        0 < len(raw) <= MAX_WORD
        and min(raw) > 32
        and max(raw) < 127
        and raw.find(b'"') < 0
        and raw.find(b",") < 0
        and raw.find(b"\\") < 0
    )


# What is written


def _check_word(text: str, what: str) -> str:
    if isinstance(text, str) and len(text) <= MAX_WORD and _is_word(to_utf8(text)):
        return text
    raise WireError(
        f"{what}: a name of 1 to {MAX_WORD} printable ASCII characters belongs here, without "
        "space, comma, quote and backslash"
    )


def _check(number: int, high: int, what: str, low: int = 0) -> None:
    if type(number) is not int or not low <= number <= high:
        raise WireError(f"{what}: a whole number from {low} to {high} belongs here")


def _check_ts(ts: "int | None") -> None:
    if ts is not None:
        _check(ts, MAX_TS, "ts")


def _null(ts: "int | None") -> "int | str":
    return "null" if ts is None else ts


def _bounded(payload: bytes) -> bytes:
    if len(payload) > MAX_PAYLOAD:
        raise WireError(f"a payload has at most {MAX_PAYLOAD} bytes, this one {len(payload)}")
    return payload
