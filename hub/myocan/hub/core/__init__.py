"""Programs and the cycles that they go through; no I/O, no clock.

`Program` is a compiled module, `Core` runs programs (compiled to C where `COMPILED` says so).
"""

from myocan.hub.core.dispatch import COMPILED, MAX_CONSEQUENCES, MAX_DEPTH, Core
from myocan.hub.core.program import (
    At,
    Attribute,
    AttributeKind,
    ClockPart,
    Failure,
    Op,
    Program,
    Role,
    Tag,
    TopicDefinition,
    Type,
    Variable,
    When,
)
from myocan.hub.core.shelf import Shelf

__all__ = [
    "COMPILED",
    "MAX_CONSEQUENCES",
    "MAX_DEPTH",
    "At",
    "Attribute",
    "AttributeKind",
    "ClockPart",
    "Core",
    "Failure",
    "Op",
    "Program",
    "Role",
    "Shelf",
    "Tag",
    "TopicDefinition",
    "Type",
    "Variable",
    "When",
]
