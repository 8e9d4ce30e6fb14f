"""The one error of the wire format.

A `WireError` names the field that is wrong and what belongs there, with a short excerpt at most:
what a stranger sends must not fill a log.
"""


class WireError(ValueError):
    """A topic or a payload is not of this format, or cannot be expressed in it.

    The only exception that anything in `myocan.wire` raises for what it is given.
    """
