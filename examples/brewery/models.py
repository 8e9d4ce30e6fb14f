"""What is true of a brewing kettle: its heater, its pump, and what the thermometer says."""

from decimal import Decimal
from enum import Enum
from typing import Any

from myocan.hub import State, StateModel, field


class Step(Enum):
    """Where the brew is."""

    IDLE = "idle"
    MASH = "mash"
    BOIL = "boil"


class Heater(StateModel):
    """What brings the kettle to its temperature."""

    setpoint: Decimal = field(default="20.0", ge=5, le=100, unit="°C")
    enabled: bool = False


class Pump(StateModel):
    """What keeps the wort moving, so that it does not burn."""

    speed: int = field(default=0, ge=0, le=100, unit="%")

    def check(self) -> None:
        if 0 < self.speed < 10:
            raise ValueError("below 10 % the pump hums and does not turn: take 0, or 10 and more")


class Kettle(StateModel):
    """What the brewer wants to see."""

    temperature: Decimal = field(default="20.0", ge=-10, le=120, unit="°C")
    step: Step = Step.IDLE


MODELS: list[type[StateModel]] = [Heater, Pump, Kettle]


def change(state: State, model: type[StateModel], values: dict[str, Any]) -> None:
    """Commit these values, while nobody else commits any: what the heater may depends on the pump.

    Raises ValidationError, or CommitRejected.
    """
    with state(*MODELS) as held:
        copy = held.checkout(model)
        for name, value in values.items():
            setattr(copy, name, value)
        held.commit(copy)
