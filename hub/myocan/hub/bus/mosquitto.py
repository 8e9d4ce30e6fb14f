"""Mosquitto as the hub's own broker: found, configured, started.

The one idea to know: nothing of it is configured by hand. Each start writes the configuration, the
access rules and the hub's hashed password afresh; the password itself is never on disk.

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
from pathlib import Path

from myocan.hub.bus.broker import BOARD_LEAVES, HUB_USER, OwnBroker
from myocan.hub.bus.child import BrokerError, Child, write_private
from myocan.hub.bus.link import RECEIVE_LIMIT, WINDOW

__all__ = ["MosquittoBroker", "find_mosquitto"]

_ITERATIONS = 101  # mosquitto_passwd's own; the password is 192 random bits, nothing to guess

_log = logging.getLogger(__name__)

_CONFIGURATION = """\
# written by the hub at each start; changes are lost
listener {port} {host}
user {user}
allow_anonymous true
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
        self, directory: Path, listen: str = "127.0.0.1:18830", *, domain: str = "home"
    ) -> None:
        super().__init__(directory, listen, domain)

    def _spawn(self) -> Child:
        program = find_mosquitto()
        if program is None:
            raise BrokerError("there is no mosquitto on this machine: apt install mosquitto")
        directory = self.directory.resolve()
        write_private(directory / "passwords", f"{HUB_USER}:{hashed(self._password)}\n")
        write_private(directory / "access", access_rules(self.domain))
        write_private(
            directory / "mosquitto.conf",
            _CONFIGURATION.format(
                port=self.port,
                host=self.host,
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


def access_rules(domain: str) -> str:
    """Return Mosquitto's access file. Lines before the first user are for clients without one."""
    own = f"pattern write mc1/$board/{domain}/%c/"
    return "\n".join(
        [
            "topic read mc1/#",
            *[own + leaf for leaf in ("up/#", *BOARD_LEAVES)],
            f"user {HUB_USER}",
            "topic readwrite #",
            "",
        ]
    )


def hashed(password: str) -> str:
    """Return a password as Mosquitto keeps it."""
    salt = os.urandom(12)
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS)
    encoded = [base64.b64encode(part).decode() for part in (salt, key)]
    return f"$7${_ITERATIONS}${encoded[0]}${encoded[1]}"
