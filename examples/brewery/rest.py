"""The kettle for a browser or a phone in the house: a small REST server.

    GET /heater                 {"setpoint": "20.0", "enabled": false}
    PATCH /heater {"setpoint": "66.5"}   200 with the new state, or 409 with who said no, and why
    GET /changes?after=7        waits until there is a change number 8, and returns all from there

It knows the state and its models. That there is a cloud, it does not know.
"""

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import ValidationError

from models import MODELS, change
from myocan.hub import State, StateModel
from myocan.hub.models import Changed, CommitRejected

WAIT_S = 25.0
"""How long a client that asks for changes is kept waiting."""
KEPT = 1000
"""So many changes can be asked for; who was away for longer gets the state instead."""


class RestServer:
    """Answers at `http://127.0.0.1:port`, until `stop`. port: 0 takes any free one."""

    def __init__(self, state: State, port: int = 0) -> None:
        self._state = state
        self._models = {model.topic: model for model in MODELS}
        self._changes: list[dict[str, Any]] = []
        self._news = threading.Condition()
        self._subscriptions = [state.subscribe(model, self._heard) for model in MODELS]
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._request_class())
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]

    def start(self) -> None:
        self._thread = threading.Thread(target=self._server.serve_forever, name="rest")
        self._thread.start()

    def stop(self) -> None:
        for subscription in self._subscriptions:
            subscription.close()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _heard(self, changed: Changed) -> None:
        """The subscriber: whoever made this change, clients that wait are told."""
        with self._news:
            number = self._changes[-1]["number"] + 1 if self._changes else 1
            state = changed.new.model_dump(mode="json")
            self._changes.append({"number": number, "model": changed.model.topic, "state": state})
            del self._changes[:-KEPT]
            self._news.notify_all()

    def answer(self, method: str, target: str, body: bytes) -> tuple[int, Any]:
        """Return status and JSON for a request."""
        url = urlsplit(target)
        if method == "GET" and url.path == "/changes":
            return 200, self._changes_after(parse_qs(url.query))
        model = self._models.get(url.path.strip("/"))
        if model is None:
            return 404, {"why": f"there is {', '.join(self._models)}, and /changes"}
        if method == "PATCH":
            try:
                wish = json.loads(body)
            except ValueError:
                wish = None
            if not isinstance(wish, dict):
                return 400, {"why": 'the body is a JSON object, like {"setpoint": "66.5"}'}
            return self._change(model, wish)
        return 200, self._state.checkout(model).model_dump(mode="json")

    def _change(self, model: type[StateModel], wish: dict[str, Any]) -> tuple[int, Any]:
        unknown = sorted(set(wish) - set(model.model_fields))
        if unknown:
            return 400, {"why": f"{model.topic} has no {', '.join(unknown)}"}
        try:
            change(self._state, model, wish)
        except ValidationError as error:
            return 409, {
                "by": "field",
                "why": error.errors()[0]["msg"].removeprefix("Value error, "),
            }
        except CommitRejected as error:
            return 409, {"by": error.by, "why": error.why}
        return 200, self._state.checkout(model).model_dump(mode="json")

    def _changes_after(self, query: Mapping[str, list[str]]) -> list[dict[str, Any]]:
        text = query.get("after", ["0"])[0]
        after = int(text) if text.isascii() and text.isdigit() else 0
        with self._news:
            self._news.wait_for(
                lambda: bool(self._changes) and self._changes[-1]["number"] > after, WAIT_S
            )
            return [change for change in self._changes if change["number"] > after]

    def _request_class(self) -> type[BaseHTTPRequestHandler]:
        answer = self.answer

        class Request(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, found = answer(self.command, self.path, body)
                said = json.dumps(found).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            do_PATCH = do_GET

            def log_message(self, *_: Any) -> None:
                """Say nothing; the state's log has every commit."""

        return Request
