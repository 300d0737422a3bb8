"""What is sent next, and why nothing is (vehicle document 5.2, 5.3, 8.3). Pure: queue and time come in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from winnow_operators.upload.budget import DailyBudget, next_midnight_ns
from winnow_operators.upload.link import Link, allowed_bytes_per_s, allowed_small_bytes_per_s
from winnow_schemas.priority import UploadClass
from winnow_schemas.settings.upload import LinkMode, LinkSettings

STARTED_POINTS = 5.0
"""A clip with parts in the store goes before its equals: so much better must be what interrupts it. It also
bounds how many uploads are open at once (500 points of score / 5)."""
EARLY_BEFORE_SAFETY = 64
"""As long as no more early sidecars than this are waiting they go before a P0's data: 64 round trips take
about as long as the one part that a P0 has to wait for in any case."""
HOUR_NS = 3600 * 10**9


class Stage(IntEnum):
    """What of a clip goes next."""

    EARLY = 0
    """Its sidecar ahead of the data, as ``NAME.meta.json``."""
    DATA = 1
    """Its next part, or the whole of a small one."""
    SEAL = 2
    """Completing and verifying the object: no data."""
    SIDECAR = 3
    """``NAME.json``, which marks the clip complete."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Somebody asked for a clip not to be sent: a coordinator that has a better one, an operator."""

    reason: str
    until_ns: int | None = None
    """Wall time; None = until it is released."""
    since_ns: int = 0
    """Wall time at which it began; a clock that was put back to before that ends a hold with an end."""

    def holds(self, now_ns: int) -> bool:
        """Whether it keeps the clip back at this moment."""
        return self.until_ns is None or self.since_ns <= now_ns < self.until_ns


@dataclass(frozen=True, slots=True)
class QueueItem:
    """What the scheduler sees of a clip."""

    clip_id: str
    upload_class: UploadClass
    score: float
    """Lower goes first; see ``score``."""
    queued_ns: int
    """Wall time at which it was queued: ageing counts from here."""
    stage: Stage
    """``DATA``, ``SEAL`` or ``SIDECAR``."""
    next_bytes: int
    """What the next step of this stage costs on the wire, at most."""
    early_bytes: int = 0
    """What an early sidecar would cost; 0 when it has gone, or need not go."""
    started: bool = False
    """Some of its data is in the store."""
    not_before_ns: int = 0
    """Wall time of the next try after a failure."""
    hold: Hold | None = None
    urgent: bool = False
    """Somebody asked for it now: it goes behind P0 alone, wherever P1 may send, held or not, and only the
    budget of the whole day limits it."""
    links: frozenset[LinkMode] | None = None
    """The only links on which it may go; None = those of its class."""


class Obstacle(StrEnum):
    """Why a clip does not go now."""

    LINK = "link"
    BUDGET = "budget"
    BACKOFF = "backoff"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Blocked:
    """A clip that may not go now, and until when at least; None = until something else changes."""

    clip_id: str
    obstacle: Obstacle
    until_ns: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Send:
    """The next thing to do, and the rate at which it may go."""

    clip_id: str
    stage: Stage
    rate_bytes_per_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now. Without ``send``: look again at ``until_ns``, or when queue or link change."""

    send: Send | None
    until_ns: int | None
    blocked: tuple[Blocked, ...]

    @property
    def reason(self) -> str:
        """Why nothing goes, in a line."""
        counts: dict[str, int] = {}
        for one in self.blocked:
            counts[one.reason] = counts.get(one.reason, 0) + 1
        return "; ".join(f"{n} x {reason}" for reason, n in sorted(counts.items())) or "the queue is empty"


@dataclass(frozen=True, slots=True)
class Scheduler:
    """The rules, fixed while the settings are."""

    link_settings: LinkSettings
    budget: DailyBudget
    ageing_points_per_h: float
    longest_backoff_ns: int
    """A try that lies further in the future than this was set before the clock was put back: it is due."""

    def plan(
        self, queue: Iterable[QueueItem], link: Link, spent: Mapping[UploadClass, int], now_ns: int
    ) -> Plan:
        """Pick the most urgent clip among those that may go. Same arguments, same answer.

        ``spent`` is what went over the wire in the UTC day of ``now_ns``. A clip that may not go is passed
        over, whatever its urgency.
        """
        moment = _Moment(self, link, spent, now_ns)
        blocked: list[Blocked] = []
        candidates: list[tuple[QueueItem, Stage]] = []
        for item in queue:
            stage = moment.stage(item)
            obstacle = moment.obstacle(item, stage)
            if obstacle is None:
                candidates.append((item, stage))
            else:
                blocked.append(obstacle)
        if not candidates:
            until = min((one.until_ns for one in blocked if one.until_ns is not None), default=None)
            return Plan(None, until, tuple(blocked))
        early = sum(stage is Stage.EARLY for _, stage in candidates)
        item, stage = min(candidates, key=lambda one: moment.urgency(one[0], one[1], early))
        return Plan(Send(item.clip_id, stage, moment.rate(item, stage)), None, tuple(blocked))

    def rate_bytes_per_s(
        self, upload_class: UploadClass, stage: Stage, link: Link, *, urgent: bool = False
    ) -> float:
        """The rate at which a stage of a clip may go on a link; 0 = not at all."""
        # What is small may go wherever P1 may, and so may what somebody asked for now.
        of_stage = allowed_bytes_per_s if stage is Stage.DATA and not urgent else allowed_small_bytes_per_s
        return of_stage(self.link_settings, upload_class, link)


class _Moment:
    """One planning; what all clips of a class share is worked out once, for queues of thousands."""

    def __init__(self, rules: Scheduler, link: Link, spent: Mapping[UploadClass, int], now_ns: int) -> None:
        self._link = link
        self._rates: dict[tuple[UploadClass, Stage, bool], float] = {}
        self._whole = rules.budget.whole_bytes(spent)
        self._remaining = {one: rules.budget.remaining_bytes(one, spent) for one in UploadClass}
        self._rules = rules
        self._mode = link.mode
        self._is_cellular = link.mode is LinkMode.CELLULAR_5G
        self._now_ns = now_ns

    def stage(self, item: QueueItem) -> Stage:
        """What would go of a clip: on a cellular link its sidecar, ahead of data that has not begun."""
        if self._is_cellular and item.early_bytes and item.stage is Stage.DATA and not item.started:
            return Stage.EARLY
        return item.stage

    def rate(self, item: QueueItem, stage: Stage) -> float:
        """How fast a stage of a clip may go; 0 = not on this link."""
        if item.links is not None and self._mode not in item.links:
            return 0.0
        key = (item.upload_class, stage, item.urgent)
        if key not in self._rates:
            self._rates[key] = self._rules.rate_bytes_per_s(key[0], stage, self._link, urgent=item.urgent)
        return self._rates[key]

    def obstacle(self, item: QueueItem, stage: Stage) -> Blocked | None:
        """Why it may not go now, if it may not."""
        safety = item.upload_class is UploadClass.SAFETY
        if item.hold is not None and not safety and not item.urgent and item.hold.holds(self._now_ns):
            return Blocked(item.clip_id, Obstacle.HELD, item.hold.until_ns, f"held: {item.hold.reason}")
        if self.rate(item, stage) <= 0:
            what = f"class {int(item.upload_class)} may not send on {self._mode.name.lower()}"
            if item.links is not None:
                what = "waits for " + " or ".join(one.name.lower() for one in sorted(item.links))
            return Blocked(item.clip_id, Obstacle.LINK, None, what)
        if self._now_ns < item.not_before_ns <= self._now_ns + self._rules.longest_backoff_ns:
            return Blocked(item.clip_id, Obstacle.BACKOFF, item.not_before_ns, "waits after a failure")
        remaining = self._whole if item.urgent and not safety else self._remaining[item.upload_class]
        if remaining is not None and remaining < (
            item.early_bytes if stage is Stage.EARLY else item.next_bytes
        ):
            what = f"class {int(item.upload_class)} has used its budget for today (UTC)"
            return Blocked(item.clip_id, Obstacle.BUDGET, next_midnight_ns(self._now_ns), what)
        return None

    def urgency(self, item: QueueItem, stage: Stage, early: int) -> tuple[int, float, int, int, str]:
        """Sort key, smallest first: tier, aged score, class, age, id. ``early``: how many sidecars could go."""
        safety = item.upload_class is UploadClass.SAFETY
        if stage is Stage.EARLY:
            tier = 0 if safety else (1 if early <= EARLY_BEFORE_SAFETY else 4)
        else:
            tier = 2 if safety else (3 if item.urgent else 5)
        waited_h = max(self._now_ns - item.queued_ns, 0) / HOUR_NS
        points = item.score - self._rules.ageing_points_per_h * waited_h
        if item.started:
            points -= STARTED_POINTS
        return (tier, points, int(item.upload_class), item.queued_ns, item.clip_id)
