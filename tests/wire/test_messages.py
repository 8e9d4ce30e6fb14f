"""Messages: what is written is read back, and no bytes do worse than raise a `WireError`."""

from __future__ import annotations

import contextlib
import inspect
import json
import random
import sys
import tracemalloc
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from myocan import wire
from myocan.wire import Fixed, WireError
from support import wire_vectors
from support.wire_vectors import DECODERS, ENCODERS

VECTORS = Path(__file__).resolve().parent.parent / "vectors" / "wire.json"
BIG = 2**63 - 1

counts = st.integers(0, BIG)
seqs = st.integers(1, BIG)
boots = st.integers(0, 2**31 - 1)
times = st.integers(0, 253_402_300_799_999)
maybe_times = st.none() | times
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)
words = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=',"\\'),
    min_size=1,
    max_size=128,
)
decimals = st.builds(Fixed, st.integers(-BIG, BIG), st.integers(1, 9))
values = st.none() | st.booleans() | st.integers(-BIG, BIG) | decimals | texts
ports = st.dictionaries(words, values, max_size=6)

MESSAGES: dict[str, st.SearchStrategy[tuple[Any, ...]]] = {
    "data": st.tuples(values, counts, maybe_times, words, counts),
    "up": st.tuples(values, seqs, maybe_times, boots),
    "base": st.tuples(boots, seqs, counts),
    "ack": st.tuples(boots, counts, times, words),
    "propose": st.tuples(words, times, ports),
    "verdict": st.tuples(words, st.just(True), st.none()) | st.tuples(words, st.just(False), texts),
    "log": st.tuples(st.sampled_from(["info", "warn", "alert"]), texts, maybe_times, boots),
}


@pytest.mark.parametrize("what", MESSAGES)
@given(data=st.data())
@settings(max_examples=60)
def test_a_message_comes_back_as_it_was_written(what: str, data: st.DataObject) -> None:
    message = data.draw(MESSAGES[what])
    payload = ENCODERS[what](*message)
    assert wire_vectors.typed(DECODERS[what](payload)) == wire_vectors.typed(message)
    json.loads(payload)  # and is JSON to everybody else


@given(
    st.dictionaries(words.filter(lambda key: key not in STATUS_KEYS), values, max_size=5),
    st.booleans(),
    st.none() | ports,
)
@settings(max_examples=60)
def test_a_status_comes_back_as_it_was_written(
    status: dict[str, Any], online: bool, applied: dict[str, Any] | None
) -> None:
    status["online"] = online
    if applied is not None:
        status["applied"] = applied
    payload = wire.encode_status(status)
    assert wire.decode_status(payload) == status
    assert list(json.loads(payload)) == sorted(status)


STATUS_KEYS = {"online", "boot", "incarnation", "connection", "wire", "free", "lost", "sdk",
               "runtime", "config", "version", "reason", "applied"}  # fmt: skip


@given(st.integers(-BIG, BIG), st.integers(0, 9))
@example(0, 9)
@example(-1, 1)
def test_a_decimal_is_written_with_its_scale(units: int, places: int) -> None:
    text = str(Fixed(units, places))
    assert Decimal(text) == Decimal(units).scaleb(-places)
    assert len(text.partition(".")[2]) == places
    assert wire.decode_value(text.encode()) == (Fixed(units, places) if places else units)


def test_a_decimal_is_equal_to_one_of_the_same_units_and_scale_only() -> None:
    assert Fixed(215, 1) == Fixed(215, 1)
    assert len({Fixed(215, 1), Fixed(215, 1), Fixed(2150, 2)}) == 2
    assert Fixed(215, 1) != Fixed(2150, 2)
    assert Fixed(21, 0) != 21
    assert repr(Fixed(-5, 2)) == "Fixed(-5, 2)"


@pytest.mark.parametrize(
    ("units", "places"),
    [(2**63, 0), (-(2**63), 0), (1, 10), (1, -1), (1.0, 1), (True, 1), (1, True), ("1", 1)],
)
def test_a_decimal_out_of_range_cannot_be_made(units: Any, places: Any) -> None:
    with pytest.raises(WireError):
        Fixed(units, places)


@pytest.mark.parametrize(
    "value",
    [1.0, 21.5, float("nan"), float("inf"), 2**63, -(2**63), "x" * 4097, "é" * 2049, "\ud800",
     "a\udfff", b"on", [1], {}, object(), Decimal("21.5"), 1j],
    ids=lambda value: repr(value)[:20],
)  # fmt: skip
def test_what_cannot_travel_is_refused_where_it_is_written(value: Any) -> None:
    with pytest.raises(WireError):
        wire.encode_value(value)
    with pytest.raises(WireError):
        wire.encode_up(value, 1, None, 1)
    with pytest.raises(WireError):
        wire.encode_propose("x", 1, {"port": value})


WRONG = ["1", 1.0, -1, 2**63, True, None, [], b"1"]


@pytest.mark.parametrize("what", ["data", "up", "base", "ack", "propose", "log"])
def test_a_field_that_a_reader_would_refuse_is_refused_where_it_is_written(what: str) -> None:
    good: dict[str, tuple[Any, ...]] = {
        "data": ("on", 1, 1, "lamp1", 1),
        "up": ("on", 1, 1, 1),
        "base": (1, 1, 1),
        "ack": (1, 1, 1, "x"),
        "propose": ("x", 1, {"a": 1}),
        "log": ("info", "x", 1, 1),
    }
    for place, field in enumerate(good[what]):
        for wrong in WRONG:
            message = (*good[what][:place], wrong, *good[what][place + 1 :])
            try:
                payload = ENCODERS[what](*message)
            except (WireError, TypeError):
                continue
            assert DECODERS[what](payload) == message, (field, wrong)


@pytest.mark.parametrize("why", [None, 1, b"no", ["no"]])
def test_a_refusal_says_why(why: Any) -> None:
    with pytest.raises(WireError):
        wire.encode_verdict("x", False, why)


@pytest.mark.parametrize("what", DECODERS)
@given(payload=st.binary(max_size=80) | st.text(max_size=40).map(lambda text: text.encode()))
@settings(max_examples=150)
def test_arbitrary_bytes_raise_a_wire_error_or_nothing(what: str, payload: bytes) -> None:
    check_bounded(what, payload)


def check_bounded(what: str, payload: bytes) -> None:
    try:
        DECODERS[what](payload)
    except WireError as error:
        assert 0 < len(str(error)) < 300  # noqa: PT017 (mostly there is none)


def spoiled(vectors: list[dict[str, Any]], count: int, seed: int) -> list[tuple[str, bytes]]:
    """Payloads that are nearly right: the vectors' own, cut, joined and scratched."""
    chance = random.Random(seed)
    sources = [(v["what"], wire_vectors.payload(v)) for v in vectors]
    sources = [(what, raw) for what, raw in sources if 0 < len(raw) < 600]
    bits = [b",", b'"', b"\\", b"[", b"]", b"{", b"}", b" ", b"\\u", b"\\ud83d", b".", b"0", b"-",
            b"\xff", b"\xed\xa0", b"\xc0", b"null", b"e", b":", b"\x00", b"9" * 19]  # fmt: skip
    made = []
    for _ in range(count):
        what, raw = chance.choice(sources)
        for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
            at = chance.randrange(len(raw) + 1)
            to = min(len(raw), at + chance.choice((0, 0, 1, 1, 2, 9)))
            raw = raw[:at] + chance.choice([*bits, raw[to : to + 5], b""]) + raw[to:]
        if chance.random() < 0.1:
            what = chance.choice(list(DECODERS))
        made.append((what, raw))
    return made


@pytest.mark.parametrize("seed", range(4))
def test_payloads_that_are_nearly_right_raise_a_wire_error_or_nothing(
    seed: int, vectors: list[dict[str, Any]]
) -> None:
    for what, payload in spoiled(vectors, 1500, seed):
        check_bounded(what, payload)
        check_bounded(what, payload[: len(payload) // 2])


def test_both_runtimes_make_the_same_of_payloads_that_are_nearly_right(
    on_board: Callable[..., str], vectors: list[dict[str, Any]], tmp_path: Path
) -> None:
    payloads = spoiled(vectors, 3000, 99)
    lines = [f"{what} {payload.hex()}\n" for what, payload in payloads]
    (tmp_path / "payloads").write_text("".join(lines), encoding="utf-8")
    support = Path(wire_vectors.__file__).parent
    said = on_board("decode_on_board.py", tmp_path / "payloads", support, heap_kib=1024)
    answers = said.splitlines()
    assert len(answers) == len(payloads)
    for (what, payload), answer in zip(payloads, answers, strict=True):
        assert answer == wire_vectors.outcome(what, payload), (what, payload)


FLOODS = [
    b"[" * 1_000_000,
    b'[{"a":' * 200_000,
    b'"' + b"x" * 1_000_000 + b'"',
    b"9" * 1_000_000,
    b"[" + b"9" * 32_000 + b",1,1,1]",
    b"[0." + b"9" * 32_000 + b",1,1,1]",
    b'["' + b"x" * 32_000 + b'",1,1,1]',
    b'["' + b"\\n" * 16_000 + b'",1,1,1]',
    b'["' + b"\\u00e9" * 5_000 + b'",1,1,1]',
    b'["' + b"\\" * 32_000 + b'",1,1,1]',
    b'["' + "é".encode() * 16_000 + b'",1,1,1]',
    b"[" + b"," * 32_000 + b"]",
    b"[" + b" " * 32_000 + b"]",
    b"[" * 32_000,
    b"{" + b'"a":1,' * 5_000 + b"}",
    b"{" + b'"applied":' * 3_000,
    b'{"online":true,"applied":' + b"{" * 32_000,
    b'["x",1,{' + b",".join([b'"%d":1' % i for i in range(4_000)]) + b"}]",
    b'["x",1,{' + b'"' * 32_000 + b"}]",
    b"mc1/" * 8_000,
    b"%" * 32_000,
]


@pytest.mark.parametrize("what", DECODERS)
def test_no_decoder_goes_deep_or_takes_more_than_twice_its_input(what: str) -> None:
    slack = 24 * 1024  # what 128 names, or a text in four bytes a character, may cost
    depth = len(inspect.stack(0))
    limit = sys.getrecursionlimit()
    for payload in FLOODS:
        tracemalloc.start()
        sys.setrecursionlimit(depth + 40)
        try:
            DECODERS[what](payload)
        except WireError:
            pass
        finally:
            sys.setrecursionlimit(limit)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert peak < 2 * len(payload) + slack, payload[:20]


def test_the_longest_messages_that_may_be_written_can_be_read() -> None:
    for text in ("x" * 4096, "\x01" * 4096, "\U0001f600" * 1024):
        message = (text, BIG, None, 2**31 - 1)
        assert wire.decode_up(wire.encode_up(*message)) == message
    with pytest.raises(WireError, match="32768"):
        wire.encode_status({f"k{i}": "x" * 4096 for i in range(9)})
    with pytest.raises(WireError, match="128"):
        wire.encode_propose("x", 1, {f"k{i}": 1 for i in range(129)})


class TestEnvelope:
    """A message that cannot be read still has a number, which must be passed over."""

    @pytest.mark.parametrize(
        "head",
        ["NaN", "1e9", '"a"b"', '"' + "x" * 100_000 + '"', "[1,2", "{", "", '"\\ud800"', "1,2,3"],
        ids=lambda head: head[:8],
    )
    def test_is_found_behind_a_value_that_is_refused(self, head: str) -> None:
        payload = f"[{head},17,1700000000000,7]".encode()
        with pytest.raises(WireError):
            wire.decode_up(payload)
        assert wire.envelope(payload) == (17, 7)

    def test_is_found_beside_a_time_that_is_refused(self) -> None:
        assert wire.envelope(b"[1, 17, 99e99, 7 ]\n") == (17, 7)

    @given(MESSAGES["up"])
    def test_is_the_same_as_that_of_a_message_that_can_be_read(self, up: tuple[Any, ...]) -> None:
        assert wire.envelope(wire.encode_up(*up)) == (up[1], up[3])

    @given(st.binary(max_size=120))
    def test_of_arbitrary_bytes_raises_a_wire_error_or_nothing(self, payload: bytes) -> None:
        with contextlib.suppress(WireError):
            wire.envelope(payload)

    @pytest.mark.parametrize("payload", [b"", b"[]", b"[1,0,1,7]", b"[1,1,1]", b"[1,1,1,-7]"])
    def test_is_refused_if_it_is_wrong_itself(self, payload: bytes) -> None:
        with pytest.raises(WireError):
            wire.envelope(payload)
