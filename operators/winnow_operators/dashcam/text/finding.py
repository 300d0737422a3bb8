"""Where lines of text are: the input and output of a differentiable-binarisation network (Liao et al. 2020).

The network answers a map of text probability; regions above a threshold are shrunken text lines, whose
least-area rectangles are grown back by ``area * ratio / perimeter``.
"""

from typing import NamedTuple, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

Image: TypeAlias = npt.NDArray[np.uint8]
"""Shape ``(height, width, 3)``, channels blue, green, red."""
Floats: TypeAlias = npt.NDArray[np.float32]

STRIDE_PX = 32
"""The network's side lengths are multiples of this."""
MAP_THRESHOLD = 0.3
"""Text probability from which a pixel belongs to a line: the models' own setting (PP-OCR det, `thresh`)."""
GROWTH = 1.6
"""The models' own setting (`unclip_ratio`)."""
SMALLEST_SIDE_PX = 3.0
"""Thinner regions of the map are no lines."""
MOST_LINES = 400
"""Of one picture: a page of print is not what a dashcam looks for, and each costs a recognition."""


class TextLine(NamedTuple):
    """A line of text in a picture."""

    quad_px: Floats
    """Corners in picture coordinates, shape ``(4, 2)``: top left, top right, bottom right, bottom left."""
    score: float
    """Mean text probability inside, 0 to 1."""

    @property
    def width_px(self) -> float:
        return float(np.linalg.norm(self.quad_px[1] - self.quad_px[0]))

    @property
    def height_px(self) -> float:
        return float(np.linalg.norm(self.quad_px[3] - self.quad_px[0]))


def network_size(height_px: int, width_px: int, *, short_side_px: int, long_side_px: int) -> tuple[int, int]:
    """Height and width at which the network looks: up to the short side, never beyond the long one."""
    scale = max(1.0, short_side_px / min(height_px, width_px))
    scale = min(scale, long_side_px / max(height_px, width_px))
    return _whole(height_px * scale), _whole(width_px * scale)


def _whole(side_px: float) -> int:
    return max(STRIDE_PX, round(side_px / STRIDE_PX) * STRIDE_PX)


def network_input(image: Image, height_px: int, width_px: int) -> Floats:
    """A picture as the network wants it: float32, shape ``(1, 3, height, width)``, -1 to 1."""
    # Enlarged with a smoother kernel: small plates are found that a linear one smears (measured on photos).
    kernel = cv2.INTER_CUBIC if height_px > image.shape[0] else cv2.INTER_LINEAR
    resized = cv2.resize(image, (width_px, height_px), interpolation=kernel)
    return _planes(resized)[None]


def _planes(image: Image) -> Floats:
    scaled = image.astype(np.float32) * np.float32(1 / 127.5) - np.float32(1.0)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1))


def lines_in(text_map: Floats, height_px: int, width_px: int, *, least_score: float) -> list[TextLine]:
    """The lines of a picture of the given size, from its map of shape ``(map height, map width)``.

    Largest first where there are more than :data:`MOST_LINES`; otherwise from the top.
    """
    mask = cv2.dilate((text_map > MAP_THRESHOLD).astype(np.uint8), np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    contours = sorted(contours, key=cv2.contourArea, reverse=True)[:MOST_LINES]
    scale = np.array([width_px / text_map.shape[1], height_px / text_map.shape[0]], np.float32)
    limit = np.array([width_px, height_px], np.float32)
    found: list[TextLine] = []
    for contour in contours:
        rectangle = cv2.minAreaRect(contour)
        if min(rectangle[1]) < SMALLEST_SIDE_PX:
            continue
        score = _mean_inside(text_map, cv2.boxPoints(rectangle))
        if score < least_score:
            continue
        quad = _ordered(cv2.boxPoints(_grown(rectangle))) * scale
        found.append(TextLine(np.clip(quad, 0, limit).astype(np.float32), score))
    return sorted(found, key=lambda line: (float(line.quad_px[0, 1]), float(line.quad_px[0, 0])))


def _grown(rectangle: cv2.typing.RotatedRect) -> cv2.typing.RotatedRect:
    centre, (width, height), angle = rectangle
    by = width * height * GROWTH / (2 * (width + height))
    return centre, (width + 2 * by, height + 2 * by), angle


def _mean_inside(text_map: Floats, corners: npt.NDArray[np.floating]) -> float:
    height, width = text_map.shape
    left, top = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, [width - 1, height - 1])
    right, bottom = np.clip(np.ceil(corners.max(axis=0)).astype(int), 0, [width - 1, height - 1])
    mask = np.zeros((bottom - top + 1, right - left + 1), np.uint8)
    cv2.fillPoly(mask, [(corners - [left, top]).astype(np.int32)], 1)
    return float(cv2.mean(text_map[top : bottom + 1, left : right + 1], mask)[0])


def _ordered(corners: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Corners from the top left clockwise, for text that runs from left to right."""
    by_x = corners[np.argsort(corners[:, 0], kind="stable")]
    left = by_x[:2][np.argsort(by_x[:2, 1], kind="stable")]
    right = by_x[2:][np.argsort(by_x[2:, 1], kind="stable")]
    return np.array([left[0], right[0], right[1], left[1]])
