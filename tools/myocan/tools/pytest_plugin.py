"""The pytest plugin: the fixture `board`, a board on a bench to test one's own adapters on.

    def test_a_press_rings(board):
        board.flash("adapters/porch.toml")
        board.press("door_button")
        board.expect("button1.press")

`pytest` runs that on a virtual board, `pytest --board /dev/ttyACM0` on the real one. What can only
be done to a virtual board (press, drive, read a pin) skips a test on a real one; to run it there,
wire two pins and let the board press its own button.

The one idea to know: it is loaded with every run of pytest wherever myocan is installed, so it
imports nothing of ours before a test asks for a board.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from myocan.tools.hil import BenchBoard, BenchBroker, Listener

VIRTUAL = "virtual"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("myocan", "boards to run tests on")
    group.addoption(
        "--board",
        default=VIRTUAL,
        metavar="virtual|PORT|URL",
        help="where the fixture `board` is: virtual, /dev/ttyACM0, socket://host:port",
    )
    group.addoption(
        "--board-kind",
        default=None,
        metavar="KIND",
        help="what kind a virtual board is; default: what its first adapter is for",
    )
    group.addoption(
        "--board-wifi",
        default=[],
        action="append",
        metavar="NAME:PASSWORD",
        help="the WiFi for a real board; may be given several times",
    )
    group.addoption(
        "--board-host",
        default="",
        metavar="ADDRESS",
        help="where this machine is for a real board; default: its address in the network",
    )


@pytest.fixture(scope="session")
def board_broker(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BenchBroker]:
    """The broker of the bench; skips where there is no Mosquitto."""
    from myocan.tools.hil import BenchBroker, NoBroker
    from myocan.tools.hil.bench import LOOPBACK, own_address

    host = str(request.config.getoption("--board-host"))
    if not host:
        virtual = request.config.getoption("--board") == VIRTUAL
        host = LOOPBACK if virtual else own_address()
    try:
        broker = BenchBroker(tmp_path_factory.mktemp("bench"), host)
    except NoBroker as error:
        pytest.skip(str(error))
    with broker:
        yield broker


@pytest.fixture
def board_hub(board_broker: BenchBroker) -> Iterator[Listener]:
    """The hub of the bench, which takes what the board tells; a new one for each test."""
    from myocan.tools.hil import Listener

    with Listener(board_broker) as listener:
        yield listener


@pytest.fixture
def board(
    request: pytest.FixtureRequest, board_broker: BenchBroker, board_hub: Listener
) -> Iterator[BenchBoard]:
    """A board on the bench; see `myocan.tools.hil.BenchBoard` for what can be done to it.

    Skips where virtual boards cannot run, and in a real board's run what only a virtual one can.
    """
    from myocan.tools.hil import BenchBoard
    from myocan.tools.vboard import NoMicroPython

    option = request.config.getoption
    wifi = [tuple(each.split(":", 1)) for each in option("--board-wifi")]
    if any(len(each) != 2 for each in wifi):
        raise pytest.UsageError("--board-wifi takes NAME:PASSWORD")
    made = BenchBoard(
        option("--board"), board_broker, board_hub, kind=option("--board-kind"), wifi=wifi
    )
    try:
        made.__enter__()
    except NoMicroPython as error:
        pytest.skip(str(error))
    try:
        yield made
    finally:
        made.__exit__()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Skip a test that asks of a real board what only a virtual one can do."""
    try:
        return (yield)
    except Exception as error:
        if _is_for_virtual_boards(error):
            pytest.skip(str(error))
        raise


def _is_for_virtual_boards(error: Any) -> bool:
    module = type(error).__module__
    return module == "myocan.tools.hil.board" and type(error).__name__ == "NotThisBoard"
