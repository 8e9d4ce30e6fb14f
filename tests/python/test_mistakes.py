"""What is wrong with a module in Python is told before it runs, with its line and what to do."""

from __future__ import annotations

import pytest

from myocan.hub.lang import check_house, compile_module, file_name
from python.playing import mistakes_of, program_of, text_of

CLASS = """
class Lamp(Module):
    state: Literal["off", "on"] = "off"
    level: int = 0
    mode: Literal["auto", "hand"] = hears("switch1.mode")
    off = timer("5 minutes")
{more}
    @on("button1.press")
    def pressed(self):
        {body}

    rooms: dict[str, int] = each(0)
    since = about("mode", "timestamp")
    most = 5
"""

BODIES = {
    "self.stat = 'on'": "the class does not declare 'stat' [state]",
    "self.log(self.levle)": "the class does not declare 'levle' [level]",
    "self.state = 'onn'": "state is one of {off, on}, not 'onn' [on]",
    "self.level = 'x'": "level is a number, not 'x'",
    "self.level = '5'": "level is a number, not '5'",
    "self.mode = 'hand'": "'mode' is what others say; it is only read",
    "return self.state == 'On'": "state is never 'On'; it is one of {off, on} [on]",
    "return self.state in ('on', 'of')": "state is never 'of'; it is one of {off, on} [off]",
    "self.most = 5": "'most' is the same for ever, since it has no type; to be remembered it is "
    "declared like most: int = 0",
    "self.rooms = 5": 'say for which key: self.rooms["…"] = …',
    "self.rooms['x'] = 'y'": "rooms is a number, not 'y'",
    "self.since = 5": "'mode#timestamp' is what the hub knows; it is only read",
    "print(1)": "a module has no print: self.log(...) writes to the log",
    "open('x')": "a module has no open: a function of externals.py can, see calls()",
    "leng('x')": "there is no 'leng' [len]",
    "import time": "a module cannot import time: it would not come to the same when the log is "
    "replayed; what acts on the world is a function of externals.py, see calls()",
    "from random import choice": "a module cannot import random: it would not come to the same "
    "when the log is replayed; what acts on the world is a function of externals.py, see calls()",
    "from myocan.hub import State": "a module cannot use 'State' of myocan.hub",
    "from datetime import datetime; datetime.now()": "datetime.now reads the clock of the machine; "
    "use self.now",
    "from itertools import cycle": "itertools.cycle never ends; use range or a list",
    "for x in {1, 2}: pass": "the order of a set is another one in each process; go over "
    "sorted(...)",
    "global x": "a module remembers nothing outside of its class; declare a variable there",
    "hash('x')": "a module has no hash: it is another one in each process",
}

DECLARATIONS = {
    "x: float = 1.0": "x: float cannot travel in a message; it can be bool, int, Decimal, str, a "
    "Literal or an Enum of texts, or datetime.time",
    "x: Decimal = 1.5": 'x: write the default as a text, "1.5", for a Decimal is exact',
    "x: int": "x: say what it is at first, as in name: int = 0",
    "x: int = field(default=5, ge=10)": "x: x is a number of at least 10, not 5",
    "x: str = 5": "x: it is a text, not 5",
    "x: str = field(default='A', pattern='[a-z]+')": "x: x is a text that matches [a-z]+, not 'A'",
    "x: int = field(default=5, pattern='[0-9]')": "x: only a text has a pattern",
    "x: str = field(default='A', pattern='(?=A)A')": "ModelError: pattern '(?=A)A' is no regular "
    "expression: look-around, including look-ahead and look-behind, is not supported",
    "x: Litral['a'] = 'a'": "there is no 'Litral' [Literal]",
    "x = timer('5 parsecs')": "x: '5 parsecs' is no duration; write one like '90 seconds' or "
    "'24 hours'",
    "x: Decimal = hears('a.b')": 'x: say how many digits it has, as in hears("...", default="0.0")',
    "x: int = hears('no topic')": "x: 'no topic' is no topic; write one like button1.press",
    "log: int = 0": "'log' is what every module has; choose another name",
    "Level: int = 0": "'Level' is declared already, but for capital letters",
    "def __init__(self): pass": "leave __init__ out; what variables are at first stands behind",
    "x: time = hears('system.clock#moonrise')": "x: there is no system.clock#moonrise; there is "
    "system.clock#date",
}

DECLARATIONS |= {
    "x: dict[str, bool] = {}": "x: a map is written with each: dict[str, bool] = each(False)",
    "x: dict[str, int] = each('a')": "x: x is a number, not 'a'",
    "x: dict[int, int] = each(0)": "x: a map says what its values are: name: dict[str, bool]",
    "_x: dict[str, int] = each(0)": "_x: a map is published; leave the _ out",
    "x = about('mod', 'timestamp')": "x: 'mod' is neither a topic, like button1.press, nor a timer "
    "or something that this class hears; did you mean 'mode'?",
    "x = about('mode', 'time')": "x: nobody knows the time of mode; there is timestamp, offset",
    "x = about('state', 'producer')": "x: nobody knows the producer of state; there is modified",
    "x: int = publishes('b.c', 0, keep='long')": "x: keep takes a time, a size or forever, like",
    "x: int = publishes('lamp1.c', 0, keep='1 day')": "x: keep= is for topics of no module",
}

REACTIONS = {
    "@on('presss')": "'presss' is neither a topic, like button1.press, nor a timer or something "
    "that this class hears",
    "@on('mod')": "'mod' is neither a topic, like button1.press, nor a timer or something that "
    "this class hears; did you mean 'mode'?",
    "@on('state')": "state is this module's own; @when tells when it changes",
    "@on('a.b', [1])": "[1] cannot travel in a message; texts, numbers, True, False and None can",
    "@on('mode', 'wild')": "mode is one of {auto, hand}, not 'wild'",
    "@at('sunsset')": "@at: 'sunsset' is neither a time nor a time variable [sunset]",
    "@when(lambda my: True)": "this condition reads no variable of the class",
    "@when(lambda my: my.levl > 3)": "the class does not declare 'levl' [level]",
}


@pytest.mark.parametrize(("body", "told"), BODIES.items(), ids=BODIES)
def test_a_mistake_in_a_method_is_told(body: str, told: str) -> None:
    (first, *_) = mistakes_of(CLASS.format(body=body, more=""))
    assert first == f"10: {told}"


@pytest.mark.parametrize(("line", "told"), DECLARATIONS.items(), ids=DECLARATIONS)
def test_a_mistake_in_a_declaration_is_told(line: str, told: str) -> None:
    (first, *_) = mistakes_of(CLASS.format(body="pass", more=f"    {line}"))
    assert first.startswith(f"7: {told}")


@pytest.mark.parametrize(("above", "told"), REACTIONS.items(), ids=REACTIONS)
def test_a_mistake_above_a_method_is_told(above: str, told: str) -> None:
    more = f"    {above}\n    def other(self):\n        pass\n"
    (first, *_) = mistakes_of(CLASS.format(body="pass", more=more))
    assert first.startswith(f"7: {told}")


def test_a_class_that_remembers_nothing_is_none_of_a_mistake() -> None:
    assert mistakes_of("""
        class Lamp(Module):
            opened = event()

            @on("button1.press")
            def pressed(self):
                self.opened()
        """) == []  # fmt: skip


def test_a_mistake_is_pointed_at_where_it_stands_on_its_line() -> None:
    for above in REACTIONS:
        more = f"    {above}\n    def other(self):\n        pass\n"
        text = text_of(CLASS.format(body="pass", more=more))
        (first, *_) = compile_module(text, "lamp1", "lamp1.py").diagnostics
        assert first.column > 5, above
    text = text_of("if True:\n    x = 1 / 0")
    (told,) = compile_module(text, "lamp1", "lamp1.py").diagnostics
    assert told.column == 5


@pytest.mark.parametrize(("body", "told"), [
    ("class Lamp:\n    pass", "1: there is no class of Module here; a module is one: class Lamp1"),
    ("class A(Module):\n    a: int = 0", "1: nothing in this class reacts"),
    ("class A(Module, key=5):\n    pass", "1: key is a name; see the class line"),
    ("class A(Module, auto=True):\n    pass", "1: auto is True or False, and needs a key"),
    ("class A(Module, agent=None):\n    pass", "1: agent is a name; see the class line"),
    ("def f(:", "1: this is no Python: invalid syntax"),
    ("x = 1 / 0", "1: ZeroDivisionError: division by zero"),
    ("async def f(): pass", "1: a cycle waits for nothing; write it without async and await"),
    ("def f(x=[]): pass", "1: this default would remember what is put into it; make it None"),
])  # fmt: skip
def test_a_mistake_in_the_file_is_told(body: str, told: str) -> None:
    (first, *_) = mistakes_of(body)
    line = 1 - text_of("").count("\n") if "there is no class" in told else 1
    assert first.startswith(told.replace("1:", f"{line}:", 1))


def test_a_text_says_itself_whether_it_is_python() -> None:
    assert file_name(text_of(""), "x") == "x.py"
    assert file_name("# comment\n\n'''A lamp.'''\n", "x") == "x.py"
    assert file_name("// import x\nMODULE x\n", "x") == "x.scc"
    assert file_name("", "x") == "x.scc"
    (told,) = compile_module(text_of("class A(Module): pass"), "x", "x.scc").diagnostics
    assert told.message == "this is Python; name the file x.py"
    (told,) = compile_module("X = 1\n", "x", "x.py").diagnostics
    assert told.message == "a module in Python begins with its docstring or an import"


def test_modules_in_python_and_of_rules_are_checked_against_each_other() -> None:
    lamp = text_of(CLASS.format(body="pass", more=""))
    gate = "MODULE gate\nSUBSCRIBE lamp1.state {off, on, dim}\nPUBLIC x {a, b}\n"
    gate += "ON lamp1.state.on\nTHEN next(x)\n"
    switch = "MODULE switch1\nSUBSCRIBE a.b\nPUBLIC mode {auto, wild}\nON a.b\nTHEN next(mode)\n"
    told = [str(one) for one in check_house({"lamp1": lamp, "gate": gate, "switch1": switch})]
    assert any(one.startswith("lamp1.py:") and "'switch1' publishes" in one for one in told)
    assert any("nobody publishes 'button1.press'" in one for one in told)
    assert not any("nobody publishes 'lamp1.state'" in one for one in told)
    right = gate.replace(", dim", "")
    assert not [
        one for one in check_house({"gate": right, "lamp1": lamp}) if one.severity == "error"
    ]


def test_rubbish_is_told_and_never_raised() -> None:
    for text in (
        "import",
        "import \0",
        "from x import *",
        "class",
        '"""',
        "import " * 50,
        "@\n" * 9,
    ):
        compiled = compile_module(text, "lamp1")
        assert compiled.program is None
        assert compiled.diagnostics


def test_a_program_is_stored_with_its_text() -> None:
    program = program_of(CLASS.format(body="pass", more=""))
    assert program.file == "lamp1.py"
    assert program.python == text_of(CLASS.format(body="pass", more=""))
