"""Sightings joined into passes: one plate, from when it came into view until it left.

Kept frames are a third of a second apart, in which a plate moves by more than its own width: overlap alone
does not join them. What it says, how large it is and where it should be by now decide together.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from winnow_operators.dashcam.plates.formats import Formats
from winnow_operators.dashcam.tracks.alignment import alike, distance
from winnow_operators.dashcam.tracks.sighting import Sighting
from winnow_operators.dashcam.tracks.voting import Vote, vote

LEAST_ALIKE = 0.55
"""Texts that have so much in common are the same plate when it is where it should be."""
FAR_HEIGHTS = 14.0
"""How far a plate may be from where it is expected, in line heights per second of gap, and at least once."""
SIZE_RATIO = 2.5


@dataclass(slots=True)
class PlatePass:
    """A plate's way through the picture."""

    sightings: list[Sighting] = field(default_factory=list)

    @property
    def last(self) -> Sighting:
        return self.sightings[-1]

    def expected(self, t_ns: int) -> tuple[float, float]:
        """Where the plate's centre should be, at the speed of the last two sightings."""
        x, y = self.last.box_xyxy.centre
        if len(self.sightings) < 2:
            return x, y
        before = self.sightings[-2]
        span = self.last.t_ns - before.t_ns
        if span <= 0:
            return x, y
        part = min(1.0, (t_ns - self.last.t_ns) / span)
        return x + (x - before.box_xyxy.centre[0]) * part, y + (y - before.box_xyxy.centre[1]) * part


def passes_of(
    sightings: Iterable[Sighting], formats: Formats, *, most_gap_ns: int
) -> list[tuple[PlatePass, Vote]]:
    """Passes with their votes, in the order of time; the order of the sightings does not matter."""
    passes: list[PlatePass] = []
    ordered = sorted(sightings, key=lambda each: each.key)
    for t_ns in sorted({each.t_ns for each in ordered}):
        _assign([each for each in ordered if each.t_ns == t_ns], passes, most_gap_ns)
    voted = [(each, vote(each.sightings, formats)) for each in passes]
    return _joined(voted, formats, most_gap_ns)


def _assign(now: Sequence[Sighting], passes: list[PlatePass], most_gap_ns: int) -> None:
    """Give the sightings of one frame to passes, the best pairs first; what is left begins a pass."""
    pairs = []
    for place, one in enumerate(passes):
        for number, sighting in enumerate(now):
            score = _fit(one, sighting, most_gap_ns)
            if score > 0:
                pairs.append((-score, number, place))
    taken: set[int] = set()
    used: set[int] = set()
    for _, number, place in sorted(pairs):
        if number not in taken and place not in used:
            taken.add(number)
            used.add(place)
            passes[place].sightings.append(now[number])
    passes.extend(PlatePass([each]) for number, each in enumerate(now) if number not in taken)


def _fit(one: PlatePass, sighting: Sighting, most_gap_ns: int) -> float:
    gap_ns = sighting.t_ns - one.last.t_ns
    if gap_ns > most_gap_ns:
        return 0.0
    same = max(alike(each.text, sighting.text) for each in one.sightings[-3:])
    x, y = one.expected(sighting.t_ns)
    centre = sighting.box_xyxy.centre
    height = max(one.last.height_px, sighting.height_px)
    away = ((centre[0] - x) ** 2 + (centre[1] - y) ** 2) ** 0.5 / height
    ratio = height / max(1.0, min(one.last.height_px, sighting.height_px))
    reach = FAR_HEIGHTS * max(1.0, gap_ns / 1e9)
    if same >= 0.99:
        return 2.0
    if same < LEAST_ALIKE or away > reach or ratio > SIZE_RATIO:
        return 0.0
    return float(same + 1 - away / reach)


def _joined(
    voted: list[tuple[PlatePass, Vote]], formats: Formats, most_gap_ns: int
) -> list[tuple[PlatePass, Vote]]:
    """Join passes that turn out to say nearly the same at nearly the same time, until none do."""
    while True:
        for one, other in combinations(voted, 2):
            if _same_plate(one, other, most_gap_ns):
                whole = PlatePass(sorted([*one[0].sightings, *other[0].sightings], key=lambda each: each.key))
                voted = [each for each in voted if each is not one and each is not other]
                voted.append((whole, vote(whole.sightings, formats)))
                break
        else:
            return sorted(voted, key=lambda each: (each[0].sightings[0].key, each[1].text))


def _same_plate(one: tuple[PlatePass, Vote], other: tuple[PlatePass, Vote], most_gap_ns: int) -> bool:
    first, second = sorted((one[0], other[0]), key=lambda each: each.sightings[0].key)
    if second.sightings[0].t_ns - first.last.t_ns > most_gap_ns:
        return False
    if {each.t_ns for each in first.sightings} & {each.t_ns for each in second.sightings}:
        return False  # two plates in one picture are two plates
    texts = one[1].text, other[1].text
    if distance(*texts) <= 1 and min(map(len, texts)) >= 5:
        return True
    short, long_ = sorted(texts, key=len)
    return len(short) >= 4 and short in long_
