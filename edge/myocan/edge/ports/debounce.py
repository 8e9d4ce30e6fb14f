"""Turns the chatter of a closing contact into one change.

The one idea to know: the first edge after a quiet time counts **at once**, so that a press costs no
delay; what follows within `quiet_ms` of the last edge is chatter. Only if the input comes to rest
on the other side is that a second change. The usual way round, to wait until the input is quiet and
believe it then, would make every press late by the whole time.
"""

from myocan.edge.clock import Alarm


class Debounce:
    """One input's believed level.

    level: the level at the start.
    quiet_ms: how long the input must be still before its next edge counts at once, 0 or more.
    """

    def __init__(self, level: int, quiet_ms: int) -> None:
        self.level = level
        self.restless = Alarm()
        """On as long as the input has not been still for `quiet_ms`; then `feed` is due."""
        self._raw = level
        self._quiet_ms = quiet_ms

    def feed(self, raw: int, now: int) -> bool:
        """Take the level that the pin shows `now` (ticks); return whether `level` changed."""
        self.restless.rings(now)
        if raw != self._raw:
            chatter = self.restless.on
            self._raw = raw
            self.restless.set(now, self._quiet_ms)
            if chatter:
                return False
        elif self.restless.on:
            return False
        if raw == self.level:
            return False
        self.level = raw
        return True
