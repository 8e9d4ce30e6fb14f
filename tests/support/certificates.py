"""Certificates of a made-up authority, as somebody with a broker of his own makes them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

NEW_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"


def make_certificates(directory: Path) -> Path:
    """Make an authority's `ca.pem`, and `cert.pem` and `key.pem` for 127.0.0.1; return `directory`.

    Skips the test, with a reason, where openssl is not installed.
    """
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl to make certificates: apt install openssl")
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "for").write_text("subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    for command in (
        f"req -x509 {NEW_KEY} -keyout ca.key -out ca.pem -days 2 -subj /CN=authority",
        f"req {NEW_KEY} -keyout key.pem -out request.pem -subj /CN=broker",
        "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -out cert.pem"
        " -days 2 -extfile for",
    ):
        subprocess.run(
            ["openssl", *command.split()], cwd=directory, check=True, capture_output=True
        )
    return directory


def tls_listener(port: int, certificates: Path) -> str:
    """Return the lines with which Mosquitto listens for TLS at a port."""
    files = f"certfile {certificates}/cert.pem\nkeyfile {certificates}/key.pem"
    return f"listener {port} 127.0.0.1\n{files}\nallow_anonymous true"
