"""The state of a hub that runs in another process.

The one idea: one connection tells what becomes true there, others ask for commits. When the hub is
started anew, what has changed meanwhile is told like any other change; until then it cannot be
committed to.
"""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from myocan.hub.models.cells import Loaded
from myocan.hub.models.errors import StateError
from myocan.hub.models.hub_state import Heard, HubState
from myocan.hub.models.model import StateModel

__all__ = ["ConnectedState", "connect"]

CONNECT_S = 5.0
"""How long a hub may take to take a connection."""

ANSWER_S = 40.0
"""How long it may take for an answer; it gives up earlier itself."""

SILENCE_S = 10.0
"""After this time without a word the hub counts as lost."""

RETRY_S = 0.25
"""The pause between two attempts to find a hub again."""

_log = logging.getLogger(__name__)

_Model = TypeVar("_Model", bound=StateModel)
_Values = dict[tuple[str, str], tuple[int, dict[str, str]]]


class _Gone(StateError):
    """The mode does not run any more, in a hub that does."""


def connect(house: str | Path | None, producer: str, mode: str) -> ConnectedState:
    """Return the state of the hub that runs a house. See `State.connect`."""
    from myocan.hub.house import House

    path = House.find(".") if house is None else Path(house)
    return ConnectedState(House.load(path), producer, mode)


class ConnectedState(HubState):
    """The state of a hub in another process. Arguments: the house, who commits, and the mode."""

    def __init__(self, house: Any, producer: str, mode: str) -> None:
        self._house = house
        self._mode = mode
        self._dropped = ""
        self._idle: list[_Line] = []
        self._idle_lock = threading.Lock()
        self.lost = False
        """Whether no hub is there at present that could be committed to."""
        feed, answer = self._watch()
        super().__init__(self._ask, producer, None, dict(answer["topics"]), _values(answer))
        self._feed = feed
        self._hears = threading.Thread(target=self._listen, name="state-feed", daemon=True)
        self._hears.start()

    def close(self) -> None:
        """See `State.close`; the hub goes on."""
        self.end("this state was closed")
        self._feed.close()
        super().close()
        with self._idle_lock:
            for line in self._idle:
                line.close()
            self._idle.clear()

    def _checkout(self, loaded: Loaded, model: type[_Model], key: str) -> _Model:
        if self._dropped:
            raise StateError(self._dropped)  # what is known of it would stay as it is for ever
        return super()._checkout(loaded, model, key)

    # ------------------------------------------------------------------ asking

    def _ask(self, content: dict[str, Any]) -> dict[str, Any]:
        with self._idle_lock:
            line = self._idle.pop() if self._idle else None
        line = self._open() if line is None else line
        try:
            answer = line.ask({**content, "mode": self._mode})
        except (OSError, ValueError) as error:
            line.close()
            raise StateError(
                f"the hub of {self._house.root} has gone; whether this was done is not known"
            ) from error
        if "error" in answer:
            line.close()
            raise StateError(str(answer["error"]))
        with self._idle_lock:
            self._idle.append(line)
        return answer

    def _open(self) -> _Line:
        from myocan.hub.control import TOKEN_NAME
        from myocan.hub.running_hub import RunningHub

        none = f"no hub runs the house {self._house.root} here"
        running = RunningHub.read(self._house)
        if running is None or not running.control:
            raise StateError(none)
        try:
            token = (self._house.private_path / TOKEN_NAME).read_text(encoding="utf-8")
            return _Line(running.control, token)
        except (
            ConnectionRefusedError
        ) as error:  # killed: its socket stayed, its number is another's
            raise StateError(none) from error
        except OSError as error:
            raise StateError(
                f"the hub of {self._house.root} cannot be reached: {error}; is it run by another "
                "user?"
            ) from error

    # ------------------------------------------------------------------ hearing

    def _watch(self) -> tuple[_Line, dict[str, Any]]:
        """Return a connection that tells what becomes true, and what is true now."""
        line = self._open()
        try:
            answer = line.ask({"command": "state watch", "mode": self._mode})
        except (OSError, ValueError) as error:
            line.close()
            raise StateError(f"the hub of {self._house.root} does not answer: {error}") from error
        if "error" in answer:
            line.close()
            raise (_Gone if answer.get("gone") else StateError)(str(answer["error"]))
        return line, answer

    def _listen(self) -> None:
        while not self._ended:
            with contextlib.suppress(OSError, ValueError):
                for told in self._feed.lines(SILENCE_S):
                    if "ended" in told:
                        self._let_go(str(told["ended"]))
                        return
                    topic, key, version, fields = told["heard"]
                    self.take_in(Heard(topic, key, version, fields))
            self._feed.close()
            self.lost = True
            self._find_again()

    def _let_go(self, reason: str) -> None:
        """Know that there is no such mode any more; one that is made anew is another."""
        self._dropped = reason
        self.end(reason)
        self.lost = True
        _log.warning("%s", reason)

    def _find_again(self) -> None:
        """Wait until a hub runs again, and take in what is true then."""
        pause = threading.Event()
        while not self._ended:
            try:
                self._feed, answer = self._watch()
            except _Gone as refusal:
                self._let_go(str(refusal))
                return
            except StateError:
                pause.wait(RETRY_S)
                continue
            now, known = _values(answer), self.values()
            for (topic, key), (version, fields) in now.items():
                self.take_in(Heard(topic, key, version, fields))
            for topic, key in known.keys() - now.keys():
                gone = dict.fromkeys(known[topic, key][1])
                self.take_in(Heard(topic, key, known[topic, key][0], gone))
            self.lost = False
            return


class _Line:
    """A connection to a hub. Raises OSError if there is none."""

    def __init__(self, path: str, token: str) -> None:
        self._token = token
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(CONNECT_S)
        self._left = b""
        try:
            self._socket.connect(path)
        except OSError:
            self._socket.close()
            raise

    def ask(self, content: dict[str, Any]) -> dict[str, Any]:
        """Ask for a command; return its answer. Raises OSError or ValueError if there is none."""
        self._socket.settimeout(CONNECT_S)
        self._socket.sendall(json.dumps({**content, "token": self._token}).encode() + b"\n")
        return next(self.lines(ANSWER_S))

    def lines(self, seconds: float) -> Iterator[dict[str, Any]]:
        """Yield what is told, as long as something is told within these seconds.

        Raises OSError when the connection ends.
        """
        while True:
            line, end, left = self._left.partition(b"\n")
            while not end:
                self._socket.settimeout(seconds)
                piece = self._socket.recv(65_536)
                if not piece:
                    raise ConnectionError("it has gone")
                self._left += piece
                line, end, left = self._left.partition(b"\n")
            self._left = left
            if line:
                yield json.loads(line)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def _values(answer: dict[str, Any]) -> _Values:
    return {(topic, key): (version, fields) for topic, key, version, fields in answer["values"]}
