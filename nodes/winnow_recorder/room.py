"""Makes room in a run's warm tier: what goes is the operator's decision, what may go the legal holds'."""

import errno
import shutil
from pathlib import Path

from winnow_operators.retention.eviction import Eviction, EvictionLimits, SegmentInfo, plan_eviction
from winnow_recorder.note import Note
from winnow_runtime.legal_holds import Holds, LegalHolds
from winnow_runtime.warm.index import Segment, segments
from winnow_schemas.settings.device import RecorderSettings


class Room:
    """The segments of one folder, and how much they may take."""

    def __init__(self, folder: Path, settings: RecorderSettings, holds: LegalHolds) -> None:
        self._folder = folder
        self._holds = holds
        self._problems: tuple[str, ...] = ()
        self._limits = EvictionLimits(
            limit_bytes=int(settings.limit_gb * 1e9),
            evict_at=settings.evict_at,
            evict_to=settings.evict_to,
            min_retention_ns=int(settings.min_retention_s * 1e9),
            free_floor_bytes=int(settings.free_floor_gb * 1e9),
        )
        self.segments = self.used_bytes = self.held_bytes = 0
        """As seen last; what legal holds keep does not count against the limit."""

    def make(self, open_segment: Segment | None, newest_ns: int, needed_from_ns: int) -> list[Note]:
        """Delete what has to go, oldest first, and say what and why.

        Raises:
            OSError: the disk refuses; or it is full to the floor, and only what legal holds cover is left.

        """
        everything = segments(self._folder)
        sizes = {segment: segment.size_bytes() for segment in everything}
        self.segments, self.used_bytes = len(everything), sum(sizes.values())
        with self._holds.steady() as holds:
            if holds is None:
                return []  # somebody is changing them: in a second
            ends = [segment.start_ns for segment in everything[1:]] + [newest_ns + 1][: len(everything)]
            infos = {
                segment: SegmentInfo(
                    segment.path.name,
                    segment.start_ns,
                    end,
                    sizes[segment],
                    held=bool(holds.why_held(segment.start_ns, end)),
                )
                for segment, end in zip(everything, ends, strict=True)
                if segment != open_segment
            }
            plan = plan_eviction(
                list(infos.values()),
                used_bytes=self.used_bytes,
                free_bytes=shutil.disk_usage(self._folder).free,
                newest_ns=newest_ns,
                needed_from_ns=needed_from_ns,
                limits=self._limits,
            )
            going = {eviction.segment.name for eviction in plan}
            for segment, info in infos.items():
                if info.name in going:
                    segment.remove()
        self.held_bytes = sum(info.size_bytes for info in infos.values() if info.held)
        self._check_floor()
        return [*self._troubles(holds), *(_evicted(eviction) for eviction in plan)]

    def _check_floor(self) -> None:
        free = shutil.disk_usage(self._folder).free
        if self.held_bytes and free < self._limits.free_floor_bytes:
            raise OSError(
                errno.ENOSPC,
                f"{free / 1e9:.2f} GB are free, the floor is {self._limits.free_floor_bytes / 1e9:g} GB, and legal "
                f"holds keep {self.held_bytes / 1e9:.2f} GB of segments; lift one, or make room",
            )

    def _troubles(self, holds: Holds) -> list[Note]:
        """Holds that cannot be read, once."""
        if holds.problems == self._problems:
            return []
        self._problems = holds.problems
        return [Note("legal hold", 0, "recorder", "unreadable", problem) for problem in holds.problems]


def _evicted(eviction: Eviction) -> Note:
    segment = eviction.segment
    broke = f", although it breaks the {eviction.broke}" if eviction.broke else ""
    reason = f"{segment.size_bytes} bytes deleted because {eviction.reason}{broke}."
    return Note("segment", segment.start_ns, segment.name, "evicted", reason)
