"""Plates as pictures, and texts for them."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from winnow_operators.dashcam.plates.patterns import templates_of
from winnow_operators.dashcam.text.finding import Image
from winnow_operators.dashcam.text.recognising import PLAIN
from winnow_schemas.library.plate_formats import PlateFormats

HEIGHT_PX = 110
"""A European plate is 520 x 110 mm: one pixel per millimetre."""
_GLYPH_PX = 72
_FONT = cv2.FONT_HERSHEY_DUPLEX


class Style(NamedTuple):
    """How a plate looks."""

    ground_bgr: tuple[int, int, int] = (245, 245, 245)
    ink_bgr: tuple[int, int, int] = (20, 20, 20)
    band: str = ""
    """Letters in a blue band at the left; empty = no band."""
    caption: str = ""
    """A smaller line above the text, such as a state's name."""


STYLES: Sequence[Style] = (
    Style(band="D"),
    Style(),
    Style(ground_bgr=(40, 200, 240)),
    Style(ink_bgr=(120, 40, 20), caption="NORTHLAND"),
    Style(ground_bgr=(200, 200, 200), caption="SAO BENTO"),
)


def plate_picture(text: str, style: Style) -> Image:
    """A plate from the front, 110 pixels high."""
    glyphs = [_glyph(character, style) for character in text]
    band = 46 if style.band else 0
    width = band + sum(glyph.shape[1] for glyph in glyphs) + 8 * (len(glyphs) - 1) + 44
    picture = np.full((HEIGHT_PX, width, 3), style.ground_bgr, np.uint8)
    cv2.rectangle(picture, (2, 2), (width - 3, HEIGHT_PX - 3), style.ink_bgr, 3)
    if style.band:
        picture[4:-4, 4:band] = (140, 60, 10)
        cv2.putText(picture, style.band, (14, 96), _FONT, 0.9, (250, 250, 250), 2, cv2.LINE_AA)
    if style.caption:
        cv2.putText(picture, style.caption, (band + 30, 26), _FONT, 0.6, style.ink_bgr, 1, cv2.LINE_AA)
    left, top = band + 22, 32 if style.caption else 19
    for glyph in glyphs:
        picture[top : top + _GLYPH_PX, left : left + glyph.shape[1]] = glyph
        left += glyph.shape[1] + 8
    return picture


def _glyph(character: str, style: Style) -> Image:
    scale, thick = 3.0, 8
    (width, height), base = cv2.getTextSize(character, _FONT, scale, thick)
    canvas = np.full((height + base + 8, width + 8, 3), style.ground_bgr, np.uint8)
    cv2.putText(canvas, character, (4, height + 4), _FONT, scale, style.ink_bgr, thick, cv2.LINE_AA)
    inked = np.argwhere((canvas != np.array(style.ground_bgr)).any(axis=2))
    (top, left), (bottom, right) = inked.min(axis=0), inked.max(axis=0) + 1
    cut = canvas[top:bottom, left:right]
    # Plate letters are narrow: 45 to 50 mm at 75 mm of height.
    wide = max(14, round(min(50, cut.shape[1] * _GLYPH_PX / cut.shape[0])))
    return np.asarray(cv2.resize(cut, (wide, _GLYPH_PX), interpolation=cv2.INTER_AREA), np.uint8)


def plate_texts(data: PlateFormats, count: int, seed: int) -> list[tuple[str, str]]:
    """Texts that formats allow, with their countries; the same for the same seed."""
    generator = np.random.default_rng(seed)
    wanted = [each for each in data.formats if each.country != "CN" and each.weight >= 1]
    found = []
    for _ in range(count):
        form = wanted[int(generator.integers(len(wanted)))]
        templates = [each for each in templates_of(form.pattern) if 5 <= len(each) <= 8]
        template = templates[int(generator.integers(len(templates)))]
        places = [sorted(set(each) & set(PLAIN)) for each in template]
        found.append(("".join(place[int(generator.integers(len(place)))] for place in places), form.country))
    return found
