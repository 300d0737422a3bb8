"""Messages of chosen topics out of the rings, each once, in the order ``(t_ns, topic, seq)``.

Up to the watermark that order is exact, whatever the order of arrival was. What arrives behind the
watermark (a live sensor later than the bound) is given out on arrival and counted. The state is small and
explicit, so that a killed node goes on exactly where its last checkpoint was.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from winnow_runtime.ring.layout import ENTRY_DTYPE, NO_TIME
from winnow_runtime.ring.reader import Entries
from winnow_runtime.ring.view import RingView

_READ_AT_ONCE = 20_000
"""Index entries taken from one ring at a time: 1.3 MB."""


class Fed(NamedTuple):
    """One message."""

    t_ns: int
    topic: str
    channel: int
    data: bytes


class _Port:
    """What of one ring has been seen."""

    def __init__(self, topic: str, oldest: int = 0, read: int = 0) -> None:
        self.topic = topic
        self.oldest = oldest
        """No entry below this is waiting."""
        self.read = read
        """Entries below this have been looked at: given out, or waiting for the watermark."""
        self.restored = read
        """Entries below this were looked at before a crash: those older than the watermark were given out."""
        self.waiting: Entries = np.empty(0, ENTRY_DTYPE)
        self.at = oldest


class SignalFeed:
    """Follows the rings of the topics that signals come from."""

    def __init__(self, view: RingView, topics: frozenset[str]) -> None:
        self._view = view
        self._topics = topics
        self._ports: dict[str, _Port] = {}
        self._saved: Mapping[str, Any] = {}
        self.watermark_ns = NO_TIME
        """Everything older has been given out."""
        self.late = 0
        self.lost = 0
        """Messages that were overwritten before they were looked at."""

    def follow(self, topics: frozenset[str]) -> None:
        """Follow these topics from here on; what a new one has brought so far, and is due already, is left out."""
        topics_of = self._view.topics()
        self._ports = {name: port for name, port in self._ports.items() if port.topic in topics}
        for name, ring in self._view.rings().items():
            topic = topics_of.get(name)
            if topic in topics and topic not in self._topics and self.watermark_ns > NO_TIME:
                self._ports[name] = _Port(topic, ring.tail, ring.head)
        self._topics = topics

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Take over :meth:`snapshot`; before the first :meth:`take`."""
        self._saved = saved["ports"]
        self.watermark_ns = saved["watermark_ns"]
        self.late, self.lost = saved["late"], saved["lost"]

    def snapshot(self) -> dict[str, Any]:
        """JSON values."""
        ports = {
            name: {
                "oldest": int(port.waiting["n"].min()) if len(port.waiting) else port.read,
                "read": port.read,
            }
            for name, port in self._ports.items()
        }
        return {"ports": ports, "watermark_ns": self.watermark_ns, "late": self.late, "lost": self.lost}

    def take(self, watermark_ns: int) -> Iterator[Fed]:
        """Everything that is due: older than the watermark, in order; the watermark moves when all is given out.

        The caller takes all of it before it takes a snapshot.
        """
        # A ring that was restarted begins with an older watermark; what has been promised stays promised.
        watermark_ns = max(watermark_ns, self.watermark_ns)
        self._look()
        due = []
        for rank, (name, port) in enumerate(self._ranked()):
            ready = port.waiting["t_ns"] < watermark_ns
            if ready.any():
                entries = port.waiting[ready]
                port.waiting = port.waiting[~ready]
                self.late += int((entries["t_ns"] < self.watermark_ns).sum())
                due.append((rank, name, port.topic, entries))
        if due:
            yield from self._in_order(due)
        self.watermark_ns = watermark_ns

    def _ranked(self) -> list[tuple[str, _Port]]:
        return sorted(self._ports.items(), key=lambda item: (item[1].topic, item[0]))

    def _in_order(self, due: list[tuple[int, str, str, Entries]]) -> Iterator[Fed]:
        entries = np.concatenate([part for _, _, _, part in due])
        ranks = np.concatenate([np.full(len(part), rank) for rank, _, _, part in due])
        names = {rank: (name, topic) for rank, name, topic, _ in due}
        for place in np.lexsort((entries["seq"], ranks, entries["t_ns"])):
            name, topic = names[int(ranks[place])]
            data = self._view.ring(name).copy(entries[place])
            if data is None:
                self.lost += 1
                continue
            yield Fed(int(entries[place]["t_ns"]), topic, int(entries[place]["channel"]), data)

    def _look(self) -> None:
        """Read what is new in every ring."""
        topics = self._view.topics()
        for name, ring in self._view.rings().items():
            topic = topics.get(name)
            if topic not in self._topics:
                continue
            port = self._ports.get(name)
            if port is None:
                saved = self._saved.get(name, {})
                port = self._ports[name] = _Port(
                    topic, int(saved.get("oldest", 0)), int(saved.get("read", 0))
                )
            head = ring.head
            while port.at < head:
                last = min(head, port.at + _READ_AT_ONCE)
                entries = ring.between(port.at, last)
                self.lost += (last - port.at) - len(entries)
                self._keep(port, entries)
                port.at = last
            port.read = max(port.read, head)

    def _keep(self, port: _Port, entries: Entries) -> None:
        given_out = (entries["n"] < port.restored) & (entries["t_ns"] < self.watermark_ns)
        fresh = entries[~given_out]
        port.waiting = np.concatenate([port.waiting, fresh]) if len(port.waiting) else fresh
