"""The files of Python that a house has: modules, and the models of its state.

What is nearly right in Python is told from the rest by words, not by bytes; so most inputs have
words cut, doubled and exchanged.
"""

from __future__ import annotations

import random
import re
import warnings
from pathlib import Path

from fuzz.target import Target, told
from myocan.hub.core import Core, Program
from myocan.hub.core.stored import read_program, write_program
from myocan.hub.declared import load_models, program_of
from myocan.hub.errors import HubError
from myocan.hub.lang import compile_module
from myocan.hub.scenario import rules_of
from python.playing import Play

_WORD = re.compile(rb"\w+|\s+|[^\w\s]")
_ODD = (
    *(b"lambda", b"yield", b"await", b"*", b"**", b"[", b"{", b"self", b"None", b"1e999", b"-"),
    *(b"10**9", b'"\\ud800"', b'"\\x00"', b"\x00", b"...", b"()", b"type", b"object", b"raise"),
    *(b"float", b"dict", b"list", b"super", b"property", b"class", b"del", b"@", b":=", b"\n\n"),
    *(b"while True: pass", b"1/0", b"range(10**12)", b"each", b"about", b'"x" * 10**9'),
)
_VALUES = ("null", "35.0", '"wet"', "true", '"x"', "-9223372036854775808", '""')

MOST_ROWS = 200


def _worse_by_words(entries: list[bytes], chance: random.Random) -> bytes:
    words = _WORD.findall(chance.choice(entries))
    others = [*_ODD, *_WORD.findall(chance.choice(entries))]
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(words))
        what = chance.randrange(10)
        if what < 3:
            del words[place]
        elif what < 6:
            words[place] = chance.choice(others)
        elif what < 8:
            words.insert(place, chance.choice(others))
        else:
            other = chance.randrange(len(words))
            words[place], words[other] = words[other], words[place]
        words = words or [b"x"]
    return b"".join(words)


class _PythonFile(Target):
    """A file of Python, most often spoiled by words."""

    def worse(self, entries: list[bytes], chance: random.Random) -> bytes:
        return (
            _worse_by_words(entries, chance)
            if chance.random() < 0.7
            else super().worse(entries, chance)
        )


class PythonModule(_PythonFile):
    """`modules/NAME.py`: a program that runs, or mistakes with their places."""

    name = "python"

    def take(self, data: bytes, chance: random.Random) -> str:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a text of a house may not even warn on the terminal
            compiled = compile_module(data, "vent", "vent.py")
        text = data.decode("utf-8-sig", "replace")
        for one in compiled.diagnostics:
            assert one.message.strip(), "a mistake without a word"
            assert "\n" not in one.message, one.message
            assert 1 <= one.line <= text.count("\n") + 1, one
            one.render(text)
        if compiled.program is None:
            assert any(one.severity == "error" for one in compiled.diagnostics)
            return "refused"
        rules_of(text)
        self._play(read_program(write_program(compiled.program)), chance)
        return "played"

    def _play(self, program: Program, chance: random.Random) -> None:
        play = Play(program)
        topics = [".".join(filter(None, one)) for one in play.core.topics if one[1][:1] != "$"]
        for topic in topics:
            if "%" not in topic:
                key = chance.choice(("", "hall"))
                said = play.send(topic, chance.choice(_VALUES), key=key)
                assert len(said) < MOST_ROWS
        for at in program.ats:
            play.send(f"{program.module}.%%at%%", f'"[\\"{at.identity}\\"]"')
        again = Core()
        again.link([program])
        again.snapshot()
        play.core.snapshot()


class ModelsFile(_PythonFile):
    """`models.py`: modules that stand for its models, or a line that is wrong."""

    name = "models"

    def take(self, data: bytes, chance: random.Random) -> str:
        path = Path(self.folder) / "models.py"
        path.write_bytes(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pydantic, about names of fields
            try:
                house = load_models(path)
                texts = house.texts()
            except HubError as refusal:
                told(refusal)
                refused = str(refusal)
            else:
                refused = ""
        if refused:
            assert "\n" not in refused, refused
            return "refused"
        for topic, model in house.models.items():
            assert program_of(model).module == topic
            house.defaults(topic)
            for name in model.model_fields:
                house.fault(topic, name, chance.choice(_VALUES))
        return "read" if texts else "empty"
