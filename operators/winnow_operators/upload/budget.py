"""What may go over the wire per UTC day (vehicle document 3.5, 5.3; errata 5.3)."""

from collections.abc import Mapping
from dataclasses import dataclass

from winnow_schemas.priority import Priority, UploadClass
from winnow_schemas.settings.upload import UploadSettings

DAY_NS = 86_400 * 10**9
GB = 10**9


def day_of(wall_ns: int) -> int:
    """The UTC day, counted from 1970-01-01."""
    return wall_ns // DAY_NS


def next_midnight_ns(wall_ns: int) -> int:
    """The first nanosecond of the next UTC day."""
    return (day_of(wall_ns) + 1) * DAY_NS


@dataclass(frozen=True, slots=True)
class DailyBudget:
    """Bytes per day, in all and per class; a class without a share is limited by the whole only."""

    total_bytes: int
    shares_bytes: Mapping[UploadClass, int]

    @classmethod
    def of(cls, settings: UploadSettings) -> "DailyBudget":
        """Read the settings, whose unit is the gigabyte."""
        return cls(
            int(settings.daily_budget_gb * GB),
            {
                Priority(priority).upload_class: int(share * GB)
                for priority, share in settings.priority_budget_gb.items()
            },
        )

    def remaining_bytes(self, upload_class: UploadClass, spent: Mapping[UploadClass, int]) -> int | None:
        """What the class may still send today; None = no limit, which holds for P0 alone.

        What P0 sends beyond its own share comes out of the others' shares, the least urgent first, and every
        byte counts against the whole.
        """
        if upload_class is UploadClass.SAFETY:
            return None
        left = self.whole_bytes(spent)
        share = self.shares_bytes.get(upload_class)
        if share is not None:
            left = min(left, share - self._eaten(upload_class, spent) - spent.get(upload_class, 0))
        return max(left, 0)

    def whole_bytes(self, spent: Mapping[UploadClass, int]) -> int:
        """What is left of the day, whoever uses it."""
        return max(self.total_bytes - sum(spent.values()), 0)

    def _eaten(self, upload_class: UploadClass, spent: Mapping[UploadClass, int]) -> int:
        """How much of a class's share P0 has taken."""
        safety_share = self.shares_bytes.get(UploadClass.SAFETY, 0)
        hunger = max(spent.get(UploadClass.SAFETY, 0) - safety_share, 0)
        for victim in sorted(self.shares_bytes, reverse=True):
            if victim is UploadClass.SAFETY:
                break
            bite = min(hunger, self.shares_bytes[victim])
            if victim is upload_class:
                return bite
            hunger -= bite
        return 0
