"""One text from many readings of a plate, character by character.

Every reading gives its weight to the length that it has; the readings of all lengths, laid along the best
reading of the winning length, give their distributions to its characters. The sums are then read as one
reading, with the formats as prior. Sums over sorted readings do not depend on the order of the frames.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from winnow_operators.dashcam.plates.formats import FLOOR, Formats
from winnow_operators.dashcam.text.recognising import ALPHABET
from winnow_operators.dashcam.tracks.alignment import matches
from winnow_operators.dashcam.tracks.sighting import Sighting

FULL_HEIGHT_PX = 24.0
"""Line height from which a reading counts in full: crops of 24 px were read right in 67 of 100, of 40 px in 100."""
OTHER_LENGTH = 0.5
"""What a reading with a character too many or too few still counts for."""
LOOK_ALIKE = 0.5
"""What a look-alike's votes count for a character that the format asks for: O where only a digit can stand is a 0 that
many countries print like that, yet not as good as a 0."""
MOST_SHARPENING = 6
"""Frames of one pass err alike (the same dirt, the same angle), so more than this many are no more evidence."""


class Loser(NamedTuple):
    """A reading that did not win."""

    text: str
    frames: int
    weight: float


class Vote(NamedTuple):
    """What a pass says."""

    text: str
    confidence: float
    """Probability that the text is right, see :func:`calibrated`."""
    country: str
    format: str
    shares: tuple[float, ...]
    """Per character: its part of the votes."""
    frames: int
    """Frames that took part."""
    agreeing: int
    """Frames that read exactly this."""
    losers: tuple[Loser, ...]


def weight_of(sighting: Sighting) -> float:
    """What one reading counts for."""
    size = min(1.0, sighting.height_px / FULL_HEIGHT_PX)
    certainty = float(sighting.probabilities.max(axis=1).min()) if len(sighting.text) else 0.0
    return sighting.confidence * size**2 * (0.2 + 0.8 * certainty)


def vote(sightings: Sequence[Sighting], formats: Formats) -> Vote:
    """Vote; raises ``ValueError`` for no sightings."""
    ordered = sorted(sightings, key=lambda each: each.key)
    weights = [max(weight_of(each), 1e-6) for each in ordered]
    lengths: dict[int, list[float]] = defaultdict(list)
    for sighting, weight in zip(ordered, weights, strict=True):
        lengths[len(sighting.text)].append(weight)
    length = max(lengths, key=lambda each: (math.fsum(lengths[each]), each))
    reference = max(
        (pair for pair in zip(weights, ordered, strict=True) if len(pair[1].text) == length),
        key=lambda pair: (pair[0], pair[1].key),
    )[1]
    sums = np.zeros((length, len(ALPHABET)), np.float64)
    for sighting, weight in zip(ordered, weights, strict=True):
        same = len(sighting.text) == length
        pairs = [(i, i) for i in range(length)] if same else matches(reference.text, sighting.text)
        for place, other in pairs:
            sums[place] += weight * (1.0 if same else OTHER_LENGTH) * sighting.probabilities[other]
    pooled = (sums / np.maximum(sums.sum(axis=1, keepdims=True), FLOOR)).astype(np.float32)
    # Frames that agree are more evidence than one: what few of them saw must not win by a format's favour.
    judged = formats.judge(pooled ** min(MOST_SHARPENING, len(ordered)))
    text = judged.text
    kept = pooled[judged.start :]
    shares = tuple(float(row[ALPHABET.index(c)]) for row, c in zip(kept, text, strict=True))
    support = [
        share + LOOK_ALIKE * formats.look_alike(row, c)
        for row, c, share in zip(kept, text, shares, strict=True)
    ]
    losers: dict[str, list[float]] = defaultdict(list)
    for sighting, weight in zip(ordered, weights, strict=True):
        if sighting.text != text:
            losers[sighting.text].append(weight)
    agreeing = sum(each.text == text for each in ordered)
    told = sorted(
        (Loser(each, len(some), round(math.fsum(some), 4)) for each, some in losers.items()),
        key=lambda loser: (-loser.weight, loser.text),
    )
    best = max(each.confidence for each in ordered)
    sure = calibrated(support, len(ordered), agreeing, best)
    return Vote(text, sure, judged.country, judged.format, shares, len(ordered), agreeing, tuple(told))


def calibrated(support: Sequence[float], frames: int, agreeing: int, best: float) -> float:
    """Probability that a voted text is right.

    ``support``: per character its part of the votes, look-alikes included. The weakest character decides, frames that agree support it, and a line that never looked like a plate
    stays doubtful.
    """
    weakest = min(support, default=0.0)
    mean = sum(support) / len(support) if support else 0.0
    odds = -4.0 + 4.0 * mean + 3.0 * weakest + 0.9 * math.log2(1 + min(agreeing, 15))
    odds += 2.0 * (best - 0.8) - 0.3 * max(0, 3 - frames)
    return round(1 / (1 + math.exp(-odds)), 4)
