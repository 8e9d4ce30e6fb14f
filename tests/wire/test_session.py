"""Outbox against Inbox through everything that can go wrong between them.

The rules below are what may happen; the checks are the page's promises. A message is an integer
that rises with every push, so a look at the log tells what is missing, double or out of order.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from myocan.wire import WINDOW, Outbox, decode_ack, decode_base, decode_up
from myocan.wire.inbox import CLONED, REFUSED
from support.wire_hub import Hub

EVENT = "button1/press"
FRAMES_IN_FLIGHT = 400  # more are dropped, as a broker drops them
LATE_BASES = 2  # so many may still come from a dead boot; more are a second board, see inbox.py

HUB_STEPS = [
    "commit",
    "commit",
    "sync",
    "sync one",
    "acknowledge",
    "acknowledge",
    "fail_to_commit",
    "be_killed",
    "lose_power",
]
FATES = st.lists(st.sampled_from(["arrives"] * 3 + ["twice", "waits", "lost"]), max_size=5)
TROUBLES = ["", "", "lose_power", "be_killed", "cut", "restart", "restart, then power cut"]
ROUND = {
    "pushes": st.sampled_from(["e", "ee", "t", "tet", "tuet", "e" * 5, "e" * 70, ""]),
    "ms": st.sampled_from([60, 1, 600]),
    "trouble": st.sampled_from(TROUBLES),
    "fates": st.just([]) | FATES,
    "backwards": st.booleans(),
    "steps": st.sampled_from(
        [
            ["commit", "sync"],
            ["commit"],
            ["commit", "sync one"],
            [],
            ["fail_to_commit"],
            ["commit", "lose_power"],
        ]
    ),
    "ack_fates": st.just([]) | FATES,
    "then_fair": st.sampled_from([False, False, True]),
}

Frame = tuple[str, bytes]


def held(outbox: Outbox) -> dict[int, str]:
    """The messages that an outbox holds, value -> topic."""
    return {int(message[1]): message[0] for message in outbox._held}


class Session(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.hub = Hub()
        self.up: list[Frame] = []
        self.down: list[bytes] = []
        self.fresh = 0  # the boot number drawn last of those that were not in use
        self.used_again: set[int] = set()  # once each; more often, and it would look like a clone
        self.count = 0  # messages pushed
        self.events: dict[int, int] = {}  # event -> which life of the board
        self.life = 0
        self.gone: set[int] = set()  # given up or replaced by the board, or dead with it
        self.numbers: dict[tuple[int, int], int] = {}  # (boot, seq) -> message
        self.highest = 0  # number sent in this boot
        self.answered = False

    # the board

    @initialize(capacity=st.sampled_from([280, 800, 30_000]))
    def start(self, capacity: int) -> None:
        self.capacity = capacity
        self.boot_up()

    def boot_up(self) -> None:
        self.life += 1
        self.ticks = 0
        boot = self.draw_boot()
        self.outbox = Outbox(self.capacity, boot, self.draw_boot)
        self.link_up()

    def draw_boot(self) -> int:
        """Mostly a new number; sometimes one that the hub has on its disk with messages."""
        in_flight = {boot_of(frame) for frame in self.up}
        unsynced = {boot for _, entries, _ in self.hub.unsynced for boot, _, _ in entries}
        unsynced |= {boot for boot, _, _ in self.hub.batch}
        taken = [
            boot
            for boot, (last, _) in self.hub.positions.items()
            if last > 0 and boot not in in_flight | unsynced | self.used_again
        ]
        self.fresh += 1
        boot = self.fresh
        if taken and self.fresh % 2:
            boot = taken[0]
            self.used_again.add(boot)
        self.highest = 0
        self.numbers = {key: value for key, value in self.numbers.items() if key[0] != boot}
        return boot

    def bury(self) -> None:
        """Another boot number is in use: of those before it only few bases may still come."""
        bases = [frame for frame in self.up if frame[0] == "base"]
        dead = [frame for frame in bases if boot_of(frame) != self.outbox.boot]
        for frame in dead[LATE_BASES:]:
            self.up.remove(frame)

    def link_up(self) -> None:
        self.answered = False
        self.outbox.on_reconnect()

    def push(self, topic: str, keep: str) -> None:
        self.count += 1
        before = {**held(self.outbox), self.count: topic}
        lost = self.outbox.lost
        sent = {value for (boot, _), value in self.numbers.items() if boot == self.outbox.boot}
        kept = self.outbox.push(topic, self.count, keep)
        if keep == "all":
            self.events[self.count] = self.life
        now = held(self.outbox)
        gone = set(before) - set(now)
        replaced = {
            value
            for value in gone - {self.count} - set(self.events)
            if keep == "last" and before[value] == topic and value not in sent
        }
        assert len(replaced) <= 1
        assert self.outbox.lost - lost == len(gone - replaced)
        assert kept == (self.count in now)
        assert kept or keep == "last"
        self.gone |= gone

    @rule(count=st.sampled_from([1, 1, 1, 2, 5, 70]))
    def events_happen(self, count: int) -> None:
        self.push_all("e" * count)

    def push_all(self, pushes: str) -> None:
        """Push an event for each e, and a reading for each other letter."""
        for letter in pushes:
            if letter == "e":
                self.push(EVENT, "all")
            else:
                self.push(f"{letter}/value", "last")

    @rule(topic=st.sampled_from(["t/value", "u/value"]))
    def a_reading_is_taken(self, topic: str) -> None:
        self.push(topic, "last")

    @rule(count=st.sampled_from([1, 2, 5, 200]))
    def the_board_sends(self, count: int) -> None:
        for _ in range(count):
            frame = self.outbox.sendable()
            if frame is None:
                break
            self.check_sent(*frame)
            if len(self.up) < FRAMES_IN_FLIGHT:
                self.up.append(frame)

    def check_sent(self, leaf: str, payload: bytes) -> None:
        if leaf == "base":
            assert decode_base(payload) == (self.outbox.boot, self.outbox.base, self.outbox.lost)
            return
        value, seq, ts, boot = decode_up(payload)
        assert leaf.startswith("up/")
        assert self.answered, "a message before the hub has answered on this link"
        assert boot == self.outbox.boot
        assert seq <= max(self.highest + 1, self.outbox.base), "numbers are not contiguous"
        self.highest = max(self.highest, seq)
        assert self.numbers.setdefault((boot, seq), value) == value, "one number, two messages"
        assert self.outbox.base <= seq < self.outbox.base + WINDOW, "outside the window"
        assert ts is not None

    @rule(ms=st.sampled_from([1, 40, 110, 600, 5_000, 31_000]))
    def time_passes(self, ms: int) -> None:
        self.ticks += ms
        self.hub.now_ms += ms
        self.outbox.on_tick(self.ticks)

    @rule()
    def the_board_asks(self) -> None:
        self.outbox.ask()

    @rule(lossy=st.booleans())
    def the_link_is_cut(self, lossy: bool) -> None:
        if lossy:
            self.up.clear()
            self.down.clear()
        self.link_up()

    @rule()
    def the_board_restarts(self) -> None:
        self.gone |= set(held(self.outbox))
        self.boot_up()
        self.bury()

    # the channel

    @rule(
        fates=FATES,
        backwards=st.booleans(),
    )
    def frames_arrive(self, fates: list[str], backwards: bool) -> None:
        """The fates are dealt to what is in flight, over and over; without any all arrive."""
        frames, self.up = self.up[:: -1 if backwards else 1], []
        for i, frame in enumerate(frames):
            fate = fates[i % len(fates)] if fates else "arrives"
            dead_base = frame[0] == "base" and boot_of(frame) != self.outbox.boot
            if fate == "waits" or (fate == "twice" and not dead_base):
                self.up.append(frame)
            if fate in ("arrives", "twice"):
                self.arrive(frame)

    def arrive(self, frame: Frame) -> None:
        outcome = self.hub.receive(*frame)
        live = boot_of(frame) == self.outbox.boot
        assert not (live and outcome in (REFUSED, CLONED))
        self.check_log()

    @rule(
        fates=FATES,
        backwards=st.booleans(),
    )
    def acknowledgements_arrive(self, fates: list[str], backwards: bool) -> None:
        payloads, self.down = self.down[:: -1 if backwards else 1], []
        for i, payload in enumerate(payloads):
            fate = fates[i % len(fates)] if fates else "arrives"
            if fate in ("waits", "twice"):
                self.down.append(payload)
            if fate in ("arrives", "twice"):
                self.acknowledge(payload)

    def acknowledge(self, payload: bytes) -> None:
        boot, seq, now_ms, _ = decode_ack(payload)
        before = held(self.outbox)
        mine = self.outbox.boot
        if self.outbox.on_ack(boot, seq, now_ms):
            self.answered = True
        elif self.outbox.boot != mine:
            self.answered = False
            self.bury()
        forgotten = set(before) - set(held(self.outbox))
        on_disk = {value for _, _, value in self.hub.log}
        assert forgotten <= on_disk, "the board forgot what is not on the hub's disk"

    # the hub

    @rule(steps=st.lists(st.sampled_from(HUB_STEPS), min_size=1, max_size=5))
    def the_hub_works(self, steps: list[str]) -> None:
        for step in steps:
            if step == "acknowledge":
                self.down += self.hub.acks()
                del self.down[:-20]
            elif step == "sync one":
                self.hub.sync(1)
            else:
                getattr(self.hub, step)()
            self.check_log()

    def go_round(
        self,
        pushes: str,
        ms: int,
        trouble: str,
        fates: list[str],
        backwards: bool,
        steps: list[str],
        ack_fates: list[str],
        then_fair: bool,
    ) -> None:
        """What mostly happens, in the usual order, so that sessions get somewhere; the trouble
        comes when frames are under way."""
        self.push_all(pushes)
        self.time_passes(ms)
        self.the_board_sends(200)
        if trouble == "cut":
            self.the_link_is_cut(False)
        elif trouble == "restart":
            self.the_board_restarts()
        elif trouble == "restart, then power cut":
            self.the_board_restarts()
            self.the_board_sends(1)
            self.frames_arrive([], False)
            self.the_hub_works(["acknowledge"])
            self.acknowledgements_arrive([], False)
            self.push_all(pushes)
            self.the_board_sends(200)
            self.the_hub_works(["lose_power"])
        elif trouble:
            self.the_hub_works([trouble])
        self.frames_arrive(fates, backwards)
        self.the_hub_works([*steps, "acknowledge"])
        self.acknowledgements_arrive(ack_fates, False)
        if then_fair:
            self.once_the_channel_is_fair_everything_drains()

    # So often that most steps are such a round.
    a_round = rule(**ROUND)(go_round)
    another_round = rule(**ROUND)(go_round)
    a_third_round = rule(**ROUND)(go_round)
    a_fourth_round = rule(**ROUND)(go_round)
    a_fifth_round = rule(**ROUND)(go_round)

    # what must hold

    def check_log(self) -> None:
        entries = list(self.hub.entries())
        values = [value for _, _, value in entries]
        assert len(values) == len(set(values)), "taken twice"
        newest: dict[int, int] = {}
        for boot, seq, _ in entries:
            assert newest.get(boot, 0) < seq, "out of order"
            newest[boot] = seq
        taken = set(values)
        latest: dict[int, int] = {}
        for value in taken & set(self.events):
            latest[self.events[value]] = max(value, latest.get(self.events[value], 0))
        for value, life in self.events.items():
            if value < latest.get(life, 0) and value not in taken:
                assert value in self.gone, f"{value} was skipped"

    @invariant()
    def nothing_is_forgotten(self) -> None:
        if not hasattr(self, "outbox"):
            return
        on_disk = {value for _, _, value in self.hub.log}
        assert set(self.events) <= self.gone | on_disk | set(held(self.outbox))

    @rule()
    def once_the_channel_is_fair_everything_drains(self) -> None:
        """Within two of the longest time-outs, after which no more than a round is needed."""
        for _ in range(2 * 30_000 // 100 + 50):
            if not len(self.outbox):
                return
            self.time_passes(100)
            self.the_board_sends(200)
            self.frames_arrive([], False)
            self.hub.commit()
            self.hub.sync()
            self.down += self.hub.acks()
            acks, self.down = self.down, []
            for payload in acks:
                self.acknowledge(payload)
        raise AssertionError(f"{len(self.outbox)} messages are still held")

    def teardown(self) -> None:
        if hasattr(self, "outbox"):
            self.once_the_channel_is_fair_everything_drains()
            self.nothing_is_forgotten()


def boot_of(frame: Frame) -> int:
    leaf, payload = frame
    return decode_base(payload)[0] if leaf == "base" else decode_up(payload)[3]


TestSession = Session.TestCase
TestSession.settings = settings(max_examples=120, stateful_step_count=30, deadline=None)


def test_a_hub_that_was_away_counts_what_the_board_threw_away_meanwhile() -> None:
    hub = Hub()
    outbox = Outbox(1000, 7, lambda: 8)

    def talk() -> None:
        outbox.on_reconnect()
        for _ in range(5):
            for frame in iter(outbox.sendable, None):
                hub.receive(*frame)
            hub.commit()
            hub.sync()
            hub.now_ms += 1000
            for payload in hub.acks():
                outbox.on_ack(*decode_ack(payload)[:3])

    outbox.push(EVENT, 1)
    talk()
    hub.be_killed()
    for number in range(2, 40):
        outbox.push(EVENT, number)
    assert outbox.lost > 20
    talk()
    assert hub.lost == outbox.lost
    assert [value for _, _, value in hub.log] == [1, *range(outbox.lost + 2, 40)]
