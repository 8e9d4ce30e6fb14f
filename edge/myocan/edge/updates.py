"""Judges updates that are offered, and tries them: loaded by `offers.py` when there is one.

The one idea to know: an update counts only when the board has been online with it. Until then the
places of before are kept, and the board goes back to them by itself (the firmware's slots.py).

On `config` comes an offer, on `update/piece` what was asked for, on `update/said` goes what the
board has to say: JSON, `[number, "want", file, offset]`, `[number, "refused", why]` or
`[number, "restarts", ""]`.
"""

import json

from myocan.edge.clock import Alarm, const
from myocan.edge.fetch import Fetch, signed

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from myocan.edge.adapter import Adapter
    from myocan.edge.interfaces import Places, Spec


class Updates:
    """The update that is offered, fetched or on trial.

    slots: which files are in use. topic: of offers for this board. key: what they are signed with.
    now: ticks; what is on trial has its time from here on.
    """

    def __init__(
        self, adapter: "Adapter", slots: "Places", topic: str, key: bytes, now: int
    ) -> None:
        self._adapter = adapter
        self._slots = slots
        self._topic = topic
        self._key = key
        self._fetch: Fetch | None = None
        self._trial = Alarm()
        if slots.on_trial:
            self._trial.set(now, slots.seconds() * 1000)

    def step(self, now: int) -> str:
        """Go on; return why the board has to start again, "" if it has not."""
        slots, fetch = self._slots, self._fetch
        if slots.on_trial:
            if self._adapter.heard:
                slots.confirm()
                self._trial.off()
            elif self._trial.rings(now):
                slots.roll_back(f"it was not online within {slots.seconds()} s")
                return "goes back: the update was not online in time"
        elif fetch is not None:
            if fetch.step(now):
                self._say(fetch.number, "restarts", "")
                return "starts again, with an update"
            if fetch.over:
                self._fetch = None
        return ""

    def idle(self) -> bool:
        """Return whether there is nothing to do any more."""
        return self._fetch is None and not self._slots.on_trial

    def noted(self) -> "Spec":
        """Return what the board has noted of its files by now."""
        return self._slots.noted()

    def due(self, now: int) -> int:
        """Return the milliseconds after which `step` is due."""
        if self._fetch is not None:
            return self._fetch.due(now)
        return self._trial.left(now) if self._trial.on else 0

    def offered(self, payload: bytes, retained: bool) -> None:
        """Take an offer: [number, hash of the list of files, its size, signature]."""
        slots = self._slots
        try:
            number, digest, size, signature = json.loads(payload)
            if type(number) is not int or type(size) is not int or number < 0:
                raise ValueError
        except (ValueError, TypeError):
            if payload:
                self._refuse(0, "the offer is no offer")
            return
        newest = slots.newest()
        if self._fetch is not None and self._fetch.number >= number:
            return  # said twice
        if number <= newest:
            if not retained and number != slots.number:
                self._refuse(number, f"it is not newer than {newest}, which was here already")
        elif slots.on_trial:
            if not retained:
                self._refuse(number, "another update is on trial: try again in a minute")
        elif not signed(self._key, self._topic, number, digest, size, signature):
            self._refuse(number, "it is not signed with the key of this board")
        else:
            self._fetch = Fetch(slots, number, digest, size, self._say, self._refuse)

    def arrived(self, payload: bytes) -> None:
        """Take a piece of a file."""
        if self._fetch is not None:
            self._fetch.arrived(payload)

    def _refuse(self, number: int, why: str) -> None:
        self._adapter.remark(f"refuses update {number}: {why}")
        self._say(number, "refused", why)

    def _say(self, number: int, *what: "str | int") -> None:
        said: list[str | int] = [number]
        said.extend(what)
        self._adapter.send("update/said", json.dumps(said).encode())
