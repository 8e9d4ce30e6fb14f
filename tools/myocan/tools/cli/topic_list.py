"""`myocan topic list|drop`: which topics a house has, who meets in them; to forget one."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from myocan.tools.cli.houses import HouseOption, JsonOption, ModeOption, ask_hub, open_house
from myocan.tools.cli.topics import parse_topic

topic = typer.Typer(no_args_is_help=True, help="Topics of a house.")


@topic.callback()
def _topic() -> None:
    """Topics of a house."""


@topic.command("list")
def list_topics(house: HouseOption = None, as_json: JsonOption = False) -> None:
    """List the topics that modules and boards of a house publish or hear, from its files.

    Example: [bold]myocan topic list[/bold]
    """
    from myocan.tools.topic_list import topics_of

    topics = topics_of(open_house(house))
    if as_json:
        plain = [
            {
                "topic": one.name,
                "carries": one.carries or None,
                "publishers": sorted(one.publishers),
                "hearers": sorted(one.hearers),
                "keep": one.keep or "forever",
            }
            for one in topics
        ]
        print(json.dumps(plain))
        return
    head = ("TOPIC", "CARRIES", "FROM", "TO", "KEPT")
    rows = [
        (
            one.name,
            one.carries or "-",
            ", ".join(sorted(one.publishers)) or "-",
            ", ".join(sorted(one.hearers)) or "-",
            one.keep or "forever",
        )
        for one in topics
    ]
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, *rows]:
        print(
            "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        )


@topic.command("drop")
def drop(
    name: Annotated[
        str, typer.Argument(metavar="MODULE.VARIABLE[KEY]", help="Without a key: all its keys.")
    ],
    mode: ModeOption = "live",
    house: HouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget a topic that no module uses: its value, and all that the log has of it.

    The hub has to run, for it takes the value from the broker, too.

    Example: [bold]myocan topic drop camera.image[/bold]
    """
    dropped = parse_topic(name, open_house(house).domain)
    answer = ask_hub(
        house,
        "topic drop",
        mode=mode,
        module=dropped.module,
        variable=dropped.variable,
        instance=dropped.instance,
    )
    if as_json:
        print(json.dumps(answer))
    else:
        count = answer["messages"]
        messages = "1 message" if count == 1 else f"{count:,} messages"
        print(f"{answer['dropped']} dropped: its value, and {messages}")
