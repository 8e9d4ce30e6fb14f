"""What is fuzzed, and what each reader promises of every input."""

from __future__ import annotations

import json
import random
import socket
from array import array
from pathlib import Path
from typing import Any

from fuzz.agents import Lives
from fuzz.python_files import ModelsFile, PythonModule
from fuzz.stores import Imports, Stores
from fuzz.target import Target, told
from lang.promises import answered, formatted
from myocan.hub.agent.deployment import _stored_program
from myocan.hub.agent.intake import Intake
from myocan.hub.agent.scalars import Scalars
from myocan.hub.agent.topics import AdapterTopics
from myocan.hub.control import Control
from myocan.hub.core import Core, Program, Tag
from myocan.hub.house import House, HouseError
from myocan.hub.lang import compile_module
from myocan.tools.adapters import AdapterError
from myocan.tools.adapters.adapter_file import parse_adapter
from myocan.wire import WireError, decode_up, encode_status, encode_value, envelope, sender_of
from scenario.promises import scenarios_answered, scenarios_formatted
from support.wire_vectors import COMPOSERS, DECODERS, ENCODERS, typed

LAMP = """MODULE lamp1
    SUBSCRIBE button1.press
    SUBSCRIBE mode {auto, off, on}
    SUBSCRIBE sensor.level 0.00
    SUBSCRIBE any.thing
    PUBLIC state {off, on}
    PUBLIC words ""
    ON button1.press
        THEN next(state)
    ON mode.off
        THEN state.off
    WHEN sensor.level > 20.5
        THEN state.on
        THEN log("warm")
"""
NOW_MS = 1_700_000_000_000


class Wire(Target):
    """Every decoder of the wire package; what it reads is written, and read again, alike."""

    name = "wire"

    def take(self, data: bytes, chance: random.Random) -> str:
        read = []
        for what, decode in DECODERS.items():
            try:
                found = decode(data)
            except WireError as refusal:
                told(refusal)
                continue
            read.append(what)
            if what == "topic":
                written = COMPOSERS[found[0]](*found[1:]).encode()
                assert written == data, "one topic has two spellings"
            elif what == "value":
                written = encode_value(found)
            elif what == "status":
                try:
                    written = encode_status(found)
                except WireError:  # escapes make it longer than it may be
                    continue
            else:
                written = ENCODERS[what](*found)
            assert typed(decode(written)) == typed(found), what
        for other in (envelope, sender_of):
            try:
                other(data)
            except WireError as refusal:
                told(refusal)
        return "read" if read else "refused"


class ScalarsAgree(Target):
    """The hub's quick reader of messages, which must find what the wire package finds."""

    name = "scalars"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._core = Core()
        self._scalars = Scalars(self._core)

    def take(self, data: bytes, chance: random.Random) -> str:
        slow: object
        quick: object
        try:
            value, *rest = decode_up(data)
            slow = (typed(value), rest)
        except WireError as error:
            slow = str(error)
        try:
            tag, number, *rest = self._scalars.decode_up(data)
            quick = (self._meant(tag, number), rest)
        except WireError as error:
            quick = str(error)
        assert quick == slow
        return "refused" if isinstance(slow, str) else "read"

    def _meant(self, tag: int, number: int) -> str:
        if tag == Tag.NULL:
            return typed(None)
        if tag == Tag.BOOL:
            return typed(bool(number))
        if tag == Tag.TEXT:
            return typed(self._core.texts[number])
        return typed(number if tag == 0 else DECODERS["value"](_decimal(number, tag)))


def _decimal(units: int, decimals: int) -> bytes:
    digits = str(abs(units)).rjust(decimals + 1, "0")
    return f"{'-' if units < 0 else ''}{digits[:-decimals]}.{digits[-decimals:]}".encode()


class Frames(Target):
    """What boards publish: `Intake.take` of lines `topic payload`, one that begins with ! retained.

    A frame whose number can be read moves its board on, and another board is served afterwards.
    """

    name = "intake"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        program = compile_module(LAMP, "lamp1").program
        assert program is not None
        self._program = program

    def take(self, data: bytes, chance: random.Random) -> str:
        core = Core()
        core.link([self._program], [("", "porch", "door")])
        intake = Intake(
            core,
            "home",
            AdapterTopics([]),
            accept_unknown=True,
            positions=[],
            now_ms=lambda: NOW_MS,
        )
        for line in data.split(b"\n"):
            topic, _, payload = line.partition(b" ")
            retained = topic[:1] == b"!"
            intake.take(topic.lstrip(b"!").decode(errors="replace"), payload, retained)
        before = self._last(intake, "porch")
        intake.take("mc1/$board/home/porch/base", b"[77,1,0]", False)
        if ("porch", 77) not in before:
            intake.take("mc1/$board/home/porch/up/mode/x", data, False)
            try:
                seq, boot = envelope(data)
            except WireError:
                seq, boot = 0, 0
            after = self._last(intake, "porch").get(("porch", 77))
            if (seq, boot) == (1, 77) and len(data) > 0:
                assert after == 1, "a message that counts did not move its board on"
        intake.take("mc1/$board/home/hall/base", b"[5,1,0]", False)
        taken = len(intake.topics)
        intake.take("mc1/$board/home/hall/up/button1/press", b"[null,1,null,5]", False)
        if ("hall", 5) not in before:
            assert len(intake.topics) == taken + 1, "another board is not heard"
        core.run(intake.topics, intake.tags, intake.values, NOW_MS)
        core.snapshot()
        intake.changed()
        intake.written(1)
        intake.acks(1, 1)
        return "taken" if taken > 1 else "not heard"

    def _last(self, intake: Intake, name: str) -> dict[tuple[str, int], int]:
        return {
            (board.name, boot): last
            for board in intake.boards.values()
            for boot, last, *_ in board.inbox.positions()
        }


class HouseFile(Target):
    """`myocan.toml`: a house, or a HouseError with lines for people."""

    name = "house"

    def take(self, data: bytes, chance: random.Random) -> str:
        (self.folder / "myocan.toml").write_bytes(data)
        try:
            house = House.load(self.folder)
        except HouseError as refusal:
            told(refusal)
            return "refused"
        assert house.domain
        assert isinstance(house.accepts_unknown_boards, bool)
        return "read"


class AdapterFileTarget(Target):
    """`adapters/*.toml`: an adapter or an AdapterError; the hub, which must not stop for it, reads
    what it can."""

    name = "adapter"

    def take(self, data: bytes, chance: random.Random) -> str:
        path = self.folder / "porch.toml"
        path.write_bytes(data)
        assert AdapterTopics([path]).boards == {"porch"}
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return "no text"
        try:
            assert parse_adapter(path, text).name == "porch"
        except AdapterError as refusal:
            told(refusal)
            return "refused"
        return "read"


class Requests(Target):
    """A line to the hub's own socket: an answer, whatever it is."""

    name = "requests"

    def take(self, data: bytes, chance: random.Random) -> str:
        (self.folder / "myocan.toml").write_text("")
        control = Control(House.load(self.folder), lambda: control.requests.get().answer(ok=True))
        here, there = socket.socketpair()
        with here, there:
            here.sendall(data)
            here.shutdown(socket.SHUT_WR)
            answer = control._answer_to(control._content(there))
        json.dumps(answer)
        return "refused" if "error" in answer else "asked"


class Rules(Target):
    """A module: a program, or mistakes with their places; and one style."""

    name = "rules"

    def take(self, data: bytes, chance: random.Random) -> str:
        formatted(data)
        return "compiled" if answered(data) else "refused"


class Scenarios(Target):
    """A file of scenarios: played, or mistakes with their places."""

    name = "scenarios"

    def take(self, data: bytes, chance: random.Random) -> str:
        _diagnostics, outcomes = scenarios_answered(data)
        scenarios_formatted(data)
        return "played" if outcomes else "refused"


class Stored(Target):
    """A compiled program of the store: refused, or safe to run, in the compiled core, too."""

    name = "programs"

    class _Kept:
        def __init__(self, text: str) -> None:
            self._text = text

        def program(self, key: str) -> str:
            return self._text

    def worse(self, entries: list[bytes], chance: random.Random) -> bytes:
        """Mostly a program that is one, with a few other numbers in it."""
        if chance.random() < 0.3:
            return super().worse(entries, chance)
        plain = json.loads(chance.choice(entries))
        for _ in range(chance.choice((1, 1, 2, 4))):
            where = chance.choice(("code", "code", "code", "code", "entries", "whens", "variables"))
            _change_number(plain[where], chance)
        return json.dumps(plain).encode()

    def take(self, data: bytes, chance: random.Random) -> str:
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return "no text"
        kept: Any = self._Kept(text)
        program = _stored_program(kept, "lamp1", "")
        if program is None:
            return "refused"
        self._run(program, chance)
        return "run"

    def _run(self, program: Program, chance: random.Random) -> None:
        core = Core()
        core.link([program], [])
        program_topics = [number for number, _ in enumerate(core.topics)]
        for _ in range(5):
            tag = chance.choice((-1, -2, -3, 0, 2))
            value = (
                core.intern(chance.choice(("on", "", "x"))) if tag == -3 else chance.randrange(2)
            )
            key = core.intern(chance.choice(("hall", "attic")))
            number = chance.choice(program_topics)
            keys = array("q", [chance.choice((-1, key))])
            core.run(array("q", [number]), array("q", [tag]), array("q", [value]), NOW_MS, keys)
        core.snapshot()


def _change_number(plain: Any, chance: random.Random) -> None:
    """Give a number somewhere within a list another value."""
    while plain:
        place = chance.choice(list(plain) if isinstance(plain, dict) else range(len(plain)))
        inner = plain[place]
        if isinstance(inner, list | dict) and inner:
            plain = inner
            continue
        if type(inner) is int:
            odd = (-1, 1, 2**31, 2**63 - 1, -(2**63), inner + 4, inner - 4, inner + 1)
            plain[place] = chance.choice((chance.randrange(70), *odd))
        return


TARGETS: list[type[Target]] = [
    Wire,
    ScalarsAgree,
    Frames,
    HouseFile,
    AdapterFileTarget,
    Requests,
    Rules,
    Scenarios,
    Stored,
    PythonModule,
    ModelsFile,
    Stores,
    Imports,
    Lives,
]
