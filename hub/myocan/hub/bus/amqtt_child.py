"""The process in which the hub's own amqtt runs, with the same access rules as Mosquitto gets.

The one idea to know: this runs beside the hub, not in it, since a broker in pure Python would take
the hub's interpreter from it. It is started with `-m`, reads one JSON object from its standard
input (`host`, `port`, `domain`; `passwords` of the hub and of this machine's programs; `accounts`,
the file with those of boards), writes `READY` to standard error once it listens, reads the file
again at SIGHUP, and ends at SIGTERM.

It does not cut off a board whose account is gone, as Mosquitto does: such a board may do nothing
any more, and is not let in again.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amqtt.broker import Broker  # type: ignore[import-untyped]
from amqtt.contexts import Action  # type: ignore[import-untyped]
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin  # type: ignore[import-untyped]

from myocan.hub.bus.amqtt_broker import READY
from myocan.hub.bus.broker import (
    BOARD_HEARS,
    BOARD_LEAVES,
    HUB_USER,
    LOCAL_LEAVES,
    LOCAL_USER,
)


class Rules(BaseAuthPlugin, BaseTopicPlugin):  # type: ignore[misc]  # amqtt carries no types
    """Who may come in, and who may write what. amqtt makes one and awaits its methods."""

    @dataclass
    class Config:
        """What amqtt fills from the configuration; see the top of the module."""

        domain: str
        passwords: dict[str, str]
        accounts: str

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self._boards: dict[str, tuple[str, frozenset[str]]] = {}
        self._read()
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._read)

    def _read(self) -> None:
        plain = json.loads(Path(self.config.accounts).read_text(encoding="utf-8"))
        self._boards = {name: (word, frozenset(reads)) for name, (word, reads) in plain.items()}

    def _password(self, user: str) -> str | None:
        if user in self._boards:
            return self._boards[user][0]
        known: str | None = self.config.passwords.get(user)
        return known

    async def authenticate(self, *, session: Any) -> bool:
        """Let in who shows the password of an account; a board only under its own name."""
        user = session.username
        password = self._password(user) if user else None
        return (
            password is not None
            and hmac.compare_digest(password.encode(), (session.password or "").encode())
            and (user not in self._boards or user == session.client_id)
        )

    async def topic_filtering(self, *, session: Any, topic: str, action: Any) -> bool:
        """Let the hub do everything, programs of this machine read below `mc1/`, boards what is
        for them; and both write what is their board's."""
        user = session.username
        if self._password(user) != session.password:
            return False  # the account is gone since it came in, or has another password
        if user == HUB_USER:
            return True
        board: str = session.client_id
        boards = f"mc1/$board/{self.config.domain}/"
        own = f"{boards}{board}/"
        leaf = topic.removeprefix(own) if topic.startswith(own) and "/" not in board else ""
        if action in (Action.RECEIVE, Action.SUBSCRIBE):
            if user == LOCAL_USER:
                return topic.startswith("mc1/")
            return topic in self._boards[user][1] or leaf in BOARD_HEARS or leaf[:7] == "update/"
        if user == LOCAL_USER and topic.startswith(boards):
            _, _, of_any = topic.removeprefix(boards).partition("/")
            if of_any in LOCAL_LEAVES:
                return True
        return leaf.startswith("up/") or leaf in BOARD_LEAVES


async def serve(host: str, port: int, **rules: Any) -> None:
    """Run the broker until the process is told to end. rules: the fields of `Rules.Config`."""
    name = f"myocan.hub.bus.amqtt_child.{Rules.__name__}"
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"{host}:{port}"}},
            "plugins": {name: rules},
        }
    )
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await broker.start()
    print(READY, file=sys.stderr, flush=True)
    await ended.wait()
    await broker.shutdown()


if __name__ == "__main__":
    assert logging.lastResort is not None
    logging.lastResort.setLevel(logging.ERROR)
    asyncio.run(serve(**json.load(sys.stdin)))
