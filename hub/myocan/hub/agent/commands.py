"""What the user of a hub can ask of it while it runs: see `myocan.hub.control`.

The one idea: a command becomes a message of the log. Whatever it does is done by the same cycles
as everything else, and a replay finds it where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from myocan.hub.agent.journal import Journal
from myocan.hub.control import Request
from myocan.hub.store import DiskFull

__all__ = [
    "COMMAND",
    "Answer",
    "Asked",
    "Command",
    "CommandRefused",
    "Commands",
    "Droppable",
    "NoSuchMode",
    "later",
]

COMMAND = "command"
"""The producer of what a user asks for."""

Answer = dict[str, Any] | Callable[[], dict[str, Any] | None]
"""What a command answers, or what is to be asked after each turn of the loop until it is not None;
both may raise CommandRefused."""

Command = Callable[[dict[str, Any]], Answer]
"""Does what a request asks."""


class CommandRefused(Exception):
    """A command that is not done; the text says why, to who gave it."""


class NoSuchMode(CommandRefused):
    """A command for a mode that does not run here; programs that were told of one let it go."""


class Droppable(Protocol):
    """What a command may be for, and may be gone before that is done."""

    name: str
    dropped: bool


def later(of: Droppable, answer: Callable[[], dict[str, Any] | None]) -> Answer:
    """Return what is to be asked after each turn, as long as what it is for is there."""

    def ask() -> dict[str, Any] | None:
        if of.dropped:
            raise CommandRefused(f"mode {of.name} was dropped meanwhile")
        return answer()

    return ask


class Commands:
    """The commands of a hub.

    Arguments:
        commands: what each does, by its name.
    """

    def __init__(self, commands: Mapping[str, Command]) -> None:
        self._commands = dict(commands)

    def do(self, content: dict[str, Any]) -> Answer:
        """Do what a request asks. Raises CommandRefused."""
        command = self._commands.get(str(content.get("command")))
        if command is None:
            known = ", ".join(self._commands)
            raise CommandRefused(f"this hub has no such command; it knows {known}")
        return command(content)


class Asked:
    """A request that has no answer yet.

    Arguments:
        request: it.
        commands: does what it asks, at the first `settle`.
    """

    def __init__(self, request: Request, commands: Commands) -> None:
        self._request = request
        self._ask: Callable[[], Answer | None] = lambda: commands.do(request.content)
        self._answer: dict[str, Any] | None = None
        self._mark = 0

    @property
    def is_done(self) -> bool:
        """Whether it is done, and waits for the disk alone."""
        return self._answer is not None

    def settle(self, journal: Journal) -> bool:
        """Go on; return whether it has its answer, which it gets when `journal` has it on disk."""
        try:
            while self._answer is None:
                answer = self._ask()
                if callable(answer):
                    self._ask = answer
                elif answer is None:
                    return False
                else:
                    self._answer, self._mark = answer, journal.written
        except (CommandRefused, DiskFull) as refusal:
            gone = {"gone": True} if isinstance(refusal, NoSuchMode) else {}
            self._request.answer(error=str(refusal), **gone)
            return True
        if self._mark > journal.synced:
            return False
        self._request.answer(**self._answer)
        return True

    def give_up(self, reason: str) -> None:
        """Answer that it is not known to be done."""
        self._request.answer(error=reason)
