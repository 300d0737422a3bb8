"""Mends segments that a crash or a power cut left: the same engine as `winnow recover`, and the index beside.

Only what can be proven right stays. A segment that is torn at its end, which is the rule, is finished where
it is; one with damage in front of good messages is written anew.
"""

import os
from pathlib import Path
from typing import NamedTuple

from winnow_runtime import atomic
from winnow_runtime.salvage.closing import closing_at
from winnow_runtime.salvage.medium import Medium
from winnow_runtime.salvage.recovery import recover_mcap
from winnow_runtime.salvage.report import Report
from winnow_runtime.salvage.target import Placed
from winnow_runtime.salvage.walk import Walk
from winnow_runtime.warm.in_place import InPlace
from winnow_runtime.warm.index import ROW, Segment, segments
from winnow_runtime.warm.rows import RowMaker

CHECKED_BYTES = 256 * 1024 * 1024
"""Read and checked at the end of a segment; before that, chunks that the index describes are long synced. At
the 150 MB/s of a full suite this is more than the second that a power cut may cost, and takes half a second."""
_FOOTER_FROM_END = 37


class Mended(NamedTuple):
    """What recovery did to a segment."""

    segment: Segment
    messages: int
    cut_bytes: int
    """That the segment is shorter now, its new index not counted."""
    problem: str = ""
    """Why it could not be mended; then it is as it was."""


def recover(folder: Path, but: Segment | None = None) -> list[Mended]:
    """Mend every segment that is not whole, ``but`` the one being written. What cannot be mended now is said."""
    for rest in folder.glob(f"segment_*{atomic.TEMPORARY}"):
        rest.unlink(missing_ok=True)
    torn = [segment for segment in segments(folder) if but is None or segment.path != but.path]
    return [mended for segment in torn if (mended := _mend(segment)) is not None]


def _mend(segment: Segment) -> Mended | None:
    size = segment.path.stat().st_size
    medium = Medium(segment.path)
    try:
        closing = closing_at(medium, 0, size - _FOOTER_FROM_END)
        rows = len(segment.rows())
        if closing is not None and rows == sum(closing.counts.values()):
            is_whole = (
                segment.index_path.exists() and segment.index_path.stat().st_size == rows * ROW.itemsize
            )
            if is_whole:
                return None
        return _finish(segment, medium, is_closed=closing is not None)
    except OSError as error:
        return Mended(segment, len(segment.rows()), 0, error.strerror or str(error))
    finally:
        medium.close()


def _finish(segment: Segment, medium: Medium, *, is_closed: bool) -> Mended:
    maker = RowMaker(segment.rows(), 0 if is_closed else medium.size - CHECKED_BYTES)
    target = InPlace(maker.add)
    report = Report(str(segment.path), medium.size, strict=True)
    Walk(
        medium, target, report, scratch=segment.path.parent, strict=True, known=maker.known, trusted=True
    ).run()
    if target.behind:
        return _rewrite(segment, medium)
    if not target.messages:
        segment.remove()
        return Mended(segment, 0, medium.size)
    # First the rows: they are right for the file before and after it is cut.
    atomic.write_bytes(segment.index_path, maker.rows().tobytes())
    if is_closed and not report.is_damaged:
        return Mended(segment, target.messages, 0)
    descriptor = os.open(segment.path, os.O_RDWR | os.O_CLOEXEC)
    try:
        target.finish(descriptor)
    finally:
        os.close(descriptor)
    return Mended(segment, target.messages, medium.size - target.end)


def _rewrite(segment: Segment, medium: Medium) -> Mended:
    """Write what is good to a new file, which then takes the place of the segment."""
    rows = _RowsOfRewritten(segment)
    report = Report(str(segment.path), medium.size, strict=True)
    new = segment.path.with_name(segment.path.name + atomic.TEMPORARY)
    try:
        with new.open("wb+") as file:
            recover_mcap(medium, file, segment.path.parent, report, on_chunk=rows.add, trusted=True)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        # Without rows nobody looks for messages in the file: they go first and come last.
        segment.index_path.unlink(missing_ok=True)
        atomic.publish(new, segment.path)
        atomic.write_bytes(segment.index_path, rows.maker.rows().tobytes())
    finally:
        new.unlink(missing_ok=True)
    return Mended(segment, report.messages, max(0, medium.size - size))


class _RowsOfRewritten:
    """Begins anew when the file does: recovery may read twice."""

    def __init__(self, segment: Segment) -> None:
        self._old = segment.rows()
        self._last = -1
        self.maker = RowMaker(self._old, 0)

    def add(self, placed: Placed) -> None:
        if placed.offset <= self._last:
            self.maker = RowMaker(self._old, 0)
        self._last = placed.offset
        self.maker.add(placed)
