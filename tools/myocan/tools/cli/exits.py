"""What the exit code of a command tells a script."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes; the same for every command."""

    OK = 0
    """Done."""
    NO = 1
    """The answer is no: `check` found mistakes, a scenario of `test` failed, `get` found no value,
    `demo` lost something, the books of `chaos` do not balance, `hil` lost something."""
    USAGE = 2
    """The command line itself is wrong."""
    FAILED = 3
    """It could not be done; the message says why and what to do."""
    TIMEOUT = 4
    """Nobody answered in time; whether it happened is not known."""


EPILOG = (
    "Exit codes: 0 done, 1 the answer is no (check found mistakes, get found no value), "
    "2 wrong usage, 3 could not be done, 4 nobody answered in time."
)


class Ended(SystemExit):
    """The end of the program that a signal asks for: no code of a house may take it for its own."""
