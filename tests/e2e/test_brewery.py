"""The brewery of examples/: two parts that know nothing of each other agree on what is true."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

BREWERY = Path(__file__).parents[2] / "examples" / "brewery" / "brewery.py"
PATIENCE_S = 60


def reached(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


class Cloud:
    """A cloud that shows what it was told, and hands out what its users wish."""

    def __init__(self) -> None:
        self.shown: dict[str, Any] = {}
        self.wishes: list[dict[str, Any]] = []
        self.away = False
        cloud = self

        class Request(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if not cloud.away:
                    cloud.shown[self.path.strip("/")] = json.loads(body)
                self._end([])

            def do_GET(self) -> None:
                wishes = []
                if not cloud.away:
                    wishes, cloud.wishes = cloud.wishes, []
                self._end(wishes)

            def _end(self, said: object) -> None:
                self.send_response(503 if cloud.away else 200)
                self.end_headers()
                self.wfile.write(json.dumps(said).encode())

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Request)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self._thread = threading.Thread(target=self.server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    cloud = Cloud()
    yield cloud
    cloud.close()


class Brewery:
    """The controller as a process."""

    def __init__(self, store: Path, cloud: Cloud) -> None:
        self.process = subprocess.Popen(
            [sys.executable, BREWERY, "--store", store, "--port", "0", "--cloud", cloud.url],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip().removesuffix("/heater")
        assert self.url.startswith("http://127.0.0.1:")

    def ask(self, path: str, change: dict[str, Any] | None = None) -> tuple[int, Any]:
        request = urllib.request.Request(
            f"{self.url}/{path}",
            method="GET" if change is None else "PATCH",
            data=None if change is None else json.dumps(change).encode(),
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@pytest.fixture
def brew(tmp_path: Path, cloud: Cloud) -> Iterator[Callable[[], Brewery]]:
    open_ones: list[Brewery] = []

    def start() -> Brewery:
        open_ones.append(Brewery(tmp_path / "brewery.sqlite", cloud))
        return open_ones[-1]

    yield start
    for one in open_ones:
        if one.process.poll() is None:
            one.end(signal.SIGKILL)


def test_what_one_changes_the_other_shows(brew: Callable[[], Brewery], cloud: Cloud) -> None:
    brewery = brew()
    assert brewery.ask("pump", {"speed": 30}) == (200, {"speed": 30})
    assert reached(lambda: cloud.shown.get("pump") == {"speed": 30})

    cloud.wishes.append({"model": "heater", "set": {"setpoint": "66.5", "enabled": True}})
    on = {"setpoint": "66.5", "enabled": True}
    assert reached(lambda: brewery.ask("heater") == (200, on))
    assert reached(lambda: cloud.shown.get("heater") == on)
    _, changes = brewery.ask("changes?after=1")
    assert [(change["model"], change["state"]) for change in changes] == [("heater", on)]
    assert brewery.end(signal.SIGTERM) == 0


def test_who_says_no_is_told_and_nothing_changes(brew: Callable[[], Brewery], cloud: Cloud) -> None:
    brewery = brew()
    refused = [
        brewery.ask("heater", {"setpoint": 300}),
        brewery.ask("pump", {"speed": 5}),
        brewery.ask("heater", {"enabled": True}),
        brewery.ask("heater", {"colour": "red"}),
        brewery.ask("kettles"),
    ]
    assert [status for status, _ in refused] == [409, 409, 409, 400, 404]
    assert [said.get("by") for _, said in refused[:3]] == ["field", "model", "device"]
    assert "pump stands still" in refused[2][1]["why"]
    assert brewery.ask("heater") == (200, {"setpoint": "20.0", "enabled": False})
    assert brewery.ask("pump") == (200, {"speed": 0})


def test_a_crash_and_a_cloud_that_is_away_lose_nothing(
    brew: Callable[[], Brewery], cloud: Cloud
) -> None:
    cloud.away = True
    brewery = brew()
    brewery.ask("pump", {"speed": 40})
    assert brewery.ask("heater", {"enabled": True})[0] == 200
    brewery.end(signal.SIGKILL)

    brewery = brew()
    assert brewery.ask("heater") == (200, {"setpoint": "20.0", "enabled": True})
    assert not cloud.shown
    cloud.away = False
    assert reached(lambda: cloud.shown.get("heater") == {"setpoint": "20.0", "enabled": True})
    assert reached(lambda: cloud.shown.get("pump") == {"speed": 40})
