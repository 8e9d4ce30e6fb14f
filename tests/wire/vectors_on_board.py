"""Runs under MicroPython: holds the package to the vectors, prints each fault and a last line.

Arguments: the file of vectors, and the folder of `wire_vectors.py`.
"""

import json
import sys

sys.path.append(sys.argv[2])
from wire_vectors import fault

count = 0
faults = 0
with open(sys.argv[1], encoding="utf-8") as lines:
    for line in lines:
        if line.startswith('{"what"'):
            vector = json.loads(line.rstrip("\n").rstrip(","))
            found = fault(vector)
            count += 1
            if found:
                faults += 1
                print(line[:200], found[:200])
print(count, "vectors,", faults, "faults")
