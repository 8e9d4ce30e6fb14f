"""What a board runs first, before main.py and before the console of a tool that copies files.

It leaves the pins alone: they stay inputs until the adapter opens them at their safe values.
"""

import gc

gc.collect()
gc.threshold(gc.mem_free() // 4 + gc.mem_alloc())  # often and short, so that memory stays whole
