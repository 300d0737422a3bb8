"""Draws number plates: letters and digits on white, yellow or coloured ground, with a frame and a country band."""

import cv2
import numpy as np
from numpy.typing import NDArray

from winnow_operators.privacy.boxes import Box

_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
_STYLES = (
    # Ground, ink (blue, green, red), width over height, country band.
    ((245, 245, 245), (20, 20, 20), 4.6, True),
    ((40, 200, 240), (20, 20, 20), 4.6, False),
    ((235, 235, 240), (120, 50, 30), 2.0, False),
    ((225, 225, 225), (30, 30, 30), 2.6, False),
    ((150, 70, 30), (240, 240, 240), 3.2, False),
)
_HEIGHT_PX = 96


def draw_plate(generator: np.random.Generator) -> tuple[NDArray[np.uint8], Box]:
    """A plate with its opacity, shape ``(96, width, 4)``, and where it is in it, in parts of width and height."""
    ground, ink, aspect, band = _STYLES[int(generator.integers(len(_STYLES)))]
    width = int(_HEIGHT_PX * aspect)
    image = np.full((_HEIGHT_PX, width, 3), ground, np.uint8)
    cv2.rectangle(image, (1, 1), (width - 2, _HEIGHT_PX - 2), (30, 30, 30), 3)
    left = 8
    if band:
        image[4:-4, 4 : _HEIGHT_PX // 3] = (160, 60, 20)
        left = _HEIGHT_PX // 3 + 8
    count = 5 if aspect < 2.5 else 7
    text = "".join(_LETTERS[int(place)] for place in generator.integers(len(_LETTERS), size=count))
    (wide, high), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 1.0, 2)
    scale = min((width - left - 10) / wide, _HEIGHT_PX * 0.68 / high)
    base = (_HEIGHT_PX + int(high * scale)) // 2
    cv2.putText(
        image,
        text,
        (left, base),
        cv2.FONT_HERSHEY_SIMPLEX,
        scale,
        ink,
        max(2, int(5 * scale / 2)),
        cv2.LINE_AA,
    )
    opaque = np.full((_HEIGHT_PX, width, 1), 255, np.uint8)
    return np.concatenate([image, opaque], axis=2), Box(0.0, 0.0, 1.0, 1.0)
