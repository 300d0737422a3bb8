"""A disk that does not refuse, but makes the recorder wait: meanwhile there is only memory."""

from pathlib import Path

from winnow_recorder.note import Note

STALL_NS = 1_000_000_000
"""A step that takes this long waited for the disk: 32 MiB take 0.1 s on the slowest that keeps up (2.3)."""
CALM_NS = 10_000_000_000
"""So long without a stall, and it is over."""


class Stalls:
    """Times the recorder's steps."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.count = 0
        self.longest_ns = 0
        self._over_at_ns: int | None = None
        """When the last stall was over, while nobody has said that they are."""

    @property
    def lately(self) -> bool:
        """Whether the disk made the recorder wait lately."""
        return self._over_at_ns is not None

    def took(self, begun_ns: int, now_ns: int, newest_ns: int, notes: list[Note]) -> None:
        """A step is done; times on the monotonic clock, ``newest_ns`` in message time."""
        took_ns = now_ns - begun_ns
        if took_ns >= STALL_NS:
            self.count += 1
            self.longest_ns = max(self.longest_ns, took_ns)
            if self._over_at_ns is None:
                reason = (
                    f"The disk of {self._folder} made the recorder wait for {took_ns / 1e9:.1f} s; "
                    "only the memory tier remained meanwhile."
                )
                notes.append(Note("warm tier", newest_ns, "recorder", "stalled", reason))
            self._over_at_ns = now_ns
        elif self._over_at_ns is not None and now_ns - self._over_at_ns >= CALM_NS:
            self._over_at_ns = None
            reason = (
                f"The disk keeps up again, after {self.count} stalls in this run, the longest of "
                f"{self.longest_ns / 1e9:.1f} s."
            )
            notes.append(Note("warm tier", newest_ns, "recorder", "healed", reason))
