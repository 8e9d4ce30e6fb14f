"""The board's half of delivery: what is pushed here is kept until the hub has it on disk.

The rules (the hub's are at the top of `inbox.py`; `base` and `ack` are frames of the format):

1. A message gets its number when it is first sent, 1, 2, 3 … within a boot, and keeps it. So
   numbers are contiguous, whatever was replaced or thrown away before it was sent.
2. At most WINDOW messages are under way unacknowledged.
3. An acknowledgement is cumulative and speaks of the hub's disk: only then a message is forgotten.
4. `base` opens a connection, and no message is sent on it before the hub has answered. `base` goes
   out again ahead of every resend, and ahead of the next message once it moved by overflow.
5. All that is unacknowledged is sent again, in order: on a new link; after a time-out that doubles
   up to 30 s, and is short again after progress or a new link; and at once, but only once, when
   an acknowledgement brings no progress, for that is how the hub answers a gap or a repeat.
6. An acknowledgement of what was never sent means that another has used this boot number: draw
   another one, number anew, and open again.
7. Full: readings that were not sent yet go first, then the oldest message. `lost` counts each. The
   oldest takes its number along, even if it was never sent: by `base` above its last a hub learns
   of the loss that was away meanwhile, and does not remember what `lost` was.

Nothing here does I/O or reads a clock. Whoever owns the link calls `on_tick` before anything else
in a round, hands acknowledgements to `on_ack`, and publishes what `sendable` gives.
"""

from .errors import WireError
from .message import MAX_BOOT, MAX_TS, encode_base, encode_value
from .runtime import const
from .topics import check_below

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .message import Value

WINDOW = 64
MESSAGE_COST = 112  # bytes of RAM that a held message takes besides its topic and its value
_FIRST_TIMEOUT_MS = const(500)
_MAX_TIMEOUT_MS = const(30_000)
_MAX_TOPICS = const(32)

_ROUND = const(1 << 30)  # the ticks of MicroPython go round here, at the earliest
# What a held message is made of: a list, the smallest thing that can be changed.
_TOPIC = const(0)
_TEXT = const(1)
_LAST = const(2)  # pushed with keep="last"?
_WHEN = const(3)  # ticks when it was pushed; or the time, if it is settled
_ROUNDS = const(4)  # how often the ticks had gone round then; -1 if the time is settled


class Outbox:
    """Messages on their way to the hub, oldest first.

    `boot` is the boot number in use (it may change, rule 6), `base` the lowest number that is
    neither acknowledged nor given up, `lost` how many messages were thrown away since the start.
    """

    def __init__(
        self, capacity: int, boot: int, new_boot: "Callable[[], int]", ms: int = 0
    ) -> None:
        """An empty outbox; `on_reconnect` starts it.

        capacity: bytes of RAM for messages, each counted as its topic, its value and
        MESSAGE_COST. boot: 31 random bits. new_boot: draws another such number. ms: the ticks
        now, as for `on_tick`.
        """
        self.capacity = capacity
        self.boot = boot & MAX_BOOT
        self.base = 1
        self.lost = 0
        self._new_boot = new_boot
        self._held: list[list[Any]] = []
        self._topics: set[str] = set()  # some that were checked, for ports push the same ones
        self._size = 0
        self._next = 1  # the number of the next message sent first; base.._next - 1 have one
        self._sent = 0  # so many of the held went out on this link since the last resend began
        self._answered = False  # has the hub answered on this link?
        self._ask = False  # base goes out before anything else
        self._moved = False  # base moved by overflow: it goes out before the next message
        self._hurried = False  # resent at once since the last progress or time-out
        self._timeout = _FIRST_TIMEOUT_MS
        self._due = -1  # ticks of the time-out, -1 for none
        self._ticks = ms & (_ROUND - 1)
        self._rounds = 0  # how often the ticks went round
        self._told: tuple[int, int, int] | None = None  # the hub's clock at which ticks and round

    def __len__(self) -> int:
        """How many messages are held."""
        return len(self._held)

    def events(self) -> int:
        """How many of the held messages are events, that is, pushed with `keep="all"`."""
        return sum([not message[_LAST] for message in self._held])

    def push(self, topic: str, value: "Value", keep: str = "all", ts: "int | None" = None) -> bool:
        """Take a message; False if the outbox is full of what is worth more.

        topic: what follows `up/`, `"button1/press"`. value: as for `encode_value`. keep: `"all"`,
        an event, every one counts; or `"last"`, a reading: it replaces an older one of its topic
        that was not sent yet, and takes its place at the end. ts: when it happened, milliseconds
        since 1970 UTC; None: now, by the ticks of the last `on_tick`, turned into a time when the
        hub has told its own; a message held so long that the ticks have gone round (12 days)
        travels without one.

        Raises `WireError` for what cannot travel and for what is larger than the outbox: what is
        held can always be sent.
        """
        text = encode_value(value)
        if topic not in self._topics:
            check_below(topic.split("/"))
            if len(self._topics) < _MAX_TOPICS:
                self._topics.add(topic)
        if keep not in ("all", "last"):
            raise WireError('keep is "all" for an event, "last" for a reading')
        if ts is not None and (type(ts) is not int or not 0 <= ts <= MAX_TS):
            raise WireError("ts is milliseconds since 1970 UTC, or None for now")
        size = len(topic) + len(text) + MESSAGE_COST
        if size > self.capacity:
            raise WireError(f"the message takes {size} bytes: give the outbox more capacity")
        last = keep == "last"
        if last:
            self._forget_unsent(0, topic)
        if self._size + size > self.capacity:
            self._forget_unsent(size, None)
            if last and self._size + size > self.capacity:
                self.lost += 1
                return False
            while self._size + size > self.capacity:
                self._next = max(self._next, self.base + 1)
                self._forget(0)
                self.lost += 1
        if ts is None:
            self._held.append([topic, text, last, self._ticks, self._rounds])
        else:
            self._held.append([topic, text, last, ts, -1])
        self._size += size
        return True

    def sendable(self) -> "tuple[str, bytes] | None":
        """The next frame to publish, at QoS 0, as (leaf, payload); None if there is none now.

        leaf: what follows `mc1/$board/{domain}/{board}/`, that is, `base` or `up/button1/press`.
        A frame that was handed out counts as sent. Call it until it gives None, or as often as
        the link can take frames.
        """
        at = self._sent
        numbered = self._next - self.base
        more = self._answered and at < len(self._held) and (at < numbered or numbered < WINDOW)
        if self._ask or (more and self._moved):
            self._ask = self._moved = False
            self._start_timer()
            return ("base", encode_base(self.boot, self.base, self.lost))
        if not more:
            return None
        message = self._held[at]
        if at == numbered:
            self._next += 1
            if message[_ROUNDS] != -1:
                self._settle_time(message)
        self._sent = at + 1
        if self._due < 0:
            self._start_timer()
        # formatted by %, which takes MicroPython a third of the time that an f-string does
        when = message[_WHEN]
        if when is None:
            payload = b"[%s,%d,null,%d]" % (message[_TEXT], self.base + at, self.boot)
        else:
            payload = b"[%s,%d,%d,%d]" % (message[_TEXT], self.base + at, when, self.boot)
        return ("up/" + message[_TOPIC], payload)

    def ask(self) -> None:
        """Have `sendable` give a `base`, which the hub answers: a heartbeat."""
        self._ask = True

    def on_reconnect(self) -> None:
        """A new link stands: open it with `base`, then send all unacknowledged again."""
        self._answered = False
        self._hurried = False
        self._timeout = _FIRST_TIMEOUT_MS
        self._again()

    def on_tick(self, ms: int) -> None:
        """Let time pass. ms: milliseconds by a clock that never goes back, but may go round at any
        multiple of 2**30 (`time.ticks_ms()`); call it at least once a day."""
        ms &= _ROUND - 1
        if ms < self._ticks:
            self._rounds += 1
        self._ticks = ms
        if self._due >= 0 and (ms - self._due) & (_ROUND - 1) < _ROUND >> 1:
            self._timeout = min(2 * self._timeout, _MAX_TIMEOUT_MS)
            self._hurried = False
            self._again()

    def on_ack(self, boot: int, seq: int, now_ms: "int | None" = None) -> bool:
        """Take an acknowledgement; True if it is for this boot, a sign of life of the hub.

        now_ms: the hub's clock, from the same frame. After a False look at `boot`: it is another
        one if the number turned out to be taken.
        """
        if boot != self.boot:
            return False
        if seq >= self._next:
            self._start_over()
            return False
        if now_ms is not None:
            self._told = (now_ms, self._ticks, self._rounds)
        opened = not self._answered
        self._answered = True
        done = seq + 1 - self.base
        if done > 0:
            held = self._held
            for at in range(done):
                self._size -= len(held[at][_TOPIC]) + len(held[at][_TEXT]) + MESSAGE_COST
            del held[:done]
            self.base += done
            self._sent = max(0, self._sent - done)
            self._moved = False
            self._hurried = False
            self._timeout = _FIRST_TIMEOUT_MS
            self._due = -1
        elif self._sent and not self._hurried and not opened:
            self._hurried = True
            self._again()
        if not self._sent:
            self._due = -1
        elif self._due < 0:
            self._start_timer()
        return True

    def now_ms(self) -> "int | None":
        """The hub's clock at the last `on_tick`; None before an acknowledgement has told it."""
        if self._told is None:
            return None
        ms, ticks, rounds = self._told
        return ms + self._ticks - ticks + ((self._rounds - rounds) << 30)

    def _again(self) -> None:
        self._sent = 0
        self._ask = True
        self._due = -1

    def _start_over(self) -> None:
        self.boot = self._new_boot() & MAX_BOOT
        self.base = self._next = 1
        self.on_reconnect()

    def _start_timer(self) -> None:
        if self._due < 0:
            self._due = (self._ticks + self._timeout) & (_ROUND - 1)

    def _forget(self, at: int) -> None:
        message = self._held.pop(at)
        self._size -= len(message[_TOPIC]) + len(message[_TEXT]) + MESSAGE_COST
        if self.base + at < self._next:
            self.base += 1
            self._moved = True
        if at < self._sent:
            self._sent -= 1

    def _forget_unsent(self, size: int, topic: "str | None") -> None:
        """Forget readings not sent yet: those of `topic`, or the oldest until `size` fits in."""
        at = self._next - self.base
        while at < len(self._held):
            message = self._held[at]
            if topic is None and self._size + size <= self.capacity:
                return
            if message[_LAST] and (topic is None or message[_TOPIC] == topic):
                self._forget(at)
                if topic is None:
                    self.lost += 1
            else:
                at += 1

    def _settle_time(self, message: "list[Any]") -> None:
        """Turn the ticks at which a message was pushed into a time by the hub's clock."""
        age = self._ticks - message[_WHEN] + ((self._rounds - message[_ROUNDS]) << 30)
        message[_ROUNDS] = -1
        message[_WHEN] = None
        now_ms = self.now_ms()
        if now_ms is not None and age < _ROUND and 0 <= now_ms - age <= MAX_TS:
            message[_WHEN] = now_ms - age
