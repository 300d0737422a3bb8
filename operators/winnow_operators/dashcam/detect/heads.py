"""YOLO answers, recognised by their shape and by what their numbers can only mean.

| layout | shape of the answer | numbers |
|---|---|---|
| v5, v7 | ``(n, boxes, 5 + classes)`` | centre, size in pixels; objectness; classes |
| v8, v9, v11 | ``(n, 4 + classes, boxes)`` | centre, size in pixels; classes, no objectness |
| v10, or with suppression inside | ``(n, boxes, 6)`` | corners in pixels; score; class |
| v7 with suppression inside | ``(boxes, 7)`` | picture; corners; class; score |
| YOLOX | ``(n, boxes, 5 + classes)`` | offsets on grids of 8, 16, 32 pixels, logarithmic sizes; objectness; classes |

v5 and YOLOX have the same shape. YOLOX has one box per cell (3,549 at 416 pixels), v5 three (10,647).
"""

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from winnow_operators.dashcam.boxes import Box
from winnow_operators.dashcam.detect.suppression import Detection
from winnow_schemas.errors import BadInputError

Array = npt.NDArray[np.float32]
STRIDES_PX = (8, 16, 32)
FINAL_BOXES = 1000
"""A head that has done its own suppression answers at most so many boxes (v10: 300)."""


class Head(StrEnum):
    """How a model's answer is laid out."""

    ANCHORS = "v5/v7"
    FREE = "v8-v11"
    FINAL = "v10"
    LISTED = "v7 with suppression"
    GRID = "yolox"


def head_of(shape: Sequence[int], height_px: int, width_px: int) -> Head:
    """Recognise a layout from the answer to an input of the given size.

    Raises:
        BadInputError: it is none of these.

    """
    cells = sum(-(-height_px // each) * -(-width_px // each) for each in STRIDES_PX)
    if len(shape) == 2 and shape[1] == 7:
        return Head.LISTED
    if len(shape) == 3:
        _, rows, columns = shape
        if columns == 6 and rows <= FINAL_BOXES and rows not in {cells, 3 * cells}:
            return Head.FINAL
        if rows == cells and columns > 5:
            return Head.GRID
        if columns == cells and rows > 4:
            return Head.FREE
        if columns > 5 and rows in {3 * cells, 3 * (cells + -(-height_px // 64) * -(-width_px // 64))}:
            return Head.ANCHORS
    raise BadInputError(
        f"A detector answered an array of shape {tuple(shape)} to a picture of {width_px} x {height_px}; that is no YOLO "
        "v5, v7, v8-v11 or YOLOX layout, and nothing was detected with it. Export the model with one of those heads."
    )


def detections(
    answer: Array, head: Head, height_px: int, width_px: int, least_score: float
) -> list[list[Detection]]:
    """Boxes in pixels of the network's input, per picture, before suppression."""
    if head is Head.LISTED:
        count = int(answer[:, 0].max(initial=0)) + 1 if len(answer) else 1
        return [_final(answer[answer[:, 0] == n][:, [1, 2, 3, 4, 6, 5]], least_score) for n in range(count)]
    if head is Head.FINAL:
        return [_final(rows, least_score) for rows in answer]
    if head is Head.FREE:
        return [_centred(rows.T[:, :4], rows.T[:, 4:], least_score) for rows in answer]
    if head is Head.GRID:
        answer = _from_grid(answer, height_px, width_px)
    return [_centred(rows[:, :4], rows[:, 4:5] * rows[:, 5:], least_score) for rows in answer]


def _from_grid(answer: Array, height_px: int, width_px: int) -> Array:
    origins, strides = [], []
    for stride in STRIDES_PX:
        high, wide = -(-height_px // stride), -(-width_px // stride)
        y, x = np.mgrid[:high, :wide]
        origins.append(np.stack([x, y], axis=-1).reshape(-1, 2))
        strides.append(np.full((high * wide, 1), stride))
    origin, stride_px = np.concatenate(origins), np.concatenate(strides)
    decoded = answer.copy()
    decoded[..., :2] = (answer[..., :2] + origin) * stride_px
    decoded[..., 2:4] = np.exp(np.minimum(answer[..., 2:4], 12)) * stride_px
    return decoded


def _centred(boxes: Array, scores: Array, least_score: float) -> list[Detection]:
    best = scores.argmax(axis=1)
    score = scores[np.arange(len(scores)), best]
    rows = np.flatnonzero(np.isfinite(boxes).all(axis=1) & (score >= least_score))
    found = []
    for row in rows:
        x, y, wide, high = map(float, boxes[row])
        box = Box(x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)
        found.append(Detection(box, float(score[row]), int(best[row])))
    return found


def _final(rows: Array, least_score: float) -> list[Detection]:
    good = rows[(rows[:, 4] >= least_score) & np.isfinite(rows).all(axis=1)]
    return [Detection(Box(*map(float, row[:4])), float(row[4]), int(row[5])) for row in good]
