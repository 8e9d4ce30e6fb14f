"""Why something happened: from an action back to the message that started it all.

The one idea: every message of the log names the message that led to it and the line that did it, so
a reason is a walk along that chain. A timer's message has no cause in the log, for it came by
itself; its reason is the message that started the timer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from myocan.hub.core.program import AT_VARIABLE, INSTANCES_VARIABLE
from myocan.hub.history.past import CODE, Name
from myocan.hub.lang import file_name
from myocan.hub.scenario import rules_of
from myocan.hub.store import Entry, Message, Reader

MOST = 200
"""Most links of a chain; the core cuts loops long before, a timer that starts itself does not."""

CLOCK = "clock"
"""The producer of what comes due."""


@dataclass(frozen=True, slots=True)
class Link:
    """One message of a chain.

    Attributes:
        message: what was said.
        action: the words of the line that said it, "" if no rule did.
        opening: the line and the words of the rule that it belongs to.
        since: the offset that put the module's text in force, 0 if it is not known.
        started: whether the next link is what started this timer, and not its cause.
        changes: what the message changed, by name.
        file: that the line is in, "" if it is not known.
    """

    message: Message
    action: str = ""
    opening: tuple[int, str] | None = None
    since: int = 0
    started: bool = False
    changes: Mapping[Name, str | None] = field(default_factory=dict)
    file: str = ""


def find(reader: Reader, mode: str, name: Name, up_to: int | None = None) -> Entry | None:
    """Return the newest message on a topic or, if there was none, that changed the variable.

    Arguments:
        reader: of the store.
        mode: whose log.
        name: (module, variable in lower case, instance).
        up_to: the last offset to look at; None: the newest.
    """
    said = reader.last(mode, *name, up_to=up_to)
    if name[2]:
        born = reader.last(mode, name[0], INSTANCES_VARIABLE, name[2], up_to=up_to)
        if born is not None and born.value != "true" and said and born.offset > said.offset:
            said = born  # it is gone, and so is what it said
    if said is not None:
        return reader.entry(mode, said.offset)
    return reader.last_change(mode, name, up_to=up_to)


def explain(reader: Reader, mode: str, offset: int) -> list[Link]:
    """Return why a message was said: it, what led to it, and so on to what came from outside.

    Ends before a message that is not in the log any more.

    Arguments:
        reader: of the store.
        mode: whose log.
        offset: of the message.
    """
    links: list[Link] = []
    known: dict[str, Entry] = {}
    waiting: int | None = offset
    while waiting is not None and len(links) < MOST:
        entry = reader.entry(mode, waiting)
        if entry is None:
            break
        message = entry.message
        waiting = message.cause
        started = False
        if waiting is None and _may_be_timer(message):
            waiting = _start_of(reader, mode, message)
            started = waiting is not None
        links.append(_link(reader, mode, entry, started, known))
    return links


def _may_be_timer(message: Message) -> bool:
    return message.producer == CLOCK and message.variable != AT_VARIABLE and message.value == "null"


def _start_of(reader: Reader, mode: str, message: Message) -> int | None:
    """Return the message that started a timer which ran out."""
    name = (message.module, message.variable, message.instance)
    entry = reader.last_change(mode, name, up_to=message.offset - 1)
    return None if entry is None else entry.message.offset


def _link(reader: Reader, mode: str, entry: Entry, started: bool, known: dict[str, Entry]) -> Link:
    """Return a link of a chain that goes back in time.

    known: the message that put the newest text of a module in force that was seen on the way.
    """
    message = entry.message
    if message.rule is None:
        return Link(message, started=started, changes=entry.changes)
    since = known.get(message.producer)
    if since is None or since.message.offset > message.offset:
        code = (message.producer, CODE, "")
        since = reader.last_change(mode, code, up_to=message.offset)
    if since is None:
        return Link(message, started=started, changes=entry.changes)
    known[message.producer] = since
    offset = since.message.offset
    text = json.loads(since.message.value) or ""
    rule = rules_of(text).get(message.rule)
    if rule is None:
        return Link(message, since=offset, started=started, changes=entry.changes)
    opening = (rule.line, rule.texts[rule.line])
    action = rule.texts.get(message.rule, "")
    file = file_name(text, message.producer)
    return Link(message, action, opening, offset, started, entry.changes, file)
