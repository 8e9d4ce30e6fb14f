"""One number that a port measures: rounded, and told when it says something new.

The one idea to know: a number is worth telling when it is far enough from the one told last
(`min_change`), long enough after it (`min_interval_s`); what comes too early is not forgotten, but
compared again at the next measurement. The first one is always told. While the hub is away only the
newest is kept, unless `keep` says "all".
"""

from myocan.edge.clock import Alarm, const
from myocan.edge.ports.numbers import rescale, scaled, value_of

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from myocan.edge.ports.numbers import Number
    from myocan.edge.ports.port import Port


class Reading:
    """What `port` tells as `what`.

    decimals: how many it has, if the configuration does not say. min_change: likewise, from which
        difference on it is told. min_interval_s: likewise, how long not to tell another.

    The configuration's keys, each a table by `what`: `decimals`, `min_change` and `offset` (added
    to what was measured), both as [units, decimals]; and `min_interval_s` and `repeat_s` (tell it
    after so many seconds even if it is still the same), `keep`.
    """

    def __init__(
        self,
        port: "Port",
        what: str,
        decimals: int,
        min_change: "Number",
        min_interval_s: float = 0,
    ) -> None:
        spec = port.spec
        self.decimals: int = spec.get("decimals", {}).get(what, decimals)
        self._port = port
        self._what = what
        change = spec.get("min_change", {}).get(what, min_change)
        self._min_change = max(1, rescale(change, self.decimals))
        self._offset = rescale(spec.get("offset", {}).get(what, (0, 0)), self.decimals)
        self._min_ms = int(spec.get("min_interval_s", min_interval_s) * 1000)
        self._repeat_ms = int(spec.get("repeat_s", 0) * 1000)
        self._told: int | None = None
        self._newest = 0
        self._rest, self._repeat = Alarm(), Alarm()

    def offer(self, units: int, decimals: int, now: int, end: bool = False) -> None:
        """Take what was measured at `now` (ticks): `units` are so many decimals' units. end: it is
        an end of its range, which is told however near it is. Takes no memory if that is no news.
        """
        units = scaled(units, decimals, self.decimals) + self._offset
        shown = self._port.shown
        if shown is not None and (units != self._newest or self._what not in shown):
            self._show(units)
        self._newest = units
        told = self._told
        again = self._repeat.rings(now)
        self._rest.rings(now)
        if told is not None and not again:
            change = abs(units - told)
            if self._rest.on or not change or (change < self._min_change and not end):
                return
        self._told = units
        self._rest.set(now, self._min_ms)
        if self._repeat_ms:
            self._repeat.set(now, self._repeat_ms)
        self.refresh()

    def refresh(self) -> None:
        """Tell it again, if there is anything to tell."""
        if self._told is not None:
            self._port.tell(self._what, value_of((self._told, self.decimals)))
            if self._newest != self._told:
                self._show(self._newest)

    def _show(self, units: int) -> None:
        """Let interlocks of other ports see a measurement, whether or not it is told."""
        if self._port.shown is not None:
            self._port.shown[self._what] = value_of((units, self.decimals))


def keep_all(port: "Port", *values: str) -> None:
    """Let every single one of a port's values count, if its configuration says `keep = "all"`."""
    if port.spec.get("keep") == "all":
        port.EVENTS = port.EVENTS + values
