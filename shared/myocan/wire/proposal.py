"""Proposals: the hub asks a board whether its ports would take values, the board gives a verdict.

Both ends of both messages. A board that decides nothing leaves this module out.
"""

from .errors import WireError
from .message import (
    MAX_TS,
    SPACE,
    check_size,
    check_text,
    check_whole,
    check_word,
    cut,
    join,
    read,
    whole,
    write_object,
)
from .objects import read_object
from .runtime import const

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from .message import Value


def encode_propose(txn: str, expires_ms: int, values: "dict[str, Value]") -> bytes:
    """Ask a board whether its ports would take these values.

    txn: the incarnation and a random part, a word as a producer is. expires_ms: by the hub's
    clock. values: port name to value. Raises `WireError`.
    """
    head = join(check_word(txn, "txn"), check_whole(expires_ms, "expires_ms", 0, MAX_TS))
    return check_size(head[:-1] + b"," + write_object(values, False) + b"]")


def decode_propose(payload: bytes) -> "tuple[str, int, dict[str, Value]]":
    """A proposal: txn, expires_ms (by the hub's clock), and port name to value.

    Raises `WireError`.
    """
    txn, expires_ms, values = cut(payload, 2, 0)
    return (
        check_word(read(txn), "txn"),
        whole(expires_ms, "expires_ms", 0, MAX_TS),
        read_object(values, False),
    )


def encode_verdict(txn: str, ok: bool, why: "str | None" = None) -> bytes:
    """A board's answer to a proposal. why: text, if it refuses. Raises `WireError`."""
    if ok:
        return join(check_word(txn, "txn"), True)
    return join(check_word(txn, "txn"), False, check_text(why))


def decode_verdict(payload: bytes) -> "tuple[str, bool, str | None]":
    """Take a board's answer apart: txn, ok, why (None if it agrees). Raises `WireError`."""
    txn, answer = cut(payload, 1, 0)
    word = check_word(read(txn), "txn")
    if answer.strip(SPACE) == b"true":
        return (word, True, None)
    ok, comma, why = answer.partition(b",")
    if not comma or ok.strip(SPACE) != b"false":
        raise WireError('a verdict is [txn, true] or [txn, false, "why"]')
    return (word, False, check_text(read(why)))
