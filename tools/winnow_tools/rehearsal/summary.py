"""A rehearsal in numbers."""

from dataclasses import asdict, dataclass
from typing import Any

from winnow_operators.rehearsal.links import make_links
from winnow_operators.rehearsal.script import DAY_NS, HOUR_NS, Rehearsal
from winnow_schemas.priority import Priority, UploadClass
from winnow_schemas.settings.upload import LinkMode
from winnow_tools.report.formats import date_text


@dataclass(frozen=True, slots=True)
class DayRow:
    """A UTC day."""

    date: str
    cut_bytes: int
    safety_bytes: int
    """On the wire."""
    other_bytes: int
    linked_h: float


@dataclass(frozen=True, slots=True)
class ClassRow:
    """Clips of one priority."""

    name: str
    cut: int
    over_extraction_budget: int
    uploaded: int
    waiting_bytes: int
    slowest_first_byte_h: float | None
    """The longest that one waited for its first byte while there was a link."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything that a test or a person asks first."""

    seed: int
    days: tuple[DayRow, ...]
    classes: tuple[ClassRow, ...]
    budget_bytes: int
    safety_cut: int
    safety_uploaded: int
    peak_disk_bytes: int
    room_bytes: int
    deleted: dict[str, int]
    steps: int
    cut_off: int
    violations: tuple[str, ...]


def summary_of(result: Rehearsal) -> Summary:
    """Add it up."""
    classes = tuple(_class(result, priority) for priority in Priority)
    return Summary(
        seed=result.script.seed,
        days=tuple(_day(result, number) for number in range(result.script.days)),
        classes=classes,
        budget_bytes=result.budget_bytes,
        safety_cut=classes[0].cut,
        safety_uploaded=classes[0].uploaded,
        peak_disk_bytes=result.peak_disk_bytes,
        room_bytes=result.room_bytes,
        deleted=result.deleted,
        steps=result.steps,
        cut_off=result.cut_off,
        violations=tuple(result.violations),
    )


def as_json(summary: Summary) -> dict[str, Any]:
    """JSON values, with whether all is well first."""
    return {"kept": not summary.violations, **asdict(summary)}


def _day(result: Rehearsal, number: int) -> DayRow:
    start_ns = result.script.start_ns + number * DAY_NS
    spent = result.spent.get(start_ns // DAY_NS, {})
    linked = sum(
        max(min(one.end_ns, start_ns + DAY_NS) - max(one.start_ns, start_ns), 0)
        for one in make_links(result.script).stretches
        if one.mode is not LinkMode.DISCONNECTED
    )
    safety = spent.get(int(UploadClass.SAFETY), 0)
    return DayRow(
        date=date_text(start_ns),
        cut_bytes=sum(clip.size_bytes for clip in result.clips if 0 <= clip.t_ns - start_ns < DAY_NS),
        safety_bytes=safety,
        other_bytes=sum(spent.values()) - safety,
        linked_h=round(linked / HOUR_NS, 2),
    )


def _class(result: Rehearsal, priority: Priority) -> ClassRow:
    mine = [clip for clip in result.clips if clip.priority is priority]
    waits = [clip.linked_wait_s / 3600 for clip in mine if clip.first_byte_ns is not None]
    return ClassRow(
        name=priority.name,
        cut=len(mine),
        over_extraction_budget=result.refused.get(priority, 0),
        uploaded=sum(clip.verified_ns is not None for clip in mine),
        waiting_bytes=sum(clip.left_bytes for clip in mine if clip.deleted_ns is None),
        slowest_first_byte_h=round(max(waits), 3) if waits else None,
    )
