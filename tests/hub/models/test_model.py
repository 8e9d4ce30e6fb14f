"""What can be a model, and what its fields take."""

from __future__ import annotations

import json
from decimal import Decimal
from enum import Enum
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import PrivateAttr, ValidationError

from myocan.hub.models import ModelError, StateModel, field
from myocan.hub.models.model import from_json, reason, to_json


class Colour(Enum):
    RED = "red"
    GREEN = "green"


class Everything(StateModel):
    """One field of each kind."""

    warmth: Decimal = field(default="20.00", ge=5, le=30, unit="°C", doc="how warm")
    count: int = field(default=0, ge=0)
    on: bool = False
    name: str = field(default="kettle", pattern="[a-z]+")
    way: Literal["up", "down"] = "up"
    colour: Colour = Colour.RED
    maybe: Decimal | None = None
    note: str | None = None
    large: Decimal = field(default="0.0")


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("warmth", 21.5, Decimal("21.50")),
        ("warmth", "21.5", Decimal("21.50")),
        ("warmth", 21, Decimal("21.00")),
        ("count", 7, 7),
        ("on", True, True),
        ("way", "down", "down"),
        ("colour", "green", Colour.GREEN),
        ("note", None, None),
    ],
)
def test_a_field_takes_what_fits(name: str, value: Any, kept: Any) -> None:
    model = Everything()
    setattr(model, name, value)
    assert getattr(model, name) == kept
    assert str(getattr(model, name)) == str(kept)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("warmth", 30.01),
        ("warmth", "4.99"),
        ("warmth", "21.555"),
        ("warmth", "NaN"),
        ("warmth", None),
        ("count", -1),
        ("count", 1.5),
        ("on", "perhaps"),
        ("name", "Kettle 1"),
        ("name", "kettle\n"),
        ("way", "left"),
        ("colour", "blue"),
        ("note", "ü" * 2049),
        ("nothing", 1),
        ("warmth", Decimal("1e400")),
        ("warmth", True),
        ("large", Decimal("922337203685477580.8")),
        ("count", 2**63),
        pytest.param("count", 10**5000, id="count-huge"),
        ("count", True),
        ("count", "7"),
        ("on", "yes"),
        ("on", 1),
        ("note", b"x"),
        ("note", 7),
        ("note", "\ud800"),
    ],
)
def test_a_field_refuses_what_does_not_and_keeps_what_it_has(name: str, value: Any) -> None:
    model = Everything()
    before = model.model_dump()
    with pytest.raises(ValidationError):
        setattr(model, name, value)
    assert model.model_dump() == before


def test_what_is_said_of_a_field_can_be_read() -> None:
    assert Everything.topic == "everything"
    assert Everything.unit("warmth") == "°C"
    assert Everything.unit("count") == ""
    assert Everything.model_fields["warmth"].description == "how warm"


def test_the_largest_numbers_travel() -> None:
    model = Everything(count=2**63 - 1, large=Decimal("-922337203685477580.7"))
    assert to_json(model.count) == "9223372036854775807"
    assert to_json(model.large) == "-922337203685477580.7"


def test_a_refusal_is_said_in_words() -> None:
    for name, value, said in (
        ("warmth", 31, "warmth: it should be less than or equal to 30"),
        ("warmth", "21.555", "warmth: 21.555 has more than 2 digits behind its point"),
        ("on", "yes", "on: this is true or false, not 'yes'"),
    ):
        with pytest.raises(ValidationError) as refused:
            setattr(Everything(), name, value)
        assert reason(refused.value) == said


def test_what_cannot_be_a_model_is_refused_when_it_is_written() -> None:
    with pytest.raises(ModelError, match=r"Bounded\.name: only a number has bounds"):

        class Bounded(StateModel):
            name: str = field(default="", ge=5)

    with pytest.raises(ModelError, match="is no regular expression"):
        field(default="", pattern="(")

    with (
        pytest.warns(UserWarning, match="shadows"),
        pytest.raises(ModelError, match="every model has a check already"),
    ):

        class Shadowing(StateModel):
            check: int = 1  # type: ignore[assignment]

    with pytest.raises(ModelError, match=r"Untyped.x: there is no type 'Nowhere'"):

        class Untyped(StateModel):
            x: Nowhere = 1  # type: ignore[name-defined]  # noqa: F821

    class Own:
        pass

    with pytest.raises(ModelError, match=r"Odd.x: .*Own'> cannot travel"):

        class Odd(StateModel):
            x: Own = Own()

    with pytest.raises(ModelError, match="cannot travel"):

        class Floating(StateModel):
            warmth: float = 1.0

    with pytest.raises(ModelError, match="cannot travel"):

        class Listing(StateModel):
            things: list[str] = []  # noqa: RUF012

    with pytest.raises(ModelError, match="cannot travel"):

        class Mixed(StateModel):
            thing: int | str = 1

    with pytest.raises(ModelError, match="needs a default"):

        class Empty(StateModel):
            count: int

    with pytest.raises(ModelError, match="as a text"):

        class Inexact(StateModel):
            warmth: Decimal = field(default=0.1)

    with pytest.raises(ModelError, match="is no decimal"):

        class Wordy(StateModel):
            warmth: Decimal = field(default="warm")

    with pytest.raises(ModelError, match="more than 9 digits"):

        class Fine(StateModel):
            warmth: Decimal = field(default="0.0000000001")

    with pytest.raises(ModelError, match="lower case: warmth"):

        class Loud(StateModel):
            Warmth: int = 0

    with pytest.raises(ModelError, match="default does not fit"):

        class Wrong(StateModel):
            count: int = field(default=5, le=3)

    with pytest.raises(ModelError, match="cannot be a topic"):

        class Slash(StateModel):
            topic = "a/b"


@given(
    warmth=st.decimals(5, 30, places=2),
    count=st.integers(0, 2**62),
    on=st.booleans(),
    way=st.sampled_from(["up", "down"]),
    colour=st.sampled_from(Colour),
    maybe=st.none() | st.integers(-1000, 1000).map(Decimal),
    note=st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
)
def test_values_come_out_of_a_message_as_they_went_in(**values: Any) -> None:
    model = Everything(**values)
    texts = {name: to_json(getattr(model, name)) for name in Everything.model_fields}
    assert all(type(json.loads(text)) is not dict for text in texts.values())
    again, misfits = from_json(Everything, texts)
    assert misfits == {}
    assert again == model
    assert {name: to_json(getattr(again, name)) for name in texts} == texts


def test_what_does_not_fit_any_more_is_told_and_starts_anew() -> None:
    found, misfits = from_json(Everything, {"count": "-3", "gone": "1", "on": "true", "way": "7"})
    assert found == Everything(on=True)
    assert sorted(misfits) == ["count", "gone", "way"]


class Remembering(StateModel):
    """A model with something of its own that is no field."""

    level: int = 0
    _note: str = PrivateAttr(default="")


def test_a_copy_has_what_the_original_has_and_shares_nothing() -> None:
    for model in (Remembering(level=3), Everything(count=3)):
        copy = model.copy_of("origin")
        assert copy == model
        assert copy.model_fields_set == model.model_fields_set
        assert copy.model_dump() == model.model_dump()
        copy.__dict__.clear()
        copy.model_fields_set.clear()
        assert model.model_dump() != {}
        assert model.model_fields_set != set()
    original = Remembering()
    original._note = "kept"
    assert original.copy_of()._note == "kept"
