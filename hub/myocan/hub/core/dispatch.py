"""The core: messages in, cycles run, messages out. Pure Python, and with `dispatch.pxd` C.

The one idea: the rows of a batch are their own queue. An input becomes a row; each row is given to
its topic's subscribers, one cycle each, and what they publish becomes rows behind it; when no row
is left, the next input comes. So the order of rows is the order of the log, and "all consequences
of one input before the next" needs no second structure.

A keyed module has one cycle for its class and one for each instance that a message concerns
(`_cycle_of_instance`, `_every_instance`); an instance's is a cycle like any other (`taking`), on
what the module's window shows (`instances`). Births and drops that a cycle asks for take effect at
its end, behind what it publishes.

A cycle reads no clock, no random number, no file; what it works on is described in `tables`.
"""

from __future__ import annotations

from array import array

from myocan.hub.core import records
from myocan.hub.core.commits import Commits
from myocan.hub.core.linker import FAILED, REJECTED, STALE, UNHANDLED
from myocan.hub.core.program import DIGITS
from myocan.hub.core.taking import identities
from myocan.hub.core.variables import fits_as_key

try:
    import cython
except ImportError:  # a pure build runs without Cython
    from myocan.hub.core.uncompiled import cython

if not cython.compiled:
    from myocan.hub.core.uncompiled import (  # fmt: skip
        ANY_KEY,
        ATS,
        BOOL_TAG,
        COMMIT,
        EVERY_INSTANCE,
        LEFT,
        NULL_TAG,
        OWN_KEY,
        STOPPED,
        TAKEN,
        TEXT_TAG,
        look_ahead,
    )

COMPILED: bool = cython.compiled
"""Whether this is the C build."""

MAX_DEPTH = 64
"""Messages that may follow from one another; bounds modules that feed each other in a loop."""

MAX_CONSEQUENCES = 10_000
"""Rows that may follow from one input before no more of them are passed on; bounds loops that
branch. What the input's own hearers say does not count: they may be many."""


class Core(Commits):
    """Runs programs: messages in, rows and changes out. For one thread.

    Attributes:
        tracing: whether to note for `trail` what code each cycle runs; it costs time and memory.
    """

    def __init__(self) -> None:
        self._deepest = MAX_DEPTH
        self._most_rows = MAX_CONSEQUENCES
        super().__init__()

    # ------------------------------------------------------------------ a batch

    def run(
        self,
        topics: array[int],
        tags: array[int],
        values: array[int],
        now_ms: int = 0,
        instances: array[int] | None = None,
        offset: int = 0,
        producers: array[int] | None = None,
        stamps: array[int] | None = None,
        times: array[int] | None = None,
        offsets: array[int] | None = None,
    ) -> int:
        """Process these messages in order, each with all its consequences before the next.

        Arguments:
            topics: numbers of topics (`topic`), one for each message, as `array("q")`.
            tags, values: the messages' scalars, likewise.
            now_ms: the log's time, milliseconds since 1970 UTC; what timers are started from.
            instances: text numbers of the messages' keys, -1 for none; None if none has one.
            offset: the log's offset of the first row.
            producers: text numbers of who sent them; None if that is not known.
            stamps: when they happened, milliseconds since 1970 UTC, 0 for not known.
            times: the log's time of each message, where they are of several, instead of `now_ms`.
            offsets: the log's offset of each message, instead of `offset`; what follows from one
                comes right behind it.

        Returns:
            How many rows there are now; `rows()` and `changes()` tell what happened.

        Raises:
            ValueError: a topic or a scalar is none of this `epoch`'s; nothing was processed.
        """
        self._check(topics, tags, values)
        if instances is not None:
            self._check_texts(instances, len(topics))
        if producers is not None:
            self._check_texts(producers, len(topics))
        if stamps is not None and len(stamps) != len(topics):
            raise ValueError("each message of a batch has a time, or none has")
        if times is not None and len(times) != len(topics):
            raise ValueError("each message of a batch has a time of the log, or none has")
        if offsets is not None and len(offsets) != len(topics):
            raise ValueError("each message of a batch has an offset, or none has")
        if self._gone:
            self._gone.clear()
        self._rows = 0
        self._changes = 0
        self._commit_end = 0
        self._now = now_ms
        self._offset = offset
        self._producers = producers
        self._stamps = stamps
        self._trail = []
        head = 0
        count = len(topics)
        for number in range(count):
            if cython.compiled and number + 6 < count:
                look_ahead(
                    self._topic_first,
                    self._subscriptions,
                    self._slots,
                    topics[number + 6],
                    topics[number + 4],
                    topics[number + 2],
                )
            instance = -1
            if instances is not None:
                instance = instances[number]
            if times is not None:
                self._now = times[number]
            if offsets is not None:
                self._offset = offsets[number] - self._rows
            self._emit(
                topics[number], tags[number], values[number], -1 - number, -1, -1, 0, instance
            )
            self._last_row = self._rows + self._most_rows
            while head < self._rows:
                topic = self._row_topic[head]
                if self._topic_first[topic] != self._topic_first[topic + 1]:
                    self._dispatch(head, topic)
                elif topic == COMMIT:
                    self._spread(head)
                head += 1
        return self._rows

    def trail(self) -> list[tuple[int, int, int, list[int]]]:
        """Return what code the cycles of the last run went through, if `tracing` was on.

        Each is (row, module, instance, pcs): the row that the cycle took, the module's number, the
        text number of its key or -1, and the pcs of all instructions, in order.
        """
        return list(self._trail)

    def _check(self, topics: array[int], tags: array[int], values: array[int]) -> None:
        count = len(topics)
        if len(tags) != count or len(values) != count:
            raise ValueError("each message of a batch is a topic, a tag and a value")
        known = len(self.topics)
        pool = len(self.texts)
        finest = DIGITS
        for number in range(count):
            tag = tags[number]
            if (
                not 0 <= topics[number] < known
                or not TEXT_TAG <= tag <= finest
                or (tag == TEXT_TAG and not 0 <= values[number] < pool)
            ):
                raise ValueError(
                    f"message {number} of the batch has a topic, tag or text that is not known; "
                    "ask `topic` and `intern` again after each new `epoch`"
                )

    def _check_texts(self, numbers: array[int], count: int) -> None:
        if len(numbers) != count:
            raise ValueError("each message of a batch has a key and a producer, or none has")
        pool = len(self.texts)
        for number in range(count):
            if not -1 <= numbers[number] < pool:
                raise ValueError(f"message {number} of the batch has a text that is not known")

    def _dispatch(self, row: int, topic: int) -> None:
        depth = self._row_depth[row]
        if depth >= self._deepest or self._rows > self._last_row:
            if topic > STALE:  # or records that modules hear would lead to records without end
                text = records.loop(self.topics[topic])
                self._record(FAILED, text, self._row_module[row], row, self._row_pc[row])
            if self._ahead is not None:
                self._take_all_back(row, topic)
            return
        rows = self._rows
        instance = self._row_instance[row]
        heard = self._subscriptions
        for sub in range(self._topic_first[topic], self._topic_first[topic + 1]):
            key = heard[sub].key
            if self._ahead is not None:
                self._take_back(row, sub)
            if key == instance:
                self._cycle(row, sub)
            elif key == OWN_KEY:
                self._cycle_of_instance(row, sub)
            elif key == EVERY_INSTANCE and heard[sub - 1].key == instance:
                self._every_instance(row, sub)
            elif key == ANY_KEY:
                self._cycle_of_births(row, sub)
        if self._just_born is not None:
            self._just_born = None
        if depth == 0:
            self._last_row += self._rows - rows

    # ------------------------------------------------------------------ cycles

    def _cycle(self, row: int, sub: int) -> None:
        """The cycle of a module without a key, or of a keyed module's class."""
        heard = self._subscriptions
        self._touched = 0
        self._mark = 0
        self._instance = -1
        if self.tracing:
            self._begin(row, sub, -1)
        if heard[sub].variable == ATS:
            self._cycle_of_ats(row, sub)
            return
        outcome = self._take(row, sub)
        self._outcome = outcome
        if outcome == LEFT and heard[sub].entry >= 0:
            after = sub + 1
            if heard[after].key != EVERY_INSTANCE or heard[after].module != heard[sub].module:
                self._record_of(UNHANDLED, row, sub, 0)

    # ------------------------------------------------------------------ cycles of instances

    def _cycle_of_instance(self, row: int, sub: int) -> None:
        """The cycle of the instance that a message is for."""
        module = self._subscriptions[sub].module
        own = self._instances[module]
        key_number = self._row_instance[row]
        if key_number < 0:
            self._begin(row, sub, -1)
            self._record_of(UNHANDLED, row, sub, records.KEY_NEEDED)
            return
        place = self._place_of(module, key_number)
        self._newborn = -1
        if place < 0:
            key = self.texts[key_number]
            if not self.programs[module].auto or not fits_as_key(key):
                self._begin(row, sub, key_number)
                self._record_of(UNHANDLED, row, sub, records.NO_INSTANCE)
                return
            place = own.add(key_number, key)
            self._newborn = key_number
            if row < self._commit_end:
                self._tell_newborn(row, module)
        self._show(own, place)
        self._begin(row, sub, key_number)
        outcome = self._take(row, sub)
        if outcome == STOPPED and self._newborn >= 0:
            own.remove(key_number, self.texts[key_number])
        self._newborn = -1
        if outcome == LEFT and self._subscriptions[sub].entry >= 0:
            self._record_of(UNHANDLED, row, sub, 0)

    def _every_instance(self, row: int, sub: int) -> None:
        """The cycles of all instances for a message of their class, which has had its own.

        What the class's cycle touched stays in front of each cycle's own, so that the class's
        variables still differ. Who comes from the shelf and is not changed goes back at once.
        """
        heard = self._subscriptions
        if self._outcome == STOPPED:
            return
        module = heard[sub].module
        base = heard[sub].base
        meta = heard[sub].meta
        own = self._instances[module]
        class_touched = self._touched
        ats = heard[sub].variable == ATS
        named: list[str] = []
        entry = heard[sub].entry
        has_ons = entry >= 0
        taken = self._outcome == TAKEN
        if taken:
            entry = -1
        elif ats:
            named = identities(self._row_tag[row], self._row_value[row], self.texts)
        last = heard[sub].last_when
        alive = 0
        if entry >= 0 or named or self._concerned(heard[sub].first_when, last, base, meta):
            for key in self._alive(module):
                cold = self._cold
                texts = len(self.texts)
                rows = self._rows
                changes = self._changes
                brought = self._brought
                key_number = self.intern(key)
                place = own.find(key_number)
                passing = False
                if place < 0 and cold is not None:
                    place = self._bring(module, key, cold)
                    passing = True
                if place < 0 or self._is_just_born(module, key):
                    continue
                alive = 1
                self._show(own, place)
                self._touched = class_touched
                self._mark = class_touched
                self._instance = key_number
                if self.tracing:
                    self._trail.append((row, module, key_number, []))
                if ats:
                    self._try_ats(row, sub, named, True)
                elif self._react_of_instance(row, sub, entry) != LEFT:
                    taken = True
                if passing and self._changes == changes:
                    own.remove(key_number, key)
                    if self._rows == rows and self._brought == brought + 1 and not self.tracing:
                        self._forget_texts(texts)  # nothing has their numbers
        if not taken and not ats and (self._has_class_ons(sub) or (has_ons and alive)):
            self._instance = -1
            self._record_of(UNHANDLED, row, sub, 0)

    def _has_class_ons(self, sub: int) -> bool:
        """Tell whether the class, whose subscription is the one before, has ONs for the message."""
        return bool(self._subscriptions[sub - 1].entry >= 0)

    def _is_just_born(self, module: int, key: str) -> bool:
        """Tell whether the message has created this instance, whom it is not for, then."""
        return self._just_born is not None and (module, key) in self._just_born

    def _concerned(self, first: int, last: int, base: int, meta: int) -> bool:
        """Tell whether any of these WHENs reads a variable that differs."""
        for number in range(self._when_reads[first], self._when_reads[last]):
            if self._read_differs(self._reads[number], base, meta):
                return True
        return False

    def _cycle_of_births(self, row: int, sub: int) -> None:
        """A message that lets an instance be born (true) or drops it (null, false)."""
        if self._row_module[row] >= 0:
            return  # it tells what a cycle has done already
        self._begin(row, sub, -1)
        heard = self._subscriptions
        key_number = self._row_instance[row]
        tag = self._row_tag[row]
        if key_number < 0 or not fits_as_key(self.texts[key_number]):
            text = records.no_key(self.programs[heard[sub].module].module)
            self._record(REJECTED, text, heard[sub].module, row, -1)
        elif tag == BOOL_TAG and self._row_value[row]:
            self._bear(row, heard[sub].module, key_number)
        elif tag in (NULL_TAG, BOOL_TAG):
            self._drop(row, heard[sub].module, key_number)
        else:
            text = records.no_birth(self.programs[heard[sub].module].module)
            self._record(REJECTED, text, heard[sub].module, row, -1)
