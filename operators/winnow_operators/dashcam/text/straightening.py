"""Lines of text cut out of a picture straight, in the shape that the recogniser takes."""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from winnow_operators.dashcam.text.finding import Floats, Image

LINE_HEIGHT_PX = 48
"""What the recogniser was trained at."""
LEAST_WIDTH_PX = 320
"""Narrower lines are padded to this, as in the recogniser's training."""
MOST_WIDTH_PX = 1280
"""A line longer than 27 times its height is no plate; it is squeezed rather than allocated."""
_GREY = 0.0
"""Padding in network units: middle grey."""


def straight(image: Image, quad_px: Floats) -> Image | None:
    """The content of a quadrilateral as an upright rectangle; None when it has no area."""
    width = max(np.linalg.norm(quad_px[1] - quad_px[0]), np.linalg.norm(quad_px[2] - quad_px[3]))
    height = max(np.linalg.norm(quad_px[3] - quad_px[0]), np.linalg.norm(quad_px[2] - quad_px[1]))
    if width < 1 or height < 1:
        return None
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(quad_px.astype(np.float32), target)
    warped = cv2.warpPerspective(
        image,
        matrix,
        (max(1, round(float(width))), max(1, round(float(height)))),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(warped, np.uint8)


def widened(quad_px: Floats, *, along: float, across: float) -> Floats:
    """A quadrilateral grown by fractions of its height, on each end and on each side."""
    centre_left = (quad_px[0] + quad_px[3]) / 2
    centre_right = (quad_px[1] + quad_px[2]) / 2
    length = np.linalg.norm(centre_right - centre_left) or 1.0
    height = float(np.linalg.norm(quad_px[3] - quad_px[0]))
    step = (centre_right - centre_left) / length * height * along
    up = (quad_px[0] - quad_px[3]) * across
    up_right = (quad_px[1] - quad_px[2]) * across
    grown = [quad_px[0] - step + up, quad_px[1] + step + up_right]
    grown += [quad_px[2] + step - up_right, quad_px[3] - step - up]
    return np.array(grown, np.float32)


def line_width_px(crop: Image) -> int:
    """Width at which the recogniser looks at a crop."""
    wanted = math.ceil(LINE_HEIGHT_PX * crop.shape[1] / crop.shape[0])
    return int(max(8, min(MOST_WIDTH_PX, wanted)))


def batch_of(crops: Sequence[Image]) -> Floats:
    """Crops as one network input, float32, shape ``(n, 3, 48, width)``, -1 to 1, padded on the right."""
    widths = [line_width_px(crop) for crop in crops]
    batch = np.full((len(crops), 3, LINE_HEIGHT_PX, max(LEAST_WIDTH_PX, *widths)), _GREY, np.float32)
    for row, (crop, width) in enumerate(zip(crops, widths, strict=True)):
        resized = cv2.resize(crop, (width, LINE_HEIGHT_PX), interpolation=cv2.INTER_LINEAR)
        batch[row, :, :, :width] = resized.astype(np.float32).transpose(2, 0, 1) / 127.5 - 1.0
    return batch
