"""The process in which the hub's own amqtt runs, with the same access rules as Mosquitto gets.

The one idea to know: this runs beside the hub, not in it, since a broker in pure Python would take
the hub's interpreter from it. It is started with `-m`, reads one JSON object from its standard
input (`host`, `port`, `domain`, `password`), writes `READY` to standard error once it listens, and
ends at SIGTERM.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import signal
import sys
from dataclasses import dataclass
from typing import Any

from amqtt.broker import Broker  # type: ignore[import-untyped]
from amqtt.contexts import Action  # type: ignore[import-untyped]
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin  # type: ignore[import-untyped]

from myocan.hub.bus.amqtt_broker import READY
from myocan.hub.bus.broker import BOARD_LEAVES, HUB_USER


class Rules(BaseAuthPlugin, BaseTopicPlugin):  # type: ignore[misc]  # amqtt carries no types
    """Who may come in, and who may write what. amqtt makes one and awaits its methods."""

    @dataclass
    class Config:
        """What amqtt fills from the configuration: the house's domain, the hub's password."""

        domain: str
        password: str

    async def authenticate(self, *, session: Any) -> bool:
        """Let in who shows the hub's password, or says to be nobody."""
        if session.username is None:
            return True
        password = self.config.password
        return session.username == HUB_USER and hmac.compare_digest(
            password.encode(), (session.password or "").encode()
        )

    async def topic_filtering(self, *, session: Any, topic: str, action: Any) -> bool:
        """Let the hub do everything, others read below `mc1/` and write what is their board's."""
        if session.username is not None or action == Action.RECEIVE:
            return True
        if action == Action.SUBSCRIBE:
            return topic.startswith("mc1/")
        board: str = session.client_id
        own = f"mc1/$board/{self.config.domain}/{board}/"
        leaf = topic.removeprefix(own)
        return (
            "/" not in board
            and topic.startswith(own)
            and (leaf.startswith("up/") or leaf in BOARD_LEAVES)
        )


async def serve(host: str, port: int, domain: str, password: str) -> None:
    """Run the broker until the process is told to end."""
    rules = f"myocan.hub.bus.amqtt_child.{Rules.__name__}"
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"{host}:{port}"}},
            "plugins": {rules: {"domain": domain, "password": password}},
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
