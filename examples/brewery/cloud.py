"""The kettle for the brewer on the way: a cloud that shows its state, and may change it.

    PUT  URL/MODEL      what is true now: {"setpoint": "66.5", "enabled": true}
    GET  URL/wishes     what its users want: [{"model": "heater", "set": {"setpoint": "70.0"}}]

A cloud is away now and then: what it was not told is kept, the newest of each model, until it is
there again. Nobody waits for it. That there is a REST server, this file does not know.
"""

import json
import logging
import threading
import urllib.request
from typing import Any

from models import MODELS, change
from myocan.hub import State
from myocan.hub.models import Changed, StateError

TIMEOUT_S = 5.0

_log = logging.getLogger(__name__)


class CloudSync:
    """Keeps a cloud and a state the same, until `stop`.

    url: where the cloud is. every_s: how often it is asked for wishes, in seconds.
    """

    def __init__(self, state: State, url: str, every_s: float = 1.0) -> None:
        self._state = state
        self._models = {model.topic: model for model in MODELS}
        self._url = url.rstrip("/")
        self._every_s = every_s
        self._untold: dict[str, dict[str, Any]] = {
            topic: state.checkout(model).model_dump(mode="json")
            for topic, model in self._models.items()
        }
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="cloud")
        self._subscriptions = [state.subscribe(model, self._heard) for model in MODELS]

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        for subscription in self._subscriptions:
            subscription.close()
        self._stopping = True
        self._wake.set()
        self._thread.join()

    def _heard(self, changed: Changed) -> None:
        """The subscriber: whoever made this change, the cloud shall know."""
        with self._lock:
            self._untold[changed.model.topic] = changed.new.model_dump(mode="json")
        self._wake.set()

    def _work(self) -> None:
        while not self._stopping:
            self._wake.wait(self._every_s)
            self._wake.clear()
            try:
                self._tell()
                for wish in self._ask("GET", "wishes"):
                    self._grant(wish)
            except (OSError, ValueError) as error:
                _log.info("the cloud is away: %s", error)

    def _tell(self) -> None:
        while True:
            with self._lock:
                if not self._untold:
                    return
                topic, values = next(iter(self._untold.items()))
            self._ask("PUT", topic, values)
            with self._lock:
                if self._untold.get(topic) == values:
                    del self._untold[topic]

    def _grant(self, wish: dict[str, Any]) -> None:
        try:
            change(self._state, self._models[wish["model"]], wish["set"])
        except (StateError, ValueError, KeyError, TypeError) as error:
            _log.warning("the cloud's wish %s is not granted: %s", wish, error)

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        request = urllib.request.Request(
            f"{self._url}/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            said = answer.read()
        return json.loads(said) if said else []
