"""What `machine` does with exact timing on one wire; loaded into `machine` when asked for."""
# mypy: ignore-errors
# ruff: noqa: F821
# (MicroPython's own modules, which mypy does not know; and it runs among the names of machine.py)


def dht_readinto(pin, buf):
    """Read the five bytes of a DHT11 or DHT22; raises OSError (ETIMEDOUT) when none is there."""
    buf[:] = _ask("d", bytes((pin.number,)))


def bitstream(pin, encoding, timing, data):
    """Send bytes as pulses, as a NeoPixel takes them; what was sent can be seen from outside."""
    _ask("l", bytes((pin.number,)), bytes(data))
