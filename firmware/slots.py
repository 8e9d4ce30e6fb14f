"""Which of its two sets of files a board starts with, and back to the other if one is no good.

The one idea to know: an update never touches what runs. Code has two places, `/lib` and `/b/lib`,
the configuration has two, `/config.json` and `/b/config.json`; an update fills those that are not
in use and is then on trial. Only when the board has been online with it does it count; else the
board goes back by itself: when it is not online in time, when it crashes or hangs again and again,
whatever is cut in between. One small file says all that; it is written twice, one after the other,
so that a power cut leaves one of them whole.

This file and main.py are written by `myocan flash` alone, never by an update.

    {"code": "b", "config": "a", "number": 12, "trial": ["a", "a", 13, 60, 1], "failed": 11,
     "why": "..."}

code, config: the places that count. number: of what is there, which grows with every update.
trial: the places on trial, their number, how many seconds they have, and how often they were
started. failed: the number of an update that was given up. why: why it was, or how the last start
of what is on trial ended.
"""

import json
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TRIAL_STARTS = 3
"""So many starts without having been online, and what is on trial is given up."""
WATCHDOG_MS = 8_000


class Slots:
    """Both places. root: where the board's files are."""

    def __init__(self, root: str = "/") -> None:
        self.root = root
        self.on_trial = False
        """Whether this start is one of what is on trial."""
        found = self._read("slots.json") or self._read("slots.new") or {}
        self._confirmed: list[str] = [found.get("code", "a"), found.get("config", "a")]
        self.number: int = found.get("number", 0)
        self.failed: int = found.get("failed", 0)
        self.why: str = found.get("why", "")
        self._trial: Any = found.get("trial")

    def begin(self) -> None:
        """A start: count it, if something is on trial; give that up if it was the last."""
        if self._trial:
            if self._trial[4] >= TRIAL_STARTS:
                why = "it started several times and was never online"
                self.roll_back(f"{why}; {self.why}" if self.why else why)
            else:
                self._trial[4] += 1
                self._write()
                self.on_trial = True

    def chosen(self) -> "list[str]":
        """Return the places to be used now, [code, config], each "a" or "b"."""
        return self._trial[:2] if self.on_trial else self._confirmed

    def lib(self) -> str:
        """Return the folder of the code to be used now."""
        return self.path(self.chosen()[0], "lib")

    def config(self) -> str:
        """Return the path of the configuration to be used now."""
        return self.path(self.chosen()[1], "config.json")

    def path(self, place: str, name: str) -> str:
        """Return where a file of a place is; place: "a" or "b"."""
        return self.root + ("b/" if place == "b" else "") + name

    def newest(self) -> int:
        """Return the number that an update must be above."""
        return max(self.number, self.failed)

    def seconds(self) -> int:
        """Return how long what is on trial may take to be online."""
        return self._trial[3] if self._trial else 0

    def try_out(self, code: str, config: str, number: int, seconds: int) -> None:
        """From the next start on, these places are on trial. All their files must be there."""
        self._trial = [code, config, number, seconds, 0]
        self.why = ""
        self._write()

    def crashed(self, why: str) -> None:
        """A start of what is on trial ended like that; it is told if that goes on."""
        self.why = why
        self._write()

    def confirm(self) -> None:
        """What is on trial is good."""
        self._confirmed, self.number = self._trial[:2], self._trial[2]
        self.on_trial = False
        self._trial = None
        self.failed, self.why = 0, ""
        self._write()

    def accept(self, number: int) -> None:
        """What is there is what the update of this number would bring."""
        self.number = number
        self._write()

    def roll_back(self, why: str) -> None:
        """What is on trial is no good; the next start is with what was before."""
        self.failed, self.why = self._trial[2], why
        self._trial = None
        self._write()

    def _read(self, name: str) -> "dict[str, Any] | None":
        try:
            with open(self.root + name) as file:
                found = json.load(file)
            trial = found["trial"]
            right = type(found["number"]) is type(found["failed"]) is int
            return found if right and (trial is None or len(trial) == 5) else None
        except (OSError, ValueError, TypeError, KeyError):
            return None  # it is not there, or somebody has written something else into it

    def noted(self) -> "dict[str, Any]":
        """Return what is written down."""
        return {
            "code": self._confirmed[0],
            "config": self._confirmed[1],
            "number": self.number,
            "trial": self._trial,
            "failed": self.failed,
            "why": self.why,
        }

    def _write(self) -> None:
        text = json.dumps(self.noted())
        for name in ("slots.new", "slots.json"):  # one of the two is whole at any moment
            with open(self.root + name, "w") as file:
                file.write(text)


def try_update() -> None:
    """Start the adapter with what is on trial, or, if it was tried often enough, without.

    Does not return but for Ctrl-C.
    """
    import machine

    slots = Slots()
    slots.begin()
    if not slots.on_trial:
        machine.reset()
    sys.path.insert(0, slots.lib())
    try:  # noqa: SIM105 (a board has no contextlib)
        machine.WDT(timeout=WATCHDOG_MS)
    except (AttributeError, TypeError, ValueError):
        pass  # it has none, or one that looks after itself
    try:
        from myocan.edge.board import run

        run(slots.config(), slots.noted(), slots)
    except Exception as error:  # whatever it is: it may be on trial only so often
        sys.print_exception(error)
        slots.crashed(f"crashed: {error!r}")
        machine.reset()
