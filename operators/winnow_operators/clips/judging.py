"""Whether a closed window becomes a clip, and with which topics: from how much each topic holds in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from winnow_operators.clips.budget import ExtractionBudget, TopicCost
from winnow_operators.clips.windows import ClipPlan
from winnow_schemas.priority import Priority
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.settings.stages import ClipSettings

CUT = "cut"
EMPTY = "empty"
OVER_BUDGET = "over budget"


class Amount(NamedTuple):
    """What a topic holds in a window."""

    messages: int
    payload_bytes: int


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict on a window."""

    outcome: str
    """``CUT``, ``EMPTY`` or ``OVER_BUDGET``."""
    reason: str
    """Why it is not cut, or what is left out of it; empty when there is nothing to say."""
    left_out: tuple[str, ...] = ()
    charged_bytes: int = 0

    @property
    def cut(self) -> bool:
        return self.outcome == CUT


def judge(
    clip: ClipPlan, amounts: Mapping[str, Amount], settings: DeviceSettings, budget: ExtractionBudget
) -> Judged:
    """Decide, and charge what is cut. ``amounts``: of the topics that the clip wants."""
    name = clip_name(clip, settings.vehicle.id)
    if not any(amount.messages for amount in amounts.values()):
        return Judged(EMPTY, f"the window of {name} holds no message of the topics wanted")
    costs = [
        _cost(topic, amounts[topic].payload_bytes, settings)
        for topic in sorted(amounts)
        if amounts[topic].payload_bytes
    ]
    ruling = budget.rule(clip.priority, clip.lead.t_ns, costs)
    if not ruling.cut:
        return Judged(OVER_BUDGET, f"{name} was not cut: {ruling.reason}")
    return Judged(CUT, ruling.reason, ruling.left_out, ruling.charged_bytes)


def _cost(topic: str, payload_bytes: int, settings: DeviceSettings) -> TopicCost:
    own = settings.topic(topic)
    return TopicCost(topic, payload_bytes, int(payload_bytes * own.charge_ratio), own.drop_order)


def make_budget(settings: ClipSettings) -> ExtractionBudget:
    """The budgets and caps of the settings, in bytes."""
    return ExtractionBudget(
        {Priority(priority): int(gb * 1e9) for priority, gb in settings.budget_gb_per_day.items()},
        {Priority(priority): int(gb * 1e9) for priority, gb in settings.max_size_gb.items()},
    )


def clip_name(clip: ClipPlan, vehicle: str) -> str:
    """``<type>_<UTC time>_<id>``: the document's name with an id, so that no two clips collide."""
    stamp = datetime.fromtimestamp(clip.lead.t_ns // 10**9, UTC).strftime("%Y%m%d_%H%M%S")
    return f"{clip.lead.type}_{stamp}_{clip.clip_id(vehicle)[:8]}"


def utc_text(t_ns: int) -> str:
    """``2026-11-20T14:32:07Z``."""
    return datetime.fromtimestamp(t_ns // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
