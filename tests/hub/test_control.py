"""The socket for commands: what nonsense gets, who may open it, and that no one waits for ever."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from myocan.hub import control
from myocan.hub.control import TOKEN_NAME, Control, ControlError, ask
from myocan.hub.house import House
from myocan.hub.models import State, StateError
from myocan.hub.running_hub import RunningHub


@pytest.fixture
def house(tmp_path: Path) -> House:
    (tmp_path / "myocan.toml").write_text("")
    return House.load(tmp_path)


@pytest.fixture
def served(house: House) -> Iterator[Control]:
    """A hub's end whose agent answers with the command, or not at all if it is `sleep`."""
    asked = threading.Event()
    ends = threading.Event()
    served = Control(house, asked.set)

    def work() -> None:
        while not ends.is_set():
            asked.wait(1)
            asked.clear()
            while not served.requests.empty():
                request = served.requests.get()
                if request.content["command"] != "sleep":
                    request.answer(said=request.content)

    with ExitStack() as stack:
        served.start(stack)
        RunningHub("mqtt://127.0.0.1:1", os.getpid(), served.path).write(house)
        agent = threading.Thread(target=work)
        agent.start()
        yield served
        ends.set()
        asked.set()
        agent.join()


def say(served: Control, line: bytes) -> dict[str, str]:
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(served.path)
        peer.sendall(line)
        peer.shutdown(socket.SHUT_WR)
        return json.loads(peer.makefile().readline())


def test_a_command_gets_its_answer(house: House, served: Control) -> None:
    assert ask(house, "hello", key="küche") == {"said": {"command": "hello", "key": "küche"}}


def test_only_the_user_can_open_it(served: Control) -> None:
    assert stat.S_IMODE(Path(served.path).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "line",
    [b"\n", b"no json\n", b"[]\n", b"{}\n", b'{"command": 5}\n', b"\xff\xfe\n", b"", b"[" * 9000],
)
def test_nonsense_is_told_so_and_the_next_is_served(
    house: House, served: Control, line: bytes
) -> None:
    assert "no request" in say(served, line)["error"]
    assert ask(house, "hello") == {"said": {"command": "hello"}}


def test_a_line_without_end_is_cut_off(house: House, served: Control) -> None:
    sent = 0
    with socket.socket(socket.AF_UNIX) as peer, contextlib.suppress(OSError):
        peer.connect(served.path)
        while sent < 1000:
            peer.sendall(b"x" * 65536)
            sent += 1
    assert sent < 1000
    assert ask(house, "hello") == {"said": {"command": "hello"}}


def test_who_says_nothing_or_is_not_answered_does_not_wait_for_ever(
    house: House, served: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as impatient, socket.socket(socket.AF_UNIX) as peer:
        impatient.setattr(control, "REQUEST_S", 0.2)
        peer.connect(served.path)
        assert "nothing was asked within 0.2 seconds" in peer.makefile().readline()
    with monkeypatch.context() as impatient:
        impatient.setattr(control, "ANSWER_S", 0.2)
        with pytest.raises(control.NoAnswer):
            ask(house, "sleep")
    assert ask(house, "hello") == {"said": {"command": "hello"}}


def test_who_waits_when_the_hub_ends_is_told(house: House) -> None:
    served = Control(house, lambda: None)
    with ExitStack() as stack:
        served.start(stack)
        RunningHub("mqtt://127.0.0.1:1", os.getpid(), served.path).write(house)
        refused: list[str] = []

        def wait() -> None:
            try:
                ask(house, "sleep")
            except ControlError as error:
                refused.append(str(error))

        waiting = threading.Thread(target=wait)
        waiting.start()
        while served.requests.empty():
            threading.Event().wait(0.01)
    waiting.join()
    assert refused == ["the hub was stopped"]
    assert not Path(served.path).exists()


def test_without_a_hub_there_is_a_clear_word(house: House) -> None:
    with pytest.raises(ControlError, match="myocan run"):
        ask(house, "hello")


def test_a_hub_that_was_killed_is_no_hub_though_its_socket_is_there(house: House) -> None:
    path = house.root / "left.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))  # nobody listens there, as after kill -9
    RunningHub("mqtt://127.0.0.1:1", os.getpid(), str(path)).write(house)
    (house.private_path / TOKEN_NAME).write_text("token")
    with pytest.raises(ControlError, match=r"no hub runs the house .*myocan run"):
        ask(house, "hello")
    with pytest.raises(StateError, match=r"no hub runs the house .* here$"):
        State.connect(house.root)


def test_a_house_with_a_very_long_path_has_its_socket_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    (folder / "myocan.toml").write_text("")
    served = Control(House.load(folder), lambda: None)
    with ExitStack() as stack:
        served.start(stack)
        assert len(served.path) < 100
        assert stat.S_IMODE(Path(served.path).parent.stat().st_mode) == 0o700
    assert not Path(served.path).parent.exists()
