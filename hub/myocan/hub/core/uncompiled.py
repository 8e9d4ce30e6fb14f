"""What the pure core uses in place of `dispatch.pxd`: the same names, in Python.

The one idea: constants and arithmetic that are C in the compiled build are Python here, so that
`dispatch.py` reads the same and means the same in both. A test holds the constants of the two
together.
"""

from __future__ import annotations

from collections.abc import Sequence

from myocan.hub.core import program as _program
from myocan.hub.core.linker import ANY_KEY as ANY_KEY
from myocan.hub.core.linker import ATS as ATS
from myocan.hub.core.linker import BIRTHS as BIRTHS
from myocan.hub.core.linker import COMMIT as COMMIT
from myocan.hub.core.linker import EVERY_INSTANCE as EVERY_INSTANCE
from myocan.hub.core.linker import KEYLESS as KEYLESS
from myocan.hub.core.linker import OWN_KEY as OWN_KEY
from myocan.hub.core.linker import Subscription
from myocan.hub.core.wide import OVER as OVER
from myocan.hub.core.wide import POWERS, wide_add, wide_divide, wide_multiply
from myocan.hub.core.wide import rescale as rescale
from myocan.hub.core.wide import to_units as to_units
from myocan.hub.core.wide import wide_round as wide_round


class cython:
    """Stands for Cython's module of this name where Cython is not installed."""

    compiled = False


EVENT, ANY, ENUMERATION, BOOLEAN, DECIMAL, TEXT, TIME = (int(t) for t in _program.Type)
SUBSCRIBE, PUBLIC, PRIVATE, TIMER = (int(r) for r in _program.Role)
NOW_PART, HOUR_PART, MINUTE_PART, SECOND_PART, TIME_PART = (int(p) for p in _program.ClockPart)
NULL_TAG, BOOL_TAG, TEXT_TAG, FORGOTTEN_TAG = (int(t) for t in _program.Tag)
OVERFLOW, DIVISION_BY_ZERO, OUTSIDE, NOT_A_NUMBER, NO_KEY, RAISED, ENDLESS = (
    int(f) for f in _program.Failure
)
(
    MATCHED, UNMATCHED, JUMP, JUMP_IF, JUMP_UNLESS,
    UNLESS_EQ, UNLESS_NE, UNLESS_LT, UNLESS_LE, UNLESS_GT, UNLESS_GE,
    PUSH, PUSH_TEXT, LOAD, LOAD_TEXT, LOAD_NUMBER, LOAD_TRUTH, ANY_EQUAL, HAS_NUMBER,
    ADD, SUB, MUL, DIV, NEG, ABS, MIN, MAX, ROUND,
    EQ, NE, LT, LE, GT, GE, NOT,
    SET, SET_TEXT, STORE, STORE_RAW, STORE_TEXT, COPY, ADD_CONST, NEXT, ACTIVATE,
    PIECE_TEXT, PIECE_VAR, PIECE_NUMBER, LOG,
    START, RESET, CANCEL,
    IS_NUMBER, LOAD_KEY, PIECE_KEY, CREATE, DROP, SELECT, SELECT_BY, DESELECT, DIFFERS, LOAD_CLOCK,
    ARGUMENT_TEXT, ARGUMENT_VAR, ARGUMENT_NUMBER, ARGUMENT_TRUTH, ARGUMENT_KEY, CALL,
    RUN, ASK,
) = (int(op) for op in _program.Op)  # fmt: skip


STOPPED, TAKEN, LEFT = -1, 1, 0
"""What became of a message in a cycle: nothing, an ON (or AT) that matched, or none did."""


class Slot:
    """One variable of a module.

    Attributes:
        value: as its type says (see `program`).
        tag: what an ANY holds, else NULL.
        topic: number of the topic that a PUBLIC one is published to, else -1.
        key: and for which key, as of a subscription.
        touch: if this cycle has assigned it, where its value from before is kept.
        written: 1 if it was ever assigned.
    """

    __slots__ = ("key", "tag", "topic", "touch", "value", "written")

    def __init__(self, value: int, topic: int, key: int) -> None:
        self.value = value
        self.tag = NULL_TAG
        self.topic = topic
        self.key = key
        self.touch = 0
        self.written = 0


def slot_table(
    owner: list[object], initial: Sequence[int], topics: Sequence[int], keys: Sequence[int]
) -> list[Slot]:
    """Return slots that hold these values and publish to these topics for these keys."""
    rows = zip(initial, topics, keys, strict=True)
    return [Slot(value, topic, key) for value, topic, key in rows]


def grown_slots(owner: list[object], slots: list[Slot], used: int, capacity: int) -> list[Slot]:
    """Return a table of `capacity` slots that starts with the first `used` of `slots`."""
    return slots[:used] + [Slot(0, -1, KEYLESS) for _ in range(capacity - used)]


def subscription_table(
    owner: list[object], subscriptions: list[Subscription]
) -> list[Subscription]:
    """Return the subscriptions in the form that a cycle reads, and an empty one behind them."""
    return [*subscriptions, Subscription(0, 0, -1, 0, -1, 0, 0, 0, 0)]


def state_of(tag: int, written: int) -> int:
    """Return a variable's tag and whether it was ever assigned as one integer."""
    return 2 * tag + written


def look_ahead(
    first: list[int],
    subscriptions: list[Subscription],
    slots: list[Slot],
    far: int,
    near: int,
    nearest: int,
) -> None:
    """Ask for the memory of coming messages; Python has no word for that."""


def table(owner: list[object], cells: Sequence[int]) -> list[int]:
    """Return a table of these cells; `owner` keeps it alive in the compiled build."""
    return list(cells)


def grown(owner: list[object], cells: list[int], used: int, capacity: int) -> list[int]:
    """Return a table of `capacity` cells that starts with the first `used` of `cells`."""
    return cells[:used] + [0] * (capacity - used)


def times_power(value: int, power: int) -> int:
    """Return value * 10 ** power, power from 0 to 9."""
    return value * POWERS[power]


def plus(value: int, other: int) -> int:
    """Return the sum of two 64-bit integers in 128 bits."""
    return value + other


def narrow(value: int) -> int:
    """Return a value of the stack as a 64-bit integer; the caller knows that it fits."""
    return value


def to_python(value: int) -> int:
    """Return a value of the stack as a Python integer."""
    return value


def beyond_64_bits(value: int) -> bool:
    """Tell whether a 128-bit integer does not fit 64 bits."""
    return not _program.INT64_MIN <= value <= _program.INT64_MAX


def combine(op: int, a: int, b: int) -> int:
    """Return `a op b` for an instruction from ADD to GE that takes two; `OVER` if it overflows."""
    if op == ADD:
        return wide_add(a, b)
    if op == SUB:
        return wide_add(a, -b)
    if op == EQ:
        return int(a == b)
    if op == NE:
        return int(a != b)
    if op == LT:
        return int(a < b)
    if op == LE:
        return int(a <= b)
    if op == GT:
        return int(a > b)
    if op == GE:
        return int(a >= b)
    if op == MUL:
        return wide_multiply(a, b)
    if op == DIV:
        return wide_divide(a, b)
    return min(a, b) if op == MIN else max(a, b)
