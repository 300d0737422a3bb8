"""What Prometheus sees, read from shared memory and from the nodes' health at the moment of the scrape."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from winnow_runtime.ring.view import RingView
from winnow_schemas.messages import Health


class WinnowCollector:
    """A collector over the rings and the latest health of every node."""

    def __init__(
        self, view: RingView | None, health: Mapping[str, Health], disks: Mapping[str, float]
    ) -> None:
        self._view = view
        self._health = health
        self._disks = disks

    def collect(self) -> Iterator[Metric]:
        """One scrape."""
        yield from self._rings()
        level = GaugeMetricFamily("winnow_node_level", "0 ok, 1 warning, 2 error", labels=["node"])
        values = GaugeMetricFamily(
            "winnow_node_value", "A number that a node reports about itself", labels=["node", "name"]
        )
        for name, health in sorted(self._health.items()):
            level.add_metric([name], health.level)
            for key, value in _numbers(health.values):
                values.add_metric([name, key], value)
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
        topics = self._view.topics() if self._view else {}
        for port, ring in (self._view.rings() if self._view else {}).items():
            labels = [topics.get(port, port)]
            stats = ring.stats()
            messages.add_metric(labels, stats.messages)
            size.add_metric(labels, stats.bytes)
            lost.add_metric(labels, stats.lost + stats.oversize)
            fill.add_metric(labels, stats.fill)
            if stats.oldest_ns is not None and stats.newest_ns is not None:
                hot.add_metric(labels, (stats.newest_ns - stats.oldest_ns) / 1e9)
        yield from (messages, size, lost, fill, hot)


def _numbers(text: str) -> Iterator[tuple[str, float]]:
    try:
        values: Any = json.loads(text)
    except ValueError:
        return
    for key, value in values.items() if isinstance(values, dict) else ():
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield str(key), float(value)
