"""Processes of `myocan` that need not read its modules again: each is forked from one that has.

Reading them takes longer than most commands do. What is forked is a process like any other: it has
its own folder, environment, output, signals and exit status, and Python ends it as it ends any.

The process that forks is a child of the test session's, ends with it, and runs no command itself.
Both speak through a socket: the session sends a request, and with it the files that are to be
standard input, output and error, and one to tell the process id and then the status to.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import socket
import sys
import time
from typing import Any

READ_BEFORE = (
    "myocan.edge.errors",
    "myocan.hub.agent",
    "myocan.hub.control",
    "myocan.hub.errors",
    "myocan.hub.history",
    "myocan.hub.lang",
    "myocan.hub.lang.formatter",
    "myocan.hub.models",
    "myocan.hub.scenario",
    "myocan.hub.store",
    "myocan.tools.cli",
    "myocan.tools.errors",
    "myocan.tools.house_check",
    "rich.console",
    "rich.table",
    "typer.rich_utils",
)
"""What the commands use most; what is missing here, they read themselves."""

REQUEST_BYTES = 1 << 20


def serve(control: socket.socket) -> dict[str, Any]:
    """Fork a process for each request; return the request, in that process. Ends at the end."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait
    while True:
        content, files, _flags, _address = socket.recv_fds(control, REQUEST_BYTES, 4)
        if not content:
            os._exit(0)
        if os.fork() == 0:
            break
        for file in files:
            os.close(file)
    control.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    *standard, told = files
    pid = os.fork()
    if pid:
        for file in standard:
            os.close(file)
        os.write(told, f"{pid}\n".encode())
        _, status = os.waitpid(pid, 0)
        os.write(told, f"{os.waitstatus_to_exitcode(status)}\n".encode())
        os._exit(0)
    os.close(told)
    for number, file in enumerate(standard):
        os.dup2(file, number)
        os.close(file)
    return dict(json.loads(content))


def become(request: dict[str, Any]) -> None:
    """Make of this process what was asked for: where it is, and what it was started with."""
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    sys.path.insert(0, request["cwd"])
    sys.argv[1:] = request["arguments"]


if __name__ == "__main__":
    with contextlib.suppress(ValueError):
        sys.path.remove(os.path.dirname(os.path.abspath(__file__)))
    for name in READ_BEFORE:
        importlib.import_module(name)
    importlib.import_module("myocan.hub.lang").compile_module("MODULE m\n", "m")  # the grammar, too
    become(serve(socket.socket(fileno=int(sys.argv[1]))))
    from myocan.tools.cli import main

    main()
