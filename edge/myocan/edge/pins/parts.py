"""What a pin can be besides a level: PWM, an analog input, a bus; loaded where a port wants it.

The one idea to know: `part(pins, "pwm", ...)` is how a port gets one, and for a real board it is
made by the file `machine_pwm.py` beside this one. Who puts a board's files together looks for these
words in the ports' sources, so a board carries just the parts that its ports ask for, and the
word is always written out. Libraries of other machines have a method `part` that does the same.

The parts, with the arguments after `pins`, and what they return (see `interfaces.py`):

"pwm": pin, frequency in Hz, duty at the start from 0 to 65535; a PwmOut.
"analog": pin; an AnalogIn.
"i2c": the pins of SDA and SCL; an I2cBus. Ports that name the same pins share it.
"one_wire": pin; a OneWireBus, shared likewise.
"dht": pin, and whether it is a DHT11 (else a DHT22); a DhtIn.
"pixels": pin; a PixelsOut.
"pulses": pin, pull, the level that a pulse begins with, and how long it chatters, in milliseconds;
    a PulsesIn.
"""

from myocan.edge.clock import const
from myocan.edge.errors import PinError

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from typing import Any

    from myocan.edge.interfaces import Pins


def part(pins: "Pins", kind: str, *what: "Any") -> "Any":
    """Return a part of the kind that is named, made of the pins of `pins`.

    Raises PinError if there is none of this kind here, or if a pin cannot be that.
    """
    make = getattr(pins, "part", None)
    if make is not None:
        return make(kind, *what)
    try:
        make = __import__("myocan.edge.pins.machine_" + kind, None, None, ("make",)).make
    except ImportError:
        raise PinError(f"this board has no part '{kind}': flash it again")  # noqa: B904 (no chains)
    return make(pins, *what)
