"""What runs before this one left in the warm tier: it counts, and it goes first."""

import shutil
from collections.abc import Callable
from pathlib import Path

from winnow_runtime.warm.index import Segment, segments

LOOKS_BETWEEN = 300
"""Rounds of eviction, one a second, between two looks at the disk: dead runs do not change."""
GRACE = 60
"""Rounds before the first look: an extractor that still has windows of an earlier run to cut says so meanwhile."""
_TAIL_BYTES = 256 * 1024


class EarlierRuns:
    """The segments of dead runs beside this one's folder, oldest first."""

    def __init__(self, folder: Path, lives: Callable[[str], bool]) -> None:
        self._own = folder
        self._lives = lives
        self._countdown = GRACE
        self._ends: dict[Path, int] = {}
        self.segments: list[Segment] = []

    def look(self) -> list[Segment]:
        """The segments as seen last; now and then the disk is looked at again.

        Raises:
            OSError: the disk refuses.

        """
        if self._countdown <= 0:
            self.segments = [
                segment
                for folder in sorted(self._own.parent.iterdir())
                if folder != self._own
                and folder.is_dir()
                and not folder.is_symlink()
                and not self._lives(folder.name)
                for segment in segments(folder)
            ]
            self.segments.sort(key=lambda segment: segment.start_ns)
            self._countdown = LOOKS_BETWEEN
        self._countdown -= 1
        return self.segments

    def end_ns(self, segment: Segment) -> int:
        """One after its newest message, by the end of its index; without one, one after its first."""
        if segment.path not in self._ends:
            rows = segment.last_rows(_TAIL_BYTES)
            self._ends[segment.path] = (int(rows["t_ns"].max()) if len(rows) else segment.start_ns) + 1
        return self._ends[segment.path]

    def remove(self, segment: Segment) -> None:
        """Delete a segment, and with the last one what else its run left beside it."""
        segment.remove()
        self._ends.pop(segment.path, None)
        self.segments.remove(segment)
        folder = segment.path.parent
        if not any(each.path.parent == folder for each in self.segments):
            shutil.rmtree(folder, ignore_errors=True)
