"""Writes the test vectors of the wire format: `python tests/wire/reference_encoder.py > FILE`.

The one idea: it knows the format from `docs/wire.md` alone and shares no line with the package. It
writes with Python's own `json`, and what a payload means it knows because it made it from that.
The vectors are the contract: a change that alters one of the valid ones is version 2.

A vector is an object:

    what    topic, value, or the name of a message
    bytes   the topic or payload, as text; or `hex`, where it is not UTF-8
    is      what it means: a list of fields, a status, or a value
    reads   true if it is only read so, that is, nobody should write it in this form
    bad     instead of `is`: why it must be refused

A decimal stands as `{"$fixed": [units, decimals]}`.
"""

import json
import sys
from decimal import Decimal

VERSION = 1

BIG = 2**63 - 1
BOOT = 2**31 - 1
LAST_MS = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z


class Vectors:
    """Collects vectors; none may come twice."""

    def __init__(self):
        self.all = []
        self.seen = set()

    def good(self, what, payload, meaning, reads=False):
        vector = {"what": what, **self._bytes(what, payload), "is": marked(meaning)}
        if reads:
            vector["reads"] = True
        self.all.append(vector)

    def bad(self, what, payload, why):
        self.all.append({"what": what, **self._bytes(what, payload), "bad": why})

    def _bytes(self, what, payload):
        raw = payload.encode() if isinstance(payload, str) else payload
        assert (what, raw) not in self.seen, (what, raw)
        self.seen.add((what, raw))
        try:
            return {"bytes": raw.decode()}
        except UnicodeDecodeError:
            return {"hex": raw.hex()}


def marked(meaning):
    """Mark the decimals in what is to be written as JSON."""
    if isinstance(meaning, Decimal):
        sign, digits, exponent = meaning.as_tuple()
        units = int("".join(map(str, digits)))
        return {"$fixed": [-units if sign else units, -exponent]}
    if isinstance(meaning, dict):
        return {key: marked(value) for key, value in meaning.items()}
    if isinstance(meaning, (list, tuple)):
        return [marked(value) for value in meaning]
    return meaning


def written(meaning):
    """The one form in which a message is written."""
    if isinstance(meaning, Decimal):
        return format(meaning, "f")
    if isinstance(meaning, dict):
        pairs = [f"{written(key)}:{written(meaning[key])}" for key in sorted(meaning)]
        return "{" + ",".join(pairs) + "}"
    if isinstance(meaning, (list, tuple)):
        return "[" + ",".join([written(value) for value in meaning]) + "]"
    return json.dumps(meaning, ensure_ascii=False)


VALUES = [
    None,
    True,
    False,
    0,
    1,
    -1,
    21,
    2**31,
    BIG,
    -BIG,
    Decimal("21.5"),
    Decimal("21.50"),
    Decimal("-0.05"),
    Decimal("0.0"),
    Decimal("0.000000001"),
    Decimal("-9223372036.854775807"),
    Decimal("922337203685477580.7"),
    "",
    "on",
    "a,b",
    "[1,2]",
    "null",
    'she said "no"',
    "back\\slash",
    "\\",
    '\\"',
    "\b\f\n\r\t/",
    "\x00\x01\x1f\x7f",
    "é",
    "\u2028",
    "€",
    "\U0001f600",
    "\U0010ffff",
    "x" * 4096,
    "é" * 2048,
    "\n" * 4096,
]

# Payload of a value -> what it means, in forms that only a reader meets.
ODD_VALUES = {
    "-0": 0,
    "-0.0": Decimal("0.0"),
    " 1": 1,
    "\t\r\n null \n": None,
    ' "on" ': "on",
    '"\\u0041"': "A",
    '"\\u00E9\\u00e9"': "éé",
    '"\\ud83d\\ude00"': "\U0001f600",
    '"\\uDBFF\\uDFFF"': "\U0010ffff",
    '"\\u0000"': "\x00",
    '"\\u0019\\u09aF\\uAFaf"': "\x19\u09af\uafaf",
    '"\\u007f\\u0080\\u07ff\\u0800\\uffff"': "\x7f\x80\u07ff\u0800\uffff",
    '"\\ud800\\udc00"': "\U00010000",
    '"\\/"': "/",
    '"x\\ud83d\\ude00y"': "x\U0001f600y",
    '"\\u005c\\u0022"': '\\"',
    '"' + "\\u0041" * 4096 + '"': "A" * 4096,
}

BAD_VALUES = {
    "": "nothing",
    " ": "only white space",
    "nul": "no constant of JSON",
    "NULL": "no constant of JSON",
    "True": "Python's, not JSON's",
    "NaN": "not a number of JSON",
    "Infinity": "not a number of JSON",
    "-Infinity": "not a number of JSON",
    "+1": "a plus",
    "--1": "two minus",
    "-": "a minus alone",
    "- 1": "a gap after the minus",
    "01": "a leading zero",
    "-01": "a leading zero",
    "00": "a leading zero",
    "01.5": "a leading zero",
    ".5": "no digit before the point",
    "-.5": "no digit before the point",
    "5.": "no digit after the point",
    "1.2.3": "two points",
    "1e3": "an exponent",
    "1E3": "an exponent",
    "1.5e-3": "an exponent",
    "0x10": "hexadecimal",
    "1_000": "an underscore",
    "1,5": "a comma",
    "1 2": "two numbers",
    "٣": "a digit that is not ASCII",
    "²": "a digit that is not ASCII",
    "9223372036854775808": "2**63",
    "-9223372036854775808": "-2**63",
    "99999999999999999999": "above 2**63",
    "9223372036854775807.0": "more than 2**63 tenths",
    "9223372036.8547758080": "ten decimals",
    "0.0000000001": "ten decimals",
    "9" * 400: "a long number",
    "0." + "0" * 400: "a long fraction",
    "on": "a bare word",
    "'on'": "single quotes",
    '"on': "no closing quote",
    'on"': "no opening quote",
    '"': "one quote",
    '"""': "a quote within a text",
    '"a"b"': "a quote within a text",
    '"on"x': "more after the text",
    '"\\"': "the closing quote is escaped",
    '"\\x41"': "no escape of JSON",
    '"\\U00000041"': "no escape of JSON",
    '"\\\'"': "no escape of JSON",
    '"\\u12"': "a short escape",
    '"\\u12g4"': "an escape with a letter that is no digit",
    '"\\u 123"': "an escape with a gap",
    '"\\u\x10\x11\x12\x13"': "an escape with control characters, 32 below digits",
    '"\\u:;<="': "an escape with what follows 9",
    '"\\u@@@@"': "an escape with what is before A",
    '"\\u````"': "an escape with what is before a",
    '"\\uGGGG"': "an escape with what follows F",
    '"\\u////"': "an escape with what is before 0",
    '"\\u+123"': "an escape with a sign",
    '"\\u1_23"': "an escape with an underscore",
    '"\\ud83d"': "half a surrogate pair",
    '"\\ude00"': "half a surrogate pair",
    '"\\ude00\\ud83d"': "a surrogate pair the wrong way round",
    '"\\ud83dx\\ude00"': "a torn surrogate pair",
    '"\\ud83d\\n"': "half a surrogate pair",
    '"\\ud83d\\ud83d\\ude00"': "half a surrogate pair",
    '"a\nb"': "a bare control character",
    '"\x00"': "a bare control character",
    '"\x1f\\n"': "a bare control character",
    b'"\xff"': "not UTF-8",
    b'"\xc3"': "not UTF-8: cut short",
    b'"\xc0\x80"': "not UTF-8: overlong",
    b'"\xe0\x80\xaf"': "not UTF-8: overlong",
    b'"\xed\xa0\x80"': "not UTF-8: a surrogate",
    b'"\xed\xa0\xbd\xed\xb8\x80"': "not UTF-8: surrogates",
    b'"\xf4\x90\x80\x80"': "not UTF-8: above U+10FFFF",
    b'"\xf8\x88\x80\x80\x80"': "not UTF-8",
    b'"\xc0\x80\\n"': "not UTF-8: overlong, in a text with an escape",
    '"' + "x" * 4097 + '"': "4,097 bytes",
    '"' + "é" * 2048 + 'x"': "4,097 bytes",
    '"' + "\\n" * 4097 + '"': "4,097 bytes",
    "[]": "an array",
    "{}": "an object",
    "[1]": "an array",
    "\ufeff1": "a byte order mark",
    "1//": "a comment",
    "\x0b1": "white space that is not JSON's",
    "\xa01": "white space that is not JSON's",
}

# What no field that wants a whole number from 0 or 1 takes.
NO_COUNT = ["null", "true", "-1", "1.0", '"1"', "1e3", "01", "", "[1]", str(2**63), "9" * 30]
NO_TS = ["-1", "1.5", "true", '"now"', str(LAST_MS + 1), ""]
NO_WORD = ["null", "1", '""', '"a b"', '"a,b"', '"é"', '"a\\"b"', '"a\\\\b"', '"\\u0000"',
           '"' + "x" * 129 + '"', "main", '"\\u002c"']  # fmt: skip
NO_ARRAY = ["", " ", "[", "]", "[]", "{}", "null", "1", '"x"', "[,]", "[[[]]]", "[" * 200]


def values(vectors):
    for value in VALUES:
        vectors.good("value", written(value), value)
    for payload, value in ODD_VALUES.items():
        vectors.good("value", payload, value, reads=True)
    for payload, why in BAD_VALUES.items():
        vectors.bad("value", payload, why)


def arrays(vectors, what, examples, refused):
    """examples: messages as lists; the first is the pattern. refused: place -> what it refuses."""
    for message in examples:
        vectors.good(what, written(message), message)
    pattern = examples[0]
    text = [written(field) for field in pattern]
    for message in examples[:2]:
        spaced = " [ " + " , ".join([written(field) for field in message]) + " ] \n"
        vectors.good(what, spaced, message, reads=True)
    for place, payloads in refused.items():
        for payload in payloads:
            parts = [*text[:place], payload, *text[place + 1 :]]
            vectors.bad(what, "[" + ",".join(parts) + "]", f"field {place}: {payload[:40]}")
    whole = "[" + ",".join(text) + "]"
    for payload in NO_ARRAY:
        vectors.bad(what, payload, "no such array")
    vectors.bad(what, "[" + ",".join(text[:-1]) + "]", "a field less")
    vectors.bad(what, "[" + ",".join([*text, "0"]) + "]", "a field more")
    vectors.bad(what, whole[:-1], "not closed")
    vectors.bad(what, whole[1:], "not opened")
    vectors.bad(what, whole + "]", "closed twice")
    vectors.bad(what, "[" + whole, "opened twice")
    vectors.bad(what, whole[:-1] + ",]", "a comma too many")
    vectors.bad(what, whole + whole, "two messages")
    vectors.bad(what, whole + "\0", "a zero byte behind")
    vectors.bad(what, b"\xff" + whole.encode(), "a stray byte in front")
    vectors.bad(what, "(" + whole[1:-1] + ")", "parentheses")


def messages(vectors):
    no_seq = ["0", *NO_COUNT]
    no_boot = [str(2**31), *NO_COUNT]
    bad_values = ["", "NaN", "1e3", '"a', '"a"b"', '"\\ud800"', "[]", "{}", "undefined"]
    arrays(
        vectors,
        "up",
        [
            [None, 1, 1_700_000_000_000, 7],
            [None, 1, None, 0],
            [True, BIG, 0, BOOT],
            [Decimal("21.50"), 17, LAST_MS, 1234567890],
            ["on", 2, 1, 1],
            ['a,b],["\\', 3, 1, 1],
            ["é" * 2048, 4, None, 1],
        ],
        {0: bad_values, 1: no_seq, 2: NO_TS, 3: no_boot},
    )
    arrays(
        vectors,
        "data",
        [
            ["on", 4711, 1_700_000_000_000, "porch", 17],
            [None, 0, None, "$clock", 0],
            [Decimal("-0.5"), BIG, 0, "lamp1/kitchen%2F1", BIG],
            [',",', 1, 1, "x" * 128, 1],
            [False, 1, LAST_MS, "!#$%&'()*+-./:;<=>?@[]^_`{|}~", 1],
        ],
        {0: bad_values, 1: NO_COUNT, 2: NO_TS, 3: NO_WORD, 4: NO_COUNT},
    )
    arrays(
        vectors,
        "base",
        [[7, 1, 0], [0, 1, 0], [BOOT, BIG, BIG]],
        {0: no_boot, 1: no_seq, 2: NO_COUNT},
    )
    arrays(
        vectors,
        "ack",
        [[7, 0, 1_700_000_000_000, "9f86d081884c7d65"], [BOOT, BIG, 0, "x"]],
        {0: no_boot, 1: NO_COUNT, 2: ["null", *NO_TS], 3: NO_WORD},
    )
    arrays(
        vectors,
        "log",
        [
            ["info", "started", 1_700_000_000_000, 7],
            ["warn", "", None, 7],
            ["alert", 'hot, "very" hot]\n\U0001f600', 0, BOOT],
        ],
        {
            0: ['"debug"', '"INFO"', "null", "info", '""'],
            1: ["null", "1", "text", '"a', '"a"b"', '"' + "x" * 4097 + '"'],
            2: NO_TS,
            3: no_boot,
        },
    )
    arrays(
        vectors,
        "propose",
        [
            ["17-9f3a", 1_700_000_000_000, {"lamp": "on"}],
            ["x", 0, {}],
            ["x", LAST_MS, {"a": None, "b": True, "c": 1, "d": Decimal("1.50"), "e": '},{"\\'}],
            ["x", 1, {f"p{i:03}": i for i in range(128)}],
            ["x", 1, {"applied": 1}],
        ],
        {
            0: NO_WORD,
            1: ["null", *NO_TS],
            2: [
                "null",
                "[]",
                "{",
                "}",
                '{"a"}',
                '{"a":}',
                '{"a":1,}',
                '{,"a":1}',
                '{"a" 1}',
                '{"a":1 "b":2}',
                '{"a":1}}',
                "{a:1}",
                '{"a":{}}',
                '{"a":[]}',
                '{"a":1e3}',
                '{"a":"x}',
                '{"a":"\\"}',
                '{"a":1,"a":1}',
                '{"a":1,"\\u0061":2}',
                '{"":1}',
                '{"a b":1}',
                "{1:1}",
                '{"applied":{}}',
                '{"a":' * 200 + "1" + "}" * 200,
                "{" + ",".join([f'"p{i}":{i}' for i in range(129)]) + "}",
            ],
        },
    )
    vectors.good(
        "propose", '["x",1, { "a" : 1 , "b" : "c" } ]', ["x", 1, {"a": 1, "b": "c"}], reads=True
    )
    verdicts(vectors)
    statuses(vectors)


def verdicts(vectors):
    for message in (["17-9f3a", True], ["x", False, "too hot"], ["x", False, ""],
                    ["x", False, 'a,"b",\\']):  # fmt: skip
        vectors.good("verdict", written(message), message)
    vectors.good("verdict", '[ "x" , true ]', ["x", True], reads=True)
    vectors.good("verdict", ' [ "x" , false , "no" ] ', ["x", False, "no"], reads=True)
    for word in NO_WORD:
        vectors.bad("verdict", f"[{word},true]", "no such transaction")
    for payload in NO_ARRAY:
        vectors.bad("verdict", payload, "no such array")
    for rest in ("null", "1", '"true"', "True", "false", "false,", "false,null", "false,1",
                 'true,"x"', 'false,"a","b"', "true,", 'false "x"', 'false,"x', ""):  # fmt: skip
        vectors.bad("verdict", f'["x",{rest}]', "neither true, nor false and why")


def statuses(vectors):
    full = {
        "online": True,
        "boot": 7,
        "wire": 1,
        "sdk": "0.1.0",
        "runtime": "MicroPython 1.24.1 rp2",
        "config": "0123456789abcdef",
        "applied": {"lamp": "on", "fan": Decimal("0.50"), "spare": None},
        "free": 81234,
        "lost": 0,
        "connection": 3,
    }
    last_will = {"online": False, "reason": "the link broke"}
    hub = {"online": True, "incarnation": 17, "wire": 1, "version": "0.1.0"}
    later = {"online": True, "colour": "green", "a": None, "b": Decimal("1.5"), "c": 1, "d": True}
    many = {"online": True, **{f"k{i:03}": i for i in range(127)}}
    for status in (full, last_will, hub, later, many, {"online": True, "applied": {}}):
        vectors.good("status", written(status), status)
    spaced = '\n{ "online" : true ,\t"applied" : { "a" : 1 } , "reason" : "x" }\r\n'
    meaning = {"online": True, "applied": {"a": 1}, "reason": "x"}
    vectors.good("status", spaced, meaning, reads=True)
    vectors.good("status", '{"wire":1,"online":true}', {"wire": 1, "online": True}, reads=True)
    vectors.good("status", '{"\\u006fnline":true}', {"online": True}, reads=True)
    for payload in ("", " ", "{", "}", "{}", "[]", "null", '{"boot":7}', "{" * 200):
        vectors.bad("status", payload, "no object that says online")
    refused = {
        "online": ["null", "1", '"yes"', ""],
        "boot": ["null", "true", "-1", str(2**31), '"7"', "1.0"],
        "wire": ["null", '"1"', "-1"],
        "incarnation": ["null", str(2**63)],
        "connection": ["true"],
        "free": ["-1", "1.5"],
        "lost": ['"0"'],
        "sdk": ["1", "null"],
        "runtime": ["true"],
        "config": ["1"],
        "version": ["1"],
        "reason": ["null", '"' + "x" * 4097 + '"'],
        "applied": ["null", "[]", '"x"', '{"a":{}}', '{"a":1,}', "{", '{"a":1', '{"a":{"b":1}}'],
        "other": ["{}", "[]", '{"a":1}', "1e3", "x"],
    }
    for key, payloads in refused.items():
        for payload in payloads:
            rest = "" if key == "online" else '"online":true,'
            vectors.bad("status", f'{{{rest}"{key}":{payload}}}', f"{key}: {payload[:40]}")
    vectors.bad("status", '{"online":true,"online":true}', "a key twice")
    vectors.bad("status", '{"online":true}{}', "more behind")
    vectors.bad("status", '{"online":true', "not closed")
    vectors.bad("status", '{"online":true,}', "a comma too many")
    vectors.bad("status", '{"online":true;"boot":7}', "no comma")
    vectors.bad("status", '{"online"=true}', "no colon")
    vectors.bad("status", '{"on,line":true,"online":true}', "a key that is no word")
    pairs = ",".join([f'"k{i}":{i}' for i in range(128)])
    vectors.bad("status", '{"online":true,' + pairs + "}", "129 keys")
    vectors.bad("status", '{"online":true,"applied":' * 100, "deep")


def topics(vectors):
    level = "AZaz09_.-"
    longest = "x" * 64
    for topic, parts in {
        "mc1/live/home/lamp1/state": ["data", "live", "home", "lamp1", "state", None],
        "mc1/test-2/h/M.1/v/kitchen": ["data", "test-2", "h", "M.1", "v", "kitchen"],
        f"mc1/{level}/{level}/{level}/az09_.-": ["data", level, level, level, "az09_.-", None],
        "mc1/live/home/$log/info": ["data", "live", "home", "$log", "info", None],
        "mc1/live/home/lamp/$instances/k": ["data", "live", "home", "lamp", "$instances", "k"],
        "mc1/live/home/m/v/a%2Fb": ["data", "live", "home", "m", "v", "a/b"],
        "mc1/live/home/m/v/%2B%23%25": ["data", "live", "home", "m", "v", "+#%"],
        "mc1/live/home/m/v/%24a$": ["data", "live", "home", "m", "v", "$a$"],
        "mc1/live/home/m/v/%00%1F%7F%C2%80%C2%9F": ["data", "live", "home", "m", "v",
                                                    "\x00\x1f\x7f\x80\x9f"],
        "mc1/live/home/m/v/%EF%BF%BE%F4%8F%BF%BF": ["data", "live", "home", "m", "v",
                                                    "\ufffe\U0010ffff"],
        "mc1/live/home/m/v/ é€\U0001f600": ["data", "live", "home", "m", "v", " é€\U0001f600"],
        f"mc1/{longest}/h/{longest}/{longest}": ["data", longest, "h", longest, longest, None],
        f"mc1/m/h/m/v/{'x' * 244}": ["data", "m", "h", "m", "v", "x" * 244],
        "mc1/$board/home/porch/up/button1/press": ["up", "home", "porch", "button1", "press", None],
        "mc1/$board/home/porch/up/M/v/%252F": ["up", "home", "porch", "M", "v", "%2F"],
        "mc1/$hub/home/main/status": ["hub", "home", "main"],
        "mc1/$board/home/porch/update/begin": ["board", "home", "porch", "update/begin"],
    }.items():  # fmt: skip
        vectors.good("topic", topic, parts)
    for leaf in ("base", "ack", "status", "propose", "verdict", "log", "config"):
        vectors.good("topic", f"mc1/$board/home/porch/{leaf}", ["board", "home", "porch", leaf])
    for topic, why in {
        "": "nothing",
        "/": "empty levels",
        "mc1": "too short",
        "mc1/live/home/lamp1": "no variable",
        "mc1/live/home/lamp1/state/a/b": "a level too many",
        "mc2/live/home/lamp1/state": "another version",
        "MC1/live/home/lamp1/state": "upper case",
        "/mc1/live/home/lamp1/state": "an empty level in front",
        "mc1/live/home/lamp1/state/": "an empty instance",
        "mc1/live//lamp1/state": "an empty level",
        "mc1//home/lamp1/state": "an empty mode",
        "mc1/live/home/lamp1/State": "a variable in upper case",
        "mc1/live/home/lamp 1/state": "a space",
        "mc1/live/home/lämp/state": "a letter that is not ASCII",
        "mc1/li+e/home/lamp1/state": "a plus",
        "mc1/+/home/lamp1/state": "a wildcard",
        "mc1/live/home/#": "a wildcard",
        "mc1/live/home/lamp1/state/+": "a wildcard as instance",
        "mc1/$sys/home/lamp1/state": "a mode with $",
        "mc1/live/$home/lamp1/state": "a domain with $",
        "mc1/live/home/$/state": "$ alone",
        "mc1/live/home/$$log/info": "two $",
        "mc1/live/home/lamp1/$state": "a variable with $",
        "mc1/live/home/m/v/%2f": "lower-case hexadecimal",
        "mc1/live/home/m/v/%": "half an escape",
        "mc1/live/home/m/v/%2": "half an escape",
        "mc1/live/home/m/v/%+2": "no escape",
        "mc1/live/home/m/v/%zz": "no escape",
        "mc1/live/home/m/v/%41": "an escape nobody needs",
        "mc1/live/home/m/v/$a": "a leading $",
        "mc1/live/home/m/v/a\x00": "a control character",
        "mc1/live/home/m/v/a\x7f": "a control character",
        "mc1/live/home/m/v/\x80": "a control character",
        "mc1/live/home/m/v/\ufdd0": "a character that is none",
        "mc1/live/home/m/v/%C3": "not UTF-8",
        "mc1/live/home/m/v/%C0%80": "overlong",
        "mc1/live/home/m/v/%ED%A0%80": "a surrogate",
        "mc1/$board/home/porch/up/button1": "no variable",
        "mc1/$board/home/porch/up": "nothing below up",
        "mc1/$board/home/porch/up/$log/info": "the hub's module",
        "mc1/$board/home/porch/up/lamp/$instances/k": "the hub's variable",
        "mc1/$board/home/porch/up/button1/Press": "a variable in upper case",
        "mc1/$board/home/porch/up/a/b/c/d": "a level too many",
        "mc1/$board/home/porch/Base": "no such leaf",
        "mc1/$board/home/porch/base/x": "a level too many",
        "mc1/$board/home/porch/update": "no update",
        "mc1/$board/home/porch/update/a/b": "a level too many",
        "mc1/$board/home/porch/update/a b": "a space",
        "mc1/$board/home//base": "no name",
        "mc1/$board/ho me/porch/base": "a space",
        "mc1/$hub/home/main/base": "a hub has a status only",
        "mc1/$hub/home/main/status/x": "a level too many",
        "mc1/$hub/home/ma in/status": "a space",
        f"mc1/live/home/{'x' * 65}/state": "a level of 65",
        f"mc1/m/h/m/v/{'x' * 245}": "257 bytes",
        f"mc1/m/h/m/v/{'é' * 123}": "258 bytes in fewer characters",
    }.items():
        vectors.bad("topic", topic, why)
    for raw, why in {
        b"mc1/live/home/m/v/\xff": "not UTF-8",
        b"mc1/live/home/m/v/\xed\xa0\x80": "a surrogate",
        b"mc1/live/home/m/v/\xc1\x81": "overlong",
        b"\xff\xfe": "not UTF-8",
    }.items():
        vectors.bad("topic", raw, why)


def document():
    vectors = Vectors()
    topics(vectors)
    values(vectors)
    messages(vectors)
    # Not in ASCII: MicroPython's json does not join surrogate pairs.
    lines = ",\n".join([json.dumps(vector, ensure_ascii=False) for vector in vectors.all])
    return f'{{"wire": {VERSION}, "vectors": [\n{lines}\n]}}\n'


if __name__ == "__main__":
    sys.stdout.buffer.write(document().encode())
