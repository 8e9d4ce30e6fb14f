"""The board's MQTT reader and writer, against every way in which bytes can come in pieces."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myocan.edge import mqtt
from myocan.edge.mqtt import ProtocolError, Reader, Writer

RunOnBoard = Callable[..., str]

ROOM = 128
PUBLISH, PUBACK, SUBSCRIBE = 0x30, 0x40, 0x82


def length(number: int) -> bytes:
    """Encode a remaining length: MQTT 3.1.1, 2.2.3."""
    encoded = bytearray()
    while True:
        number, byte = divmod(number, 128)
        encoded.append(byte | (128 if number else 0))
        if not number:
            return bytes(encoded)


def text(value: str) -> bytes:
    raw = value.encode()
    return len(raw).to_bytes(2, "big") + raw


def message(topic: str, payload: bytes, packet_id: int = 0, retained: bool = False) -> bytes:
    body = text(topic) + (packet_id.to_bytes(2, "big") if packet_id else b"") + payload
    return bytes([PUBLISH | (2 if packet_id else 0) | retained]) + length(len(body)) + body


def read(reader: Reader, stream: bytes, pieces: list[int]) -> list[tuple[Any, ...]]:
    """Feed a stream in pieces of these sizes (the last one again and again); return what it had."""
    found: list[tuple[Any, ...]] = []
    while stream:
        size = pieces.pop(0) if len(pieces) > 1 else pieces[0]
        space = reader.space()
        assert len(space) > 0, "there is always room to read into"
        count = min(size, len(space), len(stream))
        space[:count] = stream[:count]
        reader.got(count)
        stream = stream[count:]
        while kind := reader.next():
            found.append(contents(reader, kind))
    return found


def contents(reader: Reader, kind: int) -> tuple[Any, ...]:
    if kind == PUBLISH:
        return (kind, reader.topic, reader.payload, reader.packet_id, reader.retained)
    if kind == mqtt.SUBACK:
        return (kind, reader.packet_id, reader.code)
    return (kind, reader.code) if kind == mqtt.CONNACK else (kind,)


topics = st.text(min_size=1, max_size=30)
messages = st.builds(
    lambda topic, payload, packet_id, retained: (
        message(topic, payload, packet_id, retained),
        (
            PUBLISH,
            topic,
            payload if len(message(topic, payload, packet_id)) <= ROOM else None,
            packet_id,
            retained,
        ),
    ),
    topics,
    st.binary(max_size=400),
    st.integers(0, 65535),
    st.booleans(),
)
others = st.sampled_from(
    [
        (b"\x20\x02\x00\x00", (mqtt.CONNACK, 0)),
        (b"\x20\x02\x01\x05", (mqtt.CONNACK, 5)),
        (b"\x90\x03\x01\x02\x80", (mqtt.SUBACK, 258, 0x80)),
        (b"\xd0\x00", (mqtt.PINGRESP,)),
    ]
)


@given(
    st.lists(messages | others, max_size=8),
    st.lists(st.integers(1, 200), min_size=1, max_size=20),
)
def test_packets_are_found_however_the_stream_is_cut(
    packets: list[tuple[bytes, tuple[Any, ...]]], pieces: list[int]
) -> None:
    stream = b"".join(raw for raw, _ in packets)
    assert read(Reader(ROOM), stream, pieces) == [expected for _, expected in packets]


@given(messages | others)
def test_a_packet_is_found_byte_by_byte_and_not_a_byte_too_early(
    packet: tuple[bytes, tuple[Any, ...]],
) -> None:
    raw, expected = packet
    reader = Reader(512)
    assert read(reader, raw[:-1], [1]) == []
    found = read(reader, raw[-1:], [1])
    assert [each[:2] for each in found] == [expected[:2]]


@given(st.binary(max_size=300), st.lists(st.integers(1, 50), min_size=1, max_size=10))
def test_any_bytes_give_packets_or_a_protocol_error_and_never_need_more_memory(
    stream: bytes, pieces: list[int]
) -> None:
    reader = Reader(64)
    try:
        read(reader, stream, pieces)
    except ProtocolError:
        reader.clear()
        assert read(reader, b"\xd0\x00", [1]) == [(mqtt.PINGRESP,)]


@pytest.mark.parametrize(
    ("stream", "complaint"),
    [
        (b"\x30\xff\xff\xff\xff\x01", "a length of more than four bytes"),
        (b"\x30\x01\x00", "shorter than it says"),
        (b"\x30\x02\x00\x09", "shorter than it says"),
        (b"\x32\x04\x00\x01a\x00", "shorter than it says"),
        (b"\x34\x05\x00\x01a\x00\x01", "a message of QoS 2"),
        (b"\x36\x05\x00\x01a\x00\x01", "a message of QoS 3"),
        (b"\x30\x04\x00\x02\xff\xfe", "a topic that is not UTF-8"),
        (b"\x20\x03\x00\x00\x00", "a packet 0x20 of 3 bytes"),
        (b"\xd0\x01\x00", "a packet 0xd0 of 1 bytes"),
        (b"\x90\x02\x00\x01", "a packet 0x90 of 2 bytes"),
        (b"\x40\x02\x00\x01", "a packet 0x40 of 2 bytes"),
        (b"\x00\x00", "a packet 0x00 of 0 bytes"),
        (b"\xf0\x00", "a packet 0xf0 of 0 bytes"),
    ],
    ids=lambda each: each.hex(" ") if isinstance(each, bytes) else "",
)
def test_what_the_standard_forbids_is_named(stream: bytes, complaint: str) -> None:
    with pytest.raises(ProtocolError, match=complaint):
        read(Reader(ROOM), stream, [1])


def test_a_length_is_refused_before_anything_is_read_for_it() -> None:
    reader = Reader(64)
    assert read(reader, b"\x30\xff\xff\xff\x7f\x00\x01a" + bytes(56), [64]) == [
        (PUBLISH, "a", None, 0, False)
    ]
    assert read(reader, bytes(10_000), [64]) == [], "the rest is thrown away as it comes"


@given(topics, st.binary(max_size=300), st.booleans())
def test_what_the_writer_composes_the_reader_finds(
    topic: str, payload: bytes, retained: bool
) -> None:
    writer = Writer(ROOM)
    writer.publish(topic.encode(), payload, retained)
    raw = bytes(writer.buffer[: writer.end])
    assert raw == message(topic, payload, 0, retained)
    assert len(writer.buffer) == ROOM or len(raw) > ROOM - 5
    writer.clear()
    writer.bare(mqtt.PINGREQ)
    assert (bytes(writer.buffer[: writer.end]), len(writer.buffer)) == (b"\xc0\x00", ROOM)


@given(st.lists(st.tuples(topics, st.binary(max_size=60)), max_size=8))
def test_packets_that_are_composed_together_stand_behind_each_other(
    packets: list[tuple[str, bytes]],
) -> None:
    writer = Writer(ROOM)
    stream = b""
    for topic, payload in packets:
        size = len(topic.encode()) + len(payload)
        fits = writer.fits(size)
        writer.publish(topic.encode(), payload, False)
        writer.acknowledge(7)
        stream += message(topic, payload) + bytes([PUBACK, 2, 0, 7])
        if fits:  # what fits moves nothing, so what was sent of it stays where it was
            assert writer.end <= len(writer.buffer)
    assert bytes(writer.buffer[: writer.end]) == stream


@given(st.integers(1, 65535), st.text(min_size=1, max_size=256))
def test_a_subscription_is_right_whatever_its_length(packet_id: int, topic: str) -> None:
    writer = Writer(ROOM)
    writer.subscribe(packet_id, topic.encode())
    body = packet_id.to_bytes(2, "big") + text(topic) + b"\x01"
    expected = bytes([SUBSCRIBE]) + length(len(body)) + body
    assert bytes(writer.buffer[: writer.end]) == expected


@pytest.mark.parametrize("user", [None, "porch"])
@pytest.mark.parametrize("password", [None, "secret"])
def test_a_connection_is_opened_as_the_standard_says(
    user: str | None, password: str | None
) -> None:
    """MQTT 3.1.1, 3.1: flags, a minute's keep-alive, then name, will, and the account if any."""
    writer = Writer(ROOM)
    writer.connect("käfer", 60, (user, password), ("a/status", b"x" * 200))
    account = text("porch") + text(password or "") if user else b""
    flags = bytes([0b11101110 if user else 0b00101110])
    will = text("a/status") + (200).to_bytes(2, "big") + b"x" * 200
    body = text("MQTT") + b"\x04" + flags + b"\x00\x3c" + text("käfer") + will + account
    assert bytes(writer.buffer[: writer.end]) == b"\x10" + length(len(body)) + body


def test_an_answer_to_a_message_carries_its_number() -> None:
    writer = Writer(ROOM)
    writer.acknowledge(0x1234)
    assert bytes(writer.buffer[: writer.end]) == bytes([PUBACK, 2, 0x12, 0x34])


def test_a_board_reads_the_same_streams_to_the_same_end(run_on_board: RunOnBoard) -> None:
    streams = [
        message("mc1/live/home/lamp1/state", b'["on",1,2,"x",3]', 7, True) + b"\xd0\x00",
        message("gr\u00f6\u00dfe", b"\x00\xff") + message("big", bytes(300), 9) + b"\xd0\x00",
        b"\x20\x02\x00\x05\x90\x03\x01\x02\x80",
        b"\x30\xff\xff\xff\xff\x01",
        b"\x32\x04\x00\x01a\x00",
        b"\x30\x04\x00\x02\xff\xfe",
        b"\xf0\x00",
    ]
    script = f"""
from myocan.edge.mqtt import Reader, ProtocolError
for stream in {streams!r}:
    for size in (1, 3, 1000):
        reader, at, said = Reader({ROOM}), 0, []
        try:
            while at < len(stream):
                space = reader.space()
                n = min(size, len(space), len(stream) - at)
                space[:n] = stream[at:at + n]
                reader.got(n)
                at += n
                while True:
                    kind = reader.next()
                    if not kind:
                        break
                    said.append(kind)
                    if kind == {PUBLISH}:
                        said.append((reader.topic.encode(), reader.payload, reader.packet_id))
        except ProtocolError as error:
            said.append(str(error))
        print(said)
"""
    here = io.StringIO()
    with contextlib.redirect_stdout(here):
        exec(script, {})
    assert run_on_board(script).splitlines() == here.getvalue().splitlines()
