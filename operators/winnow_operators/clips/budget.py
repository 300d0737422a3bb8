"""What clips may cost: extraction budgets per day of message time, and size caps (3.3, 3.5; errata).

Bytes are charged as payload bytes times a fixed ratio per topic, so that a what-if run, which compresses
nothing, charges what the vehicle charges.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from winnow_schemas.priority import Priority

_DAY_NS = 86_400 * 1_000_000_000
DAYS_KEPT = 32
"""Days whose charges are remembered: clocks that step back a month still find their day."""


@dataclass(frozen=True, slots=True)
class TopicCost:
    """What one topic adds to a clip."""

    topic: str
    payload_bytes: int
    charged_bytes: int
    drop_order: int
    """Topics with a higher number are left out first; 0 = never left out."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether a clip is cut, and without which topics."""

    cut: bool
    charged_bytes: int
    left_out: tuple[str, ...]
    reason: str
    """Why not, or what was left out and why; empty when there is nothing to say."""


class ExtractionBudget:
    """Charges clips to the UTC day and priority of their lead event."""

    def __init__(self, budget_bytes: Mapping[Priority, int], cap_bytes: Mapping[Priority, int]) -> None:
        self._budget = dict(budget_bytes)
        self._cap = dict(cap_bytes)
        self._charged: dict[int, dict[Priority, int]] = {}

    def rule(self, priority: Priority, t_ns: int, costs: Sequence[TopicCost]) -> Ruling:
        """Decide and charge. P0 and P4 are always cut; P0 has no cap either."""
        kept, left_out, capped = self._within_cap(priority, costs)
        charged = sum(cost.charged_bytes for cost in kept)
        day = t_ns // _DAY_NS
        spent = self._charged.setdefault(day, {})
        budget = self._budget.get(priority)
        before = spent.get(priority, 0)
        if not priority.always_extracted and budget is not None and before + charged > budget:
            reason = (
                f"the extraction budget of {priority.name} for this day is {budget / 1e9:.3f} GB, "
                f"{before / 1e9:.3f} GB are spent and the clip would add {charged / 1e9:.3f} GB"
            )
            return Ruling(cut=False, charged_bytes=0, left_out=(), reason=reason)
        spent[priority] = before + charged
        while len(self._charged) > DAYS_KEPT:
            del self._charged[min(self._charged)]
        return Ruling(cut=True, charged_bytes=charged, left_out=left_out, reason=capped)

    def _within_cap(
        self, priority: Priority, costs: Sequence[TopicCost]
    ) -> tuple[list[TopicCost], tuple[str, ...], str]:
        kept = list(costs)
        cap = self._cap.get(priority)
        total = sum(cost.charged_bytes for cost in kept)
        if priority is Priority.P0 or cap is None or total <= cap:
            return kept, (), ""
        order = sorted(
            (cost for cost in kept if cost.drop_order), key=lambda cost: (-cost.drop_order, cost.topic)
        )
        left_out: list[str] = []
        for cost in order:
            if total <= cap:
                break
            total -= cost.charged_bytes
            left_out.append(cost.topic)
            kept.remove(cost)
        still = (
            ""
            if total <= cap
            else f"; it still has {total / 1e9:.3f} GB because nothing else may be left out"
        )
        reason = f"the size cap of {priority.name} is {cap / 1e9:.3f} GB; left out: {', '.join(left_out) or 'nothing'}{still}"
        return kept, tuple(left_out), reason

    def spent(self) -> dict[int, dict[Priority, int]]:
        """Charged bytes per UTC day number and priority."""
        return {day: dict(charges) for day, charges in self._charged.items()}

    def snapshot(self) -> dict[str, Any]:
        return {
            str(day): {int(priority): size for priority, size in charges.items()}
            for day, charges in self._charged.items()
        }

    def restore(self, value: Mapping[str, Any]) -> None:
        """Take over a snapshot."""
        self._charged = {
            int(day): {Priority(int(priority)): size for priority, size in charges.items()}
            for day, charges in value.items()
        }
