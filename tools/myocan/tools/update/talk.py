"""Talks with a board about an update: offers it, sends what is asked for, sees what came of it.

The one idea to know: the board leads. It asks for each piece when it has room for it, so nothing
here counts or hurries; and what counts in the end is its own status, with the number of the update
that it has confirmed, or given up.
"""

from __future__ import annotations

import json
import queue
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from myocan.tools.errors import ToolsError
from myocan.tools.update.release import PIECE, Release
from myocan.wire import WireError, board_topic, decode_status

if TYPE_CHECKING:
    from myocan.hub.bus import Address

CONNECT_S = 20.0
RETAINED_S = 0.5
"""How long the broker may take to say what it has of the board, before that is called away."""
ASK_S = 30.0
"""How long a board that was offered an update may be silent."""
START_S = 60.0
"""How long a board may take to start, on top of the time that the update has to be online."""


class UpdateError(ToolsError):
    """The board was not reached, or did not answer; it has what it had."""


class Silent(UpdateError):
    """The board did not answer in time, so what became of the update is not known."""


class NotUpdated(ToolsError):
    """The board refused the update, or gave it up and went back; the text says why."""


class Progress(NamedTuple):
    """How far an update is: `done` of `total` bytes that the board asked for, and what happens.

    step: "look" while the board is away, "write" while it takes the update, "online" while it
        starts with it.
    """

    done: int
    total: int
    text: str
    step: Literal["look", "write", "online"] = "write"


class BoardTalk:
    """A connection to the broker, for one board; use it in a `with` block.

    address: of the broker, with an account that may write the board's `config` and `update/piece`.
    domain, name: of the board.

    Raises UpdateError on entering, when the broker is not reached.
    """

    def __init__(self, address: Address, domain: str, name: str) -> None:
        self.name = name
        self.offered_on = board_topic(domain, name, "config")
        self._pieces = board_topic(domain, name, "update/piece")
        self._status = board_topic(domain, name, "status")
        self._said = board_topic(domain, name, "update/said")
        self._address = address
        self._known: dict[str, Any] | None = None  # the newest status
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._arrived: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        address, client = self._address, self._client
        client.on_message = self._take
        client.on_connect = lambda client, *_: client.subscribe(
            [(self._status, 1), (self._said, 1)]
        )
        client.on_subscribe = lambda *_: self._arrived.put(("subscribed", b""))
        if address.user is not None:
            client.username_pw_set(address.user, address.password)
        if address.tls:
            client.tls_set(address.ca)
        try:
            client.connect(address.host, address.port)
        except OSError as error:
            raise UpdateError(f"no broker answers at {address} ({error}): start the hub") from error
        client.loop_start()
        if self._next(time.monotonic() + CONNECT_S)[0] == "":
            self._stop()
            raise UpdateError(f"the broker at {address} does not answer: start the hub")
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop()

    def status(
        self, wait_s: float, progress: Callable[[Progress], None] = lambda progress: None
    ) -> dict[str, Any]:
        """Return the newest status of the board once it is online.

        wait_s: how long to wait for that, in seconds. progress: told that it is away. Raises
        UpdateError.
        """
        deadline = time.monotonic() + wait_s
        first = min(deadline, time.monotonic() + RETAINED_S)
        while True:
            waits = 0 if self._known is not None and self._known["online"] else first or deadline
            message = self._next(waits)
            if message[0]:
                self._status_in(message)
            elif waits == 0 and self._known is not None:
                return self._known
            elif first and first < deadline:
                first = 0.0
                text = f"{self.name} is away; waiting up to {wait_s:.0f} s for it"
                progress(Progress(0, 1, text, "look"))
            else:
                break
        if self._known is not None:
            raise UpdateError(f"{self.name} is not online: switch it on, and update it again")
        raise UpdateError(f"{self.name} has never been online here: flash it first")

    def update(
        self, release: Release, progress: Callable[[Progress], None] = lambda progress: None
    ) -> int:
        """Bring an update to the board; returns when the board is online with it, and how many
        bytes of files it asked for.

        Raises NotUpdated when the board refuses it or goes back, Silent when it does not answer.
        """
        done = False
        progress(Progress(0, 1, f"offering it to {self.name}"))
        self._publish(self.offered_on, release.offer, retain=True)
        try:
            sent = self._attend(release, progress)
            done = True
            return sent
        finally:
            if not done:  # nobody will send its pieces any more
                self._publish(self.offered_on, b"", retain=True)

    def _attend(self, release: Release, progress: Callable[[Progress], None]) -> int:
        sent: dict[int, int] = {}
        total = 0
        restarts = False
        deadline = time.monotonic() + ASK_S
        while (message := self._next(deadline))[0]:
            if (status := self._status_in(message)) is not None:
                if status.get("failed") == release.number:
                    raise NotUpdated(
                        f"{self.name} tried the update, and went back to what it had: "
                        f"{status.get('why')}"
                    )
                if status["online"] and status.get("update") == release.number:
                    return sum(sent.values())
                continue
            what, more = self._said_in(message, release.number)
            if what == "want" and (piece := release.piece(*more)) is not None:
                file, offset = more
                total += 0 if file in sent else len(release.files[file])
                sent[file] = min(offset + PIECE, len(release.files[file]))
                pieces = sum(-(-size // PIECE) for size in sent.values())
                of = sum(-(-len(release.files[each]) // PIECE) for each in sent)
                text = f"sent {pieces} of {of} pieces of {len(sent)} files"
                progress(Progress(sum(sent.values()), total, text))
                self._publish(self._pieces, piece)
                deadline = time.monotonic() + ASK_S
            elif what == "refused":
                raise NotUpdated(f"{self.name} refuses the update: {more[0]}")
            elif what == "restarts":
                restarts = True
                text = f"sent; {self.name} starts with it and has {release.trial_s} s to be online"
                progress(Progress(total, total, text, "online"))
                deadline = time.monotonic() + START_S + release.trial_s
        if restarts:
            raise Silent(
                f"{self.name} started with the update and was not heard of since; "
                "it goes back by itself"
            )
        raise Silent(f"{self.name} did not answer within {ASK_S:.0f} s; it has what it had")

    def _status_in(self, message: tuple[str, bytes]) -> dict[str, Any] | None:
        if message[0] != self._status:
            return None
        try:
            self._known = decode_status(message[1])
        except WireError:
            return None
        return self._known

    def _said_in(self, message: tuple[str, bytes], number: int) -> tuple[str, list[Any]]:
        """Return what the board says of an update, and what belongs to it; "" for nothing."""
        if message[0] != self._said:
            return "", []
        try:
            of, what, *more = json.loads(message[1])
        except (ValueError, TypeError):
            return "", []
        whole = all(type(each) is int for each in more)
        right = (len(more), whole) == (2, True) if what == "want" else len(more) == 1
        return (str(what), more) if right and of == number else ("", [])

    def _next(self, deadline: float) -> tuple[str, bytes]:
        """Return what arrived next: topic and payload; ("", b"") if nothing does in time."""
        try:
            return self._arrived.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return "", b""

    def _publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        done = self._client.publish(topic, payload, 1 if retain else 0, retain)
        if retain:
            try:
                done.wait_for_publish(CONNECT_S)
            except (RuntimeError, ValueError) as error:
                raise UpdateError(f"the broker is gone: {error}") from error

    def _take(self, client: Client, _: object, message: MQTTMessage) -> None:
        self._arrived.put((message.topic, bytes(message.payload)))

    def _stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
