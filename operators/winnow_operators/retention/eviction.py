"""Which warm segments go when space is short (vehicle document 2.8; errata 2.8).

The order of what is kept, when not everything can be: the file system's free-space floor first, then what
pending windows need, then the last 15 minutes. What a legal hold covers is kept even below the floor: whoever
asks then has to stop writing. Sizes are read before anything is deleted.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SegmentInfo:
    """A closed segment: ``[start_ns, end_ns)`` in message time, and its bytes on disk."""

    name: str
    start_ns: int
    end_ns: int
    size_bytes: int
    held: bool = False
    """A legal hold covers part of it: it never goes, and does not count against the limit of the tier."""


@dataclass(frozen=True, slots=True)
class EvictionLimits:
    """The settings that matter here."""

    limit_bytes: int
    evict_at: float
    evict_to: float
    min_retention_ns: int
    free_floor_bytes: int


@dataclass(frozen=True, slots=True)
class Eviction:
    """One segment to delete, and why."""

    segment: SegmentInfo
    reason: str
    broke: str
    """What had to be given up for it: empty, ``retention`` or ``pending window``."""


def plan_eviction(
    segments: Sequence[SegmentInfo],
    *,
    used_bytes: int,
    free_bytes: int,
    newest_ns: int,
    needed_from_ns: int,
    limits: EvictionLimits,
) -> list[Eviction]:
    """Decide what goes, oldest first.

    ``used_bytes`` includes the open segment; ``free_bytes`` is what the file system has left;
    ``needed_from_ns``: pending windows need everything from this time on.
    """
    used_bytes -= sum(segment.size_bytes for segment in segments if segment.held)
    over_limit = used_bytes > limits.limit_bytes * limits.evict_at
    below_floor = free_bytes < limits.free_floor_bytes
    if not over_limit and not below_floor:
        return []
    target = limits.limit_bytes * limits.evict_to if over_limit else used_bytes
    plan: list[Eviction] = []
    for segment in sorted((one for one in segments if not one.held), key=lambda item: item.start_ns):
        enough = used_bytes <= target and free_bytes >= limits.free_floor_bytes
        if enough:
            break
        pending = segment.end_ns > needed_from_ns
        recent = segment.end_ns > newest_ns - limits.min_retention_ns
        hard = free_bytes < limits.free_floor_bytes or used_bytes > limits.limit_bytes
        if (pending or recent) and not hard:
            continue
        if pending and free_bytes >= limits.free_floor_bytes:
            continue  # only the floor is stronger than a pending window
        broke = "pending window" if pending else "retention" if recent else ""
        cause = (
            "free space is below the floor"
            if free_bytes < limits.free_floor_bytes
            else "the warm tier is full"
        )
        plan.append(Eviction(segment, cause, broke))
        used_bytes -= segment.size_bytes
        free_bytes += segment.size_bytes
    return plan
