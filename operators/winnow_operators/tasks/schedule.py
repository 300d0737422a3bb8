"""Which kinds of tasks may be handed out now: by time of day, and by how busy the device is."""

from dataclasses import dataclass
from datetime import datetime, timedelta

MINUTES_A_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class DayWindow:
    """``[start, end)`` in minutes of the local day; over midnight when the end is not after the start."""

    start_min: int
    end_min: int

    def holds(self, minute: int) -> bool:
        """Whether a minute of the day lies in it."""
        if self.start_min < self.end_min:
            return self.start_min <= minute < self.end_min
        return minute >= self.start_min or minute < self.end_min


@dataclass(frozen=True, slots=True)
class KindRule:
    """When tasks of a kind run."""

    windows: tuple[DayWindow, ...] = ()
    """Empty: always."""
    load_max: float = float("inf")
    """Load per core above which a device gets none."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a kind is not handed out, and for how long at least."""

    because: str
    wait_s: float


def _clock_text(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def refusal(kind: str, rule: KindRule, local: datetime, load: float) -> Refusal | None:
    """Why ``kind`` may not start now on a device with this load; None when it may.

    ``local`` is the time of day where the schedule applies.
    """
    minute = local.hour * 60 + local.minute
    if rule.windows and not any(window.holds(minute) for window in rule.windows):
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        starts = [midnight + timedelta(minutes=window.start_min) for window in rule.windows]
        waits = [(start - local).total_seconds() % (MINUTES_A_DAY * 60) for start in starts]
        times = ", ".join(f"{_clock_text(w.start_min)} to {_clock_text(w.end_min)}" for w in rule.windows)
        return Refusal(f"{kind} runs from {times}; it is {local:%H:%M}.", min(waits))
    if load > rule.load_max:
        return Refusal(
            f"{kind} is for devices with a load per core of at most {rule.load_max:g}; this one has {load:.2f}.",
            30.0,
        )
    return None
