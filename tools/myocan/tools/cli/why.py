"""`myocan why`, `myocan why --not`: what led to what is, and what did not come to what is not.

The one idea to know: the log alone answers, so it makes no difference whether a hub runs.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from myocan.tools.cli.exits import Exit
from myocan.tools.cli.houses import HouseOption, JsonOption, ModeOption, open_house
from myocan.tools.cli.messages import forgotten
from myocan.tools.cli.moments import parse_moment
from myocan.tools.cli.past import check_mode, program_of
from myocan.tools.cli.topics import Topic, parse_topic, show_value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from myocan.hub.core import Program
    from myocan.hub.history import Link
    from myocan.hub.house import House
    from myocan.hub.scenario import Cast
    from myocan.hub.store import Message, Reader

AT = "%%at%%"
CODE = "%%code%%"
CLOCK = "clock"
LIVE = "live"


def why(
    what: Annotated[
        str | None,
        typer.Argument(metavar="MODULE.VARIABLE|OFFSET", help="Why is it what it is?"),
    ] = None,
    not_: Annotated[
        str | None,
        typer.Option(
            "--not", metavar="TOPIC=VALUE", help="Why is it not that? Tells what the rules saw."
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="T", help="As of then: 10m, 12:30, 2027-06-01T12:30. Default: now."),
    ] = None,
    mode: ModeOption = "live",
    house: HouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Explain why something happened, back to the button that started it, or why it did not.

    Example: [bold]myocan why lamp1.state[/bold], [bold]myocan why --not lamp1.state=on[/bold]
    """
    from zoneinfo import ZoneInfo

    from myocan.hub.history.why import MOST
    from myocan.hub.store import Reader

    if what is None and not_ is None:
        raise typer.BadParameter("say what to explain: MODULE.VARIABLE, an offset, or --not")
    if what is not None and not_ is not None:
        raise typer.BadParameter(
            "say one of them, not both: what to explain, or behind --not what did not happen"
        )
    opened = open_house(house)
    zone = ZoneInfo(opened.timezone)
    with Reader(opened.store_path) as reader:
        check_mode(reader, mode)
        up_to = reader.newest(mode)
        if at is not None:
            moment = parse_moment(at, datetime.now(zone))
            up_to = reader.since(mode, int(moment.timestamp() * 1000) + 1)
        if not_ is not None:
            at_ms = None if mode != LIVE else int(datetime.now(zone).timestamp() * 1000)
            if at is not None:
                at_ms = int(moment.timestamp() * 1000)
            _why_not(reader, mode, opened, not_, up_to, at_ms, as_json)
            return
        assert what is not None
        links, gone = _links(reader, mode, opened, what, up_to)
        deployed = _deployed(reader, mode, links)
    if as_json:
        print(json.dumps([_plain(link) for link in links], ensure_ascii=False))
        return
    if gone is not None:
        print(f"{gone} has no value any more, because of this:")
    for place, link in enumerate(links):
        print("\n".join(_told(link, place, links, opened, zone, deployed)))
    missing = None if links[-1].started else links[-1].message.cause
    if missing is not None and len(links) < MOST:
        print(f"  the log was trimmed here: what led to this, #{missing}, was not kept so long")


def _links(
    reader: Reader, mode: str, house: House, what: str, up_to: int
) -> tuple[list[Link], Topic | None]:
    """Return the chain of a topic's newest message, or of the message with an offset.

    Where a topic has lost its value since, it is the chain of what took it, and the topic.
    """
    from myocan.hub.history import explain, find

    if what.lstrip("#").isdecimal():
        offset = int(what.lstrip("#"))
        if not offset:
            print("there is no message #0: messages are counted from 1")
            raise typer.Exit(Exit.NO)
        newest = reader.newest(mode)
        links = explain(reader, mode, offset) if offset <= newest else []
        if not links and offset <= reader.trimmed(mode):
            print(f"message #{offset} was not kept so long: the log was trimmed there")
            raise typer.Exit(Exit.NO)
        if not links:
            print(f"there is no message #{offset}; the newest is #{newest}")
            raise typer.Exit(Exit.NO)
        return links, None
    topic = parse_topic(what, house.domain)
    entry = find(reader, mode, topic, up_to)
    if entry is None:
        print(_never(reader, mode, topic))
        raise typer.Exit(Exit.NO)
    gone = forgotten(reader, mode, topic, entry.message.offset - 1, up_to)
    if gone is not None:
        return explain(reader, mode, gone.offset), topic
    return explain(reader, mode, entry.message.offset), None


def _deployed(reader: Reader, mode: str, links: list[Link]) -> dict[int, str]:
    """Return how the texts came into force that a chain speaks of, in words, by their offsets."""
    from myocan.hub.history import deployment_of

    told = {}
    for link in links:
        offset = link.message.offset if link.message.variable == CODE else link.since
        found = deployment_of(reader, mode, offset) if offset else None
        if found is not None:
            how = f"by a {found.by}" if found.by != "start" else "found at a start"
            forced = ", though scenarios failed" if found.forced else ""
            told[offset] = f"{how} of {found.who}{forced}"
    return told


def _never(reader: Reader, mode: str, topic: Topic) -> str:
    """Return why there is nothing to explain; maybe only the key is missing."""
    keys = sorted(
        instance
        for module, variable, instance in reader.state(mode, topic.module)
        if variable == topic.variable and instance
    )
    if keys and not topic.instance:
        return f"each has its own {topic}; ask for one: {topic._replace(instance=keys[0])}"
    trimmed = reader.trimmed(mode)
    if trimmed:
        return f"the log has nothing of {topic}; up to message #{trimmed} it was trimmed"
    return f"{topic} was never said or changed, so there is nothing to explain"


def _plain(link: Link) -> dict[str, object]:
    return {
        **link.message._asdict(),
        "value": json.loads(link.message.value),
        "action": link.action or None,
        "opening": link.opening,
        "since": link.since or None,
        "started": link.started,
    }


def _told(
    link: Link,
    place: int,
    links: list[Link],
    house: House,
    zone: ZoneInfo,
    deployed: Mapping[int, str],
) -> list[str]:
    """Return a message of a chain in lines for people.

    deployed: how texts came into force, in words, by their offsets.
    """
    message = link.message
    before = links[place - 1] if place else None
    lead = ""
    if before is not None:
        lead = "the timer was started by " if before.started else "because of "
    indent = "  " * min(place, 1)
    lines = [f"{indent}{lead}{_headline(message, zone)}"]
    indent += "    "
    if link.opening is not None:
        line, words = link.opening
        lines.append(f"{indent}{link.file}:{message.rule}: {link.action}")
        if line != message.rule:
            lines.append(f"{indent}under line {line}: {words}")
        how = f", {deployed[link.since]}" if link.since in deployed else ""
        lines.append(f"{indent}(these rules are in force since #{link.since}{how})")
    elif message.offset in deployed:
        lines.append(f"{indent}{deployed[message.offset]}")
    elif message.cause is None:
        lines.append(f"{indent}{_origin(message, house)}")
    return lines


def _headline(message: Message, zone: ZoneInfo) -> str:
    moment = datetime.fromtimestamp(message.time_ms / 1000, zone)
    topic = Topic(message.module, message.variable, message.instance)
    value = show_value(message.value)
    if message.variable == AT:
        said = f"an AT of {message.module} that was due"
    elif message.variable == CODE:
        said = f"new rules for {message.module}"
    elif message.producer == CLOCK and not value:
        said = f"{topic}, which ran out"
    else:
        said = f"{topic} = {value}" if value else f"{topic}"
    return f"{said}   (#{message.offset}, {moment:%a %Y-%m-%d %H:%M:%S})"


def _origin(message: Message, house: House) -> str:
    """Return where a message came from that no rule said."""
    if message.producer == CLOCK:
        return "it was time"
    if message.producer == "deploy":
        return "the hub found a changed file at its start"
    return f"from {message.producer}{_port(message, house)}"


def _port(message: Message, house: House) -> str:
    """Return the port and pin that publish a topic, as the board's adapter says today."""
    from myocan.tools.house_check import check_adapter_file

    for file in house.adapters():
        adapter = check_adapter_file(file, house.domain)[0]
        if adapter is None or file.stem != message.producer:
            continue
        for port in adapter.ports:
            for said in port.publish.values():
                if (said.module, said.variable.lower()) == (message.module, message.variable):
                    return f", port {port.name}, pin {port.pin}"
    return ""


def _why_not(
    reader: Reader,
    mode: str,
    house: House,
    asked: str,
    up_to: int,
    at_ms: int | None,
    as_json: bool,
) -> None:
    from myocan.hub.history import Unanswerable, find, why_not
    from myocan.tools.scenario_files import make_cast

    name, _, value = asked.partition("=")
    topic = parse_topic(name, house.domain)
    if not value.strip():
        _refuse_no_value(reader, mode, topic)
    entry = find(reader, mode, topic, up_to)
    held = None if entry is None else entry.changes.get(topic, entry.message.value)
    if held is not None and value and show_value(held) == value.strip():
        assert entry is not None
        print(f"{topic} is {value.strip()}, since #{entry.message.offset}; ask: myocan why {topic}")
        raise typer.Exit(Exit.NO)

    def cast_of(programs: Mapping[str, Program], sources: Mapping[str, str]) -> Cast:
        return make_cast(house, programs, sources, ())

    try:
        lines = why_not(
            reader, mode, topic, up_to, program_of, cast_of, value=value.strip(), at_ms=at_ms
        )
    except Unanswerable as error:
        print(f"{error}")
        raise typer.Exit(Exit.NO) from None
    if as_json:
        is_now = None if held is None else json.loads(held)
        told = {"topic": str(topic), "value": is_now, "told": lines}
        print(json.dumps(told, ensure_ascii=False))
        return
    shown = "it was never said" if held is None else f"it is {show_value(held)}"
    print(f"{topic}: {shown}. What came last, and what its rules made of it:")
    print("\n".join(lines))


def _refuse_no_value(reader: Reader, mode: str, topic: Topic) -> None:
    """Raise typer.BadParameter if a topic has values, and is no event."""
    from myocan.hub.core import Role, Type

    source = reader.state(mode, topic.module).get((topic.module, CODE, ""))
    program = None if source is None else program_of(topic.module, json.loads(source))
    for one in () if program is None else program.variables:
        public = one.role is Role.PUBLIC and one.name.lower() == topic.variable
        if public and one.type is not Type.EVENT:
            plain = {Type.BOOLEAN: "true", Type.DECIMAL: "1", Type.TIME: "07:30"}
            example = one.members[-1] if one.members else plain.get(one.type, "on")
            raise typer.BadParameter(
                f"a value is missing: what is {topic} not? Say --not TOPIC=VALUE, "
                f"like --not {topic}={example}"
            )
