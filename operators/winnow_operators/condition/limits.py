"""What a condition may cost. Conditions come from outside (settings, later campaigns), so everything is bounded."""

from dataclasses import dataclass

BYTES_PER_SAMPLE = 72
"""One sample of a history: a time (32 bytes), a value (24 bytes), two list entries (CPython 3.11, 64 bit)."""


@dataclass(frozen=True, slots=True)
class ConditionLimits:
    """Named limits; reaching one refuses the condition and says which one it was."""

    max_chars: int = 500
    """Length of the text, as in the settings."""
    max_tokens: int = 250
    """Words, numbers and signs of the text."""
    max_depth: int = 32
    """Nesting of parentheses, calls and operators."""
    max_nodes: int = 200
    """Parts of the parsed expression."""
    max_windows: int = 16
    """Window functions, holds and other parts that remember something."""
    max_window_s: float = 86_400.0
    """Longest window: a day."""
    max_rate_hz: float = 1000.0
    """Window memory is planned for this rate (the fastest documented signal, the IMU, has 500 Hz)."""
    max_window_samples: int = 100_000
    """Samples in one window; when more arrive within its seconds, the oldest go and are counted."""
    max_window_bytes: int = 64 * 1024 * 1024
    """All windows of one condition together, at their planned sizes."""
    min_period_s: float = 0.1
    """Shortest ``every(...)``."""
    max_cells: int = 100_000
    """Cells that ``new_cell`` remembers; when there are more, the oldest go and are counted."""

    def samples(self, window_ns: int) -> int:
        """Planned capacity of a window, in samples."""
        return max(2, min(self.max_window_samples, int(window_ns / 1e9 * self.max_rate_hz) + 1))


DEFAULT_LIMITS = ConditionLimits()
MAX_TEXT = 256
"""Characters of a text value of a signal; longer ones are unknown (enumerations are short)."""
