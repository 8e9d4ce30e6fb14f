"""What came of it: one row for each board, the sum of them, as a table and as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple


class Cut(NamedTuple):
    """One cut of a link.

    kind: "closed" (connections end, and none are made), "frozen" (nothing passes, nothing ends),
    "wifi" (a virtual board has no network). lasted: in seconds. recovered: how long after the link
    was back the hub had what happened meanwhile, in seconds.
    """

    kind: str
    lasted: float
    recovered: float


@dataclass(frozen=True)
class Row:
    """What came of one board.

    sent: how many events the board had to tell: of a virtual board what its wire did, of a real one
    what it numbered, and what it says that it threw away. processed: how many the hub took.
    out_of_turn: events that were followed by one of the same kind, which a wire cannot make.
    repeats: messages that came again and were recognised. restarts: starts that nobody asked for.
    free_first, free_least: bytes of memory that were free when least of it was, at the beginning
    and in all. seconds: how long it took; uptime: since the board's last start. problem: why the
    course came to an early end, "" if it did not.
    """

    name: str
    board: str
    where: str
    cuts: tuple[Cut, ...]
    sent: int
    processed: int
    lost: int
    out_of_turn: int
    repeats: int
    restarts: int
    free_first: int | None
    free_least: int | None
    seconds: float
    uptime: float
    problem: str = ""

    @property
    def faults(self) -> list[str]:
        """What is wrong, in words; empty when all is well."""
        found = [self.problem] if self.problem else []
        if self.lost:
            found.append(f"{self.name}: {self.sent} events sent, {self.processed} processed")
        if self.out_of_turn:
            found.append(f"{self.name}: {self.out_of_turn} events out of turn")
        if self.restarts:
            found.append(f"{self.name}: started again {self.restarts} times by itself")
        return found


class Spread(NamedTuple):
    """How long something took, in seconds: half of them at most p50, of a hundred one above p99."""

    cuts: int
    p50: float
    p99: float
    max: float


def spread(times: Sequence[float]) -> Spread | None:
    """Return the spread of times; None of none."""
    if not times:
        return None
    ordered = sorted(times)

    def share(part: float) -> float:
        return ordered[math.ceil(part * len(ordered)) - 1]

    return Spread(len(ordered), share(0.5), share(0.99), ordered[-1])


@dataclass(frozen=True)
class Table:
    """All rows, and where and with what they were made. seed: draws the same cuts again."""

    rows: tuple[Row, ...]
    seed: int
    began: str
    machine: str
    version: str

    @property
    def faults(self) -> list[str]:
        """What is wrong, in words."""
        return [fault for row in self.rows for fault in row.faults]

    def recovery(self, kind: str | None = None) -> Spread | None:
        """Return how long recovery took over all boards, after all cuts or those of a kind."""
        return spread(
            [cut.recovered for row in self.rows for cut in row.cuts if kind in (None, cut.kind)]
        )

    def plain(self) -> dict[str, Any]:
        """Return it for JSON; times are in seconds."""
        kinds = sorted({cut.kind for row in self.rows for cut in row.cuts})
        rows = []
        for row in self.rows:
            recovery = spread([cut.recovered for cut in row.cuts])
            plain = asdict(row) | {"cuts": len(row.cuts)}
            rows.append({**plain, "recovery": recovery and recovery._asdict()})
        total, of_kind = self.recovery(), {kind: self.recovery(kind) for kind in kinds}
        return {
            "seed": self.seed,
            "began": self.began,
            "machine": self.machine,
            "version": self.version,
            "boards": rows,
            "cuts": sum(len(row.cuts) for row in self.rows),
            "sent": sum(row.sent for row in self.rows),
            "processed": sum(row.processed for row in self.rows),
            "lost": sum(row.lost for row in self.rows),
            "recovery": total and total._asdict(),
            "recovery_by_kind": {kind: each and each._asdict() for kind, each in of_kind.items()},
            "faults": self.faults,
        }

    def text(self) -> str:
        """Return it for people; recovery is in milliseconds."""
        head = (
            *("board", "cuts", "p50", "p99", "max ms", "sent", "processed", "lost"),
            *("heap KiB", "uptime"),
        )
        lines = [head, *[self._line(row.name, [row]) for row in self.rows]]
        if len(self.rows) > 1:
            lines.append(self._line("all", self.rows))
        widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
        shown = [
            "  ".join(
                cell.ljust(width) if i == 0 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(line, widths, strict=True))
            )
            for line in lines
        ]
        for kind in sorted({cut.kind for row in self.rows for cut in row.cuts}):
            found = self.recovery(kind)
            assert found is not None
            shown.append(
                f"{kind}: {found.cuts} cuts, p50 {_ms(found.p50)} ms, p99 {_ms(found.p99)} ms, "
                f"max {_ms(found.max)} ms"
            )
        return "\n".join([*shown, *self.faults])

    def _line(self, name: str, rows: Sequence[Row]) -> tuple[str, ...]:
        cuts = [cut.recovered for row in rows for cut in row.cuts]
        found = spread(cuts)
        times = ("-",) * 3 if found is None else tuple(_ms(each) for each in found[1:])
        frees = [row.free_least for row in rows if row.free_least is not None]
        return (
            name,
            str(len(cuts)),
            *times,
            str(sum(row.sent for row in rows)),
            str(sum(row.processed for row in rows)),
            str(sum(row.lost for row in rows)),
            f"{min(frees) / 1024:.0f}" if frees else "-",
            f"{min(row.uptime for row in rows):.0f} s",
        )


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f}"
