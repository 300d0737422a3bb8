"""Sums per trigger and in all: of each settings file, and of the difference between two."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from winnow_operators.clips.judging import EMPTY, OVER_BUDGET
from winnow_operators.triggers.outcomes import Verdict
from winnow_schemas.priority import Priority
from winnow_schemas.settings import DeviceSettings
from winnow_tools.whatif.comparing import Change, Difference
from winnow_tools.whatif.replaying import Replayed
from winnow_tools.whatif.variant import ClipOutcome, Decided


@dataclass(slots=True)
class Volume:
    """Some clips."""

    clips: int = 0
    length_ns: int = 0
    payload_bytes: int = 0
    """As recorded."""
    charged_bytes: int = 0
    """What the extraction budget is charged."""

    def add(self, clip: ClipOutcome) -> None:
        self.clips += 1
        self.length_ns += clip.length_ns
        self.payload_bytes += clip.payload_bytes
        self.charged_bytes += clip.judged.charged_bytes


@dataclass(slots=True)
class TriggerSum:
    """One trigger under one settings file. Clips count for their lead: sums over triggers are sums over clips."""

    priority: Priority
    fired: int = 0
    held: dict[Verdict, int] = field(default_factory=dict)
    """How often it did not fire, by reason."""
    cut: Volume = field(default_factory=Volume)
    over_budget: int = 0
    empty: int = 0

    @property
    def muted(self) -> int:
        """Times that the storm breaker held it, the one that set the breaker off included."""
        return self.held.get(Verdict.MUTED, 0) + self.held.get(Verdict.STORM, 0)


@dataclass(frozen=True, slots=True)
class BudgetSum:
    """A priority on one UTC day of one recording."""

    recording: str
    day: int
    """UTC days since 1970."""
    priority: Priority
    charged_bytes: int
    limit_bytes: int | None
    """None: no limit applies."""
    refused: int


@dataclass(frozen=True, slots=True)
class Sums:
    """One settings file over all recordings."""

    name: str
    triggers: dict[str, TriggerSum]
    """Most urgent first."""
    inactive: dict[str, str]
    total: Volume
    by_priority: dict[Priority, Volume]
    budgets: tuple[BudgetSum, ...]
    over_budget: int


def sum_up(replayed: Sequence[Replayed], place: int) -> Sums:
    """Sums of the settings at ``place``."""
    decided = [one.decided[place] for one in replayed]
    triggers: dict[str, TriggerSum] = {}
    total, by_priority = Volume(), {priority: Volume() for priority in Priority}
    for one in decided:
        for count in one.triggers:
            trigger = triggers.setdefault(count.name, TriggerSum(count.priority))
            trigger.fired += count.fired
            for verdict, times in count.held.items():
                trigger.held[verdict] = trigger.held.get(verdict, 0) + times
        for clip in one.clips:
            trigger = triggers[clip.plan.lead.type]
            trigger.over_budget += clip.judged.outcome == OVER_BUDGET
            trigger.empty += clip.judged.outcome == EMPTY
            if clip.judged.cut:
                for volume in (trigger.cut, total, by_priority[clip.plan.priority]):
                    volume.add(clip)
    budgets = tuple(line for one in replayed for line in _budgets(str(one.path.name), one.decided[place]))
    return Sums(
        decided[0].variant.name,
        triggers,
        decided[0].inactive,
        total,
        by_priority,
        budgets,
        sum(trigger.over_budget for trigger in triggers.values()),
    )


def _budgets(recording: str, decided: Decided) -> list[BudgetSum]:
    refused: dict[tuple[int, Priority], int] = {}
    for clip in decided.clips:
        if clip.judged.outcome == OVER_BUDGET:
            key = (clip.plan.lead.t_ns // 86_400_000_000_000, clip.plan.priority)
            refused[key] = refused.get(key, 0) + 1
    charged = {
        (day, priority): size for day, sizes in decided.charged.items() for priority, size in sizes.items()
    }
    settings = decided.variant.settings
    return [
        BudgetSum(recording, *key, charged.get(key, 0), limit_bytes(settings, key[1]), refused.get(key, 0))
        for key in sorted(charged.keys() | refused.keys())
    ]


def limit_bytes(settings: DeviceSettings, priority: Priority) -> int | None:
    """The extraction budget of a priority per day; None where none applies."""
    if priority.always_extracted or priority not in settings.clips.budget_gb_per_day:
        return None
    return int(settings.clips.budget_gb_per_day[priority] * 1e9)


def fullest_budgets(sums: Sums) -> list[BudgetSum]:
    """Per priority the fullest day of a recording, with all refusals of that priority."""
    found = []
    for priority in Priority:
        lines = [line for line in sums.budgets if line.priority is priority]
        if lines:
            fullest = max(lines, key=lambda line: (line.charged_bytes, line.recording, line.day))
            found.append(replace(fullest, refused=sum(line.refused for line in lines)))
    return found


def changes_by_trigger(differences: Iterable[Difference]) -> dict[str, dict[Change, int]]:
    """Trigger -> how many of each change, clips that belong together counted once."""
    counts: dict[str, dict[Change, int]] = {}
    for one in differences:
        own = counts.setdefault(one.trigger, dict.fromkeys(Change, 0))
        own[one.change] += 1
    return counts


def changes(differences: Iterable[Difference]) -> dict[Change, int]:
    """How many of each change in all."""
    counts = dict.fromkeys(Change, 0)
    for one in differences:
        counts[one.change] += 1
    return counts
