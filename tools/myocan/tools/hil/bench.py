"""All of it: a broker, a listener, boards side by side, and the table of what came of them."""

from __future__ import annotations

import platform
import socket
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from myocan.tools.errors import ToolsError
from myocan.tools.hil.board import VIRTUAL, BenchBoard
from myocan.tools.hil.broker import BenchBroker
from myocan.tools.hil.course import Course, loop_adapter, loop_pins
from myocan.tools.hil.listener import Listener
from myocan.tools.hil.table import Cut, Row, Table

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Plan:
    """What to do on the bench.

    boards: "virtual", or what `mpremote connect` takes, of each board. cuts: of all boards
    together. kind: of the virtual ones. wire: (output, input) pins that are wired to each other;
    None takes two neighbours. wifi: networks (name, password) for real boards. host: where this
    machine is for the boards; "" finds out. seed: draws the cuts.
    """

    boards: Sequence[str] = (VIRTUAL,)
    cuts: int = 10
    kind: str = "pico-w"
    wire: tuple[str, str] | None = None
    wifi: Sequence[tuple[str, str]] = ()
    host: str = ""
    seed: int = 0


def run_hil(
    plan: Plan,
    tell: Callable[[str], None] = lambda text: None,
    stop: threading.Event | None = None,
) -> Table:
    """Put boards on the bench, cut their links, and return the table.

    tell: called with a line now and then, from several threads. stop: ends it early when set; what
    was done until then is in the table.

    Raises ToolsError when a board cannot be flashed, or there is no broker or no MicroPython.
    """
    stop = stop or threading.Event()
    began = datetime.now(UTC).isoformat(timespec="seconds")
    real = any(board != VIRTUAL for board in plan.boards)
    host = plan.host or (own_address() if real else LOOPBACK)
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        BenchBroker(Path(folder), host) as broker,
        Listener(broker) as listener,
        ThreadPoolExecutor(len(plan.boards), "bench") as pool,
    ):
        share, more = divmod(plan.cuts, len(plan.boards))

        def one(place: int) -> Row:
            where, cuts = plan.boards[place], share + (place < more)
            name = f"board{place + 1}"
            tell(f"{name}: flashing the board at {where}")
            with ExitStack() as stack:
                board = BenchBoard(
                    where, broker, listener, name=name, kind=plan.kind, wifi=plan.wifi
                )
                stack.enter_context(board)
                wire = plan.wire or loop_pins(board.kind)
                board.connect(*wire)
                try:
                    board.flash(loop_adapter(board.kind, name, wire))
                except ToolsError:
                    stop.set()
                    raise
                tell(f"{name}: online; its {wire[0]} has to be wired to its {wire[1]}")
                done: list[Cut] = []

                def note(cut: Cut) -> None:
                    done.append(cut)
                    if len(done) % 25 == 0:
                        tell(f"{name}: {len(done)} of {cuts} cuts")

                course = Course(board, cuts=cuts, seed=plan.seed + place, tell=note, stop=stop)
                row = course.run()
                return replace(row, where=where)

        rows = list(pool.map(one, range(len(plan.boards))))
    return Table(tuple(rows), plan.seed, began, describe_machine(), version())


def own_address() -> str:
    """Return the address by which others on the network reach this machine.

    Nothing is sent: the address is that of the interface which a packet would leave by (the target
    is of TEST-NET-1, RFC 5737).
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            raise ToolsError(
                "this machine has no network: boards have to reach it; say --host ADDRESS"
            ) from None
        return str(probe.getsockname()[0])


def describe_machine() -> str:
    """Return what the bench stands on."""
    return f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"


def version() -> str:
    """Return the version of myocan."""
    from myocan.edge.adapter import VERSION

    return VERSION
