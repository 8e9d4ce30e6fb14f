"""The hub's own door for commands of its user: a socket in the house's private folder.

The one idea: a command is a message like any other, so it is not done here. It is handed to the
agent's thread, which does it between two batches, and the answer comes when that is on the disk.

One request is one line of JSON, at most `MAX_LINE` bytes, and has one line of JSON for an answer:

    {"command": "instance create", "module": "lamp", "key": "kitchen"}
    {"created": true}

An answer with the key `error` says in words why it was not done. A program may ask more than once,
and several at the same time. Only the user who runs the hub can open the socket (`hub.sock`,
permissions 0600); `RunningHub` says where it is. What is asked of state models needs the `token` of
`state.token`, too.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import secrets
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from myocan.hub.errors import HubError
from myocan.hub.house import House
from myocan.hub.models.errors import StateError
from myocan.hub.running_hub import RunningHub

__all__ = ["Control", "ControlError", "NoAnswer", "Request", "ask"]

MAX_LINE = 64 * 1024
"""Bytes of a request or an answer; bounds what a program that sends nonsense can cost."""

REQUEST_S = 5.0
"""How long a program may take to say what it wants."""

ANSWER_S = 30.0
"""How long the hub may take for an answer."""

MAX_PATH = 100
"""Bytes of a path that every system takes for a socket."""

MAX_CLIENTS = 32
"""Programs that are served at once."""

MAX_TOLD = 10_000
"""Changes that wait for a program that is slow to hear them; then it has to begin anew."""

FEED_S = 1.0
"""After this time without a change a program is told nothing, to see whether it is there."""

NAME = "hub.sock"

TOKEN_NAME = "state.token"
"""The file with what programs prove themselves with that ask for the state of models."""

WATCH = "state watch"

STOPPED = "the hub was stopped"


class ControlError(HubError):
    """A command that was not done; the text says why."""


class NoAnswer(HubError):
    """The hub did not answer in time; whether the command was done is not known."""


class Request:
    """A command that waits for its answer."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content
        self._answer: SimpleQueue[dict[str, Any]] = SimpleQueue()

    def answer(self, **content: Any) -> None:
        """Answer it, from any thread; `error="..."` if it was not done."""
        self._answer.put(content)

    def wait(self, seconds: float) -> dict[str, Any]:
        """Return the answer; raises queue.Empty if there is none in time."""
        return self._answer.get(timeout=seconds)


class Control:
    """The hub's end.

    Arguments:
        house: whose hub it is.
        wake: lets the agent look into `requests`; called on a thread of its own.

    `path` is where the socket is, once `start` was called.
    """

    def __init__(self, house: House, wake: Callable[[], None]) -> None:
        self._house = house
        self._wake = wake
        self._stopping = False
        self._lock = threading.Lock()
        self._clients: dict[socket.socket, threading.Thread] = {}
        self._token = ""
        self.path = ""
        self.requests: SimpleQueue[Request] = SimpleQueue()

    def ask_here(self, content: dict[str, Any]) -> dict[str, Any]:
        """Let the agent do a command, from another thread of this process; return its answer.

        Raises StateError if it says why not.
        """
        request = Request(content)
        self.requests.put(request)
        self._wake()
        try:
            answer = {"error": STOPPED} if self._stopping else request.wait(ANSWER_S)
        except Empty:
            answer = {"error": f"the hub had no answer in {ANSWER_S:g} seconds"}
        if "error" in answer:
            raise StateError(str(answer["error"]))
        return answer

    def start(self, stack: ExitStack) -> None:
        """Open the socket, until `stack` ends."""
        folder = self._house.private_path
        folder.mkdir(mode=0o700, exist_ok=True)
        self._token = write_token(folder / TOKEN_NAME)
        path = folder / NAME
        if len(os.fsencode(path)) > MAX_PATH:
            path = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="myocan-"))) / NAME
        path.unlink(missing_ok=True)  # what a crash left behind; the store's lock is ours
        self._socket = stack.enter_context(socket.socket(socket.AF_UNIX))
        before = os.umask(0o177)
        try:
            self._socket.bind(str(path))
        finally:
            os.umask(before)
        stack.callback(path.unlink, missing_ok=True)
        self._socket.listen(MAX_CLIENTS)
        self.path = str(path)
        thread = threading.Thread(target=self._serve, name="control", daemon=True)
        thread.start()
        stack.callback(self._stop, thread)

    def _stop(self, thread: threading.Thread) -> None:
        self._stopping = True
        while True:  # who waits for an answer is told that none comes
            try:
                self.requests.get_nowait().answer(error=STOPPED)
            except Empty:
                break
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as last:
            last.connect(self.path)  # the thread waits for somebody to come
        thread.join(REQUEST_S + 1)
        with self._lock:
            clients = [*self._clients.items()]
        for peer, client in clients:
            with contextlib.suppress(OSError):  # one that has nothing to ask waits for more
                peer.shutdown(socket.SHUT_RD)
            client.join(REQUEST_S + 1)

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            if self._stopping:
                peer.close()
                return
            with self._lock:
                if len(self._clients) < MAX_CLIENTS:
                    client = threading.Thread(
                        target=self._serve_one, args=(peer,), name="control-client", daemon=True
                    )
                    self._clients[peer] = client
                    client.start()
                    continue
            with contextlib.suppress(OSError), peer:
                told = f"{MAX_CLIENTS} programs ask this hub at once; try again when one has ended"
                peer.sendall(_line({"error": told}))

    def _serve_one(self, peer: socket.socket) -> None:
        """Answer one program, as often as it asks."""
        waits_s: float | None = REQUEST_S
        try:
            with peer, contextlib.suppress(OSError):  # it has gone away
                while not self._stopping:
                    peer.settimeout(waits_s)
                    if waits_s is None and not peer.recv(1, socket.MSG_PEEK):
                        return
                    content = self._content(peer)
                    waits_s = None  # it is one that asks more than once
                    if content.get("command") == WATCH:
                        self._feed(peer, content)
                        return
                    peer.sendall(_line(self._answer_to(content)))
                    if "error" in content:
                        return
        finally:
            with self._lock:
                self._clients.pop(peer, None)

    def _content(self, peer: socket.socket) -> dict[str, Any]:
        """Return what a program asks, with an `error` if it is no request."""
        try:
            content = json.loads(read_line(peer, REQUEST_S))
            if not isinstance(content, dict) or not isinstance(content.get("command"), str):
                raise ValueError("not an object with a command")
        except (ValueError, RecursionError) as error:
            return {"error": f"this is no request: {error}"}
        except TimeoutError:
            return {"error": f"nothing was asked within {REQUEST_S:g} seconds"}
        token = content.pop("token", "")
        if content["command"].startswith("state ") and not hmac.compare_digest(
            str(token).encode(), self._token.encode()
        ):
            return {
                "error": f"the token is wrong; it stands in {self._house.private_path}/"
                f"{TOKEN_NAME}, and is another after each start of the hub"
            }
        return content

    def _answer_to(self, content: dict[str, Any]) -> dict[str, Any]:
        if "error" in content:
            return {"error": content["error"]}
        request = Request(content)
        self.requests.put(request)
        if self._stopping:
            return {"error": STOPPED}
        self._wake()
        try:
            return request.wait(ANSWER_S)
        except Empty:
            return {"error": f"the hub had no answer in {ANSWER_S:g} seconds", "late": True}

    def _feed(self, peer: socket.socket, content: dict[str, Any]) -> None:
        """Tell a program what is true, and then what becomes so, until it goes or the hub ends."""
        told: SimpleQueue[dict[str, Any]] = SimpleQueue()
        listening = True

        def hear(heard: Any) -> bool:
            if listening and told.qsize() < MAX_TOLD:
                told.put({"ended": heard} if isinstance(heard, str) else {"heard": [*heard]})
                return True
            return False

        content["listener"] = hear
        try:
            answer = self._answer_to(content)
            peer.settimeout(REQUEST_S)
            peer.sendall(_line(answer))
            while "error" not in answer and not self._stopping and told.qsize() < MAX_TOLD:
                try:
                    peer.sendall(_line(told.get(timeout=FEED_S)))
                except Empty:
                    peer.sendall(b"\n")  # else nobody would see that it has gone
        finally:
            listening = False


def write_token(path: Path) -> str:
    """Make a token that only this user can read; return it."""
    token = secrets.token_hex(32)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(token)
    fresh.replace(path)
    return token


def ask(house: House, command: str, **content: Any) -> dict[str, Any]:
    """Ask the hub that runs a house to do something; return its answer.

    Raises:
        ControlError: no hub runs, or it says why not.
        NoAnswer: it did not answer in time.
    """
    running = RunningHub.read(house)
    none = f"no hub runs the house {house.root} here; start it with: myocan run {house.root}"
    if running is None or not running.control:
        raise ControlError(none)
    with socket.socket(socket.AF_UNIX) as peer:
        try:
            peer.settimeout(REQUEST_S)
            peer.connect(running.control)
            peer.sendall(_line({"command": command, **content}))
            answer = json.loads(read_line(peer, ANSWER_S + REQUEST_S))
        except TimeoutError as error:
            raise NoAnswer("the hub does not answer; whether it was done is not known") from error
        except (
            ConnectionRefusedError
        ) as error:  # killed: its socket stayed, its number is another's
            raise ControlError(none) from error
        except (OSError, ValueError) as error:
            raise ControlError(
                f"the hub of {house.root} cannot be reached at {running.control}: {error}; is it "
                "run by another user, or on another machine?"
            ) from error
    if "error" in answer:
        raise (NoAnswer if answer.get("late") else ControlError)(str(answer["error"]))
    return dict(answer)


def _line(content: dict[str, Any]) -> bytes:
    return json.dumps(content).encode() + b"\n"


def read_line(peer: socket.socket, seconds: float) -> bytes:
    """Return what comes up to the end of a line, within seconds.

    Raises TimeoutError if that takes longer, ValueError if it is too long.
    """
    ends = time.monotonic() + seconds
    line = b""
    while not line.endswith(b"\n"):
        left = ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        peer.settimeout(left)
        piece = peer.recv(4096)
        if not piece:
            break
        line += piece
        if len(line) > MAX_LINE:
            raise ValueError(f"a line of more than {MAX_LINE} bytes")
    return line
