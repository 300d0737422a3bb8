"""Reads the plates in a picture, or in regions of one, with two networks behind a protocol."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from winnow_operators.dashcam.boxes import Box, overlap
from winnow_operators.dashcam.plates.formats import Formats
from winnow_operators.dashcam.plates.scoring import looks_of
from winnow_operators.dashcam.text.finding import (
    Floats,
    Image,
    TextLine,
    lines_in,
    network_input,
    network_size,
)
from winnow_operators.dashcam.text.recognising import Alphabet, Reading
from winnow_operators.dashcam.text.straightening import batch_of, line_width_px, straight


class Scale(NamedTuple):
    """At which size, and how readily, a picture is searched for text."""

    short_px: int
    long_px: int
    least_score: float


SCALES = (Scale(736, 1536, 0.5), Scale(960, 2048, 0.4))
"""The first is the models' own (PP-OCR det, `limit_side_len` and `box_thresh`). The second, a third larger and
readier, only where the first found no plate: a plate of 55 px in a photo of 1024 px takes it (measured)."""
BATCH = 8
"""Lines recognised at once: more only pads the short ones to the longest."""
MOST_PIXELS = 100_000_000
"""A photo of 100 megapixels; larger ones are refused before the networks see them."""


class TextNetworks(Protocol):
    """The two networks."""

    alphabet: Alphabet

    def text_map(self, batch: Floats) -> Floats:
        """Text probability, shape ``(n, height, width)``, of pictures ``(n, 3, height, width)``."""
        ...

    def characters(self, batch: Floats) -> Floats:
        """Character probabilities, shape ``(n, steps, characters)``, of lines ``(n, 3, 48, width)``."""
        ...


class PlateLook(NamedTuple):
    """A plate in one picture."""

    text: str
    confidence: float
    """Probability that this is a plate and says so."""
    box_xyxy: Box
    """In pixels of the picture."""
    quad_px: Floats
    """Corners, shape ``(4, 2)``, from the top left clockwise."""
    probabilities: Floats
    """Shape ``(len(text), len(ALPHABET))``: the recogniser's distribution of each character of ``text``."""
    country: str
    height_px: float


class PlateReader:
    """Finds lines of text, reads them, and says which are plates."""

    def __init__(self, networks: TextNetworks, formats: Formats, *, least_confidence: float = 0.5) -> None:
        self.networks = networks
        self.formats = formats
        self.least_confidence = least_confidence

    def read(self, image: Image) -> list[PlateLook]:
        """The plates of a picture, best first; a second, closer look where the first finds none."""
        found: list[PlateLook] = []
        for scale in SCALES:
            found = self.looks(image, self.lines(image, scale))
            if found:
                break
        return found

    def lines(self, image: Image, scale: Scale) -> list[TextLine]:
        """Where text stands."""
        height, width = image.shape[:2]
        size = network_size(height, width, short_side_px=scale.short_px, long_side_px=scale.long_px)
        text_map = self.networks.text_map(network_input(image, *size))[0]
        return lines_in(text_map, height, width, least_score=scale.least_score)

    def readings(self, image: Image, lines: Sequence[TextLine]) -> list[tuple[TextLine, Reading]]:
        """What stands in lines; lines of equal length are read together."""
        crops = [(line, crop) for line in lines if (crop := straight(image, line.quad_px)) is not None]
        crops.sort(key=lambda pair: line_width_px(pair[1]))
        found = []
        for start in range(0, len(crops), BATCH):
            part = crops[start : start + BATCH]
            batch = batch_of([crop for _, crop in part])
            for (line, crop), steps in zip(part, self.networks.characters(batch), strict=True):
                share = line_width_px(crop) / batch.shape[3]
                found.append((line, self.networks.alphabet.read(steps, share)))
        return found

    def looks(self, image: Image, lines: Sequence[TextLine]) -> list[PlateLook]:
        """The plates among lines, best first; of two that lie upon each other the better one."""
        found = []
        for line, reading in self.readings(image, lines):
            looks = looks_of(line, reading, self.formats)
            if looks is None or looks.confidence < self.least_confidence:
                continue
            judged = looks.judged
            quad = _without_start(line.quad_px, reading, judged.start)
            box = Box(*quad.min(axis=0).tolist(), *quad.max(axis=0).tolist())
            kept = reading.probabilities[judged.start :]
            found.append(
                PlateLook(judged.text, looks.confidence, box, quad, kept, judged.country, line.height_px)
            )
        return without_doubles(found)


def without_doubles(looks: Iterable[PlateLook]) -> list[PlateLook]:
    """Best first, without those that lie upon a better one."""
    kept: list[PlateLook] = []
    for look in sorted(looks, key=lambda each: (-each.confidence, each.text, each.box_xyxy)):
        if all(overlap(look.box_xyxy, other.box_xyxy) < 0.5 for other in kept):
            kept.append(look)
    return kept


def moved(look: PlateLook, x_px: float, y_px: float) -> PlateLook:
    """A look in a region, in coordinates of the picture that the region was cut from."""
    box = look.box_xyxy
    shifted = Box(box.x1 + x_px, box.y1 + y_px, box.x2 + x_px, box.y2 + y_px)
    return look._replace(box_xyxy=shifted, quad_px=look.quad_px + np.array([x_px, y_px], np.float32))


def _without_start(quad_px: Floats, reading: Reading, start: int) -> Floats:
    """A line's corners without its first characters, which are not the plate's."""
    if not start:
        return quad_px
    cut = (reading.centres[start - 1] + reading.centres[start]) / 2
    top = quad_px[0] + (quad_px[1] - quad_px[0]) * cut
    bottom = quad_px[3] + (quad_px[2] - quad_px[3]) * cut
    return np.array([top, quad_px[1], quad_px[2], bottom], np.float32)
