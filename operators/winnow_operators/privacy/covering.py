"""Covers parts of a picture so that nothing of them can be brought back."""

import math
from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from winnow_operators.privacy.boxes import Box
from winnow_schemas.settings.redaction import Fill

Pixels = NDArray[Any]
"""Shape ``(height, width)`` or ``(height, width, channels)``, any integer or float type."""

CELLS = 4
"""Of a pixelated box along each side: 16 colours tell no faces apart."""


def cover(image: Pixels, boxes: Iterable[Box], fill: Fill) -> None:
    """Cover boxes in place; what lies outside the picture is cut off."""
    height, width = image.shape[:2]
    for box in boxes:
        x0, y0 = max(0, math.floor(box.x0)), max(0, math.floor(box.y0))
        x1, y1 = min(width, math.ceil(box.x1)), min(height, math.ceil(box.y1))
        if x1 > x0 and y1 > y0:
            _fill(image[y0:y1, x0:x1], fill)


def cover_whole(image: Pixels) -> None:
    """Leave nothing of a picture but its size."""
    image[...] = _grey(image)


def _fill(part: Pixels, fill: Fill) -> None:
    if fill is Fill.SOLID:
        part[...] = 0
        if part.ndim == 3 and part.shape[2] == 4:
            part[..., 3] = _full(part)  # transparent pixels would show what is behind in some viewers
        return
    height, width = part.shape[:2]
    pixels = part.astype(part.dtype.newbyteorder("="))
    if fill is Fill.PIXELATE:
        small = cv2.resize(pixels, (min(CELLS, width), min(CELLS, height)), interpolation=cv2.INTER_AREA)
        large = cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)
        part[...] = large.reshape(part.shape)
        return
    reach = 2 * (max(width, height) // 2) + 1
    part[...] = cv2.GaussianBlur(pixels, (reach, reach), max(width, height) / 5).reshape(part.shape)


def _full(part: Pixels) -> Any:
    return np.iinfo(part.dtype).max if np.issubdtype(part.dtype, np.integer) else 1.0


def _grey(image: Pixels) -> Any:
    return _full(image) // 8 if np.issubdtype(image.dtype, np.integer) else 0.125
