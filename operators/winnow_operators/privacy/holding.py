"""Track and hold: what is found in some frames stays covered in those between, and for a while before and after.

A clip is redacted when it is complete, so the future is known as well as the past: a face that the detector
first finds in its tenth frame is covered from where it must have been before. Between two sightings the cover
moves along the straight line; beyond the ends of a track it goes on with the last motion, and grows, because
nobody knows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow_operators.privacy.boxes import Box, Found
from winnow_schemas.settings.redaction import Subject

Table = NDArray[np.float64]

_SAME_OVERLAP = 0.1
_SAME_DISTANCE = 1.0
"""Centres closer than this many box sizes, and sizes within a factor of two, are the same thing a moment later."""
_GROWTH_PER_HOLD = 0.5
"""A cover that is held to the end of ``hold_ns`` beyond a track's end is larger by so much on each side."""
_EDGE_FRACTION = 0.03
"""A track that ends so close to the picture's edge has left it."""
_PLATE_SIGHTINGS = 3
"""What looks like a plate in fewer frames is covered there and not held: texture comes and goes everywhere."""
_SURE = 0.5
"""A track whose best score stays below may be anything."""


class Cover(NamedTuple):
    """What is covered in a frame, and why."""

    box: Box
    score: float
    subject: Subject
    held: bool
    """Not found in this frame: taken from its neighbours."""


@dataclass(frozen=True, slots=True)
class Covers:
    """The covers of every frame of a stream, and the frames that a person had better look at."""

    frames: list[list[Cover]]
    doubtful: dict[int, str]
    """Frame -> why."""


@dataclass(slots=True)
class _Track:
    subject: Subject
    frames: list[int] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)

    @property
    def velocity_px(self) -> tuple[float, float]:
        """Pixels per frame over the last sightings."""
        if len(self.found) < 2:
            return 0.0, 0.0
        begin = max(0, len(self.found) - 4)
        (x0, y0), (x1, y1) = self.found[begin].box.centre, self.found[-1].box.centre
        frames = max(1, self.frames[-1] - self.frames[begin])
        return (x1 - x0) / frames, (y1 - y0) / frames


def hold(
    found: Sequence[Sequence[Found]],
    times_ns: Sequence[int],
    size: tuple[int, int],
    hold_ns: int,
    margin: float,
    *,
    track: bool = True,
) -> Covers:
    """Covers for every frame.

    ``found``: per frame; ``times_ns``: per frame, not decreasing; ``size``: width and height in pixels;
    ``margin``: growth on each side. ``track=False`` covers only what was found where it was found.
    """
    frames: list[list[Cover]] = [
        [Cover(each.box.grown(margin), each.score, each.subject, held=False) for each in row] for row in found
    ]
    doubtful: dict[int, str] = {}
    if not track:
        return Covers(frames, doubtful)
    for path in _tracks(found, times_ns, hold_ns):
        if path.subject is Subject.PLATE and len(path.found) < _PLATE_SIGHTINGS:
            continue
        _between(path, frames, margin)
        _beyond(path, frames, times_ns, hold_ns, margin, ends=True)
        _beyond(path, frames, times_ns, hold_ns, margin, ends=False)
        _doubts(path, len(frames), size, doubtful)
    return Covers(frames, doubtful)


def _tracks(found: Sequence[Sequence[Found]], times_ns: Sequence[int], hold_ns: int) -> list[_Track]:
    """Link sightings greedily, the closest pairs first."""
    done: list[_Track] = []
    live: list[_Track] = []
    for frame, row in enumerate(found):
        still = [track for track in live if times_ns[frame] - times_ns[track.frames[-1]] <= 2 * hold_ns]
        done += [track for track in live if times_ns[frame] - times_ns[track.frames[-1]] > 2 * hold_ns]
        live = still
        taken: set[int] = set()
        if live and row:
            extended: set[int] = set()
            for place, number in _pairs(live, row, frame):
                if place not in extended and number not in taken:
                    extended.add(place)
                    taken.add(number)
                    live[place].frames.append(frame)
                    live[place].found.append(row[number])
        live += [
            _Track(each.subject, [frame], [each]) for number, each in enumerate(row) if number not in taken
        ]
    return done + live


def _pairs(live: Sequence[_Track], row: Sequence[Found], frame: int) -> list[tuple[int, int]]:
    """Tracks and sightings that may be the same thing, the likeliest first."""
    last = np.array([track.found[-1].box for track in live])
    gaps = np.array([frame - track.frames[-1] for track in live])
    drift = np.array([track.velocity_px for track in live]) * gaps[:, None]
    moved = last + np.tile(drift, 2)
    now = np.array([each.box for each in row])
    closeness = 1.0 + np.maximum(_overlaps(last, now), _overlaps(moved, now))
    apart = closeness < 1.0 + _SAME_OVERLAP
    sizes, others = _sizes(last)[:, None], _sizes(now)[None, :]
    ratio = others / np.maximum(sizes, 1e-6)
    away = np.hypot(
        (moved[:, None, 0] + moved[:, None, 2] - now[None, :, 0] - now[None, :, 2]) / 2,
        (moved[:, None, 1] + moved[:, None, 3] - now[None, :, 1] - now[None, :, 3]) / 2,
    )
    near = 1.0 - away / np.maximum(np.maximum(sizes, others), 1e-6) / _SAME_DISTANCE
    near[(ratio < 0.5) | (ratio > 2.0)] = 0.0
    closeness[apart] = near[apart]
    kinds, others_kinds = [track.subject for track in live], [each.subject for each in row]
    closeness[np.array(kinds)[:, None] != np.array(others_kinds)[None, :]] = 0.0
    places, numbers = np.nonzero(closeness > 0)
    order = np.lexsort((numbers, places, -closeness[places, numbers]))
    return list(zip(places[order].tolist(), numbers[order].tolist(), strict=True))


def _overlaps(ones: Table, others: Table) -> Table:
    """Intersection over union of every pair; rows are boxes."""
    wide = np.minimum(ones[:, None, 2], others[None, :, 2]) - np.maximum(ones[:, None, 0], others[None, :, 0])
    high = np.minimum(ones[:, None, 3], others[None, :, 3]) - np.maximum(ones[:, None, 1], others[None, :, 1])
    both = np.clip(wide, 0, None) * np.clip(high, 0, None)
    areas = [(each[:, 2] - each[:, 0]) * (each[:, 3] - each[:, 1]) for each in (ones, others)]
    union: Table = areas[0][:, None] + areas[1][None, :] - both
    overlaps: Table = both / np.maximum(union, 1e-9)
    return overlaps


def _sizes(boxes: Table) -> Table:
    sizes: Table = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    return sizes


def _between(track: _Track, frames: list[list[Cover]], margin: float) -> None:
    for (first, before), (second, after) in zip(
        zip(track.frames, track.found, strict=True),
        zip(track.frames[1:], track.found[1:], strict=True),
        strict=False,
    ):
        for frame in range(first + 1, second):
            part = (frame - first) / (second - first)
            corners = (a + (b - a) * part for a, b in zip(before.box, after.box, strict=True))
            # What is hidden from the detector may also have moved differently.
            box = Box(*corners).grown(margin + 0.1)
            frames[frame].append(Cover(box, min(before.score, after.score), track.subject, held=True))


def _beyond(
    track: _Track,
    frames: list[list[Cover]],
    times_ns: Sequence[int],
    hold_ns: int,
    margin: float,
    *,
    ends: bool,
) -> None:
    """Hold on after the track's end (or before its start, ``ends=False``)."""
    place, step = (-1, 1) if ends else (0, -1)
    last, edge = track.found[place], track.frames[place]
    dx, dy = track.velocity_px if ends else _first_velocity(track)
    frame = edge + step
    while 0 <= frame < len(frames) and abs(times_ns[frame] - times_ns[edge]) <= hold_ns:
        part = abs(times_ns[frame] - times_ns[edge]) / hold_ns if hold_ns else 0.0
        gap = frame - edge
        # Where it went, and where it was: it may have stopped.
        box = last.box.joined(last.box.moved(dx * gap, dy * gap)).grown(margin + _GROWTH_PER_HOLD * part)
        frames[frame].append(Cover(box, last.score, track.subject, held=True))
        frame += step


def _first_velocity(track: _Track) -> tuple[float, float]:
    if len(track.found) < 2:
        return 0.0, 0.0
    end = min(len(track.found) - 1, 3)
    (x0, y0), (x1, y1) = track.found[0].box.centre, track.found[end].box.centre
    frames = max(1, track.frames[end] - track.frames[0])
    return (x1 - x0) / frames, (y1 - y0) / frames


def _doubts(track: _Track, count: int, size: tuple[int, int], doubtful: dict[int, str]) -> None:
    best = max(each.score for each in track.found)
    if track.subject is Subject.PLATE:
        return  # texture that looks like a plate is found everywhere; a list of everything helps nobody
    if best < _SURE:
        doubtful.setdefault(track.frames[0], f"a {track.subject} is never more certain than {best:.2f}")
    for place, frame, words in ((-1, track.frames[-1], "is lost"), (0, track.frames[0], "appears")):
        inside = 0 < frame < count - 1 and not _at_edge(track.found[place].box, size)
        if inside and track.found[place].score >= _SURE:
            doubtful.setdefault(frame, f"a {track.subject} {words} in the middle of the picture")


def _at_edge(box: Box, size: tuple[int, int]) -> bool:
    dx, dy = size[0] * _EDGE_FRACTION, size[1] * _EDGE_FRACTION
    return box.x0 <= dx or box.y0 <= dy or box.x1 >= size[0] - dx or box.y1 >= size[1] - dy
