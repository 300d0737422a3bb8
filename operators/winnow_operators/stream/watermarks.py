"""How far a stream is complete: watermarks that hold once the messages they speak of are here."""

from collections import deque
from collections.abc import Sequence

NO_TIME = -(2**63)
"""Before everything."""
ALL_TIME = 2**63 - 1
"""After everything: the watermark of a stream that has ended."""
PENDING_MAX = 10_000
"""Promises kept while their messages are under way; the oldest is dropped, a newer one says more."""


class SourceProgress:
    """One source's promises against what has arrived.

    A promise is (watermark, last sequence number per port): when every port has reached its number,
    every message older than the watermark is here. Promises and messages travel on different edges and
    may overtake each other, hence the numbers.
    """

    def __init__(self, ports: int) -> None:
        self.received = [0] * ports
        """Per port: everything up to this sequence number is accounted for."""
        self.watermark_ns = NO_TIME
        self.ended = False
        self._pending: deque[tuple[int, tuple[int, ...], bool]] = deque()

    def promise(self, watermark_ns: int, seqs: Sequence[int], *, end: bool) -> None:
        """The source speaks. Promises with another number of ports than the graph has are ignored."""
        if len(seqs) == len(self.received):
            self._pending.append((watermark_ns, tuple(seqs), end))
            if len(self._pending) > PENDING_MAX:
                self._pending.popleft()
            self._settle()

    def arrived(self, port: int, seq: int) -> None:
        """Everything on this port up to ``seq`` is here (or known to be lost)."""
        self.received[port] = seq

    def vanish(self) -> None:
        """The source is gone without saying ``end``: nothing more will come."""
        self.ended = True
        self.watermark_ns = ALL_TIME

    def settle(self) -> None:
        """Let the promises that are fulfilled by now take effect."""
        if self._pending:
            self._settle()

    def _settle(self) -> None:
        received = self.received
        pending = self._pending
        while pending and all(have >= want for have, want in zip(received, pending[0][1], strict=True)):
            watermark, _, end = pending.popleft()
            self.watermark_ns = max(self.watermark_ns, ALL_TIME if end else watermark)
            self.ended = self.ended or end


def joint_watermark(sources: Sequence[SourceProgress], newest_ns: int, lateness_ns: int) -> int:
    """The watermark of several sources together; without any that speaks, a bounded lateness."""
    if sources:
        return min(source.watermark_ns for source in sources)
    return newest_ns - lateness_ns if newest_ns > NO_TIME + lateness_ns else NO_TIME
