"""`machine.I2C` and `machine.SoftI2C` of a virtual board; loaded into `machine` when asked for.

A transaction asks once and is answered once, so a driver's time is that of a real bus at about
1 MHz, however the frequency is set.
"""
# mypy: ignore-errors
# ruff: noqa: F821
# (MicroPython's own modules, which mypy does not know; and it runs among the names of machine.py)


class SoftI2C:
    """An I2C bus on any two pins. Raises OSError (EIO) when nobody answers at an address."""

    def __init__(self, scl=None, sda=None, *, freq=400_000, timeout=50_000):
        if scl is None or sda is None:
            raise ValueError("I2C of a virtual board needs scl and sda")
        self._wires = bytes((_number(sda), _number(scl)))

    def _talk(self, address, written, count):
        return _ask(
            "i", self._wires, bytes((address & 127, count >> 8, count & 255)), bytes(written)
        )

    def scan(self):
        """Return the addresses of who is there."""
        return list(_ask("s", self._wires))

    def writeto(self, addr, buf, stop=True):
        """Write bytes; returns how many were taken."""
        self._talk(addr, buf, 0)
        return len(buf)

    def writevto(self, addr, vector, stop=True):
        """Write several pieces as one."""
        return self.writeto(addr, b"".join(bytes(piece) for piece in vector), stop)

    def readfrom(self, addr, nbytes, stop=True):
        """Read bytes."""
        return self._talk(addr, b"", nbytes)

    def readfrom_into(self, addr, buf, stop=True):
        """Read as many bytes as `buf` holds."""
        buf[:] = self._talk(addr, b"", len(buf))

    def readfrom_mem(self, addr, memaddr, nbytes, *, addrsize=8):
        """Read bytes from a register on."""
        return self._talk(addr, _register(memaddr, addrsize), nbytes)

    def readfrom_mem_into(self, addr, memaddr, buf, *, addrsize=8):
        """Read as many bytes as `buf` holds from a register on."""
        buf[:] = self._talk(addr, _register(memaddr, addrsize), len(buf))

    def writeto_mem(self, addr, memaddr, buf, *, addrsize=8):
        """Write bytes from a register on."""
        self._talk(addr, _register(memaddr, addrsize) + bytes(buf), 0)


class I2C(SoftI2C):
    """An I2C bus of the chip's own: on an RP2, only on some pins (RP2040 Datasheet, 2.19.2)."""

    def __init__(self, id=0, *, scl=None, sda=None, freq=400_000, timeout=50_000):
        super().__init__(scl, sda, freq=freq)
        if simulates.startswith("pico"):
            for name, number, first in (("SDA", self._wires[0], 0), ("SCL", self._wires[1], 1)):
                if number % 4 != 2 * int(id) + first:
                    raise ValueError(f"bad {name} pin")


def _number(pin):
    return pin.number if isinstance(pin, Pin) else Pin(pin).number


def _register(address, size):
    return address.to_bytes(size // 8, "big")
