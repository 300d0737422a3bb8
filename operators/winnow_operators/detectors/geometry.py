"""Distances in the plane: between points, boxes, and a line of points. Metres, radians."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def distances(a: Floats, b: Floats) -> Floats:
    """Between all pairs of points, shape ``(len(a), len(b))``."""
    return np.hypot(a[:, None, 0] - b[None, :, 0], a[:, None, 1] - b[None, :, 1])


def nearest_pairs(apart: Floats, gate: Floats | float) -> list[tuple[int, int]]:
    """Pairs (row, column) within the gate, nearest first, each row and column once; ties by row, then column."""
    rows, cols = np.nonzero(apart <= gate)
    order = np.lexsort((cols, rows, apart[rows, cols]))
    used_rows: set[int] = set()
    used_cols: set[int] = set()
    pairs = []
    for index in order.tolist():
        row, col = int(rows[index]), int(cols[index])
        if row not in used_rows and col not in used_cols:
            used_rows.add(row)
            used_cols.add(col)
            pairs.append((row, col))
    return pairs


def box_corners(x: Floats, y: Floats, yaw: Floats, length: Floats, width: Floats) -> Floats:
    """Corners of oriented boxes in order, shape ``(n, 4, 2)``."""
    along = np.array([0.5, 0.5, -0.5, -0.5])
    across = np.array([0.5, -0.5, -0.5, 0.5])
    dx, dy = length[:, None] * along, width[:, None] * across
    cos, sin = np.cos(yaw)[:, None], np.sin(yaw)[:, None]
    return np.stack((x[:, None] + dx * cos - dy * sin, y[:, None] + dx * sin + dy * cos), axis=2)


def point_box_distances(points: Floats, boxes: tuple[Floats, Floats, Floats, Floats, Floats]) -> Floats:
    """From points ``(p, 2)`` to boxes (x, y, yaw, length, width; each ``(n,)``), 0 inside; shape ``(p, n)``."""
    x, y, yaw, length, width = boxes
    dx, dy = points[:, None, 0] - x, points[:, None, 1] - y
    along = np.abs(dx * np.cos(yaw) + dy * np.sin(yaw)) - length / 2
    across = np.abs(dy * np.cos(yaw) - dx * np.sin(yaw)) - width / 2
    return np.hypot(np.maximum(along, 0.0), np.maximum(across, 0.0))


def box_box_distances(own: Floats, others: Floats) -> Floats:
    """From one box (corners ``(4, 2)``) to others ``(n, 4, 2)``, 0 where they overlap; shape ``(n,)``.

    Two convex shapes that are apart are nearest at a corner of one of them; whether they are apart is told by
    the axes of both (separating axis theorem).
    """
    repeated = np.broadcast_to(own, others.shape)
    apart = np.minimum(_corner_edge(repeated, others), _corner_edge(others, repeated))
    result: Floats = np.where(_overlap(repeated, others), 0.0, apart)
    return result


def _corner_edge(corners: Floats, edges: Floats) -> Floats:
    start, end = edges, np.roll(edges, -1, axis=1)
    along = end - start
    length2 = np.maximum((along**2).sum(axis=2), 1e-12)
    offset = corners[:, :, None, :] - start[:, None, :, :]
    share = np.clip((offset * along[:, None]).sum(axis=3) / length2[:, None], 0.0, 1.0)
    away = offset - share[..., None] * along[:, None]
    result: Floats = np.hypot(away[..., 0], away[..., 1]).min(axis=(1, 2))
    return result


def _overlap(a: Floats, b: Floats) -> NDArray[np.bool_]:
    overlaps = np.ones(len(a), bool)
    for box in (a, b):
        for corner in (1, 3):
            axis = box[:, corner] - box[:, 0]
            of_a, of_b = (np.einsum("nij,nj->ni", shape, axis) for shape in (a, b))
            overlaps &= (of_a.min(axis=1) <= of_b.max(axis=1)) & (of_b.min(axis=1) <= of_a.max(axis=1))
    return overlaps


def line_distance(x: float, y: float, line: Floats) -> float:
    """From a point to a line of points ``(n, 2)``, n >= 1."""
    if len(line) == 1:
        return float(np.hypot(x - line[0, 0], y - line[0, 1]))
    start, along = line[:-1], np.diff(line, axis=0)
    length2 = np.maximum((along**2).sum(axis=1), 1e-12)
    offset = np.array((x, y)) - start
    share = np.clip((offset * along).sum(axis=1) / length2, 0.0, 1.0)
    away = offset - share[:, None] * along
    return float(np.hypot(away[:, 0], away[:, 1]).min())
