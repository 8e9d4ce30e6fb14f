"""The hub's quick reader of messages agrees with the wire package's, whatever the bytes."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from myocan.hub.agent.scalars import REMEMBERED, Scalars
from myocan.hub.core import Core, Tag
from myocan.wire import Fixed, WireError, decode_up, encode_up

BIGGEST = (1 << 63) - 1
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-BIGGEST, BIGGEST),
    st.builds(Fixed, st.integers(-BIGGEST, BIGGEST), st.integers(0, 9)),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
MESSAGES = st.builds(
    encode_up,
    VALUES,
    st.integers(1, BIGGEST),
    st.none() | st.integers(0, 253_402_300_799_999),
    st.integers(0, (1 << 31) - 1),
)
NUMBERS = ["0", "-0", "1", "01", "+1", "5.0", "5e0", "-1", "null", "true", '"1"', "", " 1", "1 "]
FIELDS = st.sampled_from([*NUMBERS, str(BIGGEST), str(BIGGEST + 1), "9" * 19, "9" * 40, "[]", "{}"])
PIECES = st.sampled_from(
    [b",", b"[", b"]", b'"', b" ", b"\n", b"\\", b"0", b".", b"-", b"e", b"\xff"]
)


@st.composite
def spoiled(draw: st.DrawFn) -> bytes:
    """A message with a few bytes more, fewer or others."""
    message = bytearray(draw(MESSAGES))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(message)))
        end = min(len(message), start + draw(st.integers(0, 2)))
        message[start:end] = draw(PIECES | st.binary(max_size=2))
    return bytes(message)


@st.composite
def patched(draw: st.DrawFn) -> bytes:
    """Four fields, each of which may be no good, perhaps with white space between."""
    space = draw(st.sampled_from(["", " ", "\n"]))
    fields = [draw(FIELDS) for _ in range(draw(st.sampled_from([3, 4, 4, 4, 5])))]
    return ("[" + f"{space},{space}".join(fields) + "]").encode()


def same(core: Core, scalars: Scalars, payload: bytes) -> None:
    """Fail unless both readers take `payload` for the same, or both refuse it with these words."""
    try:
        value, *numbers = decode_up(payload)
    except WireError as refusal:
        expected: object = str(refusal)
    else:
        expected = (meaning(value), *numbers)
    try:
        tag, number, *rest = scalars.decode_up(payload)
    except WireError as refusal:
        found: object = str(refusal)
    else:
        found = ((tag, core.texts[number] if tag == Tag.TEXT else number), *rest)
        assert all(type(part) in (int, type(None)) for part in (tag, number, *rest))
    assert found == expected


def meaning(value: bool | int | Fixed | str | None) -> tuple[int, object]:
    """A value as (tag, value), said once more in the words of the core's documentation."""
    if value is None:
        return int(Tag.NULL), 0
    if value is True or value is False:
        return int(Tag.BOOL), int(value)
    if isinstance(value, str):
        return int(Tag.TEXT), value
    return (value.decimals, value.units) if isinstance(value, Fixed) else (0, value)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=60), MESSAGES, spoiled(), patched()))
@example(b"[null,1,null,0]")
@example(b"[1,2,3,4]\n")
@example(b"[5,5.0,5e0,-0]")
@example(b'["a,b\\u0041",1,2,3]')
@example(b'["\xff",1,2,3]')
@example(b"[" * 40_000)
@example(b'["' + b"x" * 4097 + b'",1,2,3]')
@example(b"[" + b" " * 40_000 + b"1,2,3,4]")
def test_both_readers_agree_on_any_bytes(payload: bytes) -> None:
    core = Core()
    scalars = Scalars(core)
    same(core, scalars, payload)
    same(core, scalars, payload)  # the second time values are remembered


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(MESSAGES, spoiled()), max_size=12))
def test_what_was_read_before_changes_nothing(payloads: list[bytes]) -> None:
    core = Core()
    scalars = Scalars(core)
    for payload in payloads + payloads[::-1]:
        same(core, scalars, payload)


def test_a_board_of_endlessly_new_values_is_still_read_right() -> None:
    core = Core()
    scalars = Scalars(core)
    for number in range(2 * REMEMBERED + 10):
        assert scalars.decode_up(b"[%d.5,1,2,3]" % number) == (1, 10 * number + 5, 1, 2, 3)
