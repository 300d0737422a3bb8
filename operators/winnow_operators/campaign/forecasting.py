"""What a campaign will cost per day, from what it does on recorded messages."""

from collections.abc import Iterable
from dataclasses import dataclass

from winnow_schemas.messages import TriggerEvent

_DAY_NS = 86_400_000_000_000


@dataclass(frozen=True, slots=True)
class Tally:
    """What triggers did over a span of message time."""

    span_ns: int
    events: dict[str, int]
    """By trigger."""
    wanted_ns: int
    """Length of the union of all wanted windows, cut off at both ends of the span."""

    @property
    def events_per_day(self) -> float:
        return self._per_day(sum(self.events.values()))

    def gb_per_day(self, bytes_per_s: float) -> float:
        """Of clips at a rate of payload bytes, before compression."""
        return self._per_day(self.wanted_ns / 1e9 * bytes_per_s) / 1e9

    def _per_day(self, amount: float) -> float:
        return amount * _DAY_NS / self.span_ns if self.span_ns > 0 else 0.0


def forecast(events: Iterable[TriggerEvent], start_ns: int, end_ns: int) -> Tally:
    """Add up events of ``[start_ns, end_ns)``; overlapping windows are one clip and count once (3.6)."""
    counts: dict[str, int] = {}
    windows = []
    for event in events:
        counts[event.type] = counts.get(event.type, 0) + 1
        first = max(start_ns, event.t_ns - event.pre_roll_ns)
        windows.append((first, min(end_ns, event.t_ns + event.post_roll_ns)))
    total, reached = 0, start_ns
    for first, last in sorted(windows):
        total += max(0, last - max(first, reached))
        reached = max(reached, last)
    return Tally(end_ns - start_ns, dict(sorted(counts.items())), total)
