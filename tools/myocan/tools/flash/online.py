"""Sees whether a board came online with its new configuration: its `status` at the broker.

The one idea to know: a status is retained, so what the broker has may be the last life's. What
counts is one with another boot number than the broker had when the watch began.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from myocan.hub.bus.address import Address
from myocan.tools.flash.mpremote import BoardError
from myocan.wire import WireError, board_topic, decode_status

CONNECT_S = 10.0

NO_ACCOUNT = (134, 135)
"""Why a broker refuses an account: bad user name or password, not authorized (MQTT 5.0, section
3.2.2.2; paho tells those of 3.1.1 so, too)."""


def check_account(broker: Address) -> None:
    """See whether a broker lets an account in; one that is not there right now says nothing of it.

    Raises BoardError if the broker refuses it.
    """
    answered = threading.Event()
    refused = False

    def on_connect(client: Client, _: object, flags: object, code: Any, more: object) -> None:
        nonlocal refused
        refused = code.value in NO_ACCOUNT
        answered.set()

    client = Client(CallbackAPIVersion.VERSION2, reconnect_on_failure=False)
    client.on_connect = on_connect
    client.connect_timeout = CONNECT_S
    if broker.user is not None:
        client.username_pw_set(broker.user, broker.password)
    try:
        if broker.tls:
            client.tls_set(broker.ca)
        client.connect(broker.host, broker.port)
    except OSError:
        return
    client.loop_start()
    answered.wait(CONNECT_S)
    client.disconnect()
    client.loop_stop()
    if refused:
        who = f"user '{broker.user}' with this password" if broker.user else "who has no account"
        raise BoardError(f"the broker refuses {who}: see the URL, or leave --broker out")


class BoardWatch:
    """Listens to a board's status; begin before the board is reset.

    config: the board's new configuration; its hash (None: any) and its broker are looked at.
    broker: where this machine finds the broker, and as whom; default what the board is told. (A
        broker that goes by user names would take the board itself for this.)

    Raises BoardError on entering, when the broker cannot be reached from here.

        with BoardWatch(config) as watch:
            flash(config, port, online=watch.wait)
    """

    def __init__(self, config: Mapping[str, Any], broker: Address | None = None) -> None:
        self.status: dict[str, Any] | None = None
        """The newest status, None if there is none."""
        told = config["broker"]
        self._broker = broker or Address(
            told["host"], told["port"], told["user"], told["password"], bool(told["tls"])
        )
        self._hash = config["hash"]
        self._topic = board_topic(config["domain"], config["name"], "status")
        self._changed = threading.Condition()
        self._boot_before: int | None = None
        self._began = False
        self._client = Client(CallbackAPIVersion.VERSION2)

    def __enter__(self) -> Self:
        broker, client = self._broker, self._client
        client.on_message = self._take
        client.on_connect = lambda client, *_: client.subscribe(self._topic, 1)
        client.on_subscribe = lambda *_: self._subscribed()
        if broker.user is not None:
            client.username_pw_set(broker.user, broker.password)
        if broker.tls:
            client.tls_set(broker.ca)
        try:
            client.connect(broker.host, broker.port)
        except OSError as error:
            raise BoardError(f"no broker answers at {broker} ({error}): start the hub") from error
        client.loop_start()
        with self._changed:
            if not self._changed.wait_for(lambda: self._began, CONNECT_S):
                self._stop()
                raise BoardError(f"the broker refuses {self._topic}: see its access list")
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop()

    def wait(self, timeout: float) -> bool:
        """Wait until the board is online in a new life, with the new configuration.

        timeout: in seconds. Returns whether it is.
        """
        with self._changed:
            return self._changed.wait_for(self._is_there, timeout)

    def _is_there(self) -> bool:
        status = self.status
        return (
            status is not None
            and status["online"] is True
            and self._hash in (None, status.get("config"))
            and status.get("boot") != self._boot_before
        )

    def _subscribed(self) -> None:
        with self._changed:
            self._began = True
            self._changed.notify_all()

    def _take(self, client: Client, _: object, message: MQTTMessage) -> None:
        with suppress(WireError), self._changed:
            status = decode_status(bytes(message.payload))
            if message.retain:  # from before
                self._boot_before = status.get("boot")
            self.status = status
            self._changed.notify_all()

    def _stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
