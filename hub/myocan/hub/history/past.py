"""The state of a house as of a message of its log.

The one idea: state is nothing but the changes of all messages so far, so it is had by taking them
one after the other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from myocan.hub.core.program import CODE_VARIABLE
from myocan.hub.store import Entry, Message

CODE = CODE_VARIABLE

Name = tuple[str, str, str]
"""(module, variable in lower case, instance or "")."""


class Past:
    """What held at some time; nothing, if not given.

    Attributes:
        offset: of the last message that was taken.
        state: JSON texts by name.
        sources: the texts of the modules in force.
    """

    def __init__(self, offset: int = 0, state: Mapping[Name, str] | None = None) -> None:
        self.offset = offset
        self.state = dict(state or {})
        self.sources: dict[str, str] = {
            name[0]: json.loads(text) for name, text in self.state.items() if name[1] == CODE
        }

    def take(self, entry: Entry) -> None:
        """Go on to the next message."""
        message, changes = entry
        self.offset = message.offset
        for name, text in changes.items():
            if text is None:
                self.state.pop(name, None)
            else:
                self.state[name] = text
        if is_code(message):
            source = json.loads(message.value)
            if source is None:
                self.sources.pop(message.module, None)
            else:
                self.sources[message.module] = source


def is_code(message: Message) -> bool:
    """Tell whether a message puts a module's text in force, or takes it out."""
    return message.variable == CODE
