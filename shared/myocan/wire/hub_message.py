"""The hub's ends of the messages, and the ways to write one without an `Outbox`.

What a board never reads or writes, so its firmware leaves this module out. The pieces, and how
they are cut apart, are in `message.py`.
"""

from .message import (
    MAX_BOOT,
    MAX_TS,
    check_boot,
    check_level,
    check_size,
    check_text,
    check_ts,
    check_whole,
    check_word,
    cut,
    join,
    moment,
    read,
    whole,
)
from .runtime import const

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from .message import Value

MAX_TAIL = 96  # bytes in which the numbers at the end of a message stand


def decode_value(raw: bytes) -> "Value":
    """Read the JSON text of one value. Raises `WireError`."""
    return read(check_size(raw))


def encode_data(
    value: "Value", offset: int, ts: "int | None", producer: str, incarnation: int
) -> bytes:
    """A message as the hub publishes it.

    offset, incarnation: the log's, 0 to 2**63 - 1. ts: milliseconds since 1970 UTC, None if
    nobody knows. producer: who wrote it, 1 to 128 printable ASCII characters without space,
    comma, quote and backslash. Raises `WireError`.
    """
    return join(
        value,
        check_whole(offset, "offset"),
        check_ts(ts),
        check_word(producer, "producer"),
        check_whole(incarnation, "incarnation"),
    )


def encode_up(value: "Value", seq: int, ts: "int | None", boot: int) -> bytes:
    """A message as a board sends it.

    seq: 1 to 2**63 - 1. ts: milliseconds since 1970 UTC, None if the board cannot know. boot: 0
    to 2**31 - 1. Raises `WireError`.
    """
    return join(value, check_whole(seq, "seq", 1), check_ts(ts), check_boot(boot))


def decode_up(payload: bytes) -> "tuple[Value, int, int | None, int]":
    """Take what a board sent apart: value, seq, ts, boot. Raises `WireError`."""
    value, seq, ts, boot = cut(payload, 0, 3)
    return (
        read(value),
        whole(seq, "seq", 1),
        moment(ts),
        whole(boot, "boot", 0, MAX_BOOT),
    )


def envelope(payload: bytes) -> "tuple[int, int]":
    """The (seq, boot) of a message that `decode_up` refuses.

    For when its value, its ts or its length is at fault: the number must still be passed over, or
    the board would send it for ever. Raises `WireError` if seq or boot are at fault themselves.
    """
    _, seq, _, boot = cut(b"[" + payload[-MAX_TAIL:], 0, 3)
    return whole(seq, "seq", 1), whole(boot, "boot", 0, MAX_BOOT)


def decode_base(payload: bytes) -> "tuple[int, int, int]":
    """Take what opens a connection apart: boot, base, lost. Raises `WireError`."""
    boot, base, lost = cut(payload, 0, 2)
    return (
        whole(boot, "boot", 0, MAX_BOOT),
        whole(base, "base", 1),
        whole(lost, "lost"),
    )


def encode_ack(boot: int, seq: int, now_ms: int, store: str) -> bytes:
    """An acknowledgement: all of `boot` up to `seq` is on the hub's disk.

    seq: 0 to 2**63 - 1. now_ms: the hub's clock, milliseconds since 1970 UTC. store: the log's
    identity, a word as a producer is. Raises `WireError`.
    """
    return join(
        check_boot(boot),
        check_whole(seq, "seq"),
        check_whole(now_ms, "now_ms", 0, MAX_TS),
        check_word(store, "store"),
    )


def decode_log(payload: bytes) -> "tuple[str, str, int | None, int]":
    """Take a board's log line apart: level, text, ts, boot. Raises `WireError`."""
    level, text, ts, boot = cut(payload, 1, 2)
    return (
        check_level(read(level)),
        check_text(read(text)),
        moment(ts),
        whole(boot, "boot", 0, MAX_BOOT),
    )
