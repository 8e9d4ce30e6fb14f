"""`myocan board account|access`: accounts of boards that nobody flashes, and for a broker of one's
own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from myocan.tools.cli.houses import HouseOption, JsonOption, open_house

if TYPE_CHECKING:
    from myocan.hub.house import House


def add_to(board: typer.Typer) -> None:
    """Add these commands to those of `myocan board`."""
    board.command("account")(account)
    board.command("access")(access)


def account(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The board's name in the house.")],
    house: HouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a board's account at the broker, and make one if it has none.

    For what myocan does not flash: a board of another make, a bridge, a script, `myocan send` on
    another machine, which then takes it in --broker mqtt://NAME:PASSWORD@HOST:PORT.

    Example: [bold]myocan board account bridge[/bold]
    """
    from myocan.hub.settings import check_level
    from myocan.tools.flash import board_secrets, tell_hub
    from myocan.tools.flash.admission import broker_address

    try:
        check_level(name)
    except ValueError as error:
        raise typer.BadParameter(f"{name!r} cannot be a board: its name {error}") from None
    opened = open_house(house)
    broker, _ = broker_address(opened)
    secrets = board_secrets(opened, name)
    tell_hub(opened)
    url = f"{'mqtts' if broker['tls'] else 'mqtt'}://{broker['host']}:{broker['port']}"
    told = {"broker": url, "user": name, "password": secrets.password, "ca": broker["ca"]}
    if as_json:
        print(json.dumps(told))
        return
    print(f"broker    {url}\nuser      {name} (the client id, too)\npassword  {secrets.password}")
    if broker["ca"] is not None:
        print(f"ca        {broker['ca']} (who has signed its certificate; take a copy along)")


def access(
    folder: Annotated[Path, typer.Argument(help="Where the two files go; made if it is missing.")],
    house: HouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the password file and the access rules of a Mosquitto of your own, for this house.

    With the hub's account, which `url` of the broker in myocan.toml names, and one for each board.
    Write them again when there is a new board, and let Mosquitto read them.

    Example: [bold]myocan board access /etc/mosquitto/cottage[/bold]
    """
    from myocan.hub.bus.child import write_private

    texts = mosquitto_files(open_house(house))
    for file, text in texts.items():
        write_private(folder / file, text)
    files = [str(folder / file) for file in texts]
    if as_json:
        print(json.dumps({"files": files}))
        return
    print(
        "wrote " + " and ".join(files) + ".\nIn mosquitto.conf:\n"
        f"  allow_anonymous false\n  password_file {files[0]}\n  acl_file {files[1]}\n"
        "Mosquitto has to be able to read them, and reads them again when it is told to:\n"
        "  systemctl reload mosquitto"
    )


def mosquitto_files(house: House) -> dict[str, str]:
    """Return name -> text of the files for a Mosquitto that is the user's own.

    Raises ToolsError if the house names no such broker, or no account for its hub.
    """
    from myocan.hub.agent.accounts import board_accounts
    from myocan.hub.bus import parse_url
    from myocan.hub.bus.mosquitto import access_rules, hashed
    from myocan.tools.errors import ToolsError
    from myocan.tools.flash import board_secrets

    address = None if house.broker.url is None else parse_url(house.broker.url)
    if address is None or address.user is None or address.password is None:
        raise ToolsError(
            "[broker] url in myocan.toml names no account for the hub: write one, like "
            "mqtt://hub:PASSWORD@192.168.1.10:1883, with a long password. (The hub's own broker "
            "needs none of this.)"
        )
    for adapter in house.adapters():
        board_secrets(house, adapter.stem)
    accounts = [each for each in board_accounts(house) if each.name != address.user]
    words = {address.user: address.password, **{each.name: each.password for each in accounts}}
    return {
        "passwords": "".join(f"{user}:{hashed(word)}\n" for user, word in words.items()),
        "access": access_rules(house.domain, accounts, hub=address.user, local=None, who="%u"),
    }
