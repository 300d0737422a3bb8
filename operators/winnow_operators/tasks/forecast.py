"""How long tasks will take, from what has been seen."""

from collections.abc import Sequence
from statistics import median

PROGRESS_MIN = 0.01
"""Below this the rate says nothing."""


def remaining_s(progress: float, begun_at: float, running_s: float) -> float | None:
    """Seconds until a running task is done, at the rate since it was handed out.

    ``begun_at`` is the progress that its checkpoint had then, ``running_s`` the time since.
    """
    gained = progress - begun_at
    if gained < PROGRESS_MIN or running_s <= 0:
        return None
    return (1.0 - progress) * running_s / gained


def queue_s(
    waiting: int, running_left_s: Sequence[float], durations_s: Sequence[float], workers: int
) -> float | None:
    """Seconds until everything of a kind is done: what waits, at the median of recent durations, over the workers."""
    if waiting == 0 and not running_left_s:
        return 0.0
    if not durations_s or workers < 1:
        return None
    return (waiting * median(durations_s) + sum(running_left_s)) / workers
