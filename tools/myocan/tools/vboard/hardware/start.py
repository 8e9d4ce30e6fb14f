"""Run by the interpreter before anything of the user's: makes it look like a board.

Loads the simulated hardware while the machine's own files are still in sight, then puts the board's
file system in their place, tells the simulator that the board is up, and runs what a board runs.
`BOARD` is put in front of this text: a tuple as unpacked below.
"""
# mypy: ignore-errors
# (MicroPython's own modules, which mypy does not know)

import os
import sys

import vfs

(
    _hardware,  # folder of the simulated modules
    _inward,  # descriptor on which pin changes arrive
    _outward,  # descriptor on which pin changes leave
    _bus,  # descriptor on which the board asks and is answered
    _kind,
    _pins,  # ((name, number), ...)
    _identity,
    _cause,
    _root,  # folder that is the board's file system, or the image file of its flash
    _flash,  # size of the flash in bytes, or 0 for a folder
    _scripts,  # what to run: a soft reset from the raw REPL leaves main.py out
    _fuse,  # the power goes in the middle of so manieth write to the flash; 0 for never
) = BOARD  # noqa: F821

sys.path.insert(0, _hardware)
import machine  # noqa: E402
import network  # noqa: E402


class _Flash:
    """A NOR flash in a file, for a real littlefs: 4 KiB blocks, erased to ones.

    left: how many writes and erasures the power lasts for; the last of them is done by half.
    """

    BLOCK = 4096

    def __init__(self, path, size, left, tell):
        self.blocks, self.left, self.tell = size // self.BLOCK, left, tell
        try:
            self.file = open(path, "r+b")  # noqa: SIM115
        except OSError:
            self.file = open(path, "w+b")  # noqa: SIM115
            for _ in range(self.blocks):
                self.file.write(b"\xff" * self.BLOCK)

    def readblocks(self, block, buf, offset=0):
        self.file.seek(block * self.BLOCK + offset)
        self.file.readinto(buf)

    def writeblocks(self, block, buf, offset=0):
        self.change(block * self.BLOCK + offset, buf)

    def change(self, place, buf):
        self.file.seek(place)
        if self.left:
            self.left -= 1
            if not self.left:
                self.file.write(bytes(buf)[: len(buf) // 2])
                self.tell(120)  # "x": the power is gone
                while True:
                    pass
            self.tell(110)  # "n": one write more is done
        self.file.write(buf)

    def ioctl(self, operation, argument):
        if operation == 4:
            return self.blocks
        if operation == 5:
            return self.BLOCK
        if operation == 6:
            self.change(argument * self.BLOCK, b"\xff" * self.BLOCK)
        return 0


machine._connect(
    (
        open(_inward, "rb"),  # noqa: SIM115
        open(_outward, "wb"),  # noqa: SIM115
        open(_bus, "wb"),  # noqa: SIM115
        open(_bus, "rb"),  # noqa: SIM115
    ),
    vfs.VfsPosix(_hardware),
    _kind,
    _pins,
    _identity,
    _cause,
)

if _flash:
    _device = _Flash(_root, _flash, _fuse, machine._send)
    try:
        _files = vfs.VfsLfs2(_device, progsize=256, lookahead=128)
    except OSError:
        vfs.VfsLfs2.mkfs(_device, progsize=256, lookahead=128)
        _files = vfs.VfsLfs2(_device, progsize=256, lookahead=128)
    del _device
else:
    _files = vfs.VfsPosix(_root)

sys.modules["onewire"] = sys.modules["_onewire"] = machine._Later("onewire")
network._connect()
vfs.umount("/")
vfs.mount(_files, "/")
os.chdir("/")
sys.path[:] = ["", ".frozen", "/lib"]
_tell = machine._send
_here = os.listdir()  # looked up before anybody is told, who then may put files there for next time
_scripts = [script for script in _scripts if script in _here]
_tell(117)  # "u": up; from now on Ctrl-C is for the user's program
del (
    _hardware,
    _inward,
    _outward,
    _bus,
    _kind,
    _pins,
    _identity,
    _cause,
    _root,
    _flash,
    _files,
    _Flash,
    _fuse,
)
del BOARD, machine, network, os, sys, vfs  # noqa: F821


def _run(script, tell):
    with open(script) as file:  # whose text a board does not keep, either
        program = compile(file.read(), script, "exec")
    try:
        exec(program, globals())
    except SystemExit:  # sys.exit() or machine.soft_reset(): here it would only give a prompt
        tell(115)  # "s": reset me softly
        while True:
            pass


for _script in _scripts:
    _run(_script, _tell)
