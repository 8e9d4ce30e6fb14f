"""Objects, read: a status, and the values of a proposal.

No status is read on a board, and not every board answers proposals; one that does neither leaves
this module out. How an object is written is in `message.py`.
"""

from .errors import WireError
from .message import (
    MAX_NAMES,
    SPACE,
    check_boot,
    check_size,
    check_text,
    check_whole,
    check_word,
    read,
    wrong,
)
from .runtime import const

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from typing import Any

_COUNTS = ("incarnation", "connection", "wire", "free", "lost")  # of a status
_TEXTS = ("sdk", "runtime", "config", "version", "reason")


def decode_status(payload: bytes) -> "dict[str, Any]":
    """Read a board's or a hub's status. Raises `WireError`.

    `online` is there; a key that version 1 does not know is kept, with whatever value.
    """
    status = read_object(payload, True)
    if type(status.get("online")) is not bool:
        raise WireError("a status says whether its writer is online: true or false")
    for key in status:
        if key == "boot":
            check_boot(status[key])
        elif key in _COUNTS:
            check_whole(status[key], key)
        elif key in _TEXTS:
            check_text(status[key])
    return status


def read_object(raw: bytes, nested: bool) -> "dict[str, Any]":
    """Read an object of plain values; a nested one may hold another as `applied`."""
    found, at = _pairs(check_size(raw), _skip(raw, 0), nested)
    if _skip(raw, at) < len(raw):
        raise wrong("nothing more", raw[at:])
    return found


def _pairs(raw: bytes, at: int, nested: bool) -> "tuple[dict[str, Any], int]":
    found: dict[str, Any] = {}
    mark = raw[at : at + 1]
    if mark != b"{":
        raise wrong("an object", raw[at:])
    at = _skip(raw, at + 1)
    if raw[at : at + 1] == b"}":
        return found, at + 1
    while mark != b"}":
        end = _end(raw, at)
        key = check_word(read(raw[at:end]), "name")
        at = _skip(raw, end)
        if key in found or len(found) == MAX_NAMES or raw[at : at + 1] != b":":
            raise wrong(f"a colon, after each of at most {MAX_NAMES} names,", raw[at:])
        at = _skip(raw, at + 1)
        if nested and key == "applied":
            found[key], end = _pairs(raw, at, False)
        else:
            end = _end(raw, at)
            found[key] = read(raw[at:end])
        at = _skip(raw, end)
        mark = raw[at : at + 1]
        if mark != b"," and mark != b"}":
            raise wrong("a comma or a brace", raw[at:])
        at = _skip(raw, at + 1)
    return found, at


def _skip(raw: bytes, at: int) -> int:
    """The place of the first byte from `at` that is not white space."""
    while at < len(raw) and raw[at] in SPACE:
        at += 1
    return at


def _end(raw: bytes, at: int) -> int:
    """Where the text, number or constant ends that begins at `at`."""
    text = raw[at : at + 1] == b'"'
    stops = b'"' if text else b",} \t\r\n"
    at += text
    while at < len(raw) and raw[at] not in stops:
        at += 2 if text and raw[at] == 92 else 1
    return at + text
