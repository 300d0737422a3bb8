"""What a rehearsal plays, and with which rules."""

from dataclasses import dataclass, field

from winnow_operators.retention.clips import RetentionRules
from winnow_operators.upload.budget import DailyBudget
from winnow_operators.upload.schedule import Scheduler
from winnow_schemas.priority import Priority

HOUR_NS = 3600 * 10**9
DAY_NS = 24 * HOUR_NS
MONDAY_NS = 1_776_038_400 * 10**9
"""2026-04-13 00:00 UTC."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The device's settings as the operators take them."""

    scheduler: Scheduler
    budget: DailyBudget
    retention: RetentionRules
    part_bytes: int
    multipart_from_bytes: int
    extraction_bytes: dict[Priority, int]
    """Per UTC day (3.5); P0 and P4 have none."""
    cap_bytes: dict[Priority, int]
    """Largest clip (3.3)."""


@dataclass(frozen=True, slots=True)
class Script:
    """The days. Same script and rules, same rehearsal."""

    seed: int = 0
    days: int = 7
    start_ns: int = MONDAY_NS
    safety_day: int | None = 4
    """A day with ten times the safety events (6.1, heavy safety day), counted from 0; None = there is none."""
    outage_from_h: float = 36.0
    """When every link fails, counted from the start."""
    outage_h: float = 24.0
    """For how long: 6.1 reckons with up to two days."""
    tick_s: float = 600.0
    """How often retention plans and a sample is taken; the node plans every minute."""

    @property
    def end_ns(self) -> int:
        return self.start_ns + self.days * DAY_NS


@dataclass(slots=True)
class SimClip:
    """A clip on its way from the trigger to its deletion."""

    clip_id: str
    type: str
    priority: Priority
    t_ns: int
    ready_ns: int
    """Cut, classified, redacted."""
    size_bytes: int
    worth: float
    score: float
    may_show_people: bool
    left_bytes: int = 0
    early_sent: bool = False
    started: bool = False
    first_byte_ns: int | None = None
    verified_ns: int | None = None
    deleted_ns: int | None = None
    not_before_ns: int = 0
    failures: int = 0
    wire_bytes: int = 0
    linked_wait_s: float = 0.0
    """How long it waited for its first byte while there was a link."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The state at one moment; rates are means since the sample before."""

    t_ns: int
    mode: int
    queue_bytes: tuple[int, ...]
    """Per upload class, in the order of ``UploadClass``."""
    rate_bytes_per_s: tuple[float, ...]
    """The same."""
    verified_bytes: int
    """On disk, also in the store."""
    unverified_bytes: int
    """On disk and nowhere else."""


@dataclass(slots=True)
class Rehearsal:
    """What happened."""

    script: Script
    room_bytes: int
    budget_bytes: int
    """Per UTC day, all classes."""
    clips: list[SimClip] = field(default_factory=list)
    refused: dict[Priority, int] = field(default_factory=dict)
    """Windows over the extraction budget."""
    samples: list[Sample] = field(default_factory=list)
    spent: dict[int, dict[int, int]] = field(default_factory=dict)
    """UTC day -> upload class -> bytes on the wire."""
    deleted: dict[str, int] = field(default_factory=dict)
    """Rule of retention -> clips."""
    peak_disk_bytes: int = 0
    steps: int = 0
    """Decisions of the scheduler."""
    cut_off: int = 0
    """Parts that a link took with it when it went."""
    violations: list[str] = field(default_factory=list)
    """Promises that were broken, one sentence each."""
