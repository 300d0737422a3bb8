"""What lies on the device may go, when, and in which order when space is short (vehicle document 6.1; errata 6.1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from winnow_schemas.priority import Priority

DAY_NS = 86_400 * 1_000_000_000
EARLIEST_NS = 946_684_800 * 1_000_000_000
"""2000-01-01 UTC. Message times before it come from a clock that was never set: nobody's age is counted from them."""


class Matter(StrEnum):
    """What a file is to retention."""

    CLIP = "clip"
    """A clip as cut."""
    COPY = "copy"
    """What was made of a clip for sending."""
    SIDECAR = "sidecar"
    """The sidecar of a clip whose data has gone: small, and proof."""
    FOREIGN = "foreign"
    """Nobody knows what it is: never deleted, but it takes room."""


class Rule(StrEnum):
    """Which rule decided."""

    HELD = "hold"
    FOREIGN = "foreign"
    UNVERIFIED = "unverified"
    AGE = "age"
    COPY = "copy"
    SIDECAR = "sidecar"
    CAMERA_LIMIT = "camera-limit"
    PRESSURE = "pressure"
    LAST_RESORT = "last-resort"


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """What retention knows of a file."""

    name: str
    priority: Priority
    size_bytes: int
    verified_wall_ns: int | None
    """When the upload of exactly this content was verified; None while it is not."""
    held: str = ""
    """The legal hold that covers it; empty when none does."""
    matter: Matter = Matter.CLIP
    value: float = 0.5
    """How much it is worth, 0 to 1: the classifier's annotation priority (4.2), unknown counts as 0.5 (8.3)."""
    captured_ns: int = 0
    """Message time at which its window ends."""
    may_show_people: bool = False
    """It holds pictures of cameras that nobody has taken out (6.4)."""
    trouble: str = ""
    """Why it is not known what it is."""


@dataclass(frozen=True, slots=True)
class RetentionRules:
    """Days kept after verified upload, per group of 6.1, and the room there is."""

    p0_days: float
    p1_p4_days: float
    p5_days: float
    room_bytes: int
    high_fraction: float
    low_fraction: float
    sidecar_days: float = 365.0
    camera_days: float = 90.0
    camera_needs_proof: bool = True
    gives_up_unverified: bool = False
    """When all that is verified has gone and space is short all the same, what is not verified goes, never P0."""

    def days(self, priority: Priority) -> float:
        """P0: 30, P1-P4: 7, P5: 0 by the document's table (P4 counts as P1)."""
        if priority is Priority.P0:
            return self.p0_days
        return self.p5_days if priority is Priority.P5 else self.p1_p4_days


@dataclass(frozen=True, slots=True)
class Step:
    """One file, what happens to it and by which rule."""

    clip: ClipFacts
    delete: bool
    rule: Rule
    reason: str
    due_wall_ns: int | None
    """When its time is over; None when nobody can say (not uploaded, held), or space was short before."""
    loud: bool = False
    """A person should hear of it: a safety clip goes early, data that lies nowhere else is lost, a limit is passed."""


@dataclass(frozen=True, slots=True)
class RetentionPlan:
    """A decision about every file, and what is left then."""

    steps: tuple[Step, ...]
    used_bytes: int
    """Everything, before."""
    kept_bytes: int
    """Everything, after."""
    room_bytes: int

    @property
    def is_over(self) -> bool:
        """More is left than there is room for, and nothing of it may go."""
        return self.kept_bytes > self.room_bytes


def plan_retention(clips: Sequence[ClipFacts], now_wall_ns: int, rules: RetentionRules) -> RetentionPlan:
    """Decide about every file. What is held or unknown never goes, and without proof nothing does.

    With ``gives_up_unverified`` the last is true of P0 alone, and of the others while anything verified is left.
    """
    steps = [_by_time(clip, now_wall_ns, rules) for clip in clips]
    used = sum(clip.size_bytes for clip in clips)
    kept = used - sum(step.clip.size_bytes for step in steps if step.delete)
    if kept > rules.room_bytes * rules.high_fraction:
        by_pressure = sorted(range(len(steps)), key=lambda place: pressure_key(clips[place]))
        for place in by_pressure:
            if kept <= rules.room_bytes * rules.low_fraction:
                break
            if steps[place].delete or not _may_go_early(clips[place], rules):
                continue
            steps[place] = _gone_early(clips[place])
            kept -= clips[place].size_bytes
    ordered = sorted(steps, key=lambda step: (step.clip.matter, step.clip.priority, step.clip.name))
    return RetentionPlan(tuple(ordered), used, kept, rules.room_bytes)


def pressure_key(clip: ClipFacts) -> tuple[bool, bool, int, float, str]:
    """Who goes first when space is short.

    Verified before unverified; P0 last among its like; the least urgent upload class first (P4 as P1); among equals
    what is worth least per byte.
    """
    worth_per_byte = clip.value / max(clip.size_bytes, 1)
    is_safety = clip.priority is Priority.P0
    return (
        clip.verified_wall_ns is None,
        is_safety,
        -int(clip.priority.upload_class),
        worth_per_byte,
        clip.name,
    )


def _may_go_early(clip: ClipFacts, rules: RetentionRules) -> bool:
    if clip.held or clip.matter is not Matter.CLIP:
        return False
    if clip.verified_wall_ns is not None:
        return True
    return rules.gives_up_unverified and clip.priority is not Priority.P0


def _gone_early(clip: ClipFacts) -> Step:
    if clip.verified_wall_ns is None:
        reason = (
            "space is short, nothing verified is left to delete, and retention.unverified says last_resort"
        )
        return Step(clip, delete=True, rule=Rule.LAST_RESORT, reason=reason, due_wall_ns=None, loud=True)
    loud = clip.priority is Priority.P0
    early = ", before its time, because nothing less urgent is left" if loud else ""
    reason = f"uploaded and verified; space is short{early}"
    return Step(clip, delete=True, rule=Rule.PRESSURE, reason=reason, due_wall_ns=None, loud=loud)


def _by_time(clip: ClipFacts, now_wall_ns: int, rules: RetentionRules) -> Step:
    if clip.matter is Matter.FOREIGN:
        return _kept(clip, Rule.FOREIGN, clip.trouble)
    if clip.held:
        return _kept(clip, Rule.HELD, f"a legal hold covers it: {clip.held}")
    if clip.verified_wall_ns is None:
        return _without_proof(clip, now_wall_ns, rules)
    days, rule = rules.days(clip.priority), Rule.AGE
    kept = f"{clip.priority.name} is kept {days:g} days after verified upload"
    if clip.matter is Matter.COPY:
        days, rule, kept = 0.0, Rule.COPY, "it was made for sending, and its upload is verified"
    elif clip.matter is Matter.SIDECAR:
        days, rule = days + rules.sidecar_days, Rule.SIDECAR
        kept = f"a sidecar stays {rules.sidecar_days:g} days longer than its data"
    due = clip.verified_wall_ns + int(days * DAY_NS)
    limit = _camera_limit_ns(clip, rules)
    if limit is not None and limit < due:
        due, rule = max(limit, clip.verified_wall_ns), Rule.CAMERA_LIMIT
        kept = f"pictures that may show people are kept {rules.camera_days:g} days at most"
    return Step(clip, delete=now_wall_ns >= due, rule=rule, reason=kept, due_wall_ns=due)


def _without_proof(clip: ClipFacts, now_wall_ns: int, rules: RetentionRules) -> Step:
    limit = _camera_limit_ns(clip, rules)
    if limit is None or now_wall_ns < limit:
        if limit is None or rules.camera_needs_proof:
            return _kept(clip, Rule.UNVERIFIED, "not verified as uploaded")
        return Step(
            clip, delete=False, rule=Rule.UNVERIFIED, reason="not verified as uploaded", due_wall_ns=limit
        )
    over = f"it may show people and is older than {rules.camera_days:g} days"
    if rules.camera_needs_proof:
        reason = (
            f"not verified as uploaded, although {over}: upload it, put a hold on it, or remove it by hand"
        )
        return _kept(clip, Rule.CAMERA_LIMIT, reason, loud=True)
    reason = f"{over}; it was never uploaded"
    return Step(clip, delete=True, rule=Rule.CAMERA_LIMIT, reason=reason, due_wall_ns=limit, loud=True)


def _camera_limit_ns(clip: ClipFacts, rules: RetentionRules) -> int | None:
    """When pictures of people must go (6.4); safety events are exempt, they are needed for investigations."""
    exempt = clip.priority is Priority.P0 or clip.matter is not Matter.CLIP
    if exempt or not clip.may_show_people or clip.captured_ns < EARLIEST_NS:
        return None
    return clip.captured_ns + int(rules.camera_days * DAY_NS)


def _kept(clip: ClipFacts, rule: Rule, reason: str, *, loud: bool = False) -> Step:
    return Step(clip, delete=False, rule=rule, reason=reason, due_wall_ns=None, loud=loud)
