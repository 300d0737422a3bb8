"""Vehicles from frame to frame: boxes joined by where they should be by now (IoU after constant motion).

Kept frames are a third of a second apart, so the last two boxes say where the next one is; the class is voted by
the scores, since a van is a car in every third frame. The order of the frames does not matter.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from winnow_operators.dashcam.boxes import Box, iou

LEAST_IOU = 0.15
"""Of a box and where it was expected: a car that is passed grows by a third between two looks."""
REACH, SIZE_RATIO = 1.5, 1.8
"""How far a small car may jump between its first two looks, in its own widths, and how much it may grow: without a
speed nothing else joins boxes that do not touch."""
LEAST_FRAMES = 2
"""A box in one frame alone is a reflection as often as a car."""


class VehicleSighting(NamedTuple):
    """A vehicle in one frame."""

    t_ns: int
    klass: int
    score: float
    box_xyxy: Box

    @property
    def key(self) -> tuple[int, Box, int]:
        """Order that does not depend on the order of arrival."""
        return self.t_ns, self.box_xyxy, self.klass


@dataclass(slots=True)
class VehiclePass:
    """A vehicle's way through the picture."""

    sightings: list[VehicleSighting] = field(default_factory=list)

    @property
    def klass(self) -> int:
        """The class with most of the scores; of equals the smallest number."""
        scores: dict[int, float] = defaultdict(float)
        for each in self.sightings:
            scores[each.klass] += each.score
        return max(sorted(scores), key=lambda klass: scores[klass])

    @property
    def confidence(self) -> float:
        """Mean score."""
        return sum(each.score for each in self.sightings) / len(self.sightings)

    @property
    def best(self) -> VehicleSighting:
        """The largest of the certain ones: what to show."""
        return max(self.sightings, key=lambda each: (each.score * each.box_xyxy.area, each.key))

    def expected(self, t_ns: int) -> Box:
        """Where the box should be, each side at the speed of the last two."""
        last = self.sightings[-1]
        if len(self.sightings) < 2 or last.t_ns <= (before := self.sightings[-2]).t_ns:
            return last.box_xyxy
        part = min(2.0, (t_ns - last.t_ns) / (last.t_ns - before.t_ns))
        sides = [b + (b - a) * part for a, b in zip(before.box_xyxy, last.box_xyxy, strict=True)]
        box = Box(*sides)
        return box if box.x2 > box.x1 and box.y2 > box.y1 else last.box_xyxy


def vehicle_passes(sightings: Iterable[VehicleSighting], *, most_gap_ns: int) -> list[VehiclePass]:
    """Join sightings into passes of at least two frames, by time of the first."""
    passes: list[VehiclePass] = []
    by_time: dict[int, list[VehicleSighting]] = defaultdict(list)
    for each in sorted(set(sightings), key=lambda one: one.key):
        by_time[each.t_ns].append(each)
    for t_ns in sorted(by_time):
        _assign(by_time[t_ns], passes, t_ns, most_gap_ns)
    return [each for each in passes if len(each.sightings) >= LEAST_FRAMES]


def _assign(now: Sequence[VehicleSighting], passes: list[VehiclePass], t_ns: int, most_gap_ns: int) -> None:
    """The best pairs first; what is left begins a pass."""
    pairs = []
    for place, one in enumerate(passes):
        last = one.sightings[-1]
        if t_ns - last.t_ns > most_gap_ns:
            continue
        expected = one.expected(t_ns)
        for number, each in enumerate(now):
            fit = _fit(expected, last.box_xyxy, each.box_xyxy)
            if fit > 0:
                pairs.append((-fit, number, place))
    taken: set[int] = set()
    used: set[int] = set()
    for _, number, place in sorted(pairs):
        if number not in taken and place not in used:
            taken.add(number)
            used.add(place)
            passes[place].sightings.append(now[number])
    passes.extend(VehiclePass([each]) for number, each in enumerate(now) if number not in taken)


def _fit(expected: Box, last: Box, now: Box) -> float:
    """IoU with where it should be or was; below any of these, nearness."""
    common = max(iou(expected, now), iou(last, now))
    if common >= LEAST_IOU:
        return common
    one, other = (max(1.0, box.x2 - box.x1) for box in (last, now))
    (x, y), (to_x, to_y) = expected.centre, now.centre
    away = ((to_x - x) ** 2 + (to_y - y) ** 2) ** 0.5 / max(one, other)
    near = away < REACH and max(one, other) / min(one, other) < SIZE_RATIO
    return LEAST_IOU * (1 - away / REACH) if near else 0.0


def carried_by(plate: Sequence[tuple[int, Box]], vehicles: Sequence[VehiclePass]) -> int | None:
    """Which vehicle a plate's boxes ``(t_ns, box)`` lie in, in most of the frames that both are in; None = none.

    Of several the one with the smallest boxes: the car that is driven around, not the lorry behind it.
    """
    found = []
    for place, one in enumerate(vehicles):
        boxes = {each.t_ns: each.box_xyxy for each in one.sightings}
        common = [(box.centre, boxes[t_ns]) for t_ns, box in plate if t_ns in boxes]
        inside = sum(around.x1 <= x < around.x2 and around.y1 <= y < around.y2 for (x, y), around in common)
        if common and inside * 2 > len(common):
            area = sum(around.area for _, around in common) / len(common)
            found.append((-inside, area, place))
    return min(found)[2] if found else None
