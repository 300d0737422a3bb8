"""Reads the output of COCO object models: YOLOX's raw grid, the transposed layout of YOLOv8 and later, and SSD's lists."""

import numpy as np
from numpy.typing import NDArray

from winnow_operators.privacy.boxes import Box

Table = NDArray[np.float32]
STRIDES = (8, 16, 32)
PERSON = 0
"""COCO's class, counted from 0; in SSD's lists from 1."""
_OVERLAP = 0.6
"""Boxes of one thing; loose, because a redactor may cover twice."""
MAX_CANDIDATES = 3000


def persons(output: list[Table], size: int, min_score: float) -> list[tuple[Box, float]]:
    """Boxes in pixels of the model's square input, with scores.

    ``output``: as the model gives it, the batch first: ``[1, n, 85]`` (YOLOX), ``[1, 84, n]`` (YOLOv8), or boxes
    ``[1, n, 4]`` (top, left, bottom, right, 0-1), classes ``[1, n]`` and scores ``[1, n]`` (SSD).

    Raises:
        ValueError: the layout is another.

    """
    first = output[0]
    if len(output) >= 3 and first.ndim == 3 and first.shape[2] == 4:
        return _ssd(output, size, min_score)
    if first.ndim != 3 or first.shape[0] != 1:
        raise ValueError(f"an output of shape {first.shape} is of no model that is known")
    if first.shape[2] == 85:
        centres, sizes, scores = _yolox(first[0], size)
    elif first.shape[1] == 84:
        rows = first[0].T
        centres, sizes, scores = rows[:, :2], rows[:, 2:4], rows[:, 4 + PERSON]
    else:
        raise ValueError(f"an output of shape {first.shape} is of no model that is known")
    corners = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)
    return _kept(corners, scores, min_score)


def _yolox(rows: Table, size: int) -> tuple[Table, Table, Table]:
    """Centres and sizes are relative to a grid of cells per stride."""
    grids, strides = [], []
    for stride in STRIDES:
        cells = np.arange(size // stride)
        across, down = np.meshgrid(cells, cells)
        grids.append(np.stack([across.ravel(), down.ravel()], axis=1))
        strides.append(np.full((grids[-1].shape[0], 1), stride))
    grid, stride_of = np.concatenate(grids), np.concatenate(strides)
    if len(grid) != len(rows):
        raise ValueError(f"{len(rows)} rows do not fit an input of {size} px, which has {len(grid)} cells")
    centres = (rows[:, :2] + grid) * stride_of
    sizes = np.exp(np.minimum(rows[:, 2:4], 10.0)) * stride_of
    return centres, sizes, rows[:, 4] * rows[:, 5 + PERSON]


def _ssd(output: list[Table], size: int, min_score: float) -> list[tuple[Box, float]]:
    boxes, classes, scores = output[0][0], output[1][0], output[2][0]
    if classes.shape != scores.shape or len(classes) != len(boxes):
        raise ValueError("boxes, classes and scores are of different lengths")
    right = np.where(classes == PERSON + 1, scores, 0.0).astype(np.float32)
    return _kept(boxes[:, [1, 0, 3, 2]] * size, right, min_score)


def _kept(corners: Table, scores: Table, min_score: float) -> list[tuple[Box, float]]:
    """The best of those that overlap (non-maximum suppression)."""
    good = np.flatnonzero(np.isfinite(corners).all(axis=1) & (scores >= min_score))
    order = good[np.argsort(-scores[good], kind="stable")][:MAX_CANDIDATES]
    kept: list[int] = []
    while len(order):
        best, order = int(order[0]), order[1:]
        kept.append(best)
        order = order[_overlaps(corners[best], corners[order]) < _OVERLAP]
    return [(Box(*corners[place].tolist()), float(scores[place])) for place in kept]


def _overlaps(one: Table, others: Table) -> Table:
    wide = np.minimum(one[2], others[:, 2]) - np.maximum(one[0], others[:, 0])
    high = np.minimum(one[3], others[:, 3]) - np.maximum(one[1], others[:, 1])
    both = np.clip(wide, 0, None) * np.clip(high, 0, None)
    area = (one[2] - one[0]) * (one[3] - one[1])
    areas = (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1])
    result: Table = both / np.maximum(area + areas - both, 1e-9)
    return result
