"""Which mode hears which board.

The one idea: a board is heard by one mode at a time, and how far it was heard is written in one
transaction with what that mode made of it. So nothing is lost and nothing counts twice when a board
is put into another mode: what it had said by then is the one's, what it says next the other's.

Most boards are heard by `live`. Which are not is said by messages of `$admin` in the log of `live`,
so it outlives a restart.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from myocan.hub.agent.batch import Batch
from myocan.hub.agent.commands import COMMAND, Answer, Command, CommandRefused, later
from myocan.hub.agent.intake import Board, Intake
from myocan.hub.agent.mode import Mode
from myocan.hub.agent.processing import text_of
from myocan.hub.agent.shared import HUB, LIVE, Shared
from myocan.hub.core import linker
from myocan.hub.settings import check_level
from myocan.hub.store import Position

__all__ = ["HEARD_BY", "Hearing", "mode_of_board"]

HEARD_BY = "board."
"""Before a board's name: which mode hears it, as the `$admin` of `live` has it; a JSON object as
text, nothing for `live` itself."""

_log = logging.getLogger(__name__)


class Hearing:
    """What comes in from boards, for the modes that hear them.

    Arguments:
        shared: what modes have in common.
        modes: all there are, by name; others may come and go.
        mode_for: returns the mode that a request names; may raise CommandRefused.
        wall_ms: the wall clock, milliseconds since 1970 UTC.

    `live` is what comes in for the live mode. `on_verdict` is called with what a board says to a
    proposal, whoever hears it; it may raise WireError.
    """

    def __init__(
        self,
        shared: Shared,
        modes: Mapping[str, Mode],
        mode_for: Callable[[dict[str, Any]], Mode],
        wall_ms: Callable[[], int],
    ) -> None:
        self._shared = shared
        self._modes = modes
        self._mode_for = mode_for
        self._wall_ms = wall_ms
        self.on_verdict: Callable[[str, bytes], None] = lambda board, payload: None
        self._elsewhere = self._brought_back()
        self._intakes = {
            name: self._intake(
                mode, [one for one in mode.positions if self.mode_of(one[0]) == name]
            )
            for name, mode in modes.items()
            if name in {LIVE, *self._elsewhere.values()}
        }
        self.live = self._intakes[LIVE]
        self.commands: dict[str, Command] = {"board mode": self._board_mode}

    def _brought_back(self) -> dict[str, str]:
        """Return what the log says, board -> mode; a mode that is gone hears nobody."""
        live = self._modes[LIVE]
        found = {}
        for variable, value in live.administration.items():
            mode = mode_of_board(variable, value)
            if mode is None:
                continue
            board = variable.removeprefix(HEARD_BY)
            if mode in self._modes:
                found[board] = mode
                continue
            text = f"{board} was heard by mode {mode}, which is gone: it is heard by live now"
            _log.warning("%s", text)
            live.note(variable, "null", HUB)
            live.say(linker.WARN, text, HUB)
        return found

    def _intake(self, mode: Mode, positions: list[Position]) -> Intake:
        house = self._shared.house
        intake = Intake(
            mode.core,
            house.domain,
            self._shared.adapters,
            accept_unknown=house.accepts_unknown_boards,
            positions=positions,
            now_ms=self._wall_ms,
            rate=house.boards.rate,
            models=self._shared.models,
        )
        intake.on_verdict = lambda board, payload: self.on_verdict(board, payload)
        return intake

    def mode_of(self, board: str) -> str:
        """Return the name of the mode that hears a board."""
        return self._elsewhere.get(board, LIVE)

    def boards_in(self, mode: str) -> list[str]:
        """Return the boards that a test mode hears."""
        return sorted(board for board, name in self._elsewhere.items() if name == mode)

    # ------------------------------------------------------------------ what comes in

    @property
    def take(self) -> Callable[[str, bytes, bool], None]:
        """What takes a frame of a board: topic, payload, whether it was retained."""
        return self._take if self._elsewhere else self.live.take

    def _take(self, topic: str, payload: bytes, retained: bool) -> None:
        board = (topic.split("/", 4) + [""] * 4)[3]
        self._intakes[self.mode_of(board)].take(topic, payload, retained)

    @property
    def held(self) -> int:
        """How many messages wait to be processed."""
        return sum(len(intake.topics) for intake in self._intakes.values())

    def acks(self, synced: int, written: int) -> list[tuple[str, int, int]]:
        """Return the acknowledgements to send now; see `Intake.acks`."""
        return [ack for intake in self._intakes.values() for ack in intake.acks(synced, written)]

    def due_s(self) -> float | None:
        """Return in how many seconds `acks` has more, None if nothing is owed now."""
        waits = [intake.due_s() for intake in self._intakes.values()]
        return min((wait for wait in waits if wait is not None), default=None)

    def statuses(self) -> dict[str, dict[str, Any]]:
        """Return the last status of each board that was heard of; from any thread."""
        found: dict[str, dict[str, Any]] = {}
        for intake in list(self._intakes.values()):
            found |= intake.statuses()
        return found

    def status_of(self, board: str) -> dict[str, Any]:
        """Return what a board said last of itself; empty if it has said nothing."""
        return self._intakes[self.mode_of(board)].status_of(board)

    def process(self, mode: Mode, now: int | None) -> bool:
        """Let a test mode process what its boards have sent; return whether it has.

        now: the log's time, by which all that was due has been taken; None if there is more.
        """
        intake = self._intakes.get(mode.name)
        if intake is None:
            return True
        if now is None:
            if intake.topics and not mode.falls_behind():
                return False
            now = mode.now()
        positions = intake.changed() if intake.active else []
        if intake.topics or positions:
            mode.process(intake, now, positions)
            intake.clear()
        intake.written(self._shared.journal.written)
        connection = self._shared.connection
        if intake.unwelcome and connection.online:
            connection.publish([(topic, b"", 1, True, 0) for topic in intake.unwelcome])
            intake.unwelcome.clear()
        return True

    # ------------------------------------------------------------------ into another mode

    def _board_mode(self, content: dict[str, Any]) -> Answer:
        if content.get("board") is None:
            return {"elsewhere": dict(self._elsewhere)}
        board = str(content["board"])
        if content.get("mode") is None:
            return {"board": board, "mode": self.mode_of(board)}
        self._check_known(board)
        mode = self._mode_for(content)
        user = str(content.get("user") or "")

        def answer() -> dict[str, Any] | None:
            before = self.mode_of(board)
            if before != mode.name and not self._put(board, mode, user):
                return None
            return {"board": board, "mode": mode.name, "before": before}

        return later(mode, answer)

    def _check_known(self, board: str) -> None:
        """Raise CommandRefused for a board that nobody knows, which is a slip of the fingers."""
        try:
            check_level(board)
        except ValueError as error:
            raise CommandRefused(f"{board!r} cannot be a board: its name {error}") from None
        known = {file.stem for file in self._shared.house.adapters()}
        known.update(*(intake.boards for intake in self._intakes.values()))
        if board not in known:
            near = get_close_matches(board, known, n=1)
            meant = f"did you mean {near[0]}?" if near else f"make it: myocan board new {board}"
            raise CommandRefused(f"this house has no board {board}; {meant}")

    def _put(self, board: str, mode: Mode, user: str) -> bool:
        """Let another mode hear a board from now on; False if something of it is still on its way
        through the one that hears it."""
        source = self._intakes[self.mode_of(board)]
        there = source.boards.get(board)
        if source.topics or (there is not None and there.unwritten):
            return False
        live = self._modes[LIVE]
        positions = list(self._positions(board, there, mode))
        if positions:
            mode.process(Batch(), mode.now(), positions)
        value = "null" if mode.is_live else text_of({"mode": mode.name, "by": user})
        live.note(HEARD_BY + board, value, COMMAND)
        target = self._intakes.get(mode.name)
        if target is None:
            target = self._intakes[mode.name] = self._intake(mode, [])
        source.pass_on(board, target)
        before = self._elsewhere.pop(board, LIVE)
        if not mode.is_live:
            self._elsewhere[board] = mode.name
        if before != LIVE and not self.boards_in(before):
            del self._intakes[before]
        return True

    def _positions(self, board: str, there: Board | None, mode: Mode) -> Iterator[Position]:
        """Yield how far a board was heard, and what its new mode knows of it that is over."""
        heard = [] if there is None else there.inbox.positions()
        yield from ((board, boot, last, seen_ms) for boot, last, _synced, seen_ms in heard)
        boots = {one[0] for one in heard}
        for name, boot, last, seen_ms in self._shared.store.positions(mode.name):
            if name == board and boot not in boots and last is not None:
                yield board, boot, None, seen_ms


def mode_of_board(variable: str, value: str) -> str | None:
    """Return which mode a message of `$admin` says to hear a board; None if it is about something
    else."""
    if not variable.startswith(HEARD_BY) or value == "null":
        return None
    return str(json.loads(json.loads(value))["mode"])
