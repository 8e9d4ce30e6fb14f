"""What to freeze into a MicroPython firmware of one's own, for boards with little memory.

    make -C ports/rp2 BOARD=RPI_PICO_W FROZEN_MANIFEST=.../firmware/manifest.py

Frozen code takes flash instead of RAM. boot.py, main.py, slots.py and the
configuration stay files, so that a board
gets another configuration without another firmware. Which files there are is said in package.json.
They are copied by mpremote: `myocan flash` would put the same code into /lib, and code that lies
there is taken first, as it must be for updates.
"""
# mypy: ignore-errors
# ruff: noqa: F821
# (run by MicroPython's build, which defines include and package)

import json

include("$(PORT_DIR)/boards/manifest.py")

with open("package.json") as file:
    urls = json.load(file)["urls"]
for portion in ("edge", "shared"):
    base = "../" + portion
    files = [target[7:] for target, source in urls if source.startswith(base + "/")]
    package("myocan", files=files, base_path=base)
