"""From trigger events to clips: overlapping windows merge, long ones are split without a gap.

An event that happens while a window is still open (its time lies before the window's end) joins it: the
window grows to hold both. An event after the end begins a new window, whose pre-roll may reach back into
the old one; each clip is complete in itself. A joined window longer than the maximum is cut into parts
that meet exactly.

Events come in the order of their time, and ``advance(w)`` promises that no event older than ``w`` is
still to come. So the result does not depend on how the events were batched.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from winnow_schemas.ids import content_id
from winnow_schemas.messages import TriggerEvent
from winnow_schemas.priority import Priority

FOREVER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ClipPlan:
    """A clip to be cut: the half-open window and why."""

    start_ns: int
    end_ns: int
    events: tuple[TriggerEvent, ...]
    """Events before this window's end whose own windows touch it, in time order; never empty."""
    part: int
    """0 for the first (usually only) part of a joined window."""
    truncated: bool
    """The stream ended before the window did."""

    @property
    def priority(self) -> Priority:
        """The most urgent priority among the events: what the clip's bytes are charged to."""
        return Priority(min(event.priority for event in self.events))

    @property
    def upload_class(self) -> int:
        """The most urgent upload class (P4 counts as P1)."""
        return min(int(Priority(event.priority).upload_class) for event in self.events)

    @property
    def lead(self) -> TriggerEvent:
        """The event that names the clip: the most urgent one, the earliest among equals."""
        return min(self.events, key=lambda event: (event.priority, event.t_ns, event.type))

    @property
    def topics(self) -> frozenset[str]:
        """The topics wanted by any event; empty = all."""
        if any(not event.topics for event in self.events):
            return frozenset()
        return frozenset(topic for event in self.events for topic in event.topics)

    def clip_id(self, vehicle: str) -> str:
        """Derived from what the clip is, not from when it was cut."""
        causes = [f"{event.type}@{event.t_ns}" for event in self.events]
        return content_id(vehicle, self.start_ns, self.end_ns, self.part, *causes)


@dataclass(slots=True)
class _Group:
    start_ns: int
    end_ns: int
    events: list[TriggerEvent]
    part: int = 0


class WindowPlanner:
    """Collects events and gives out clips when their windows have closed in message time."""

    def __init__(self, max_length_ns: int) -> None:
        self._max_ns = max_length_ns
        self._open: _Group | None = None
        self._ready: list[ClipPlan] = []

    def add(self, event: TriggerEvent) -> None:
        """Take the next event; times never fall, unless a clock is set back."""
        start, end = event.t_ns - event.pre_roll_ns, event.t_ns + event.post_roll_ns
        group = self._open
        if group is not None and end < group.start_ns:
            # Set back by more than the window: joined, they would make one clip of all that lies between.
            self._close(truncated_at=FOREVER)
            group = None
        if group is not None:
            self._split(group, event.t_ns)
        if group is not None and event.t_ns < group.end_ns:
            # Once a part has been given out its end is fixed, and the settings see to it that no
            # pre-roll is longer than a part: an event cannot reach back beyond it.
            group.start_ns = min(group.start_ns, start) if group.part == 0 else group.start_ns
            group.end_ns = max(group.end_ns, end)
            group.events.append(event)
            return
        self._close(truncated_at=FOREVER)
        self._open = _Group(start, max(end, event.t_ns + 1), [event])

    def advance(self, watermark_ns: int) -> list[ClipPlan]:
        """Clips whose windows have closed: no event and no message older than ``watermark_ns`` is missing."""
        group = self._open
        if group is not None:
            self._split(group, watermark_ns)
            if watermark_ns >= group.end_ns:
                self._close(truncated_at=FOREVER)
        return self._take()

    def finish(self, newest_ns: int) -> list[ClipPlan]:
        """The stream has ended with ``newest_ns`` as its newest message: everything left closes."""
        if self._open is not None:
            self._split(self._open, newest_ns)
            self._close(truncated_at=newest_ns)
        return self._take()

    @property
    def is_open(self) -> bool:
        """Whether a window waits for its end."""
        return self._open is not None

    @property
    def needed_from_ns(self) -> int:
        """Messages from this time on are still wanted; FOREVER when none are."""
        starts = [plan.start_ns for plan in self._ready]
        if self._open is not None:
            starts.append(self._open.start_ns)
        return min(starts, default=FOREVER)

    @property
    def reached_from_ns(self) -> int:
        """Where the pre-rolls of the open window begin: behind a split, in the part before; FOREVER when none do."""
        group = self._open
        if group is None:
            return FOREVER
        fresh = (event for event in group.events if event.t_ns >= group.start_ns)
        return min((event.t_ns - event.pre_roll_ns for event in fresh), default=FOREVER)

    def _split(self, group: _Group, until_ns: int) -> None:
        """Give out whole parts that end at or before ``until_ns``."""
        while group.end_ns - group.start_ns > self._max_ns and until_ns >= group.start_ns + self._max_ns:
            middle = group.start_ns + self._max_ns
            self._emit(group, middle, truncated=False)
            group.start_ns = middle
            group.part += 1
            group.events = [event for event in group.events if event.t_ns + event.post_roll_ns > middle]

    def _close(self, truncated_at: int) -> None:
        group, self._open = self._open, None
        if group is None:
            return
        self._split(group, FOREVER)
        self._emit(group, group.end_ns, truncated=group.end_ns > truncated_at + 1)

    def _emit(self, group: _Group, end_ns: int, *, truncated: bool) -> None:
        touching = tuple(event for event in group.events if event.t_ns - event.pre_roll_ns < end_ns)
        self._ready.append(ClipPlan(group.start_ns, end_ns, touching, group.part, truncated))

    def _take(self) -> list[ClipPlan]:
        ready, self._ready = self._ready, []
        return ready

    # --- state --------------------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """JSON values from which :meth:`restore` goes on."""
        group = self._open
        if group is None:
            return {"open": None}
        events = [_event_to_json(event) for event in group.events]
        return {
            "open": {"start_ns": group.start_ns, "end_ns": group.end_ns, "part": group.part, "events": events}
        }

    def restore(self, value: Mapping[str, Any]) -> None:
        """Take over a snapshot."""
        group = value["open"]
        self._open = group and _Group(
            group["start_ns"],
            group["end_ns"],
            [TriggerEvent.from_builtins(event) for event in group["events"]],
            group["part"],
        )


def plan_to_json(plan: ClipPlan) -> dict[str, Any]:
    """A plan as JSON values: what waits to be cut survives a crash."""
    return {
        "start_ns": plan.start_ns,
        "end_ns": plan.end_ns,
        "events": [_event_to_json(event) for event in plan.events],
        "part": plan.part,
        "truncated": plan.truncated,
    }


def plan_from_json(value: Mapping[str, Any]) -> ClipPlan:
    """The inverse of :func:`plan_to_json`."""
    events: Sequence[Any] = value["events"]
    return ClipPlan(
        value["start_ns"],
        value["end_ns"],
        tuple(TriggerEvent.from_builtins(event) for event in events),
        value["part"],
        value["truncated"],
    )


def _event_to_json(event: TriggerEvent) -> dict[str, Any]:
    return {name: getattr(event, name) for name in event.__struct_fields__}
