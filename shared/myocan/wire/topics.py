"""Topics: who may write where is the topic's form alone.

`mc1/{mode}/…` are the data topics, the hub's. `mc1/$board/{domain}/{board}/…` belongs to one
board and its hub, `mc1/$hub/…` to the hubs. One text names one topic and one topic one text: an
instance has exactly one encoding, any other is refused, for order holds per topic.
"""

from .errors import WireError
from .text import from_utf8, to_utf8

MAX_TOPIC = 256  # bytes; bounds what a stranger's topic can cost, and fits a board's buffer
MAX_LEVEL = 64
LEAVES = ("base", "ack", "status", "propose", "verdict", "log", "config")

_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"


def data_topic(
    mode: str, domain: str, module: str, variable: str, instance: "str | None" = None
) -> str:
    """The topic of a variable's messages, written by the hub: `mc1/live/home/lamp1/state`.

    mode, domain, module: `A-Z a-z 0-9 _ . -`, 1 to 64 of them; the hub's own modules begin with
    `$` (`$log`). variable: the same in lower case, or `$instances`. instance: any text of at
    least one character. Raises `WireError`, also for a topic of more than 256 bytes.
    """
    _level(mode, "mode")
    _level(domain, "domain")
    return _whole(f"mc1/{mode}/{domain}/{_below(module, variable, instance, True)}")


def up_topic(
    domain: str, board: str, module: str, variable: str, instance: "str | None" = None
) -> str:
    """The topic on which a board sends what is meant for a variable.

    The arguments as for `data_topic`, but neither module nor variable may begin with `$`: what is
    the hub's no board can claim. Raises `WireError`.
    """
    _level(domain, "domain")
    _level(board, "board")
    return _whole(f"mc1/$board/{domain}/{board}/up/{_below(module, variable, instance, False)}")


def board_topic(domain: str, board: str, leaf: str) -> str:
    """One of a board's other topics.

    leaf: `base`, `ack`, `status`, `propose`, `verdict`, `log`, `config`, or `update/` and a level.
    Raises `WireError`.
    """
    _level(domain, "domain")
    _level(board, "board")
    _leaf(leaf.split("/"))
    return _whole(f"mc1/$board/{domain}/{board}/{leaf}")


def hub_topic(domain: str, agent: str) -> str:
    """The topic of a hub's status, `mc1/$hub/{domain}/{agent}/status`. Raises `WireError`."""
    _level(domain, "domain")
    _level(agent, "agent")
    return _whole(f"mc1/$hub/{domain}/{agent}/status")


def parse_topic(topic: "str | bytes") -> "tuple[str | None, ...]":
    """Take a topic apart, from arbitrary text or bytes.

    Returns `("data", mode, domain, module, variable, instance)`,
    `("up", domain, board, module, variable, instance)`, `("board", domain, board, leaf)` or
    `("hub", domain, agent)`; instance is None where the topic has none, and decoded where it has
    one. Raises `WireError`, and nothing else.
    """
    if len(topic) > MAX_TOPIC:
        raise WireError(f"a topic has at most {MAX_TOPIC} bytes, this one {len(topic)}")
    if not isinstance(topic, str):
        topic = from_utf8(topic)
    _whole(topic)
    levels = topic.split("/")
    if levels[0] != "mc1" or len(levels) < 5:
        raise WireError(f"{topic[:32]!r} is no topic of this format: those begin with mc1/")
    space = levels[1]
    domain = _level(levels[2], "domain")
    if space == "$board":
        board = _level(levels[3], "board")
        if levels[4] == "up":
            up = ("up", domain, board)
            return up + _parse_below(levels[5:], False)
        return ("board", domain, board, _leaf(levels[4:]))
    if space == "$hub":
        if levels[4:] != ["status"]:
            raise WireError(f"a hub has a status only, not {levels[4][:32]!r}")
        return ("hub", domain, _level(levels[3], "agent"))
    data = ("data", _level(space, "mode"), domain)
    return data + _parse_below(levels[3:], True)


def check_below(topic: str) -> None:
    """Check the part of an up topic below `up/`: `button1/press`. Raises `WireError`."""
    _parse_below(topic.split("/"), False)


def _whole(topic: str) -> str:
    size = len(to_utf8(topic))
    if size > MAX_TOPIC:
        raise WireError(f"a topic has at most {MAX_TOPIC} bytes, this one {size}: shorten a name")
    return topic


def _level(text: str, what: str) -> str:
    if not 0 < len(text) <= MAX_LEVEL:
        raise WireError(f"{what} {text[:32]!r}: 1 to {MAX_LEVEL} characters")
    for character in text:
        if character not in _CHARACTERS:
            raise WireError(f"{what} {text[:32]!r}: only A-Z a-z 0-9 _ . - may stand here")
    return text


def _leaf(levels: "list[str]") -> str:
    leaf = "/".join(levels)
    if leaf not in LEAVES:
        if len(levels) != 2 or levels[0] != "update":
            raise WireError(f"a board has no topic {leaf[:32]!r}")
        _level(levels[1], "update")
    return leaf


def _names(module: str, variable: str, hub: bool) -> None:
    _level(module[1:] if hub and module[:1] == "$" else module, "module")
    if hub and variable == "$instances":
        return
    if _level(variable, "variable") != variable.lower():
        raise WireError(f"variable {variable!r}: variables travel in lower case")


def _below(module: str, variable: str, instance: "str | None", hub: bool) -> str:
    _names(module, variable, hub)
    if instance is None:
        return f"{module}/{variable}"
    if not 0 < len(instance) <= MAX_TOPIC:
        raise WireError(f"an instance has 1 to {MAX_TOPIC} characters, this one {len(instance)}")
    return f"{module}/{variable}/{_quote(instance)}"


def _parse_below(levels: "list[str]", hub: bool) -> "tuple[str, str, str | None]":
    if len(levels) == 2:
        _names(levels[0], levels[1], hub)
        return (levels[0], levels[1], None)
    if len(levels) != 3 or not levels[2]:
        raise WireError("a message's topic ends in module/variable or module/variable/instance")
    _names(levels[0], levels[1], hub)
    return (levels[0], levels[1], _unquote(levels[2]))


def _quote(text: str) -> str:
    """Percent-encode what MQTT gives a meaning to or forbids (MQTT 5.0, 1.5.4 and 4.7)."""
    quoted = ""
    for character in text:
        code = ord(character)
        if (
            code < 0x20
            or 0x7F <= code < 0xA0
            or character in "/+#%"
            or (character == "$" and not quoted)
            or 0xFDD0 <= code < 0xFDF0
            or code & 0xFFFE == 0xFFFE
        ):
            for byte in character.encode():
                quoted += f"%{byte:02X}"
        else:
            quoted += character
    return quoted


def _unquote(level: str) -> str:
    raw = b""
    for i, part in enumerate(level.split("%")):
        if i:
            try:
                raw += bytes([int(part[:2], 16)])
            except ValueError:
                raise WireError(f"instance {level[:32]!r}: two hex digits follow a %") from None
            part = part[2:]
        raw += part.encode()
    text = from_utf8(raw)
    if _quote(text) != level:
        raise WireError(f"instance {level[:32]!r}: encode / + # % and control characters only")
    return text
