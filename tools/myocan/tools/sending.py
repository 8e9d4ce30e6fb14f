"""Send one message into a house, the way every board does, and wait until the hub has it on disk.

The one idea to know: there is no side door. What a person sends takes the same session as a press
of a button: numbered, below a board's own name, acknowledged when it is synced. So it counts
exactly once, and an answer means that it will survive a power cut.

The name is taken for as long as the sending lasts: two senders of one name would look like a cloned
board. `sender_name` therefore gives each its own, from a small set that a lock file per name keeps
apart, so the hub does not collect a new board with every message. But the hub's own
broker lets who comes from another machine have no name but his account's; `deliver` finds out.
"""

from __future__ import annotations

import fcntl
import os
import re
import socket
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from myocan.tools.errors import ToolsError
from myocan.wire import Outbox, WireError, board_topic, decode_ack, up_topic

if TYPE_CHECKING:
    from myocan.hub.bus import Bus
    from myocan.wire.message import Value

CAPACITY = 8192
"""Bytes of the sender's outbox: one message of the largest text fits."""

NAMES = 64
"""Most senders at once of one house and machine."""

ROUND_S = 0.1
"""How long a round of the session waits for frames; its time-outs are no finer than this."""

STATUS_S = 0.5
"""How long a broker may take to tell what it has retained."""


class NoAnswer(ToolsError):
    """The hub did not acknowledge in time. Whether it has the message is not known."""


class Receipt(NamedTuple):
    """What the hub answered: the sender's name and boot, the message's number, how long it took."""

    board: str
    boot: int
    seq: int
    took_ms: float


@contextmanager
def sender_name(folder: Path) -> Iterator[str]:
    """Hold a board name of one's own while in the block, like `send-kitchen-1`.

    folder: where lock files are kept, made if missing (its parent is not). Raises ToolsError if
    too many send at once.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    host = re.sub(r"[^A-Za-z0-9_-]", "-", socket.gethostname())[:40] or "host"
    for number in range(1, NAMES + 1):
        name = f"send-{host}-{number}"
        descriptor = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield name
            return
        finally:
            os.close(descriptor)
    raise ToolsError(f"{NAMES} senders are at work in this house; wait for one to end")


@contextmanager
def account_name(folder: Path, account: str, timeout: float) -> Iterator[str]:
    """Hold the name of an account while in the block, against others of this house and machine.

    folder: as for `sender_name`. timeout: seconds to wait for another who has it. Raises ToolsError
    if he does not give it back.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    deadline = time.monotonic() + timeout
    descriptor = os.open(
        folder / f"as-{account}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
    )
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise ToolsError(
                        f"another `myocan send` has the account {account}: wait for it to end"
                    ) from None
                time.sleep(ROUND_S)
        yield account
    finally:
        os.close(descriptor)


def new_boot() -> int:
    """Draw a boot number: 31 random bits."""
    return int.from_bytes(os.urandom(4), "big") >> 1


def deliver(
    url: str,
    domain: str,
    folder: Path,
    topic: tuple[str, str, str | None],
    value: Value,
    *,
    timeout: float,
    boards: Collection[str] = (),
) -> Receipt:
    """Send one message under a name that the broker allows; return once the hub has it on disk.

    url: the broker, with an account if it asks for one. domain: the house's. folder: as for
    `sender_name`. topic: module, variable, instance (None for none). timeout: seconds, of each of
    two attempts at most. boards: names of boards, whose accounts are no one else's: who came with
    one would push the board out.

    Raises what `Sender.send` does; ToolsError for such an account, or none where one is needed.
    """
    from myocan.hub.bus import BusRefused, parse_url

    account = parse_url(url).user
    get_one = "`myocan board account NAME`, on the hub's machine, makes one for this machine"
    if account in boards:
        raise ToolsError(f"{account} is a board's account, and would push the board out: {get_one}")
    if account is not None and _is_a_name(account):
        with account_name(folder, account, timeout):
            if not _has_any_name(url, domain, timeout):
                return Sender(url, domain, account).send(*topic[:2], value, topic[2], timeout)
    try:
        with sender_name(folder) as name:
            return Sender(url, domain, name).send(*topic[:2], value, topic[2], timeout)
    except BusRefused as error:
        if account is not None:
            raise
        raise ToolsError(f"{error}; {get_one}") from None


def _is_a_name(account: str) -> bool:
    """Whether a board can be called as an account is; the hub's own are not."""
    from myocan.hub.settings import check_level

    try:
        check_level(account)
    except ValueError:
        return False
    return True


def _has_any_name(url: str, domain: str, timeout: float) -> bool:
    """Whether an account may be any board at its broker, as that of the hub may.

    It also reads how the hub is, which boards do not; that is retained, so it is there at once.
    True, too, if no broker is there: whoever sends then finds that out.
    """
    from myocan.hub.bus import CONNECTED, Bus

    deadline = time.monotonic() + timeout
    status = f"mc1/$hub/{domain}/+/status"
    bus = Bus(url, f"send-{os.urandom(6).hex()}", subscriptions=[(status, 1)], protocol="3.1.1")
    bus.start()
    try:
        connected = False
        while (left := deadline - time.monotonic()) > 0:
            for topic, _, _ in bus.receive(min(left, ROUND_S)):
                if topic == CONNECTED and not connected:
                    connected = True
                    deadline = time.monotonic() + STATUS_S
                elif topic[:1] != "\0":
                    return True
    finally:
        bus.stop()
    return not connected


class Sender:
    """A board that sends one message. I/O goes through a `Bus`, time through `time.monotonic`.

    url: the broker. domain: the house's. board: the name to send as.
    """

    def __init__(self, url: str, domain: str, board: str) -> None:
        self.url, self.domain, self.board = url, domain, board

    def send(
        self, module: str, variable: str, value: Value, instance: str | None, timeout: float
    ) -> Receipt:
        """Send one message and return once the hub has it on disk.

        timeout: seconds for all of it. Raises NoAnswer, WireError for what cannot travel, and
        HubError if the broker refuses us.
        """
        from myocan.hub.bus import Bus

        started = time.monotonic()
        own = board_topic(self.domain, self.board, "base").removesuffix("base")
        topic = up_topic(self.domain, self.board, module, variable, instance)
        outbox = Outbox(CAPACITY, new_boot(), new_boot)
        outbox.push(topic.removeprefix(own + "up/"), value, "all", time.time_ns() // 1_000_000)
        ack = board_topic(self.domain, self.board, "ack")
        # 3.1.1 is enough, and amqtt answers nothing else
        bus = Bus(self.url, self.board, subscriptions=[(ack, 1)], protocol="3.1.1")
        bus.start()
        try:
            reached = self._session(bus, outbox, own, started + timeout)
        finally:
            bus.stop()
        if len(outbox):
            raise NoAnswer(self._why(reached, timeout))
        return Receipt(self.board, outbox.boot, 1, 1000 * (time.monotonic() - started))

    def _session(self, bus: Bus, outbox: Outbox, own: str, deadline: float) -> str:
        """Go on until the outbox is empty or time is up; return how far it came."""
        from myocan.hub.bus import CONNECTED, DISCONNECTED

        reached, online = "nothing", False
        while len(outbox) and (left := deadline - time.monotonic()) > 0:
            for topic, payload, _ in bus.receive(min(left, ROUND_S)):
                if topic == CONNECTED:
                    online = True
                    outbox.on_reconnect()
                    reached = "broker" if reached == "nothing" else reached
                elif topic == DISCONNECTED:
                    online = False
                elif topic == own + "ack":
                    try:
                        boot, seq, now_ms, _ = decode_ack(payload)
                    except WireError:
                        continue  # not from a hub of ours; the next one may be
                    if outbox.on_ack(boot, seq, now_ms):
                        reached = "hub"
            outbox.on_tick(time.monotonic_ns() // 1_000_000)
            while online and (frame := outbox.sendable()) is not None:
                bus.publish([(own + frame[0], frame[1], 0, False, 0)])
        return reached

    def _why(self, reached: str, timeout: float) -> str:
        seconds = f"{timeout:g} s"
        if reached == "nothing":
            return (
                f"no broker answered at {self._address()} in {seconds}. Does the hub run "
                "(`myocan run`)? Is the address right (--broker, or [broker] url)?"
            )
        if reached == "broker":
            return (
                f"the broker is there, but no hub of domain {self.domain!r} answered in {seconds}. "
                "Does it run (`myocan run`)? Does it hear boards without an adapter "
                "([boards] accept_unknown)?"
            )
        return f"the hub is there, but did not say in {seconds} that the message is on its disk"

    def _address(self) -> str:
        from myocan.hub.bus.address import parse_url

        return str(parse_url(self.url))
