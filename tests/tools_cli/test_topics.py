"""What people may write for topics and values, and what it means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import typer

from myocan.tools.cli.topics import Topic, parse_filter, parse_topic, parse_value, show_value
from myocan.wire import Fixed

if TYPE_CHECKING:
    from myocan.wire.message import Value


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("lamp1.state", Topic("lamp1", "state")),
        ("Lamp1.State", Topic("Lamp1", "state")),
        ("lamp.state[living room]", Topic("lamp", "state", "living room")),
        ("home.lamp1.state", Topic("lamp1", "state")),
        (" lamp1.state ", Topic("lamp1", "state")),
    ],
)
def test_a_topic_is_module_and_variable_and_maybe_an_instance(text: str, topic: Topic) -> None:
    assert parse_topic(text, "home") == topic


def test_a_domain_may_have_several_parts() -> None:
    assert parse_topic("net.example.lamp1.state", "net.example") == Topic("lamp1", "state")


@pytest.mark.parametrize(
    "text", ["", "lamp1", ".state", "lamp1.", "lamp1.state[]", "a b.c", "a/b.c"]
)
def test_what_is_no_topic_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"lamp1\.state"):
        parse_topic(text, "home")


def test_a_topic_of_another_house_is_refused() -> None:
    with pytest.raises(typer.BadParameter, match="'home'"):
        parse_topic("cottage.lamp1.state", "home")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("", ""),
        ("true", True),
        ("false", False),
        ("True", "True"),
        ("21", 21),
        ("-0", 0),
        ("21.50", Fixed(2150, 2)),
        ("-0.5", Fixed(-5, 1)),
        ("1.0000000000", "1.0000000000"),
        ("1e3", "1e3"),
        ('"12"', "12"),
        ('"a \\"b\\""', 'a "b"'),
        ("null", "null"),
    ],
)
def test_a_value_is_a_boolean_an_exact_number_or_text(text: str, value: Value) -> None:
    parsed = parse_value(text)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize("text", ['"open', "9" * 30])
def test_what_looks_like_a_value_but_is_none_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_value(text)


@pytest.mark.parametrize(
    ("text", "parts"), [("lamp1", ("lamp1", None)), ("$log.Rejected", ("$log", "rejected"))]
)
def test_a_filter_is_a_module_or_one_of_its_variables(
    text: str, parts: tuple[str, str | None]
) -> None:
    assert parse_filter(text) == parts


@pytest.mark.parametrize("text", ["", "lamp1.", "a.b.c", "a b"])
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_filter(text)


@pytest.mark.parametrize(
    ("text", "shown"), [("null", ""), ('"on"', "on"), ("21.50", "21.50"), ("true", "true")]
)
def test_values_are_shown_without_quotes_and_letter_by_letter(text: str, shown: str) -> None:
    assert show_value(text) == shown
