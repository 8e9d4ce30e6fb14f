"""The command line: one command for one thing that people do with a house.

The one idea to know: a command loads only what it uses. So this module names the commands and
where they live, each of their modules imports its heavy parts inside the function that needs them,
and `myocan --version` answers before anything large is read.

Exit codes are in `myocan.tools.cli.exits`, the option that names a house in `...cli.houses`.
"""

from __future__ import annotations

import errno
import signal
import sys
from typing import Annotated

import typer

from myocan.tools.cli import (
    accounts,
    asking,
    boards,
    chaos,
    check,
    demo,
    deploy,
    fmt,
    hil,
    init,
    instances,
    kinds,
    messages,
    modes,
    replay,
    run,
    scenarios,
    store,
    topic_list,
    updates,
    upkeep,
    why,
)
from myocan.tools.cli.exits import EPILOG, Ended, Exit

__all__ = ["app", "main"]

app = typer.Typer(
    name="myocan",
    help="Rules for a house that anyone can write, on boards and a hub that lose nothing.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("init")(init.init)
app.command("run")(run.run)
app.command("check")(check.check)
app.command("fmt")(fmt.fmt)
app.command("test")(scenarios.scenarios)
app.command("tail")(messages.tail)
app.command("get")(messages.get)
app.command("ask")(asking.ask)
app.command("send", context_settings={"ignore_unknown_options": True})(messages.send)
app.add_typer(deploy.deploy, name="deploy")
app.add_typer(instances.instance, name="instance")
app.add_typer(topic_list.topic, name="topic")
app.add_typer(modes.mode, name="mode")
app.command("clock")(modes.clock)
app.command("why")(why.why)
app.command("replay")(replay.replay)
app.add_typer(store.store, name="store")
accounts.add_to(kinds.board)
upkeep.add_to(kinds.board)
kinds.board.command("mode")(modes.board_mode)
app.add_typer(kinds.board, name="board")
app.command("flash")(boards.flash)
app.command("update")(updates.update)
app.add_typer(boards.adapter, name="adapter")
app.command("demo")(demo.demo)
app.command("chaos")(chaos.chaos)
app.command("hil")(hil.hil)


def _version(asked: bool) -> None:
    if asked:
        from myocan.tools.cli.version import describe

        print(describe())
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_version,
            is_eager=True,
            help="Say which version this is, and whether its core is compiled.",
        ),
    ] = False,
) -> None:
    """Options that stand before a command."""


def main() -> None:
    """Run the command line; what a person can put right is told without a traceback."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        app(prog_name="myocan")  # also where it was started as `python -m myocan.tools.cli`
    except OSError as error:
        if error.filename is not None:
            told = f"{error.filename}: {error.strerror}; {_REMEDY}"
        elif error.errno in (errno.ENOSPC, errno.EDQUOT):  # in the middle of writing
            told = f"{error.strerror}: make room, and do it again"
        else:
            raise
        print(f"myocan: {told}", file=sys.stderr)
        sys.exit(Exit.FAILED)
    except Exception as error:
        if not _expected(error):
            raise
        print(f"myocan: {error}", file=sys.stderr)
        sys.exit(Exit.FAILED)


_REMEDY = "check that it is there, that its disk has room, and that it belongs to you"


def _leave(number: int, frame: object) -> None:
    """End as after Ctrl-C: what a command has started or made goes with it."""
    raise Ended(128 + number)


def _expected(error: Exception) -> bool:
    """Whether this is one of ours, whose message says what to do."""
    from myocan.edge.errors import EdgeError
    from myocan.hub.errors import HubError
    from myocan.tools.errors import ToolsError
    from myocan.wire import WireError

    return isinstance(error, EdgeError | HubError | ToolsError | WireError)
