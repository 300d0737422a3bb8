"""When a task that failed is tried again."""

from dataclasses import dataclass

from winnow_schemas.ids import content_id

_JITTER = 0.2
_STEPS_MAX = 60


@dataclass(frozen=True, slots=True)
class Backoff:
    """Doubles from ``first_s`` to ``longest_s``, spread by a fifth either way so that tasks do not come back together."""

    first_s: float = 10.0
    longest_s: float = 3600.0

    def wait_s(self, task_id: str, attempt: int) -> float:
        """How long after the ``attempt``-th failure (from 1); the same for the same task and attempt."""
        plain = min(self.longest_s, self.first_s * 2.0 ** min(attempt - 1, _STEPS_MAX))
        share = int(content_id("backoff", task_id, attempt, digits=8), 16) / 0xFFFFFFFF
        return min(self.longest_s, plain * (1 - _JITTER + 2 * _JITTER * share))
