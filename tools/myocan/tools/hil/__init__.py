"""Hardware in the loop: boards on a bench, virtual or real, whose links are cut.

    table = run_hil(Plan(boards=["virtual"] * 8, cuts=1000))
    print(table.text())

Tests get a board by the fixture `board` (see myocan.tools.pytest_plugin).
"""

from myocan.tools.hil.bench import Plan, run_hil
from myocan.tools.hil.board import VIRTUAL, BenchBoard, NotThisBoard
from myocan.tools.hil.broker import BenchBroker, NoBroker
from myocan.tools.hil.listener import BenchError, Event, Heard, Listener
from myocan.tools.hil.table import Row, Spread, Table

__all__ = [
    "VIRTUAL",
    "BenchBoard",
    "BenchBroker",
    "BenchError",
    "Event",
    "Heard",
    "Listener",
    "NoBroker",
    "NotThisBoard",
    "Plan",
    "Row",
    "Spread",
    "Table",
    "run_hil",
]
