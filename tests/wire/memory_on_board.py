"""Runs under MicroPython: what each decoder allocates for the payloads that cost most.

Prints, for each, the bytes allocated in all, garbage included, and the bytes of the payload.
"""

import gc

import myocan.wire as wire
from myocan.wire import WireError

TEXTS = ("x" * 4096, "\\n" * 4096, "\\u00e9" * 2048, "é" * 2048, "\\" * 20000, "x" * 20000)
PAYLOADS = [(wire.decode_up, f'["{text}",1,1,1]') for text in TEXTS]
PAYLOADS += [
    (wire.decode_data, '["' + "x" * 4096 + '",1,1,"x",1]'),
    (wire.decode_up, "[" * 20000),
    (wire.decode_up, "[" + "," * 20000 + "]"),
    (wire.decode_up, "[" + "9" * 20000 + ",1,1,1]"),
    (wire.decode_status, "[" * 20000),
    (wire.decode_status, '{"online":true,"applied":' * 800),
    (wire.decode_status, "{" + '"a":' * 5000),
    (wire.parse_topic, "mc1/" * 5000),
]
for decode, text in PAYLOADS:
    payload = text.encode()
    del text
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()  # type: ignore[attr-defined]
    try:  # noqa: SIM105 (there is no contextlib)
        decode(payload)
    except WireError:
        pass
    print(gc.mem_alloc() - before, len(payload))  # type: ignore[attr-defined]
    gc.enable()
