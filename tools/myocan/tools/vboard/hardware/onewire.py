"""The `onewire` module of a virtual board, with what its C part `_onewire` has: 1-Wire."""
# mypy: ignore-errors
# (MicroPython's own modules, which mypy does not know)

import machine


class OneWireError(Exception):
    """Nobody is on the wire."""


def reset(pin):
    """Begin; return whether somebody is there."""
    return machine._ask("o", bytes((pin.number, 114)))[0]  # "r"


def _write(pin, bits, piece):
    machine._ask("o", bytes((pin.number, 119, bits)), piece)  # "w"


def _read(pin, bits, count):
    return machine._ask("o", bytes((pin.number, 82, bits, count)))  # "R"


def writebit(pin, bit):
    _write(pin, 1, bytes((bit & 1,)))


def writebyte(pin, byte):
    _write(pin, 8, bytes((byte & 255,)))


def readbit(pin):
    return _read(pin, 1, 1)[0]


def readbyte(pin):
    return _read(pin, 8, 1)[0]


def crc8(piece):
    """Return the CRC of bytes: 0 over those of which the last is the CRC of the others."""
    crc = 0
    for byte in piece:
        for _ in range(8):
            crc = crc >> 1 ^ (0x8C if (crc ^ byte) & 1 else 0)
            byte >>= 1
    return crc


class OneWire:
    """A 1-Wire bus on a pin."""

    SEARCH_ROM, MATCH_ROM, SKIP_ROM = 0xF0, 0x55, 0xCC

    def __init__(self, pin):
        self.pin = pin
        self.pin.init(pin.OPEN_DRAIN, pin.PULL_UP, 1)

    def reset(self, required=False):
        """Begin; return whether somebody is there, or raise OneWireError if `required`."""
        there = reset(self.pin)
        if required and not there:
            raise OneWireError
        return there

    def readbit(self):
        return readbit(self.pin)

    def readbyte(self):
        return readbyte(self.pin)

    def readinto(self, buf):
        buf[:] = _read(self.pin, 8, len(buf))

    def writebit(self, value):
        writebit(self.pin, value)

    def writebyte(self, value):
        writebyte(self.pin, value)

    def write(self, buf):
        _write(self.pin, 8, bytes(buf))

    def select_rom(self, rom):
        """Talk to the one with this number from now on."""
        self.reset()
        self.write(bytes((self.MATCH_ROM,)) + bytes(rom))

    def crc8(self, piece):
        return crc8(piece)

    def scan(self):
        """Return the numbers of all that are on the wire.

        At each place where two differ, one pass goes the way of 1 and a later one that of 0
        (Maxim application note 187, "1-Wire Search Algorithm").
        """
        found, fork, last = [], 0, bytearray(8)
        while fork is not None:
            rom, next_fork = bytearray(8), None
            if not self.reset():
                break
            self.writebyte(self.SEARCH_ROM)
            for place in range(64):
                bit, other = self.readbit(), self.readbit()
                if bit and other:
                    return found  # somebody has left
                if bit == other:
                    before = last[place >> 3] >> (place & 7) & 1
                    bit = 0 if place + 1 == fork else before if place + 1 < fork else 1
                    if bit:
                        next_fork = place + 1
                rom[place >> 3] |= bit << (place & 7)
                self.writebit(bit)
            found.append(rom)
            fork, last = next_fork, rom
        return found
