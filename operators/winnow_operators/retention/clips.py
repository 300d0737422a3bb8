"""Which clips may go, when, and in which order when space is short (vehicle document 6.1; errata 6.1)."""

from collections.abc import Sequence
from dataclasses import dataclass

from winnow_schemas.priority import Priority

_DAY_NS = 86_400 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """What retention knows of a clip on disk."""

    name: str
    priority: Priority
    size_bytes: int
    verified_wall_ns: int | None
    """When its upload was verified; None while it is not."""
    held: bool
    """A legal hold covers it."""


@dataclass(frozen=True, slots=True)
class RetentionRules:
    """Days kept after verified upload, per group of 6.1, and the room there is."""

    p0_days: float
    p1_p4_days: float
    p5_days: float
    room_bytes: int
    high_fraction: float
    low_fraction: float

    def days(self, priority: Priority) -> float:
        """P0: 30, P1-P4: 7, P5: 0 by the document's table (P4 counts as P1)."""
        if priority is Priority.P0:
            return self.p0_days
        return self.p5_days if priority is Priority.P5 else self.p1_p4_days


@dataclass(frozen=True, slots=True)
class Step:
    """One clip, what happens to it and by which rule."""

    clip: ClipFacts
    delete: bool
    reason: str
    due_wall_ns: int | None
    """When its time is over; None when nobody can say (not uploaded, held), or space was short before."""


def plan_retention(clips: Sequence[ClipFacts], now_wall_ns: int, rules: RetentionRules) -> list[Step]:
    """Decide about every clip. What is not verified as uploaded is never deleted here, nor what is held."""
    steps = {clip.name: _by_time(clip, now_wall_ns, rules) for clip in clips}
    used = sum(clip.size_bytes for clip in clips if not steps[clip.name].delete)
    if used > rules.room_bytes * rules.high_fraction:
        for clip in sorted(clips, key=_pressure_key):
            if used <= rules.room_bytes * rules.low_fraction:
                break
            if steps[clip.name].delete or clip.held or clip.verified_wall_ns is None:
                continue
            steps[clip.name] = Step(
                clip, delete=True, reason="uploaded and verified; space is short", due_wall_ns=None
            )
            used -= clip.size_bytes
    return [steps[clip.name] for clip in sorted(clips, key=lambda clip: (clip.priority, clip.name))]


def _by_time(clip: ClipFacts, now_wall_ns: int, rules: RetentionRules) -> Step:
    if clip.held:
        return Step(clip, delete=False, reason="a legal hold covers it", due_wall_ns=None)
    if clip.verified_wall_ns is None:
        return Step(clip, delete=False, reason="not verified as uploaded", due_wall_ns=None)
    days = rules.days(clip.priority)
    due = clip.verified_wall_ns + int(days * _DAY_NS)
    kept = f"{clip.priority.name} is kept {days:g} days after verified upload"
    return Step(clip, delete=now_wall_ns >= due, reason=kept, due_wall_ns=due)


def _pressure_key(clip: ClipFacts) -> tuple[int, int, str]:
    """Who goes first when space is short: the least urgent upload class, among equals the largest; P0 last."""
    return (-int(clip.priority.upload_class), -clip.size_bytes, clip.name)
