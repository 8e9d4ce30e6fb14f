"""Holds the wire package to its test vectors; runs on CPython and on MicroPython.

The one idea: both runtimes execute this same file, so that neither is held to less. It therefore
imports nothing but the package.
"""

import myocan.wire as wire
from myocan.wire import Fixed, WireError

DECODERS = {
    "topic": wire.parse_topic,
    "value": wire.decode_value,
    "data": wire.decode_data,
    "up": wire.decode_up,
    "base": wire.decode_base,
    "ack": wire.decode_ack,
    "status": wire.decode_status,
    "propose": wire.decode_propose,
    "verdict": wire.decode_verdict,
    "log": wire.decode_log,
}

ENCODERS = {
    "data": wire.encode_data,
    "up": wire.encode_up,
    "base": wire.encode_base,
    "ack": wire.encode_ack,
    "propose": wire.encode_propose,
    "verdict": wire.encode_verdict,
    "log": wire.encode_log,
}

COMPOSERS = {
    "data": wire.data_topic,
    "up": wire.up_topic,
    "board": wire.board_topic,
    "hub": wire.hub_topic,
}


def payload(vector):
    """The bytes of a vector."""
    if "hex" in vector:
        digits = vector["hex"]
        return bytes([int(digits[i : i + 2], 16) for i in range(0, len(digits), 2)])
    return vector["bytes"].encode()


def unmarked(meaning):
    """What a decoder makes of the payload, from how the vector states it."""
    if isinstance(meaning, dict):
        if "$fixed" in meaning:
            return Fixed(meaning["$fixed"][0], meaning["$fixed"][1])
        return {key: unmarked(meaning[key]) for key in meaning}
    if isinstance(meaning, list):
        return tuple([unmarked(part) for part in meaning])
    return meaning


def typed(meaning):
    """A text in which 1 and True, and 1 and "1", differ, and the order of keys does not count."""
    if isinstance(meaning, dict):
        return (
            "{"
            + ",".join([typed(key) + ":" + typed(meaning[key]) for key in sorted(meaning)])
            + "}"
        )
    if isinstance(meaning, (tuple, list)):
        return "(" + ",".join([typed(part) for part in meaning]) + ")"
    if isinstance(meaning, str):
        return "str " + " ".join([str(ord(character)) for character in meaning])
    return type(meaning).__name__ + " " + repr(meaning)


def fault(vector):
    """What the package does other than the vector says; None if nothing."""
    what = vector["what"]
    raw = payload(vector)
    try:
        found = DECODERS[what](raw)
    except WireError as error:
        if "bad" not in vector:
            return "refused: " + str(error)
        return None if str(error) else "refused without a word"
    except Exception as error:
        return "raised " + repr(error)
    if "bad" in vector:
        return "read as " + typed(found)
    meaning = unmarked(vector["is"])
    if what == "verdict" and len(meaning) == 2:
        meaning += (None,)
    if typed(found) != typed(meaning):
        return "read as " + typed(found)
    if vector.get("reads"):
        return None
    if what == "topic":
        written = COMPOSERS[meaning[0]](*meaning[1:]).encode()
        again = DECODERS[what](vector["bytes"])
        if again != found:
            return "read from text as " + typed(again)
    elif what == "value":
        written = wire.encode_value(meaning)
    elif what == "status":
        written = wire.encode_status(meaning)
    else:
        written = ENCODERS[what](*meaning)
    return None if written == raw else "written as " + repr(written)


def outcome(what, raw):
    """What a decoder makes of any bytes, in ASCII."""
    try:
        return typed(DECODERS[what](raw))
    except WireError:
        return "WireError"
    except Exception as error:
        return "raised " + repr(error)
