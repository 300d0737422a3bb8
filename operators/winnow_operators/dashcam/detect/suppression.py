"""Non-maximum suppression: of boxes of one class that lie upon each other, the best stays."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from winnow_operators.dashcam.boxes import Box


class Detection(NamedTuple):
    """Something found in a picture."""

    box_xyxy: Box
    score: float
    klass: int
    """Number of the class in the model's own list."""


MOST_DETECTIONS = 300
"""Of one picture, as in the YOLO families' own post-processing."""


def suppressed(found: Sequence[Detection], most_iou: float = 0.45) -> list[Detection]:
    """Best first; boxes of different classes do not compete."""
    if not found:
        return []
    ordered = sorted(found, key=lambda each: (-each.score, each.klass, each.box_xyxy))[:3000]
    boxes = [
        (d.box_xyxy.x1, d.box_xyxy.y1, d.box_xyxy.x2 - d.box_xyxy.x1, d.box_xyxy.y2 - d.box_xyxy.y1)
        for d in ordered
    ]
    places = cv2.dnn.NMSBoxesBatched(
        boxes, [d.score for d in ordered], [d.klass for d in ordered], 0.0, most_iou
    )
    return [ordered[int(place)] for place in np.ravel(places)][:MOST_DETECTIONS]
