"""Runs under MicroPython: an Outbox that is moved by lines on stdin and answers on stdout.

push TOPIC NUMBER KEEP | ack HEX | tick MS | reconnect | send COUNT | state
"""

import gc
import sys

from myocan.wire import Outbox, decode_ack

boots = list(range(100, 0, -1))
outbox = Outbox(int(sys.argv[1]), boots.pop(), boots.pop)
while True:
    words = sys.stdin.readline().split()
    if not words:
        break
    if words[0] == "push":
        outbox.push(words[1], int(words[2]), words[3])
    elif words[0] == "ack":
        payload = bytes([int(words[1][i : i + 2], 16) for i in range(0, len(words[1]), 2)])
        boot, seq, now_ms, _ = decode_ack(payload)
        outbox.on_ack(boot, seq, now_ms)
    elif words[0] == "tick":
        outbox.on_tick(int(words[1]))
    elif words[0] == "reconnect":
        outbox.on_reconnect()
    elif words[0] == "send":
        for _ in range(int(words[1])):
            frame = outbox.sendable()
            if frame is None:
                break
            print(frame[0], frame[1].decode())
        print()
    elif words[0] == "state":
        gc.collect()
        print(len(outbox), outbox.lost, outbox.base, gc.mem_alloc())  # type: ignore[attr-defined]
