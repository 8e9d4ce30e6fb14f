"""Mosquitto as the hub's own broker: found, configured, started.

The one idea to know: nothing of it is configured by hand. Each start writes the configuration, the
access rules and the hashed passwords afresh; the hub's own password is never on disk. There are
two doors: at the boards' a user name is the client id, so that no board can take another's place;
at the one on loopback a program may have any client id, since they share an account. (A third one
is for boards that cannot encrypt, where the boards' door does.)

What changes while it runs is said by SIGHUP. Mosquitto then cuts off who would not be let in any
more, and nobody else.

Source of the file formats: mosquitto.conf(5) of Mosquitto 2.0; the hash is what mosquitto_passwd(1)
writes, `$7$`: PBKDF2 with SHA-512.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import pwd
import shutil
from collections.abc import Sequence
from pathlib import Path

from myocan.hub.bus.broker import (
    BOARD_HEARS,
    BOARD_LEAVES,
    HUB_USER,
    LOCAL_LEAVES,
    LOCAL_USER,
    LOOPBACK,
    Account,
    OwnBroker,
)
from myocan.hub.bus.certificates import Certificates
from myocan.hub.bus.child import BrokerError, Child, write_private
from myocan.hub.bus.link import RECEIVE_LIMIT, WINDOW

__all__ = ["MosquittoBroker", "access_rules", "find_mosquitto", "hashed"]

_ITERATIONS = 101  # mosquitto_passwd's own; passwords are 192 random bits, nothing to guess

_log = logging.getLogger(__name__)

_ENCRYPTED = """\
certfile {broker}
keyfile {broker}
"""
_PLAIN = """\
listener {port} {host}
use_username_as_clientid true
"""
_CONFIGURATION = """\
# written by the hub at each start; changes are lost
listener {port} {host}
use_username_as_clientid true
{more}listener {local_port} {local_host}
user {user}
allow_anonymous false
password_file {directory}/passwords
acl_file {directory}/access
# at each connection the hub publishes all values again, so there is nothing to keep
persistence false
set_tcp_nodelay true
max_packet_size {packet}
max_inflight_messages {window}
# what a board or a viewer that does not read may pile up here
max_queued_messages 20000
max_queued_bytes 33554432
persistent_client_expiration 1d
sys_interval 0
log_dest stderr
log_type error
log_type warning
log_timestamp false
connection_messages false
"""


def find_mosquitto() -> str | None:
    """Return the path of `mosquitto`, or None; Debian keeps it out of the PATH of users."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
    return shutil.which("mosquitto", path=path)


class MosquittoBroker(OwnBroker):
    """A private Mosquitto of version 2 or later; see `OwnBroker` for the arguments."""

    def __init__(
        self,
        directory: Path,
        listen: str = "127.0.0.1:18830",
        *,
        domain: str = "home",
        address: str | None = None,
        certificates: Certificates | None = None,
        plain: str | None = None,
    ) -> None:
        super().__init__(directory, listen, domain, address, certificates=certificates, plain=plain)

    def _write_accounts(self) -> None:
        known = {HUB_USER: self._password, LOCAL_USER: self._local_password}
        known.update((account.name, account.password) for account in self.accounts)
        lines = [f"{user}:{hashed(password)}\n" for user, password in known.items()]
        write_private(self.directory / "passwords", "".join(lines))
        write_private(self.directory / "access", access_rules(self.domain, self.accounts))

    def _spawn(self) -> Child:
        program = find_mosquitto()
        if program is None:
            raise BrokerError("there is no mosquitto on this machine: apt install mosquitto")
        directory = self.directory.resolve()
        self._write_accounts()
        more = ""
        if self.certificates is not None:
            more += _ENCRYPTED.format(broker=self.certificates.broker.resolve())
        if self.plain is not None:
            more += _PLAIN.format(host=self.plain[0], port=self.plain[1])
        write_private(
            directory / "mosquitto.conf",
            _CONFIGURATION.format(
                port=self.port,
                host=self.host,
                more=more,
                local_port=self.local_port,
                local_host=LOOPBACK,
                # as root it would become `mosquitto`, who may not read these files
                user=pwd.getpwuid(os.geteuid()).pw_name,
                directory=directory,
                packet=RECEIVE_LIMIT,
                window=WINDOW,
            ),
        )
        return Child(
            [program, "-c", str(directory / "mosquitto.conf")],
            self._marker,
            on_line=lambda line: _log.debug("mosquitto: %s", line),
        )


def access_rules(
    domain: str,
    accounts: Sequence[Account],
    *,
    hub: str = HUB_USER,
    local: str | None = LOCAL_USER,
    who: str = "%c",
) -> str:
    """Return Mosquitto's access file.

    domain: the house's. accounts: the boards that may read data topics. hub: the hub's user.
    local: the user of this machine's programs, None for none. who: what is a board's name: its
    client id (%c), or its user name (%u), where a broker lets a user have any client id.
    """
    own = f"mc1/$board/{domain}/{who}/"
    rules = [f"pattern write {own}{leaf}" for leaf in ("up/#", *BOARD_LEAVES)]
    rules += [f"pattern read {own}{leaf}" for leaf in BOARD_HEARS]
    for account in accounts:
        rules += [f"user {account.name}", *(f"topic read {topic}" for topic in account.reads)]
    if local is not None:
        rules += [f"user {local}", "topic read mc1/#"]
        rules += [f"topic write mc1/$board/{domain}/+/{leaf}" for leaf in LOCAL_LEAVES]
    rules += [f"user {hub}", "topic readwrite #", ""]
    return "\n".join(rules)


def hashed(password: str) -> str:
    """Return a password as Mosquitto keeps it."""
    salt = os.urandom(12)
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS)
    encoded = [base64.b64encode(part).decode() for part in (salt, key)]
    return f"$7${_ITERATIONS}${encoded[0]}${encoded[1]}"
