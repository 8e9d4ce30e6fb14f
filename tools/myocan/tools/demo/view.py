"""What the demo shows while it runs: message, rule, lamp; and the summary at its end."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from myocan.tools.cli.topics import Topic, show_value
from myocan.tools.demo.measure import Summary
from myocan.tools.demo.press import Press

if TYPE_CHECKING:
    from myocan.hub.store import Message

SHOWN = 3
"""Presses on the screen at a time."""


class View:
    """The live picture of the demo; use it in a `with` block.

    console: where to. total: how many presses there will be. about: what takes part, name to
    description. sources: module name to the lines of its text, for the rules that fire.
    """

    def __init__(
        self, console: Console, total: int, about: Mapping[str, str], modules: Path
    ) -> None:
        self._console = console
        self._total = total
        self._about = about
        self._modules = modules
        self._presses: deque[Press] = deque(maxlen=SHOWN)
        self._live = Live(console=console, refresh_per_second=20, transient=False)

    def __enter__(self) -> View:
        self._live.start()
        self._live.update(self._picture())
        return self

    def __exit__(self, *exc: object) -> None:
        self._live.stop()

    def tell(self, press: Press) -> None:
        """Show a press that is over."""
        self._presses.append(press)
        self._live.update(self._picture(), refresh=True)

    def _picture(self) -> RenderableType:
        about = Table.grid(padding=(0, 2))
        for name, what in self._about.items():
            about.add_row(Text(name, style="bold"), what)
        last = self._presses[-1] if self._presses else None
        lamp = Text("  lamp off", style="dim")
        if last is not None and last.lamp:
            lamp = Text("  LAMP ON", style="bold black on yellow")
        return Group(
            about,
            Panel(
                Group(*(self._press(press) for press in self._presses)) if last else "",
                title=f"press {last.number if last else 0} of {self._total}",
                title_align="left",
            ),
            lamp,
        )

    def _press(self, press: Press) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        table.add_column(min_width=26)
        depth: dict[int | None, int] = {}
        for message in press.messages:
            depth[message.offset] = depth.get(message.cause, -1) + 1
            topic = Topic(message.module, message.variable, message.instance)
            value = show_value(message.value)
            said = f"{topic} = {value}" if value else str(topic)
            indent = "   " * depth[message.offset]
            arrow = "└ " if depth[message.offset] else "● "
            table.add_row(Text(indent + arrow + said), self._why(message))
        if press.latency_ns is None:
            table.add_row(Text("the lamp did not follow", style="bold red"), "")
        else:
            level = "high" if press.lamp else "low"
            took = f"{press.latency_ns / 1e6:.1f} ms after the button's"
            table.add_row(Text(f"the lamp's pin went {level}", style="green"), took)
        table.add_row()
        return table

    def _why(self, message: Message) -> Text:
        """Return where a message came from: the board, or the rule with its text."""
        if message.cause is None or message.rule is None:
            return Text(f"from board {message.producer}", style="dim")
        file = self._modules / f"{message.producer}.scc"
        try:
            text = file.read_text(encoding="utf-8").splitlines()[message.rule - 1].strip()
        except (OSError, IndexError):
            text = ""
        return Text.assemble((f"{file.name}:{message.rule}", "cyan"), f"  {text}")


def print_summary(console: Console, summary: Summary) -> None:
    """Print what it came to, for people."""
    table = Table.grid(padding=(0, 2))
    times = "" if summary.p50_ms is None else f"{summary.p50_ms:.1f} / {summary.p99_ms:.1f} ms"
    for name, what in (
        ("presses", f"{summary.presses}, the lamp followed {summary.switched}"),
        ("lost, duplicated", f"{summary.lost}, {summary.duplicated}"),
        ("pin to pin, p50 / p99", times),
    ):
        table.add_row(Text(name, style="bold"), what)
    style = "green" if summary.flawless else "red"
    console.print(Panel(table, title="summary", title_align="left", border_style=style))
