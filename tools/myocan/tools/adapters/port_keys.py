"""Keys that many kinds of ports have, and what is made of them for the board.

The one idea to know: numbers travel to the board as [units, decimals], since a board has no exact
decimals but these, and a binary float would not be the number that somebody wrote.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from myocan.hub.needs import text_of
from myocan.tools.nearest import nearest

Tells = Literal["event", "value"]
"""Whether every single one counts, or only the newest."""

USUAL = ""
"""Key of a `publish` that is written short, without saying what is published."""

ALSO: Mapping[str, Tells] = {"fault": "value"}
"""What every sensor tells besides: whether it is broken."""

Milliseconds = Annotated[int, Field(strict=True, ge=0, le=60_000)]
Seconds = Annotated[float, Field(strict=True, ge=0, le=86_400)]
Age = Annotated[float, Field(strict=True, gt=0, le=30 * 86_400)]
Level = Annotated[int, Field(strict=True, ge=0, le=1)]
Text = Annotated[str, Field(strict=True, min_length=1)]
Digits = Annotated[int, Field(strict=True, ge=0, le=6)]
Number = Annotated[float, Field(strict=True, ge=-1e9, le=1e9)]
Change = Annotated[float, Field(strict=True, gt=0, le=1e9)]


def _seen(unit: str) -> str:
    if any(unicodedata.category(each)[0] == "C" for each in unit):
        raise ValueError("use only characters that can be seen")
    return unit


Unit = Annotated[str, Field(strict=True, min_length=1), AfterValidator(_seen)]

Word = str | int | bool
"""A value that a `map` names."""


class Fault(Exception):
    """What is wrong with a port besides the form of its keys.

    key: where it is. word, known: to guess what was meant.
    """

    def __init__(self, key: str, message: str, word: str = "", known: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.key = key
        self.meant = nearest(word, list(known)) if word else None


def _long_form(given: Any) -> Any:
    return given if isinstance(given, dict) else {USUAL: given}


_LONG = BeforeValidator(_long_form)
Published = Annotated[dict[str, Text], _LONG]
"""What it tells -> topic; or a topic alone, for the usual one."""


class Port(BaseModel):
    """The keys that every port has, and what its kind can do.

    TELLS: what it can publish -> events or values; the first is the usual one.
    NUMBERS: which of these are numbers. UNITS: their units, if the kind knows them.
    PINS: key -> what the pin must be able to do, whatever the other keys say.
    SHARES: the bus that several ports may be on, by the same pins.
    EXACT: keys whose numbers travel as [units, decimals].
    RUNTIMES: what must run where it is wired.
    """

    TELLS: ClassVar[Mapping[str, Tells]] = {}
    NUMBERS: ClassVar[tuple[str, ...]] = ()
    UNITS: ClassVar[Mapping[str, str]] = {}
    PINS: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    SHARES: ClassVar[str] = ""
    EXACT: ClassVar[tuple[str, ...]] = ()
    RUNTIMES: ClassVar[tuple[str, ...]] = ("micropython", "cpython")
    HUB_ONLY: ClassVar[frozenset[str]] = frozenset({"max_age_s", "unit", "min", "max", "needs"})
    """Keys that the board need not know, or reads elsewhere."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Text

    @classmethod
    def made_for(cls, given: Mapping[str, Any]) -> type[Port]:
        """Return the class that is right for what stands in the file; raises Fault."""
        return cls

    def compiled(self) -> dict[str, Any]:
        """Return the keys as the board reads them, pins and topics aside; raises Fault."""
        aside = {"kind", "publish", "subscribe", *self.PINS, *self.HUB_ONLY}
        keys = {
            key: value
            for key, value in self.model_dump(exclude_unset=True).items()
            if key not in aside and value is not None
        }
        for key in keys.keys() & set(self.EXACT):
            keys[key] = exact(keys[key])
        for key, value in keys.items():
            if key.endswith("_s") and value == int(value):
                keys[key] = int(value)
        return keys

    def values(self, what: str) -> tuple[Word, ...] | None:
        """Return the values that it can publish as `what`, None where nobody knows."""
        return None

    def which(self) -> str:
        """Return what tells it from others on the same bus."""
        return ""

    def frequency(self) -> int:
        """Return the frequency of its PWM, 0 if it has none."""
        return 0


def exact(number: Any) -> Any:
    """Return a number as [units, decimals], and tables of them likewise."""
    if isinstance(number, dict):
        return {what: exact(each) for what, each in number.items()}
    written = Decimal(repr(number)).normalize()
    exponent = written.as_tuple().exponent
    assert isinstance(exponent, int)
    decimals = max(0, -exponent)
    return [int(written.scaleb(decimals)), decimals]


def with_article(kind: str) -> str:
    """Return "a button", "an analog"."""
    return f"an {kind}" if kind[:1] in "aeiou" else f"a {kind}"


def word_of(text: str) -> Word:
    """Return the value that a key of a `map` stands for: TOML's keys are always text."""
    if text in ("true", "false"):
        return text == "true"
    if text.isascii() and text.removeprefix("-").isdigit():
        return int(text)
    return text


def words_of(table: Iterable[str]) -> tuple[Word, ...]:
    """Return the values that the keys of a `map` stand for."""
    return tuple(word_of(text) for text in table)


class Input(Port):
    """A pin whose level is looked at.

    max_age_s: how old what it tells may be when it comes to the hub, in seconds, to be acted on.
    """

    PINS: ClassVar[Mapping[str, tuple[str, ...]]] = {"pin": ("in",)}

    pin: Text
    pull: Literal["up", "down"] | None = None
    max_age_s: Age | None = None
    publish: Published = {}


class Measured(Port):
    """Something that gives numbers.

    every_s: how often it is measured. decimals, min_change (from which difference on it is told),
    offset (added to it), unit: a single one, or a table for each that it tells. min_interval_s: how
    long not to tell another. repeat_s: when to tell the same again. keep: whether all count.
    """

    EXACT: ClassVar[tuple[str, ...]] = ("min_change", "offset")

    every_s: Annotated[float, Field(strict=True, ge=0.01, le=86_400)] | None = None
    decimals: Annotated[dict[str, Digits], _LONG] = {}
    min_change: Annotated[dict[str, Change], _LONG] = {}
    offset: Annotated[dict[str, Number], _LONG] = {}
    unit: Annotated[dict[str, Unit], _LONG] = {}
    min_interval_s: Seconds | None = None
    repeat_s: Annotated[float, Field(strict=True, ge=1, le=86_400)] | None = None
    keep: Literal["last", "all"] | None = None
    max_age_s: Age | None = None
    publish: Published = {}

    def compiled(self) -> dict[str, Any]:
        keys = super().compiled()
        for key in ("decimals", "min_change", "offset"):
            if key in keys:
                keys[key] = self.table(key, keys[key])
        self.table("unit", self.unit)
        return keys

    def table(self, key: str, value: dict[str, Any]) -> dict[str, Any]:
        """Return what stands at a key as a table by what it tells; raises Fault."""
        if USUAL in value:
            return dict.fromkeys(self.NUMBERS, value[USUAL])
        for what in value:
            if what not in self.NUMBERS:
                known = ", ".join(self.NUMBERS)
                message = f"{with_article(self.kind)} tells no number '{what}' (only {known})"
                raise Fault(key, message, what, self.NUMBERS)
        return value

    def values(self, what: str) -> tuple[Word, ...] | None:
        return (True, False) if what == "fault" else None

    def units(self) -> dict[str, str]:
        """Return what it tells -> the unit of it."""
        return {**self.UNITS, **self.table("unit", self.unit)}


class Sensor(Measured):
    """A sensor with a chip in it."""

    every_s: Annotated[float, Field(strict=True, ge=1, le=86_400)] | None = None


class Output(Port):
    """Something that takes values.

    safe: the value that it takes at the start, after `hold_s` seconds without the hub, and at a
    crash. needs: what other ports must show for any other value, see `guards`.
    """

    safe: Any = None
    hold_s: Seconds | None = None
    subscribe: Text | None = None
    needs: Any = None

    def taken_words(self) -> tuple[Word, ...]:
        """Return the words, truth values and numbers that mean something to it."""
        return ()

    def takes_text(self) -> bool:
        """Return whether there are more words than these that do."""
        return False

    def takes_anything(self) -> bool:
        """Return whether it takes whatever comes, and sees for itself."""
        return False

    def range(self) -> tuple[int, int] | None:
        """Return the least and the greatest number that it takes, None if it takes none."""
        return None

    def not_safe(self, words: list[str]) -> Fault:
        """Return what is wrong with `safe`, if only these words could stand there."""
        meant = nearest(self.safe, words) if isinstance(self.safe, str) else None
        hint = "" if meant else f" ({', '.join(words)})"
        message = f"safe must be a value of the map{hint}, not {text_of(self.safe)}"
        return Fault("safe", message, str(self.safe) if meant else "", words)


class Graded(Output):
    """Something that takes numbers, from 0 on, and those from `min` to `max` only; see `guards`.
    map: word -> number."""

    USUAL_WORDS: ClassVar[tuple[Word, ...]] = ()

    pin: Text
    map: dict[str, Annotated[float, Field(strict=True, ge=0, le=1e9)]] | None = None
    min: Any = None
    max: Any = None

    def most(self) -> int:
        """Return the greatest number that it takes."""
        return 100

    def range(self) -> tuple[int, int] | None:
        return 0, self.most()

    def taken_words(self) -> tuple[Word, ...]:
        return self.USUAL_WORDS if self.map is None else words_of(self.map)

    def compiled(self) -> dict[str, Any]:
        keys = super().compiled()
        if self.map is not None:
            for text, number in self.map.items():
                if number > self.most():
                    raise Fault("map", f"map.{text} must be {self.most()} or less, not {number:g}")
            pairs = zip(words_of(self.map), self.map.values(), strict=True)
            keys["map"] = [[word, exact(number)] for word, number in pairs]
        if self.safe is not None:
            keys["safe"] = self._safe_value()
        return keys

    def _safe_value(self) -> Any:
        safe, words = self.safe, self.taken_words()
        if any(type(word) is type(safe) and word == safe for word in words):
            return safe
        if type(safe) in (int, float) and 0 <= safe <= self.most():
            return exact(safe)
        names = [str(word) for word in words if isinstance(word, str)]
        message = f"safe must be a number from 0 to {self.most()}"
        if names:
            message += f", or one of {', '.join(names)}"
        raise Fault("safe", f"{message}, not {text_of(safe)}", str(safe), names)
