"""What a predecessor that was killed has recorded beyond its last word."""

from pathlib import Path

import numpy as np

from winnow_runtime.warm.index import Segment, segments

LOOK_BACK = 12
"""Segments that are always looked into: dora starts a recorder again at most ten times in a row."""


def recorded_seqs(folder: Path, cursor_file: Path) -> dict[int, int]:
    """Channel -> the largest sequence number in what was written since the cursors were, and shortly before."""
    seqs: dict[int, int] = {}
    for segment in _written_last(folder, cursor_file):
        rows = segment.rows()
        for channel in np.unique(rows["channel"]):
            newest = int(rows["seq"][rows["channel"] == channel].max())
            seqs[int(channel)] = max(seqs.get(int(channel), 0), newest)
    return seqs


def _written_last(folder: Path, cursor_file: Path) -> list[Segment]:
    """By the time of writing: names follow the messages' clocks, which may have been stepped."""
    written = sorted((_written_ns(segment), segment.start_ns, segment) for segment in segments(folder))
    try:
        since = cursor_file.stat().st_mtime_ns
    except OSError:
        since = 0
    first = len(written) - LOOK_BACK
    return [each[2] for place, each in enumerate(written) if each[0] >= since or place >= first]


def _written_ns(segment: Segment) -> int:
    try:
        return segment.index_path.stat().st_mtime_ns
    except OSError:
        return 0  # it has no index: nothing in it counts
