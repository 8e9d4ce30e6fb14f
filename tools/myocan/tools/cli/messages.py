"""`myocan tail`, `get`, `send`: read what was said in a house, and say something."""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from myocan.tools.cli.exits import Exit
from myocan.tools.cli.houses import HouseOption, JsonOption, ModeOption, ask_hub, open_house
from myocan.tools.cli.moments import parse_moment
from myocan.tools.cli.run import BrokerOption
from myocan.tools.cli.topics import Topic, parse_filter, parse_topic, parse_value, show_value

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from myocan.hub.house import House
    from myocan.hub.running_hub import RunningHub
    from myocan.hub.store import Message, Reader
    from myocan.wire.message import Value

CODE = "%%code%%"
"""The variable that holds a module's text; too long to be shown among values."""

DEPLOY = ("$admin", "deploy")
"""The topic that says of a deployment who did it, and how."""

AT = "%%at%%"
"""The variable that says which ATs of a module are due."""

INSTANCES = "$instances"
"""The variable that says which instances of a module are born and dropped."""

CONTEXT = 10
"""Messages that `tail` shows of what was, when nobody says since when."""


def describe(message: Message, zone: ZoneInfo) -> str:
    """Return a message as one line for people: when, which, what, by whom, because of what."""
    at = datetime.fromtimestamp(message.time_ms / 1000, zone)
    topic = Topic(message.module, message.variable, message.instance)
    value = show_value(message.value)
    if message.variable == CODE:
        said = f"{topic.module}: its rules, {len(value.splitlines())} lines"
    elif (message.module, message.variable) == DEPLOY:
        from myocan.hub.history import Deployed

        done = Deployed.of(message)
        said = f"deployed ({done.by}): {', '.join(done.modules) or 'no rules changed'}"
    elif message.variable == INSTANCES:
        said = f"{topic.module}[{topic.instance}] is " + ("born" if value else "dropped")
    elif message.variable == AT:
        said = f"{topic.module}: an AT is due"
    else:
        said = f"{topic} = {value}" if value else f"{topic}"
    if message.cause is None:
        by = f"from {message.producer}"
    else:
        line = "" if message.rule is None else f":{message.rule}"
        by = f"by {message.producer}{line} because of #{message.cause}"
    return f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}  #{message.offset:<6} {said:<32} {by}"


def as_json_line(message: Message) -> str:
    """Return a message as a JSON object; its value letter by letter as it was sent."""
    plain = {key: item for key, item in message._asdict().items() if key != "value"}
    return f'{json.dumps(plain)[:-1]}, "value": {message.value}}}'


def values_of(reader: Reader, mode: str, topic: Topic) -> dict[Topic, str]:
    """Return the value of a topic, or of all its instances if none is named; empty for none.

    What is no module's but a board's has no state; its newest message is what is known of it.
    """
    state = reader.state(mode, topic.module)
    found = {
        Topic(*key): value
        for key, value in sorted(state.items())
        if key[1] == topic.variable and topic.instance in ("", key[2])
    }
    if not found:
        last = reader.last(mode, *topic)
        # What a rule said and has no state any more belonged to an instance that was dropped.
        if last is None or last.value == "null" or last.cause is not None:
            return found
        if forgotten(reader, mode, topic, last.offset) is None:
            found[topic] = last.value
    return found


def forgotten(
    reader: Reader, mode: str, topic: Topic, after: int = 0, up_to: int | None = None
) -> Message | None:
    """Return the message by which a variable lost its value, if nothing behind it gave it one.

    Only offsets above `after`, up to `up_to` (None: the newest) are looked at.
    """
    change = reader.last_change(mode, topic, after=after, up_to=up_to)
    if change is None or change.changes.get(topic, "") is not None:
        return None
    return change.message


def _of_another(topic: Topic) -> bool:
    """Whether this is no state of its own: text, a note of the hub's, a copy of another's."""
    hidden = topic.variable in (CODE, AT) or topic.variable[:1] == "$" or topic.module[:1] == "$"
    return hidden or "." in topic.variable or "#" in topic.variable


def tail(
    what: Annotated[
        str | None, typer.Argument(metavar="MODULE[.VARIABLE]", help="Only these messages.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(help="From then on: 10m, 2h, 12:30, 2027-06-01. Default: the last ten."),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow/--no-follow", help="Go on with what comes, until Ctrl-C.")
    ] = True,
    mode: ModeOption = "live",
    house: HouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the house's messages, as they come.

    Example: [bold]myocan tail lamp1[/bold], [bold]myocan tail '$log' --since 2h[/bold]
    """
    from zoneinfo import ZoneInfo

    from myocan.hub.store import Reader

    opened = open_house(house)
    zone = ZoneInfo(opened.timezone)
    module, variable = parse_filter(what) if what else (None, None)
    with Reader(opened.store_path) as reader:
        if since is None:
            after = max(0, reader.newest(mode) - CONTEXT)
        else:
            moment = parse_moment(since, datetime.now(zone))
            after = reader.since(mode, int(moment.timestamp() * 1000))
        read = reader.follow if follow else reader.messages
        try:
            for message in read(mode, after=after, module=module, variable=variable):
                print(as_json_line(message) if as_json else describe(message, zone), flush=True)
        except KeyboardInterrupt:
            return  # the way to end it
        except BrokenPipeError:
            # Whoever read this has seen enough (`myocan tail | head`); that is no failure. What is
            # still buffered must not fail again when the interpreter ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def get(
    what: Annotated[
        str | None,
        typer.Argument(metavar="MODULE[.VARIABLE]", help="One value, or all of a module's."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what modules keep of others, and their rules.")
    ] = False,
    mode: ModeOption = "live",
    house: HouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what is: the newest value of a topic, or of all. Works without a running hub.

    Example: [bold]myocan get lamp1.state[/bold]
    """
    from zoneinfo import ZoneInfo

    from myocan.hub.store import Reader

    opened = open_house(house)
    zone = ZoneInfo(opened.timezone)
    topic, module, gone = None, None, None
    if what is not None and "." in what:
        topic = parse_topic(what, opened.domain)
    elif what is not None:
        module, _ = parse_filter(what)
    with Reader(opened.store_path) as reader:
        if topic is not None:
            state = values_of(reader, mode, topic)
            gone = None if state else forgotten(reader, mode, topic)
        else:
            found = sorted(reader.state(mode, module).items())
            state = {Topic(*key): value for key, value in found}
            if not everything:
                state = {key: value for key, value in state.items() if not _of_another(key)}
    if as_json:
        print("{" + ", ".join(f"{json.dumps(str(k))}: {v}" for k, v in state.items()) + "}")
    elif topic is not None and len(state) == 1:
        print(show_value(*state.values()))
    else:
        for topic, value in state.items():
            print(f"{topic} = {show_value(value)}")
    if what is not None and not state:
        said = f"{what} has no value yet; `myocan get` lists those that have"
        if gone is not None:
            since = f"{datetime.fromtimestamp(gone.time_ms / 1000, zone):%Y-%m-%d %H:%M:%S}"
            said = f"{what} has no value any more, since {since} (#{gone.offset}); ask: "
            said += f"myocan why {what}"
        print(f"myocan: {said}", file=sys.stderr)
        raise typer.Exit(Exit.NO)


def hub_address(house: House, given: str | None) -> str:
    """Return the broker of a house's hub: as given, as configured, or as the running hub tells.

    Raises ToolsError if no hub of this house runs here and none is configured.
    """
    from myocan.hub.running_hub import RunningHub
    from myocan.tools.errors import ToolsError

    running = RunningHub.read(house)
    if given is not None:
        return running.url if running is not None and _is_where(running, given) else given
    if running is not None:
        return running.url
    if house.broker.url is not None:
        return house.broker.url
    raise ToolsError(
        f"no hub of {house.root} runs on this machine, and the house names no broker. "
        f"Start it (`myocan run {house.root}`), or name one: [broker] url in myocan.toml; "
        "`myocan board account NAME`, on the hub's machine, tells what to write."
    )


def _is_where(running: RunningHub, given: str) -> bool:
    """Whether a URL without an account names the broker of the hub that runs here, which asks for
    one."""
    from myocan.hub.bus import parse_url

    address = parse_url(given)
    if address.user is not None or running.boards in ("", running.url):
        return False
    doors = (running.boards, running.plain)
    return address.port in [parse_url(door).port for door in doors if door]


def send(
    topic: Annotated[str, typer.Argument(metavar="TOPIC[=VALUE]", show_default=False)],
    value: Annotated[
        str | None,
        typer.Argument(
            help="on, 21.5, true, or '\"12\"' for text; none: an event; not -5 but =-5."
        ),
    ] = None,
    mode: ModeOption = "live",
    house: HouseOption = None,
    broker: BrokerOption = None,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for the hub.")] = 15.0,
    as_json: JsonOption = False,
) -> None:
    """Send a message, and wait until the hub has it on disk.

    Example: [bold]myocan send button1.press[/bold], [bold]myocan send lamp1.mode auto[/bold],
    [bold]myocan send lamp1.mode=auto[/bold]
    """
    from myocan.tools.sending import NoAnswer, deliver

    if value is None and "=" in topic:
        topic, _, value = topic.partition("=")
    opened = open_house(house)
    target = parse_topic(topic, opened.domain)
    parsed = None if value is None else parse_value(value)
    if mode != "live":
        _send_to_mode(opened, mode, target, parsed, as_json)
        return
    address = hub_address(opened, broker)
    before = newest_offset(opened)
    opened.private_path.mkdir(mode=0o700, exist_ok=True)
    try:
        receipt = deliver(
            address,
            opened.domain,
            opened.private_path / "senders",
            (target.module, target.variable, target.instance or None),
            parsed,
            timeout=timeout,
            boards=[file.stem for file in opened.adapters()],
        )
    except NoAnswer as error:
        print(f"myocan: {error}", file=sys.stderr)
        raise typer.Exit(Exit.TIMEOUT) from None
    records = [] if before is None else records_about(opened, receipt.board, before)
    shown = "" if value is None else f" = {value}"
    text = f"{target}{shown}: on the hub's disk after {receipt.took_ms:.0f} ms"
    _finish(text, {"topic": str(target), **receipt._asdict()}, records, as_json)


def _send_to_mode(house: House, mode: str, topic: Topic, value: Value, as_json: bool) -> None:
    """Say something in a test mode; no board hears it, so it does not go over the broker."""
    from myocan.wire import encode_value

    answer = ask_hub(
        house.root, "send", mode=mode, **topic._asdict(), value=encode_value(value).decode()
    )
    records = records_about(house, "command", answer["offset"] - 1, mode)
    shown = "" if value is None else f" = {value}"
    text = f"{topic}{shown}: in mode {mode} as #{answer['offset']}"
    _finish(text, {"topic": str(topic), **answer}, records, as_json)


def _finish(
    text: str, content: dict[str, Any], records: list[tuple[str, str]], as_json: bool
) -> None:
    """Print what became of a message, and exit as the records about it say."""
    if as_json:
        said = [{"record": kind, "text": record} for kind, record in records]
        print(json.dumps({**content, "records": said}))
    else:
        print(text)
        for kind, record in records:
            print(f"{kind}: {record}", file=sys.stderr)
    if any(kind in REFUSALS for kind, _ in records):
        raise typer.Exit(Exit.NO)


REFUSALS = ("rejected", "failed", "unhandled")
"""Records which say that a message changed nothing."""


def newest_offset(house: House) -> int | None:
    """Return where the log of a house ends; None if it cannot be read from here."""
    from myocan.hub.store import Reader, StoreError

    try:
        with Reader(house.store_path) as reader:
            return reader.newest()
    except StoreError:
        return None


def records_about(
    house: House, producer: str, after: int, mode: str = "live"
) -> list[tuple[str, str]]:
    """Return (kind, text) of what the hub noted about the messages of `producer` after an offset.

    Follows the causes, so it finds what a rule further on made of the message, too.
    """
    from myocan.hub.store import Reader

    records = []
    ours: set[int] = set()
    with Reader(house.store_path) as reader:
        for message in reader.messages(mode, after=after):
            if message.producer != producer and message.cause not in ours:
                continue
            ours.add(message.offset)
            if message.module == "$log":
                records.append((message.variable, show_value(message.value)))
    return records
