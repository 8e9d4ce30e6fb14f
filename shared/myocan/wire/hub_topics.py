"""The hub's topics, those that tools write to, and taking any topic apart.

A board compares topics, and adds to the beginning of its own; it needs none of this.
"""

from .errors import WireError
from .runtime import from_utf8
from .topics import (
    MAX_TOPIC,
    board_topic,
    check_below,
    check_length,
    check_level,
    quote,
)

LEAVES = ("base", "ack", "status", "propose", "verdict", "log", "config")


def data_topic(
    mode: str, domain: str, module: str, variable: str, instance: "str | None" = None
) -> str:
    """The topic of a variable's messages, written by the hub: `mc1/live/home/lamp1/state`.

    mode, domain, module: `A-Z a-z 0-9 _ . -`, 1 to 64 of them; the hub's own modules begin with
    `$` (`$log`). variable: the same in lower case, or `$instances`. instance: any text of 1 to
    256 characters. Raises `WireError`, also for a topic of more than 256 bytes.
    """
    check_level(mode, "mode")
    check_level(domain, "domain")
    levels = [module, variable]
    if instance is not None:
        levels.append(quote(instance))
    _parse_below(levels, True)
    return check_length(f"mc1/{mode}/{domain}/" + "/".join(levels))


def up_topic(
    domain: str, board: str, module: str, variable: str, instance: "str | None" = None
) -> str:
    """The topic on which a board sends what is meant for a variable.

    domain, board, module: `A-Z a-z 0-9 _ . -`, 1 to 64 of them. variable: the same in lower case.
    (What begins with `$` is the hub's, and no board can claim it.) instance: any text of 1 to 256
    characters. Raises `WireError`, also for a topic of more than 256 bytes.
    """
    levels = [module, variable]
    if instance is not None:
        levels.append(quote(instance))
    check_below(levels)
    return check_length(board_topic(domain, board, "") + "up/" + "/".join(levels))


def hub_topic(domain: str, agent: str) -> str:
    """The topic of a hub's status, `mc1/$hub/{domain}/{agent}/status`. Raises `WireError`."""
    check_level(domain, "domain")
    check_level(agent, "agent")
    return f"mc1/$hub/{domain}/{agent}/status"


def parse_topic(topic: "str | bytes") -> "tuple[str | None, ...]":
    """Take a topic apart, from arbitrary text or bytes.

    Returns `("data", mode, domain, module, variable, instance)`,
    `("up", domain, board, module, variable, instance)`, `("board", domain, board, leaf)` or
    `("hub", domain, agent)`; instance is decoded, and None where the topic has none. Raises
    `WireError`.
    """
    if len(topic) > MAX_TOPIC:
        raise WireError(f"a topic has at most {MAX_TOPIC} bytes, not {len(topic)}")
    text = topic if isinstance(topic, str) else from_utf8(topic)
    check_length(text)
    levels = text.split("/")
    if levels[0] != "mc1" or len(levels) < 5:
        raise WireError(f"{text[:32]!r} is no topic of this format: those begin with mc1/")
    space = levels[1]
    domain = check_level(levels[2], "domain")
    if space == "$board":
        board = check_level(levels[3], "board")
        if levels[4] != "up":
            leaf = "/".join(levels[4:])
            if leaf not in LEAVES:
                if levels[4] != "update" or len(levels) != 6:
                    raise WireError(f"a board has no topic {leaf[:32]!r}")
                check_level(levels[5], "update")
            return ("board", domain, board, leaf)
        module, variable, instance = _parse_below(levels[5:], False)
        return ("up", domain, board, module, variable, instance)
    if space == "$hub":
        if levels[4:] != ["status"]:
            raise WireError(f"a hub has a status only, not {levels[4][:32]!r}")
        return ("hub", domain, check_level(levels[3], "agent"))
    module, variable, instance = _parse_below(levels[3:], True)
    return ("data", check_level(space, "mode"), domain, module, variable, instance)


def sender_of(topic: "str | bytes") -> "tuple[str, str]":
    """The (domain, board) of a board's topic, even of one that `parse_topic` refuses.

    Raises `WireError` if it is not below `mc1/$board/` and two proper names.
    """
    if isinstance(topic, str):
        levels = topic.split("/", 4)[:4]
    else:
        levels = [from_utf8(level) for level in topic.split(b"/", 4)[:4]]
    if levels[:2] != ["mc1", "$board"] or len(levels) < 4:
        raise WireError("the topic is not below mc1/$board/{domain}/{board}")
    return check_level(levels[2], "domain"), check_level(levels[3], "board")


def _parse_below(levels: "list[str]", hub: bool) -> "tuple[str, str, str | None]":
    """Take module, variable and instance; `hub`: those may be the hub's own, with a `$`."""
    names = levels[:]
    if hub and names[0][:1] == "$":
        names[0] = names[0][1:]
    if hub and names[1:2] == ["$instances"]:
        names[1] = "instances"
    check_below(names)
    return (levels[0], levels[1], _unquote(levels[2]) if len(levels) == 3 else None)


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
    if not text or quote(text) != level:
        raise WireError(f"instance {level[:32]!r}: encode / + # % and control characters only")
    return text
