"""What the core asks of a module in Python, and who answers.

The one idea: to the core such a module is a program like any other, whose instructions `RUN` and
`ASK` leave the cycle to a method for a moment. What the method does goes through the core
(`granted`), so it is undone, published and logged as what rules do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from myocan.hub.core.program import Program

__all__ = ["Methods", "methods_of"]


class Methods(Protocol):
    """The methods of one module that runs.

    Attributes:
        endless: the number of the variable that counts cycles which did not come to an end.
    """

    endless: int

    def run(self, core: Any, number: int, arrived: int) -> int:
        """Run a method; return 1 or 0, which is its answer, or a `Failure`.

        Arguments:
            core: whose cycle it is.
            number: of the method.
            arrived: the variable whose message it is about, -1 for none.
        """
        ...


def methods_of(
    program: Program, code: int, topic: Callable[[tuple[str, str, str]], int]
) -> Methods:
    """Return the methods of a module in Python, ready to run.

    Arguments:
        program: its.
        code: where its code starts in the layout.
        topic: gives a topic's number.
    """
    from myocan.hub.python.running import Running  # nothing of it where nobody writes Python

    return Running(program, code, topic)
