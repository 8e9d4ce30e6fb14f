"""Runs under MicroPython: decodes each line `what hex` of a file, prints what came of it.

Arguments: the file, and the folder of `wire_vectors.py`.
"""

import sys

sys.path.append(sys.argv[2])
from wire_vectors import outcome, payload

with open(sys.argv[1]) as lines:
    for line in lines:
        what, digits = line.rstrip("\n").split(" ")
        print(outcome(what, payload({"hex": digits})))
