"""The demo from start to end: a house, a hub, a board, the presses, the summary."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from myocan.tools.demo.boards import open_board
from myocan.tools.demo.hub_process import HubProcess
from myocan.tools.demo.measure import Summary, summarize
from myocan.tools.demo.press import Board, press_all
from myocan.tools.example_house import copy_example_house

if TYPE_CHECKING:
    from collections.abc import Callable

    from myocan.hub.house import House
    from myocan.tools.adapters import AdapterFile
    from myocan.tools.demo.press import Press

QUICK_S, WATCHED_S = 0.08, 0.7
"""The pause between two presses: to measure (longer than the button bounces), and to look at."""

SETTLE_S = 0.7
"""A board sends again what is not acknowledged in 0.5 s; what counts twice shows by then."""


def show(presses: int, *, as_json: bool, runtime: str = "auto") -> Summary:
    """Run the demo and print what it came to.

    presses: how often the button is pressed, at least once. as_json: print one JSON object (the
    fields of `Summary`) instead of the live view. runtime: what runs the board, see `open_board`.

    Raises ToolsError or HubError if it cannot be set up.
    """
    from myocan.hub.house import House
    from myocan.tools.flash import board_broker

    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="myocan-demo-")))
        folder = scratch / "house"
        copy_example_house(folder)
        with (folder / "myocan.toml").open("a", encoding="utf-8") as settings:
            settings.write('\n[broker]\nlisten = "127.0.0.1:0"\n')
        house = House.load(folder)
        adapter = load_only_adapter(house)
        tell = stack.enter_context(Setup(quiet=as_json))
        tell("starting the hub")
        hub = stack.enter_context(HubProcess(folder))
        tell("flashing the board")
        config = adapter.config(board_broker(house, adapter.name))
        board = stack.enter_context(
            open_board(config, hub.local, scratch / "board", runtime, notice)
        )
        tell(None)
        started_ns = time.monotonic_ns()
        done = press_and_show(board, house, hub, presses, as_json=as_json)
        time.sleep(SETTLE_S)
        summary = summarize(
            presses,
            logged_presses(house, adapter),
            [press.latency_ns for press in done if press.latency_ns is not None],
            board.lamp_changes(started_ns),
            broker=hub.broker,
            runtime=board.runtime,
            core=hub.core,
        )
    if as_json:
        print(json.dumps(summary.plain()), flush=True)
    else:
        from rich.console import Console

        from myocan.tools.demo.view import print_summary

        print_summary(Console(), summary)
    return summary


def notice(text: str) -> None:
    """Tell what is not as people would expect, out of the way of the result."""
    print(text, file=sys.stderr, flush=True)


def load_only_adapter(house: House) -> AdapterFile:
    """Return the adapter of the example house."""
    from myocan.tools.adapters import load_adapter

    (file,) = house.adapters()
    return load_adapter(file, domain=house.domain)


def logged_presses(house: House, adapter: AdapterFile) -> int:
    """Return how many presses of an adapter's first button the log holds."""
    from myocan.hub.store import Reader

    button = adapter.publishes[0]
    with Reader(house.store_path) as reader:
        rows = reader.messages(module=button.module, variable=button.variable)
        return sum(row.producer == adapter.name for row in rows)


def press_and_show(
    board: Board, house: House, hub: HubProcess, presses: int, *, as_json: bool
) -> list[Press]:
    """Press the button so often, with the live view unless JSON was asked for."""
    from myocan.hub.store import Reader

    with Reader(house.store_path) as reader, ExitStack() as stack:
        tell: Callable[[Press], None] = lambda press: None  # noqa: E731
        pause_s = QUICK_S
        if not as_json:
            from rich.console import Console

            from myocan.tools.demo.view import View

            console = Console()
            pause_s = WATCHED_S if console.is_terminal else QUICK_S
            about = {
                "board": board.runtime,
                "broker": f"{hub.broker} at {hub.url}",
                "hub": f"core {hub.core}, in a process of its own",
            }
            tell = stack.enter_context(View(console, presses, about, house.root / "modules")).tell
        return press_all(board, reader, presses, lambda: time.sleep(pause_s), tell)


class Setup:
    """Says what is being set up, in a terminal; a `with` block whose value says it."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet or not sys.stderr.isatty()

    def __enter__(self) -> Callable[[str | None], None]:
        return self._tell

    def __exit__(self, *exc: object) -> None:
        self._tell(None)

    def _tell(self, text: str | None) -> None:
        if not self._quiet:
            line = "" if text is None else f"{text} ..."
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
