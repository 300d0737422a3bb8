"""What Prometheus sees, read from shared memory and from the nodes' health at the moment of the scrape."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from winnow_monitor.diagnostics import values_of
from winnow_runtime.ring.view import RingView
from winnow_schemas.messages import Health


class WinnowCollector:
    """A collector over the rings and the latest health of every node.

    It is asked from the server's thread, while the node's own goes on.
    """

    def __init__(
        self,
        view: Callable[[], RingView | None],
        rows: Callable[[], Sequence[Health]],
        disks: Mapping[str, float],
        lock: AbstractContextManager[object],
    ) -> None:
        """``lock`` keeps the node's own thread away while everything is read."""
        self._view = view
        self._rows = rows
        self._disks = disks
        self._lock = lock

    def collect(self) -> list[Metric]:
        """One scrape."""
        with self._lock:
            return list(self._metrics())

    def _metrics(self) -> Iterator[Metric]:
        yield from self._rings()
        level = GaugeMetricFamily("winnow_node_level", "0 ok, 1 warning, 2 error", labels=["node"])
        values = GaugeMetricFamily(
            "winnow_node_value", "A number that a node reports about itself", labels=["node", "name"]
        )
        for health in self._rows():
            level.add_metric([health.name], health.level)
            for key, value in _numbers(health):
                values.add_metric([health.name, key], value)
        yield level
        yield values
        disk = GaugeMetricFamily(
            "winnow_disk_used_fraction", "Share of the file system in use", labels=["folder"]
        )
        for folder, used in sorted(self._disks.items()):
            disk.add_metric([folder], used)
        yield disk

    def _rings(self) -> Iterator[Metric]:
        messages = CounterMetricFamily("winnow_ring_messages", "Messages taken in", labels=["topic"])
        size = CounterMetricFamily("winnow_ring_bytes", "Payload bytes taken in", labels=["topic"])
        lost = CounterMetricFamily(
            "winnow_ring_lost", "Messages lost before the ring, or too large for it", labels=["topic"]
        )
        fill = GaugeMetricFamily("winnow_ring_fill", "Share of the ring in use", labels=["topic"])
        hot = GaugeMetricFamily(
            "winnow_ring_hot_seconds", "Message time that the ring holds", labels=["topic"]
        )
        view = self._view()
        topics = view.topics() if view else {}
        for port, ring in (view.rings() if view else {}).items():
            labels = [topics.get(port, port)]
            stats = ring.stats()
            messages.add_metric(labels, stats.messages)
            size.add_metric(labels, stats.bytes)
            lost.add_metric(labels, stats.lost + stats.oversize)
            fill.add_metric(labels, stats.fill)
            if stats.oldest_ns is not None and stats.newest_ns is not None:
                hot.add_metric(labels, (stats.newest_ns - stats.oldest_ns) / 1e9)
        yield from (messages, size, lost, fill, hot)


def _numbers(health: Health) -> Iterator[tuple[str, float]]:
    for key, value in values_of(health).items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield key, float(value)
