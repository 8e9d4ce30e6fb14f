"""Runs under MicroPython: every test of a module that imports nothing but the package.

Arguments: the folder and the name of the module. Prints each failure and a last line.
"""

import gc
import sys

sys.path.append(sys.argv[1])
module = __import__(sys.argv[2])

count = 0
failures = 0
for name in dir(module):
    if name.startswith("test_"):
        count += 1
        gc.collect()
        try:
            getattr(module, name)()
        except Exception as error:
            failures += 1
            print(name)
            sys.print_exception(error)  # type: ignore[attr-defined]
print(count, "tests,", failures, "failures")
