"""Answers the hub's proposals: whether ports would take values, before anybody says them.

The one idea to know: nothing is done here. Each port is asked its own check, and an interlock looks
at what another port of the same proposal would show. The values come as messages if they come.

No board carries this in its memory that was never asked: it is loaded with the first proposal.
"""

from myocan.edge.clock import const
from myocan.edge.errors import Refused
from myocan.wire.proposal import decode_propose, encode_verdict

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from myocan.edge.ports.port import Port
    from myocan.wire.message import Value

_MAX_WHY = const(200)


def verdict_on(payload: bytes, now_ms: "int | None", ports: "list[Port]") -> "bytes | None":
    """Return the verdict on a proposal, None if it is past its time.

    payload: as it came. now_ms: the hub's clock; None if it was not told yet, then a verdict that
    comes late does no harm. ports: all of the board.

    Raises WireError for what is no proposal.
    """
    txn, expires_ms, values = decode_propose(payload)
    if now_ms is not None and now_ms > expires_ms:
        return None
    why = _objection(values, {port.name: port for port in ports})
    if why is None:
        return encode_verdict(txn, True)
    return encode_verdict(txn, False, why[:_MAX_WHY])


def _objection(values: "dict[str, Value]", ports: "dict[str, Port]") -> "str | None":
    """Return what speaks against it that ports take these values together."""
    needs = [need for port in ports.values() if port.guard for need in port.guard.needs]
    for need in needs:
        if need.port in values and not need.what:
            need.assumed = (values[need.port],)
    try:
        for name, value in values.items():
            port = ports.get(name)
            if port is None or port.subscribe is None:
                return f"port '{name}' takes no values on this board: flash it again"
            port.check(value)
    except Refused as error:
        return str(error)
    except Exception as error:  # the check of a port that somebody wrote himself
        return f"port '{name}' could not be asked: {error!r}"
    finally:
        for need in needs:
            need.assumed = None
    return None
