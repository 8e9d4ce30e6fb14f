"""Topics: one text for one topic, and nothing else passes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myocan.wire import (
    WireError,
    board_topic,
    data_topic,
    hub_topic,
    parse_topic,
    sender_of,
    up_topic,
)

LETTERS = "ABCXYZabcxyz0189_.-"
levels = st.text(LETTERS, min_size=1, max_size=64)
variables = st.text(LETTERS.lower(), min_size=1, max_size=20)
instances = st.none() | st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20)
short = st.text(LETTERS, min_size=1, max_size=20)


@given(short, short, short, variables, instances)
def test_a_topic_of_a_variable_comes_apart_as_it_was_put_together(
    first: str, domain: str, module: str, variable: str, instance: str | None
) -> None:
    topics = {
        ("data", first): lambda: data_topic(first, domain, module, variable, instance),
        ("up", domain): lambda: up_topic(domain, first, module, variable, instance),
    }
    for kind, compose in topics.items():
        try:
            topic = compose()
        except WireError as error:
            assert "bytes" in str(error)  # noqa: PT017 (a long instance is the only way)
            continue
        parts = ("data", first, domain) if kind[0] == "data" else ("up", domain, first)
        assert parse_topic(topic) == (*parts, module, variable, instance)
        assert parse_topic(topic.encode()) == parse_topic(topic)
        assert not set(topic) & set("+#\0")


@given(levels, levels)
def test_a_topic_of_a_board_or_hub_comes_apart_as_it_was_put_together(a: str, b: str) -> None:
    for leaf in ("base", "ack", "status", "propose", "verdict", "log", "config", "update/x"):
        assert parse_topic(board_topic(a, b, leaf)) == ("board", a, b, leaf)
    assert parse_topic(hub_topic(a, b)) == ("hub", a, b)
    assert board_topic(a, b, "") == f"mc1/$board/{a}/{b}/"


@given(st.text(max_size=80) | st.binary(max_size=80) | st.text("mc1/$boardup%2Fx+#", max_size=60))
def test_arbitrary_text_raises_a_wire_error_or_nothing(topic: str | bytes) -> None:
    for read in (parse_topic, sender_of):
        try:
            parts = read(topic)
        except WireError as error:
            assert 0 < len(str(error)) < 300  # noqa: PT017
        else:
            assert all(part is None or isinstance(part, str) for part in parts)


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=30))
def test_no_two_texts_stand_for_one_instance(level: str) -> None:
    topic = f"mc1/live/home/m/v/{level}"
    try:
        parts = parse_topic(topic)
    except WireError:
        return
    assert data_topic(*[part for part in parts[1:] if part is not None]) == topic


BAD_LEVELS = ["", "a/b", "a b", "é", "+", "#", "$x", "x" * 65, "a\0", "%41"]


@pytest.mark.parametrize("level", BAD_LEVELS, ids=ascii)
def test_no_topic_is_made_of_a_level_that_is_none(level: str) -> None:
    for compose in (
        lambda: data_topic(level, "home", "m", "v"),
        lambda: data_topic("live", level, "m", "v"),
        lambda: data_topic("live", "home", "m/" + level, "v"),
        lambda: data_topic("live", "home", "m", level),
        lambda: up_topic(level, "b", "m", "v"),
        lambda: up_topic("home", level, "m", "v"),
        lambda: up_topic("home", "b", level, "v"),
        lambda: up_topic("home", "b", "m", level),
        lambda: board_topic(level, "b", "ack"),
        lambda: board_topic("home", level, "ack"),
        lambda: board_topic("home", "b", "update/" + level),
        lambda: hub_topic(level, "main"),
        lambda: hub_topic("home", level),
    ):
        with pytest.raises(WireError):
            compose()


@pytest.mark.parametrize("instance", ["", "\ud800", "x" * 257, "é" * 200, "/" * 100])
def test_no_topic_is_made_of_an_instance_that_does_not_fit(instance: str) -> None:
    with pytest.raises(WireError):
        data_topic("live", "home", "m", "v", instance)
    with pytest.raises(WireError):
        up_topic("home", "b", "m", "v", instance)


@pytest.mark.parametrize(("module", "variable"), [("$log", "info"), ("m", "$instances")])
def test_what_is_the_hubs_no_board_can_claim(module: str, variable: str) -> None:
    assert parse_topic(data_topic("live", "home", module, variable))[3:5] == (module, variable)
    with pytest.raises(WireError):
        up_topic("home", "porch", module, variable)
    with pytest.raises(WireError):
        parse_topic(f"mc1/$board/home/porch/up/{module}/{variable}")


@pytest.mark.parametrize(
    "topic",
    ["mc1/$board/home/porch/up/Bad Topic", "mc1/$board/home/porch/x", "mc1/$board/home/porch",
     b"mc1/$board/home/porch/up/\xff\xff", "mc1/$board/home/porch/" + "x" * 9000],
)  # fmt: skip
def test_the_board_behind_a_topic_that_is_refused_is_still_known(topic: Any) -> None:
    with pytest.raises(WireError):
        parse_topic(topic)
    assert sender_of(topic) == ("home", "porch")


@pytest.mark.parametrize(
    "topic", ["", "mc1/live/home/m/v", "mc1/$board", "mc1/$board//b/up", "mc1/$board/h/b b/up",
              b"mc1/$board/\xff/b/up", "x/$board/h/b"]
)  # fmt: skip
def test_a_topic_that_is_no_boards_has_no_sender(topic: Any) -> None:
    with pytest.raises(WireError):
        sender_of(topic)
