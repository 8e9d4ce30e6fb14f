"""Figures for Prometheus: what a hub and state models do, on `/metrics`.

The one idea: nothing is written down for Prometheus while the work is done. What is counted anyway
is read when it asks.

Needs `prometheus-client`: `pip install 'myocan[metrics]'`.

Names follow Prometheus' own advice: counters end in `_total`, times in `_seconds`
(https://prometheus.io/docs/practices/naming/).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Self

from myocan.hub.errors import HubError
from myocan.hub.figures import Figures
from myocan.hub.models import State
from myocan.hub.models.measures import BOUNDS_S, Durations

try:
    from prometheus_client import CollectorRegistry, start_http_server
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
    from prometheus_client.metrics_core import Metric
    from prometheus_client.registry import Collector
except ImportError as error:
    raise HubError(
        "metrics need prometheus-client, which is not installed: `pip install 'myocan[metrics]'`"
    ) from error

__all__ = ["HubCollector", "MetricsServer", "StateCollector"]

_MODEL = ["model"]


class StateCollector(Collector):
    """What the models of a state do; for a Prometheus registry.

    state: whose models.

        prometheus_client.REGISTRY.register(StateCollector(state))
    """

    def __init__(self, state: State) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        """Yield the figures as they are now; called by the registry."""
        models = self._state.measures()
        contexts = GaugeMetricFamily(
            "myocan_state_contexts", "Blocks that hold a model, or wait for it.", labels=_MODEL
        )
        rejected = CounterMetricFamily(
            "myocan_state_rejections", "Commits refused, and by whom.", labels=["model", "phase"]
        )
        for topic, model in models.items():
            contexts.add_metric([topic], model.contexts)
            for phase, count in model.measures.rejected.items():
                rejected.add_metric([topic, phase], count)
        yield contexts
        yield rejected
        for name, text in (
            ("checkout", "Making a copy."),
            ("commit", "From the call of a commit to where it is on the disk."),
            ("device", "Asking the devices of a model."),
            ("store", "Writing a commit to the disk."),
        ):
            yield _histogram(
                f"myocan_state_{name}_seconds",
                text,
                ((topic, getattr(model.measures, name)) for topic, model in models.items()),
            )
        for name, text, what in (
            ("calls", "What subscribers were told of.", "told"),
            ("errors", "Calls of subscribers that raised an exception.", "failed"),
            ("dropped", "What subscribers were too slow for.", "dropped"),
        ):
            counter = CounterMetricFamily(f"myocan_state_subscriber_{name}", text, labels=_MODEL)
            for topic, model in models.items():
                counter.add_metric([topic], getattr(model.subscribers, what))
            yield counter
        waiting = GaugeMetricFamily(
            "myocan_state_subscriber_waiting", "What subscribers have not heard yet.", labels=_MODEL
        )
        for topic, model in models.items():
            waiting.add_metric([topic], model.subscribers.waiting)
        yield waiting


def _histogram(name: str, text: str, of: Iterable[tuple[str, Durations]]) -> HistogramMetricFamily:
    histogram = HistogramMetricFamily(name, text, labels=_MODEL)
    for topic, durations in of:
        timed = durations.read()
        below = 0
        buckets = []
        for bound, count in zip((*map(str, BOUNDS_S), "+Inf"), timed.classes, strict=True):
            below += count
            buckets.append((bound, below))
        histogram.add_metric([topic], buckets, timed.sum_s)
    return histogram


class HubCollector(Collector):
    """How a hub fares; for a Prometheus registry.

    read: returns the figures as they are now, from any thread.
    """

    def __init__(self, read: Callable[[], Figures]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        """Yield the figures as they are now; called by the registry."""
        figures = self._read()
        for name, text, value in (
            ("hub_incarnation", "Which start of the hub this is.", figures.incarnation),
            ("hub_connected", "Whether the broker has taken the hub.", figures.connected),
            ("hub_unsynced", "Transactions not on the disk yet.", figures.unsynced),
            ("hub_store_bytes", "Size of the store's files.", figures.store_bytes),
        ):
            yield GaugeMetricFamily(f"myocan_{name}", text, value=value)
        messages = CounterMetricFamily(
            "myocan_hub_messages",
            "Messages that the log of a mode has had.",
            labels=["mode"],
        )
        for mode, count in figures.messages.items():
            messages.add_metric([mode], count)
        yield messages
        online = GaugeMetricFamily(
            "myocan_board_online", "Whether a board says that it is online.", labels=["board"]
        )
        for board, is_online in figures.boards.items():
            online.add_metric([board], is_online)
        yield online
        lost = GaugeMetricFamily(
            "myocan_board_lost",
            "Messages that a board had to throw away since it started.",
            labels=["board"],
        )
        for board, count in figures.lost.items():
            lost.add_metric([board], count)
        yield lost


class MetricsServer:
    """Answers Prometheus at `/metrics`, until `close`.

    collectors: what to tell of. host, port: where to listen; port 0 takes any free one.

    Raises HubError if nothing can listen there.
    """

    def __init__(
        self, collectors: Iterable[Collector], host: str = "127.0.0.1", port: int = 9464
    ) -> None:
        registry = CollectorRegistry()
        for collector in collectors:
            registry.register(collector)
        try:
            self._server, self._thread = start_http_server(port, host, registry)
        except (OSError, OverflowError) as error:
            raise HubError(
                f"metrics: nothing can listen at {host}:{port} ({error}): "
                "take another address or port"
            ) from error

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_port)

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
