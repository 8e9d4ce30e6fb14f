"""Topics: who may write where is the topic's form alone.

`mc1/{mode}/…` are the data topics, the hub's. `mc1/$board/{domain}/{board}/…` belongs to one
board and its hub, `mc1/$hub/…` to the hubs. One text names one topic and one topic one text: an
instance has exactly one encoding, any other is refused, for order holds per topic.

Here is what a board writes; the hub's topics, and taking one apart, are in `hub_topics.py`.
"""

from .errors import WireError
from .runtime import to_utf8

MAX_TOPIC = 256  # bytes; bounds what a stranger's topic can cost, and fits a board's buffer
MAX_LEVEL = 64

_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"


def board_topic(domain: str, board: str, leaf: str) -> str:
    """One of a board's topics.

    domain, board: `A-Z a-z 0-9 _ . -`, 1 to 64 of them. leaf: `base`, `ack`, `status`, `propose`,
    `verdict`, `log`, `config`, or `update/` and a level; or nothing, for what all of them begin
    with. Raises `WireError`.
    """
    check_level(domain, "domain")
    check_level(board, "board")
    if leaf:
        check_level(leaf[7:] if leaf[:7] == "update/" else leaf, "leaf")
    return f"mc1/$board/{domain}/{board}/{leaf}"


def check_below(levels: "list[str]") -> None:
    """Check the levels that follow `up/` in a topic: `button1/press`. Raises `WireError`.

    What passes, no broker refuses. (A broker may close the link of whoever publishes to a
    forbidden topic, so a message there would block all that come after it.)
    """
    if not 2 <= len(levels) <= 3:
        raise WireError("a topic ends in module/variable or module/variable/instance")
    check_level(levels[0], "module")
    check_level(levels[1], "variable")
    if levels[1] != levels[1].lower():
        raise WireError(f"variable {levels[1]!r}: variables travel in lower case")
    if len(levels) == 3:
        bare = levels[2].replace("%", "")
        if not bare or quote(bare) != bare:
            raise WireError(f"instance {levels[2][:32]!r}: percent-encode / + # % and controls")
        check_length(bare)


def check_level(text: str, what: str) -> str:
    size = len(text)
    for character in text:
        if character not in _CHARACTERS:
            size = 0
            break
    if 0 < size <= MAX_LEVEL:
        return text
    raise WireError(f"{what} {text[:32]!r}: 1 to {MAX_LEVEL} of A-Z a-z 0-9 _ . -")


def check_length(topic: str) -> str:
    size = len(to_utf8(topic))
    if size > MAX_TOPIC:
        raise WireError(f"a topic has at most {MAX_TOPIC} bytes, not {size}")
    return topic


def quote(text: str) -> str:
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
