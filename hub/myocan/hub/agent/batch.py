"""Messages on their way into the core, as it takes them: side by side in arrays of integers.

The one idea: nobody makes an object of a message that comes in. What boards send is collected here
by the intake, what the hub says itself by whoever says it, and both are processed alike.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import NamedTuple

from myocan.hub.core import Core
from myocan.hub.core.linker import COMMIT_TOPIC, TopicName
from myocan.hub.core.scalars import commit_json, parse_scalar

__all__ = ["Batch", "Origin", "OwnMessage", "commit_of"]

Origin = tuple[str, int | None]
"""(producer, ts) of an input."""


class OwnMessage(NamedTuple):
    """A message of the hub's own.

    Arguments:
        topic: its name. value: JSON. producer: who says it. instance: its key, "" for none.
    """

    topic: TopicName
    value: str
    producer: str
    instance: str = ""


class Batch:
    """Inputs that are processed together, in order.

    topics, tags, values: as `Core.run` takes them. origins: who sent each, and when. keys: the text
    numbers of their keys by their place, of those that have one.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin the next batch."""
        self.topics = array("q")
        self.tags = array("q")
        self.values = array("q")
        self.keys: dict[int, int] = {}
        self.origins: list[Origin] = []

    def add(
        self, topic: int, tag: int, value: int, producer: str, ts: int | None, key: int = -1
    ) -> None:
        """Add a message, in numbers of the core.

        Arguments:
            topic, tag, value: as `Core.run` has them.
            producer: who sent it.
            ts: when it happened, milliseconds since 1970 UTC, None if nobody knows.
            key: the text number of its key, -1 for none.
        """
        if key >= 0:
            self.keys[len(self.topics)] = key
        self.topics.append(topic)
        self.tags.append(tag)
        self.values.append(value)
        self.origins.append((producer, ts))

    def add_own(self, core: Core, message: OwnMessage, ts: int | None = None) -> None:
        """Add a message of the hub's own, on a topic that the core knows.

        ts: when it happened, milliseconds since 1970 UTC, None if nobody knows.
        """
        key = core.intern(message.instance) if message.instance else -1
        tag, value = parse_scalar(message.value, core.intern)
        self.add(core.topic(message.topic), tag, value, message.producer, ts, key)


def commit_of(fields: Sequence[tuple[str, str, str, str]], producer: str) -> OwnMessage:
    """Return what is said when fields of state models are committed: of one, on its own topic; of
    several, together.

    Arguments:
        fields: module, variable, key ("" for none) and JSON text of each; at least one.
        producer: who commits.
    """
    if len(fields) == 1:
        module, variable, key, text = fields[0]
        return OwnMessage(("", module, variable), text, producer, key)
    return OwnMessage(COMMIT_TOPIC, commit_json(fields), producer)
