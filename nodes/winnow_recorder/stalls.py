"""A disk that does not refuse, but makes the recorder wait: meanwhile there is only memory."""

from pathlib import Path

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
        self.told: list[str] = []
        """For the node's log. Not for the ledger: the same recording gives the same rows on any disk, and what a
        stall costs is counted there."""
        self._over_at_ns: int | None = None
        """When the last stall was over, while nobody has said that they are."""

    @property
    def lately(self) -> bool:
        """Whether the disk made the recorder wait lately."""
        return self._over_at_ns is not None

    def took(self, begun_ns: int, now_ns: int) -> None:
        """A step is done; times on the monotonic clock."""
        took_ns = now_ns - begun_ns
        if took_ns >= STALL_NS:
            self.count += 1
            self.longest_ns = max(self.longest_ns, took_ns)
            if self._over_at_ns is None:
                self.told.append(
                    f"The disk of {self._folder} made the recorder wait for {took_ns / 1e9:.1f} s; "
                    "only the memory tier remained meanwhile."
                )
            self._over_at_ns = now_ns
        elif self._over_at_ns is not None and now_ns - self._over_at_ns >= CALM_NS:
            self._over_at_ns = None
            self.told.append(
                f"The disk keeps up again, after {self.count} stalls in this run, the longest of "
                f"{self.longest_ns / 1e9:.1f} s."
            )
