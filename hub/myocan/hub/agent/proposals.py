"""Proposals: boards are asked whether their ports would take values, before anybody says them.

The one idea: a proposal acts on nothing. Each board asks the checks of its ports and gives a
verdict; the values themselves follow as ordinary messages, if whoever asked lets them. What a board
that is away would say nobody knows: it hears the values when it comes back, and takes them or not.

In a test mode no board listens; there the answer is what the adapters' files declare.
"""

from __future__ import annotations

import os
import re
import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Literal

from myocan.hub.agent.board_ports import BoardPort, Value, plain, wire_value
from myocan.hub.agent.commands import Command, CommandRefused
from myocan.hub.agent.connection import Connection
from myocan.hub.agent.outlet import Name
from myocan.hub.agent.topics import AdapterTopics
from myocan.hub.core.linker import fold
from myocan.wire import WireError, board_topic, decode_value, decode_verdict, encode_propose

__all__ = ["Answer", "Proposals", "Verdict"]

TIMEOUT_S = 2.0
"""How long boards have for their verdicts, if nobody says otherwise."""

MAX_TIMEOUT_S = 60.0

MAX_OPEN = 1000
"""Proposals under way at once; bounds what a board that never answers can cost."""

Outcome = Literal["accepted", "refused", "silent", "away"]

_PORT = re.compile(r"port '([^']+)'")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a board said to a proposal.

    Attributes:
        board: its name. ports: those that were asked, with the values.
        outcome: `accepted`; `refused`; `silent`: it is online and gave no verdict in time; `away`:
            it is not online.
        port: which one refuses, "" if none does or the board does not say.
        why: in words for people, "" if it accepts.
    """

    board: str
    ports: Mapping[str, Value]
    outcome: Outcome
    port: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a proposal.

    Attributes:
        accepted: whether the values may be said.
        why: what speaks against it, in words for people; "" if nothing does.
        answers: of each board that takes one of the values; none if no board does.
    """

    accepted: bool
    why: str = ""
    answers: tuple[Answer, ...] = ()


@dataclass(slots=True)
class _Proposal:
    """A proposal under way; what it waits for are boards without an answer."""

    changes: dict[Name, Value]
    timeout_s: float
    require_device: bool
    mode: str
    future: Future[Verdict] = field(default_factory=Future)
    asked: dict[str, dict[str, Value]] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    ends: float = 0.0


class Proposals:
    """The proposals of a hub.

    Arguments:
        domain: the house's.
        adapters: which ports take which topics.
        connection: to the broker.
        status_of: the last status of a board, empty if it has said none.
        values_of: says of a mode which value a topic has there, None if nobody knows; None for a
            mode that is not there.
        now_ms: the wall clock, milliseconds since 1970 UTC, as boards are told it.
        monotonic: a clock that only rises, in seconds.
        wake: lets `keep` be called soon; from any thread.

    `propose` may be called from any thread, the rest from the agent's. Futures are done on the
    agent's thread, so nobody may wait for one there, and what is called back should not take long.
    """

    def __init__(
        self,
        domain: str,
        adapters: AdapterTopics,
        connection: Connection,
        status_of: Callable[[str], Mapping[str, Any]],
        values_of: Callable[[str], Callable[[Name], object] | None],
        *,
        now_ms: Callable[[], int],
        monotonic: Callable[[], float],
        wake: Callable[[], None],
    ) -> None:
        self._domain = domain
        self._adapters = adapters
        self._connection = connection
        self._status_of = status_of
        self._values_of = values_of
        self._now_ms = now_ms
        self._monotonic = monotonic
        self._wake = wake
        self._lock = threading.Lock()
        self._coming: deque[_Proposal] = deque()
        self._ended = ""
        self._open: dict[str, _Proposal] = {}

    def propose(
        self,
        changes: Mapping[Name, Value],
        timeout_s: float = TIMEOUT_S,
        require_device: bool = False,
        *,
        mode: str = "live",
    ) -> Future[Verdict]:
        """Ask all boards that take these values whether they would; from any thread.

        Arguments:
            changes: values by (module, variable, instance), "" for no instance. A decimal travels
                with the digits that it has.
            timeout_s: how long boards have for it, up to 60 seconds.
            require_device: whether a board that is away counts as a refusal. If not, it takes the
                values when it comes back.
            mode: where they are to be said; a test mode asks no board, see above.

        Values that no board takes are accepted. A hub that ends refuses what is under way.
        """
        proposal = _Proposal(
            {(name[0], fold(name[1]), name[2]): value for name, value in changes.items()},
            min(max(timeout_s, 0.0), MAX_TIMEOUT_S),
            require_device,
            mode,
        )
        with self._lock:
            ended = self._ended
            if not ended:
                self._coming.append(proposal)
        if ended:
            _settle(proposal, Verdict(False, ended))
        else:
            self._wake()
        return proposal.future

    def take(self, board: str, payload: bytes) -> None:
        """Take a verdict of a board; raises WireError for what is none."""
        txn, accepted, why = decode_verdict(payload)
        proposal = self._open.get(txn)
        if proposal is None or board not in proposal.asked or board in proposal.answers:
            return  # late, or a repeat, or nobody asked it
        asked = proposal.asked[board]
        if accepted:
            proposal.answers[board] = Answer(board, asked, "accepted")
        else:
            found = _PORT.search(why or "")
            port = found[1] if found and found[1] in asked else ""
            proposal.answers[board] = Answer(board, asked, "refused", port, why or "")
        self._finish(txn, proposal)

    def due_s(self) -> float | None:
        """Return in how many seconds `keep` has something to do; None if nobody knows."""
        if self._coming:
            return 0.0
        ends = min((proposal.ends for proposal in self._open.values()), default=None)
        return None if ends is None else max(0.0, ends - self._monotonic())

    def keep(self) -> None:
        """Ask what is to be asked, and do not wait any longer for those that are silent."""
        while self._coming:
            with self._lock:
                proposal = self._coming.popleft()
            if proposal.future.set_running_or_notify_cancel():
                self._begin(proposal)
        now = self._monotonic()
        for txn, proposal in [*self._open.items()]:
            if now >= proposal.ends:
                for board in proposal.asked.keys() - proposal.answers.keys():
                    why = f"board {board} did not answer in {proposal.timeout_s:g} seconds"
                    proposal.answers[board] = Answer(
                        board, proposal.asked[board], "silent", "", why
                    )
                self._finish(txn, proposal)

    def end(self, reason: str) -> None:
        """Refuse what is under way, and all that comes; the hub ends."""
        with self._lock:
            self._ended = reason
            left = [*self._open.values()]
            left += [one for one in self._coming if one.future.set_running_or_notify_cancel()]
            self._coming.clear()
        self._open.clear()
        for proposal in left:
            _settle(proposal, Verdict(False, reason))

    # ------------------------------------------------------------------ what a user asks

    @property
    def commands(self) -> dict[str, Command]:
        """What the user of a hub can ask of it."""
        return {"ask": self._ask}

    def _ask(self, content: dict[str, Any]) -> Callable[[], dict[str, Any] | None]:
        """Ask boards for a verdict; nothing is said or done."""
        changes: dict[Name, Value] = {}
        for one in content.get("changes") or ():
            name = str(one.get("module")), str(one.get("variable")), str(one.get("instance") or "")
            try:
                changes[name] = decode_value(str(one.get("value")).encode())
            except WireError as error:
                raise CommandRefused(f"{name[0]}.{name[1]}: {error}") from None
        timeout_s = content.get("timeout")
        future = self.propose(
            changes,
            timeout_s if isinstance(timeout_s, int | float) else TIMEOUT_S,
            bool(content.get("require_device")),
            mode=str(content.get("mode") or "live"),
        )

        def answer() -> dict[str, Any] | None:
            return as_plain(future.result()) if future.done() else None

        return answer

    # ------------------------------------------------------------------ one proposal

    def _begin(self, proposal: _Proposal) -> None:
        asked: dict[str, dict[str, Value]] = {}
        ports: list[tuple[BoardPort, Value]] = []
        for name, value in proposal.changes.items():
            for port in self._adapters.ports_that_take(name):
                asked.setdefault(port.board, {})[port.name] = value
                ports.append((port, value))
        proposal.asked = asked
        if proposal.mode != "live":
            self._answer_by_files(proposal, ports)
            return
        txn = f"{self._connection.incarnation}.{os.urandom(6).hex()}"
        if len(self._open) >= MAX_OPEN:
            _settle(proposal, Verdict(False, f"{MAX_OPEN} proposals are under way already"))
            return
        frames = []
        expires_ms = self._now_ms() + int(proposal.timeout_s * 1000)
        for board, values in asked.items():
            why = self._absence(board)
            if why:
                proposal.answers[board] = Answer(board, values, "away", "", why)
                continue
            try:
                wired = {port: wire_value(value) for port, value in values.items()}
                payload = encode_propose(txn, expires_ms, wired)
            except (ValueError, WireError) as error:
                proposal.answers[board] = Answer(board, values, "refused", "", str(error))
                continue
            frames.append((board_topic(self._domain, board, "propose"), payload, 1, False, 0))
        proposal.ends = self._monotonic() + proposal.timeout_s
        self._open[txn] = proposal
        self._connection.publish(frames)
        self._finish(txn, proposal)

    def _absence(self, board: str) -> str:
        """Return why a board cannot be asked, "" if it can."""
        if not self._connection.online:
            return f"board {board} cannot be asked: the hub has no connection to the broker"
        status = self._status_of(board)
        if not status:
            return f"board {board} was never heard of"
        return "" if status.get("online") else f"board {board} is away"

    def _finish(self, txn: str, proposal: _Proposal) -> None:
        """Give the verdict when all boards have answered."""
        if len(proposal.answers) < len(proposal.asked):
            return
        del self._open[txn]
        against = {"refused", "silent"} | ({"away"} if proposal.require_device else set())
        answers = tuple(proposal.answers.values())
        whys = [
            one.why if one.outcome != "refused" else f"board {one.board}: {one.why}"
            for one in answers
            if one.outcome in against
        ]
        _settle(proposal, Verdict(not whys, "; ".join(whys), answers))

    def _answer_by_files(self, proposal: _Proposal, ports: list[tuple[BoardPort, Value]]) -> None:
        """Answer for the boards of a test mode."""
        value_of = self._values_of(proposal.mode)
        if value_of is None:
            _settle(proposal, Verdict(False, f"no mode {proposal.mode} runs here"))
            return
        for port, value in ports:

            def shows(other: str, what: str, board: str = port.board) -> object:
                topic = self._adapters.topic_shown(board, other, what)
                if topic in proposal.changes:
                    return plain(proposal.changes[topic])
                return None if topic is None else value_of(topic)

            why = port.refusal(value, shows)
            known = proposal.answers.get(port.board)
            if known is None or known.outcome == "accepted":
                outcome: Outcome = "refused" if why else "accepted"
                culprit = port.name if why else ""
                proposal.answers[port.board] = Answer(
                    port.board, proposal.asked[port.board], outcome, culprit, why
                )
        answers = tuple(proposal.answers.values())
        why = "; ".join(f"board {one.board}: {one.why}" for one in answers if one.why)
        _settle(proposal, Verdict(not why, why, answers))


def _settle(proposal: _Proposal, verdict: Verdict) -> None:
    """Give who asked the verdict, if he still wants it."""
    if not proposal.future.cancelled():
        proposal.future.set_result(verdict)


def as_plain(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as JSON has it."""
    return {
        "accepted": verdict.accepted,
        "why": verdict.why,
        "boards": [
            {
                "board": one.board,
                "ports": [*one.ports],
                "outcome": one.outcome,
                "port": one.port,
                "why": one.why,
            }
            for one in verdict.answers
        ],
    }
