"""`myocan update`: bring a changed adapter to its board over the air."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from myocan.tools.cli.boards import (
    AdapterArgument,
    FlashBar,
    board_config,
    check_given,
    open_adapter,
)
from myocan.tools.cli.exits import Exit
from myocan.tools.cli.houses import HouseOption, JsonOption, open_house
from myocan.tools.cli.messages import hub_address
from myocan.tools.cli.run import BrokerOption

if TYPE_CHECKING:
    from collections.abc import Callable

    from myocan.hub.house import House
    from myocan.tools.adapters import AdapterFile
    from myocan.tools.flash import Progress as FlashProgress
    from myocan.tools.update import BoardTalk, Progress


def update(
    name: AdapterArgument,
    wait: Annotated[
        float, typer.Option(min=0, max=86_400, help="Seconds to wait for a board that is away.")
    ] = 10,
    broker: BrokerOption = None,
    house: HouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring what changed to a board that was flashed once, over the network.

    The board takes only what is signed with its own key, keeps what it has until it has been online
    with the new, and else goes back by itself: then the exit code is 1.

    Example: [bold]myocan update porch[/bold]
    """
    from myocan.hub.bus import parse_url
    from myocan.tools.errors import ToolsError
    from myocan.tools.flash import known_secrets
    from myocan.tools.update import BoardTalk, NotUpdated, Silent

    opened = open_house(house)
    found = open_adapter(opened, name)
    if found.kind.runtime != "micropython":
        raise ToolsError(
            f"a {found.kind.title} is not updated from here: change its files, "
            f"and start `myocan adapter run {found.name}` again there"
        )
    secrets = [each for each in known_secrets(opened) if each.name == found.name]
    if not secrets:
        raise ToolsError(f"{found.name} has no key yet, so flash it once: myocan flash {name}")
    began = time.monotonic()
    check_given(broker)
    address = parse_url(hub_address(opened, broker))
    try:
        with BoardTalk(address, opened.domain, found.name) as talk, FlashBar(quiet=as_json) as bar:
            key = bytes.fromhex(secrets[0].update_key)
            done = bring(opened, found, talk, key, wait, broker, in_bar(bar))
    except (NotUpdated, Silent) as error:
        print(f"myocan: {error}", file=sys.stderr)
        raise typer.Exit(Exit.NO if isinstance(error, NotUpdated) else Exit.TIMEOUT) from None
    done["seconds"] = round(time.monotonic() - began, 3)
    if as_json:
        print(json.dumps(done))
    elif not done["bytes"]:
        print(f"{found.name} has all this already; nothing was sent")
    else:
        size = f"{done['bytes'] / 1024:.1f} KiB sent"
        print(f"{found.name} is online with update {done['number']}: {size}, {done['seconds']} s")


def bring(
    house: House,
    found: AdapterFile,
    talk: BoardTalk,
    key: bytes,
    wait_s: float,
    broker: str | None,
    progress: Callable[[Progress], None],
) -> dict[str, Any]:
    """Make an update for a board and bring it there; return what is told of it.

    Raises ToolsError, NotUpdated, Silent.
    """
    from myocan.tools.errors import ToolsError
    from myocan.tools.flash import board_broker, check_networks, stage
    from myocan.tools.flash.staging import mpy_version
    from myocan.tools.update import content_of, make_release, next_number
    from myocan.tools.update.numbers import last_content

    status = talk.status(wait_s, progress)
    has = status.get("update")
    if not isinstance(has, int):
        raise ToolsError(
            f"what runs on {found.name} knows no updates: flash it once over its cable"
        )
    given = board_broker(house, found.name, broker, kind=found.kind)
    config = board_config(house, found, given)
    # what a virtual board runs on has another processor than what it stands for
    virtual = str(status.get("runtime", "")).endswith(" linux")
    if not virtual:
        check_networks(config)
    told: dict[str, Any] = {"name": found.name, "number": has, "config": config["hash"], "bytes": 0}
    with tempfile.TemporaryDirectory(prefix="myocan-update-") as scratch:
        arch = None if virtual else found.kind.mpy_arch
        files = stage(config, Path(scratch), arch=arch, own=found.own_modules)
        content = content_of(files)
        if (has, content) == last_content(house, found.name):
            return told
        failed = status.get("failed")
        above = max(has, failed) if isinstance(failed, int) else has
        release = make_release(
            files,
            talk.offered_on,
            number=next_number(house, found.name, content, above),
            key=key,
            mpy=int(mpy_version().split(".")[0]),
        )
    sent = talk.update(release, progress)
    return {**told, "number": release.number, "bytes": sent}


def in_bar(bar: Callable[[FlashProgress], None]) -> Callable[[Progress], None]:
    """Return what shows the progress of an update in the bar of flashing."""
    from myocan.tools.flash import Progress as FlashProgress

    return lambda now: bar(FlashProgress(now.step, now.done, now.total, now.text))
