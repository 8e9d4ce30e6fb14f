"""The kinds of ports that an adapter file may name, and the keys of each: one table.

The one idea to know: `PORT_KINDS` at the end is all that the tools know about ports. The board's
half of a kind is the file of that name in the edge's `ports/`; a new kind is one there and one
here. Only keys that somebody wrote travel to the board, so what a key means when it is left out is
decided in one place, there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from myocan.tools.board_kinds import Capability

Tells = Literal["event", "value"]
"""Whether every single one counts, or only the newest."""

USUAL = ""
"""Key of a `publish` that is written short, without saying what is published."""

Milliseconds = Annotated[int, Field(strict=True, ge=0, le=60_000)]
Seconds = Annotated[float, Field(strict=True, ge=0, le=86_400)]
Age = Annotated[float, Field(strict=True, gt=0, le=30 * 86_400)]
Level = Annotated[int, Field(strict=True, ge=0, le=1)]
Text = Annotated[str, Field(strict=True, min_length=1)]


def _long_form(publish: Any) -> Any:
    return {USUAL: publish} if isinstance(publish, str) else publish


class Port(BaseModel):
    """The keys that every port has, and what its kind can do.

    TELLS: what it can publish -> events or values; the first is the usual one.
    NEEDS: what its pin must be able to do, whatever the keys say.
    """

    TELLS: ClassVar[Mapping[str, Tells]] = {}
    NEEDS: ClassVar[tuple[Capability, ...]] = ()

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Text
    pin: Text


class Input(Port):
    """Something that is looked at.

    debounce_ms: how long it chatters, in milliseconds. max_age_s: how old what it tells may be when
    it comes to the hub, in seconds, to be acted on; the hub reads that, the board need not.
    """

    NEEDS = ("in",)

    pull: Literal["up", "down"] | None = None
    debounce_ms: Milliseconds | None = None
    max_age_s: Age | None = None
    publish: Annotated[dict[str, Text], BeforeValidator(_long_form)] = {}


class Button(Input):
    """A push button. active: the level of its pin when it is pressed."""

    TELLS: ClassVar[Mapping[str, Tells]] = {
        "press": "event",
        "release": "event",
        "hold": "event",
        "double": "event",
    }

    active: Literal["low", "high"] | None = None
    hold_ms: Milliseconds | None = None
    double_ms: Milliseconds | None = None


class Contact(Input):
    """A contact that stays as it is put. map: value -> level of its pin."""

    TELLS: ClassVar[Mapping[str, Tells]] = {"value": "value"}

    map: dict[str, Level] | None = None


class Output(Port):
    """Something that takes values.

    safe: the value that it takes at the start, after `hold_s` seconds without the hub, and at a
    crash. needs: what other ports must show for any other value, see `guards`.
    """

    NEEDS = ("out",)

    safe: Any = None
    hold_s: Seconds | None = None
    subscribe: Text | None = None
    needs: Any = None


class Numbered(Output):
    """Something that takes numbers, and those from `min` to `max` only; see `guards`."""

    min: Any = None
    max: Any = None


class Switched(Output):
    """Something that a pin switches on and off.

    active: the level of the pin that switches it on. safe: also a level. map: value -> 1 for on,
    0 for off.
    """

    active: Literal["low", "high"] | None = None
    map: dict[str, Level] | None = None


PORT_KINDS: Mapping[str, type[Port]] = {
    "button": Button,
    "contact": Contact,
    "led": Switched,
    "relay": Switched,
}
