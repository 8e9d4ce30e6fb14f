"""`myocan deploy`: put rules in force while the hub runs, see what was in force, go back to it."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup, TyperOption

from myocan.tools.cli.exits import Exit
from myocan.tools.cli.houses import HouseOption, JsonOption, ModeOption, open_house
from myocan.tools.cli.moments import parse_moment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from myocan.hub.history import Deployed
    from myocan.hub.house import House
    from myocan.tools.deploying import Effect, Verdict


class _HouseOrCommand(TyperGroup):
    """Takes a house where the others of its kind take a command: `deploy cottage`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        takes = {
            name
            for option in self.params
            if isinstance(option, TyperOption) and not option.is_flag
            for name in option.opts
        }
        place = 0
        while place < len(args) and args[place].startswith("-"):
            place += 2 if args[place] in takes else 1
        if place < len(args):
            word, rest = args[place], [*args[:place], *args[place + 1 :]]
            args = [word, *rest] if word in self.commands else ["--house", word, *rest]
        return super().parse_args(ctx, args)


deploy = typer.Typer(
    cls=_HouseOrCommand,
    invoke_without_command=True,
    subcommand_metavar="[HOUSE | diff | history | rollback [N | OFFSET]]",
)

ModulesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--module",
        metavar="NAME",
        help="Only this module; the others stay as they run. May be given several times.",
    ),
]
DryOption = Annotated[
    bool, typer.Option("--dry-run", help="Only tell what would be done, and whether it would.")
]


@deploy.callback()
def deploy_files(
    ctx: typer.Context,
    diff: Annotated[bool, typer.Option("--diff", help="The same as `deploy diff`.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Deploy though scenarios fail; the log will say so.")
    ] = False,
    history: Annotated[
        bool, typer.Option("--history", help="Tell new modules what came before them.")
    ] = False,
    since: Annotated[
        str | None,
        typer.Option("--from", metavar="WHEN", help="With --history: what came since then."),
    ] = None,
    modules: ModulesOption = None,
    dry_run: DryOption = False,
    mode: ModeOption = "live",
    house: HouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put the rules of a house in force while its hub runs: all at once, at one place of the log.

    Variables of the same name and a compatible type keep their values, timers go on. Refused if the
    rules have mistakes or their scenarios fail.

    [bold]deploy diff[/bold] shows what is different, [bold]deploy history[/bold] what was in force
    when, [bold]deploy rollback[/bold] puts earlier rules back in force.

    Example: [bold]myocan deploy[/bold], [bold]myocan deploy cottage --dry-run[/bold]
    """
    if ctx.invoked_subcommand is not None:
        return
    opened = open_house(house)
    if diff:
        show_diff(modules, mode, house, as_json)
        return
    if since is not None and not history:
        raise typer.BadParameter("--from says since when new modules are told; add --history")
    in_force, state = _in_force(opened, mode)
    sources = _sources(opened, in_force, modules)
    verdict = _judge(opened, sources, force=force, as_json=as_json)
    found = _effects(opened, in_force, sources, state)
    if dry_run:
        _tell_effects(found, "would be deployed", as_json)
        return
    wish = {
        "modules": modules or [],
        "forced": force and bool(verdict.failed),
        "failed": verdict.failed if force else [],
        "history": history,
        "since_ms": 0 if since is None else _in_ms(opened, since),
    }
    answer = _ask(opened, mode, sources, wish)
    _tell(answer, found, verdict, as_json)


@deploy.command("diff")
def show_diff(
    modules: ModulesOption = None,
    mode: ModeOption = "live",
    house: HouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how the files differ from the rules in force; exit code 1 if they do.

    Behind it stands what would become of the values of variables. Works without a running hub.

    Example: [bold]myocan deploy diff[/bold]
    """
    from myocan.tools.deploying import told

    opened = open_house(house)
    in_force, state = _in_force(opened, mode)
    found = _effects(opened, in_force, _sources(opened, in_force, modules), state)
    if as_json:
        print(json.dumps([effect.plain() for effect in found], ensure_ascii=False))
    else:
        for effect in found:
            print("\n".join(effect.diff))
        print("\n".join(told(found)) or "the files are what is in force")
    if found:
        raise typer.Exit(Exit.NO)


@deploy.command("history")
def show_history(
    mode: ModeOption = "live", house: HouseOption = None, as_json: JsonOption = False
) -> None:
    """List which rules were put in force when, and by whom. Works without a running hub.

    The first column says how many deployments back each is, for [bold]deploy rollback[/bold].

    Example: [bold]myocan deploy history[/bold]
    """
    from zoneinfo import ZoneInfo

    opened = open_house(house)
    found = _history(opened, mode)
    if as_json:
        plain = [{"back": len(found) - 1 - n, **one.plain()} for n, one in enumerate(found)]
        print(json.dumps(plain, ensure_ascii=False))
        return
    zone = ZoneInfo(opened.timezone)
    for place, one in enumerate(found):
        print(f"{len(found) - 1 - place:>3}  {_headline(one, zone)}")
    if not found:
        print("nothing was ever deployed here")


@deploy.command("rollback")
def roll_back(
    to: Annotated[
        str | None,
        typer.Argument(
            metavar="[N | OFFSET]",
            help="How many deployments back, or the offset of one; see `deploy history`. "
            "Default: to the last rules that were others.",
        ),
    ] = None,
    dry_run: DryOption = False,
    mode: ModeOption = "live",
    house: HouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put earlier rules back in force, as a new deployment; the log keeps what was between.

    The files stay as they are. No scenarios are run: they are about the files.

    Example: [bold]myocan deploy rollback[/bold], [bold]myocan deploy rollback 2[/bold]
    """
    from zoneinfo import ZoneInfo

    from myocan.hub.declared import with_models
    from myocan.hub.history import sources_as_of
    from myocan.hub.store import Reader

    opened = open_house(house)
    in_force, state = _in_force(opened, mode)
    found = _history(opened, mode)
    with Reader(opened.store_path) as reader:
        place = len(found) - 1 if to is None else _place(to, found)
        code = in_force
        if found:
            code = with_models(sources_as_of(reader, mode, found[place].end), in_force)
        while to is None and code == in_force:
            place -= 1
            if place < 0:
                raise typer.BadParameter("no other rules than these were ever in force")
            code = with_models(sources_as_of(reader, mode, found[place].end), in_force)
    if not as_json:
        print(f"back to: {_headline(found[place], ZoneInfo(opened.timezone))}")
    changed = _effects(opened, in_force, code, state)
    if not changed:
        print("these rules are in force already", file=sys.stderr)
        raise typer.Exit(Exit.NO)
    if dry_run:
        _tell_effects(changed, "would be deployed", as_json)
        return
    answer = _ask(opened, mode, code, {"back_to": found[place].offset})
    _tell(answer, changed, None, as_json)
    print(
        "the files in modules/ stay as they are; until they are changed or deployed, a restart of "
        "the hub goes on with the rules that are in force now",
        file=sys.stderr,
    )


def _place(to: str, found: list[Deployed]) -> int:
    """Return which deployment is meant. Raises typer.BadParameter."""
    number = to.removeprefix("#")
    if not number.isdigit():
        raise typer.BadParameter(f"{to!r} is neither a number of deployments nor an offset")
    back = len(found) - 1 - int(number)
    if number == to and back >= 0:
        return back
    for place, one in enumerate(found):
        if one.offset == int(number):
            return place
    raise typer.BadParameter(f"there is no deployment {to}; see `myocan deploy history`")


# ---------------------------------------------------------------------- what is, and what would be


def _in_force(house: House, mode: str) -> tuple[dict[str, str], dict[tuple[str, str, str], str]]:
    """Return the rules that run, by module, and all that is known; nothing if there is no log."""
    from myocan.hub.agent import CODE
    from myocan.hub.store import Reader

    if not house.store_path.exists():
        return {}, {}
    with Reader(house.store_path) as reader:
        state = reader.state(mode)
    return {name[0]: json.loads(text) for name, text in state.items() if name[1] == CODE}, state


def _sources(
    house: House, in_force: Mapping[str, str], modules: list[str] | None
) -> dict[str, str]:
    """Return the texts that are to run, by module."""
    from myocan.hub.agent.deployment import ModuleFiles, chosen
    from myocan.hub.declared import load_models

    declared = load_models(house.models_path).texts()
    files = ModuleFiles(house.modules(), house.agent.name, declared)
    return chosen(files.sources(), in_force, modules or ())


def _effects(
    house: House,
    in_force: Mapping[str, str],
    sources: Mapping[str, str],
    state: Mapping[tuple[str, str, str], str],
) -> list[Effect]:
    from myocan.tools.deploying import effects

    return effects(in_force, sources, state, house.agent.name)


def _judge(house: House, sources: Mapping[str, str], *, force: bool, as_json: bool) -> Verdict:
    """Check rules and run their scenarios; end the command if they must not be deployed."""
    from myocan.tools.cli.scenarios import show
    from myocan.tools.deploying import judge

    verdict = judge(house, sources)
    refused = verdict.broken or (bool(verdict.failed) and not force)
    if as_json and refused:
        plain = {
            "deployed": False,
            "findings": [one.plain() for one in verdict.findings],
            "scenarios": [one.plain() for one in verdict.outcomes if not one.passed],
        }
        print(json.dumps(plain, ensure_ascii=False))
    elif not as_json:
        for finding in verdict.findings:
            print(finding.shown)
        for outcome in verdict.outcomes:
            show(outcome, verbose=False)
    if refused:
        why = "the rules have mistakes" if verdict.broken else f"failed: {_names(verdict.failed)}"
        remedy = "" if verdict.broken else "; --force deploys all the same, and the log says so"
        print(f"not deployed: {why}{remedy}", file=sys.stderr)
        raise typer.Exit(Exit.NO)
    return verdict


def _names(names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{', '.join(names[:5])}{more}"


def _history(house: House, mode: str) -> list[Deployed]:
    from myocan.hub.history import deployments
    from myocan.hub.store import Reader

    with Reader(house.store_path) as reader:
        return deployments(reader, mode)


def _in_ms(house: House, text: str) -> int:
    from zoneinfo import ZoneInfo

    moment = parse_moment(text, datetime.now(ZoneInfo(house.timezone)))
    return max(0, int(moment.timestamp() * 1000))


# ---------------------------------------------------------------------- the hub


def _ask(
    house: House, mode: str, sources: Mapping[str, str], wish: Mapping[str, Any]
) -> dict[str, Any]:
    """Let the hub put these texts in force; return what came of it."""
    from myocan.hub.agent.deployment import fingerprint, login_name
    from myocan.hub.control import NoAnswer, ask

    try:
        begun = ask(house, "deploy", mode=mode, hash=fingerprint(sources), who=login_name(), **wish)
        while True:
            answer = ask(house, "deploy outcome", deployment=begun["deployment"])
            if answer.pop("done"):
                return answer
    except NoAnswer as error:
        print(f"myocan: {error}; see `myocan deploy history`", file=sys.stderr)
        raise typer.Exit(Exit.TIMEOUT) from None


def _headline(one: Deployed, zone: ZoneInfo) -> str:
    """Return a deployment in a line."""
    moment = datetime.fromtimestamp(one.time_ms / 1000, zone)
    who = f" by {one.who}" if one.who else ""
    what = _changes(one.modules) or "no rules changed"
    back = f" to #{one.back_to}" if one.back_to is not None else ""
    forced = f"; forced though these failed: {_names(list(one.failed))}" if one.forced else ""
    return f"#{one.offset:<7} {moment:%Y-%m-%d %H:%M:%S}  {one.by}{back}{who}: {what}{forced}"


def _changes(modules: Mapping[str, str]) -> str:
    return ", ".join(f"{module} {change}" for module, change in modules.items())


def _tell(
    answer: dict[str, Any], found: list[Effect], verdict: Verdict | None, as_json: bool
) -> None:
    """Tell what came of a deployment."""
    from myocan.tools.deploying import told

    failed = verdict.failed if verdict is not None else []
    if as_json:
        print(json.dumps({"deployed": True, **answer, "failed": failed}, ensure_ascii=False))
        return
    for line in told(found):
        print(line)
    for text in answer["reset"]:
        print(text)
    for module in answer["learnt"]:
        print(f"{module} knows what came before it")
    for module in answer["had_their_time"]:
        print(f"{module} was here before, so it is not told what came before it")
    what = _changes(answer["modules"]) or "no rules changed; adapters and externals.py read again"
    forced = f", though these failed: {_names(failed)}" if failed else ""
    print(f"deployed at #{answer['offset']}: {what}{forced}")


def _tell_effects(found: list[Effect], what: str, as_json: bool) -> None:
    from myocan.tools.deploying import told

    if as_json:
        plain = {"deployed": False, "modules": {one.module: one.change for one in found}}
        print(json.dumps(plain, ensure_ascii=False))
        return
    for line in told(found):
        print(line)
    changes = _changes({one.module: one.change for one in found})
    print(f"{what}: {changes or 'nothing, these rules are in force'}")
