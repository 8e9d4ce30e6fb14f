"""What a board goes through on the bench: its link is cut, again and again, while things happen.

The one idea to know: two pins of the board are wired to each other, so it makes its own events,
also while nobody can reach it. A relay's pin is high while the hub says "on", and falls by itself
when the hub is lost (`hold_s = 0`); a button's pin feels both. So each cut costs the hub one
`release`, held until the link is back, and one `press` afterwards; and what the wire did is what
the board owes the hub, no more and no less. It works on a real board with one piece of wire.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

from myocan.tools.adapters import AdapterFile, parse_adapter
from myocan.tools.board_kinds import BoardKind
from myocan.tools.errors import ToolsError
from myocan.tools.hil.board import BenchBoard
from myocan.tools.hil.listener import DOMAIN, BenchError, Event, Heard
from myocan.tools.hil.table import Cut, Row

PRESS, RELEASE, OUT = "press", "release", "out"
RECOVER_S = 60.0
"""Longer than any back-off; who is not back by then does not come back."""
ECHO_S = 15.0
SHORTEST_S, LONGEST_S = 0.05, 1.0
REST_S = (1.2, 2.0)
"""How long a link holds between most cuts: longer than what makes a board's next wait short again.
One in five is cut again at once, as a link at the edge of its range is."""
FREEZE_S = 3.0
"""A frozen link that lasts longer is taken for a dead one, and renewed, by the board's own ping."""

ADAPTER = """
board = "{kind}"
[ports.out]
kind = "relay"
pin = "{output}"
safe = "off"
hold_s = 0
subscribe = "{module}.out"
[ports.loop]
kind = "button"
pin = "{into}"
active = "high"
debounce_ms = 1
publish = {{ press = "{module}.press", release = "{module}.release" }}
"""


def loop_pins(kind: BoardKind) -> tuple[str, str]:
    """Return two pins (output, input) of a kind of board that suit a wire between them.

    They are neighbours at the edge of the board where there are any, so that a jumper does.
    """
    plain = {
        pin
        for pin, facts in kind.pins.items()
        if {"in", "out"} <= facts.can and not facts.strapping and not facts.warning
    }
    if kind.pinout is not None:
        for side in (kind.pinout.left, kind.pinout.right):
            pairs = [pair for pair in itertools.pairwise(side) if plain.issuperset(pair)]
            if pairs:
                return pairs[-1][1], pairs[-1][0]
    both = sorted(plain)
    if len(both) < 2:
        raise BenchError(f"a {kind.title} has no two pins to wire to each other")
    return both[1], both[0]


def loop_adapter(kind: BoardKind, name: str, wire: tuple[str, str]) -> AdapterFile:
    """Return the adapter that a board runs on its course."""
    text = ADAPTER.format(kind=kind.name, output=wire[0], into=wire[1], module=f"hil_{name}")
    return parse_adapter(Path(f"{name}.toml"), text, domain=DOMAIN)


class Course:
    """The course of one board that is on the bench already; `run()` is all of it.

    cuts: how often its link is cut. seed: draws how, and for how long. rest_s: between which times
    a link holds. tell: called with each cut that is over. stop: set from outside to end it early.
    """

    def __init__(
        self,
        board: BenchBoard,
        *,
        cuts: int,
        seed: int,
        rest_s: tuple[float, float] = REST_S,
        tell: Callable[[Cut], None] = lambda cut: None,
        stop: threading.Event | None = None,
    ) -> None:
        self.board = board
        self.cuts: list[Cut] = []
        self._count = cuts
        self._rest_s = rest_s
        self._random = random.Random(seed)
        self._tell = tell
        self._stop = stop or threading.Event()
        self._module = f"hil_{board.name}"
        self._first_free: int | None = None
        self._wired = 0  # how often the wire has changed its level
        self._looked_ns = time.monotonic_ns()
        heard = board.heard
        self._before = len(heard.events), len(heard.boots), heard.lost, heard.repeats
        self._numbered = heard.events[-1].seq if heard.events else 0

    def run(self) -> Row:
        """Go through it; returns what came of it, also where it came to an early end."""
        began = time.monotonic()
        problem = ""
        try:
            self._switch("on", PRESS)
            self._first_free = self._free()
            for place in range(self._count):
                if place and self._random.random() >= 0.2:
                    self._stop.wait(self._random.uniform(*self._rest_s))
                if self._stop.is_set():
                    break
                cut = self._cut()
                self.cuts.append(cut)
                self._tell(cut)
                self._switch("off", RELEASE)
                self._switch("on", PRESS)
                self._look_at_wire()
        except ToolsError as error:
            problem = str(error)
        self._look_at_wire()
        return self._books(time.monotonic() - began, problem)

    def _cut(self) -> Cut:
        """Cut the link, mend it, and wait until the hub has what happened meanwhile."""
        kind = self._draw()
        before = self._counted()
        lasts = self._random.uniform(SHORTEST_S, LONGEST_S)
        if kind == "frozen":
            self.board.link.freeze()
            self._say("off")
            lasts = self._random.uniform(SHORTEST_S, FREEZE_S)
        elif kind == "wifi":
            self.board.simulation.networks({})
        else:
            self.board.link.cut()
        self._stop.wait(lasts)
        mended = time.monotonic_ns()
        if kind == "wifi":
            self.board.simulation.networks(None)
        else:
            self.board.link.mend()
        held = self._await(RELEASE, before, RECOVER_S, f"what it held in a cut ({kind})")
        if kind == "frozen":
            self._say("on")
        self._await(PRESS, before, ECHO_S, "its port's return")
        return Cut(kind, lasts, max(0, held.at_ns - mended) / 1e9)

    def _draw(self) -> str:
        if self.board.is_virtual and self.board.kind.wifi and self._random.random() < 0.1:
            return "wifi"
        return "frozen" if self._random.random() < 0.2 else "closed"

    def _switch(self, value: str, comes: str) -> None:
        """Say a value, and wait for the wire to tell of it."""
        before = self._counted()
        self._say(value)
        try:
            self._await(comes, before, ECHO_S, f"the {comes} that a wire makes")
        except BenchError as error:
            if self.cuts:
                raise
            raise BenchError(f"{error}. Is the wire there, between the right pins?") from None

    def _say(self, value: str) -> None:
        self.board.say(f"{self._module}.{OUT}", value)

    def _counted(self) -> int:
        return len(self.board.heard.events)

    def _await(self, what: str, since: int, seconds: float, words: str) -> Event:
        found: list[Event] = []
        topic = f"{self._module}.{what}"

        def holds(heard: Heard) -> bool:
            found[:] = [event for event in heard.events[since:] if event.topic == topic]
            return bool(found)

        self.board.wait(holds, words, seconds)
        return found[0]

    def _free(self) -> int | None:
        free = self.board.heard.status.get("free")
        return free if isinstance(free, int) else None

    def _look_at_wire(self) -> None:
        """Count what the wire of a virtual board has done since it was looked at."""
        if self.board.is_virtual:
            pin = self.board.pin("loop")
            for change in self.board.simulation.changes(self._looked_ns):
                self._looked_ns = change.at_ns
                self._wired += change.pin == pin and change.level is not None

    def _books(self, seconds: float, problem: str) -> Row:
        """Compare what the wire did, or the board numbered, with what came."""
        board, heard = self.board, self.board.heard
        first, boots, lost, repeats = self._before
        events = heard.events[first:]
        twice = sum(a.topic == b.topic for a, b in itertools.pairwise(events))
        numbered = events[-1].seq - self._numbered if events else 0
        sensed = self._wired if board.is_virtual else numbered + heard.lost - lost
        return Row(
            name=board.name,
            board=board.kind.title,
            where=board.where,
            cuts=tuple(self.cuts),
            sent=sensed,
            processed=len(events),
            lost=sensed - len(events),
            out_of_turn=twice,
            repeats=heard.repeats - repeats,
            restarts=len(heard.boots) - boots,
            free_first=self._first_free,
            free_least=self._free(),
            seconds=seconds,
            uptime=(time.monotonic_ns() - heard.boots[-1][1]) / 1e9 if heard.boots else 0.0,
            problem=problem,
        )
