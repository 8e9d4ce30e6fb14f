"""`myocan ask`: ask boards whether they would take values, and switch nothing."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from myocan.tools.cli.exits import Exit
from myocan.tools.cli.houses import HouseOption, JsonOption, ModeOption, ask_hub, open_house
from myocan.tools.cli.topics import parse_topic, parse_value


def ask(
    values: Annotated[
        list[str],
        typer.Argument(metavar="TOPIC=VALUE...", help="What is asked about.", show_default=False),
    ],
    online: Annotated[
        bool, typer.Option("--online", help="Let a board that is away count as a refusal.")
    ] = False,
    timeout: Annotated[
        float, typer.Option(min=0.1, max=20, help="Seconds that boards have to answer.")
    ] = 2.0,
    mode: ModeOption = "live",
    house: HouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask boards whether their ports would take values; nothing is switched.

    Example: [bold]myocan ask boiler1.heater=on[/bold], [bold]myocan ask boiler1.pump=on
    boiler1.heater=on[/bold]
    """
    from myocan.wire import encode_value

    opened = open_house(house)
    changes = []
    for text in values:
        name, equals, value = text.partition("=")
        if not equals:
            raise typer.BadParameter(f"{text!r} says no value; write TOPIC=VALUE, lamp1.state=on")
        topic = parse_topic(name, opened.domain)
        changes.append({**topic._asdict(), "value": encode_value(parse_value(value)).decode()})
    answer = ask_hub(
        opened.root, "ask", changes=changes, require_device=online, timeout=timeout, mode=mode
    )
    if as_json:
        print(json.dumps(answer))
    else:
        for one in answer["boards"]:
            ports = ", ".join(one["ports"])
            print(f"{one['board']} ({ports}): {_OUTCOMES[one['outcome']].format(**one)}")
        if not answer["boards"]:
            why = answer["why"] or "no board takes that; `myocan topic list` shows what boards take"
            print(f"myocan: {why}", file=sys.stderr)
    if not answer["accepted"] or not answer["boards"]:
        raise typer.Exit(Exit.NO)


_OUTCOMES = {
    "accepted": "would take it",
    "refused": "refuses: {why}",
    "silent": "{why}",
    "away": "{why}; it is told when it is back",
}
