"""Pictures in the shape that a detector takes."""

from typing import NamedTuple

import cv2
import numpy as np

from winnow_operators.dashcam.boxes import Box
from winnow_operators.dashcam.text.finding import Image

PADDING = 114
"""Grey of the border, as in the training of all YOLO families."""


class Letterboxed(NamedTuple):
    """A picture shrunk or enlarged to fit, and how to get back."""

    image: Image
    scale: float
    left_px: float
    top_px: float

    def back(self, box: Box, width: float, height: float) -> Box:
        """A box of the network's input in coordinates of the original picture, inside of it."""
        x = [min(max((side - self.left_px) / self.scale, 0.0), width) for side in (box.x1, box.x2)]
        y = [min(max((side - self.top_px) / self.scale, 0.0), height) for side in (box.y1, box.y2)]
        return Box(x[0], y[0], x[1], y[1])


def letterbox(image: Image, height_px: int, width_px: int, *, centred: bool) -> Letterboxed:
    """Fit a picture into a size; YOLOX puts it at the top left, the others in the middle."""
    scale = min(height_px / image.shape[0], width_px / image.shape[1])
    high, wide = max(1, round(image.shape[0] * scale)), max(1, round(image.shape[1] * scale))
    canvas = np.full((height_px, width_px, 3), PADDING, np.uint8)
    top = (height_px - high) // 2 if centred else 0
    left = (width_px - wide) // 2 if centred else 0
    canvas[top : top + high, left : left + wide] = cv2.resize(
        image, (wide, high), interpolation=cv2.INTER_LINEAR
    )
    return Letterboxed(canvas, scale, left, top)
