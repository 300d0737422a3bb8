"""Pinhole projection of upright boxes: which faces a camera sees, where, and in which order to paint them."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow_operators.sim.geometry import Array, Pose
from winnow_operators.sim.render.mounts import CameraMount

Indices = NDArray[np.int64]
NEAR_M = 0.25
"""What is nearer to the camera is cut off."""
SUBPIXEL_BITS = 3
WHOLE_PX = 30_000.0
"""Faces within this need no cutting: OpenCV's fixed-point numbers do not overflow."""
_MARGIN = 1.5
"""Others are cut at this many times the image's half size."""
BACKDROP_HALF_M = 55.0
"""Buildings longer than twice this stand behind everything else on this airport, and are painted first."""
LONG_HALF_M = 2.5
LONG_REACH_M = 40.0
"""Boxes longer than twice this and nearer than this are put in order with what is beside them."""
FACES = ((0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7), (4, 5, 6, 7), (3, 2, 1, 0))
"""Corner numbers of front, left, back, right, top and bottom; corners 0-3 below, 4-7 above."""
_FACE_CORNERS = np.array(FACES)
SHADES = (0.85, 1.0, 0.8, 0.72, 1.15, 0.5)
"""How bright each face is: the sun stands high in the south-west."""
_CORNER_X = np.array([1, 1, -1, -1, 1, 1, -1, -1], float)
_CORNER_Y = np.array([-1, 1, 1, -1, -1, 1, 1, -1], float)
_CORNER_TOP = np.array([0, 0, 0, 0, 1, 1, 1, 1], bool)


class View(NamedTuple):
    """A camera at one time: rotation rows are its right, down and forward axes in the map frame."""

    position: Array
    rotation: Array
    focal_px: float
    width: int
    height: int

    def to_camera(self, points: Array) -> Array:
        """Map points of shape ``(..., 3)`` in the camera's frame: x right, y down, z forward."""
        result: Array = (points - self.position) @ self.rotation.T
        return result

    def to_image(self, points: Array) -> Array:
        """Camera points of shape ``(..., 3)`` in front of the camera, as pixels of shape ``(..., 2)``."""
        scaled = points[..., :2] * (self.focal_px / points[..., 2:])
        result: Array = scaled + np.array([self.width / 2, self.height / 2])
        return result

    @property
    def horizon_px(self) -> float:
        """Row of the horizon."""
        slope = float(self.rotation[2, 2]) / max(-float(self.rotation[1, 2]), 1e-6)
        return self.height / 2 + self.focal_px * slope

    @property
    def planes(self) -> Array:
        """Half spaces ``n . p >= c`` of what is painted, rows (nx, ny, nz, c): near plane and four sides."""
        wide = _MARGIN * self.width / 2 / self.focal_px
        high = _MARGIN * self.height / 2 / self.focal_px
        return np.array(
            [(0, 0, 1, NEAR_M), (1, 0, wide, 0), (-1, 0, wide, 0), (0, 1, high, 0), (0, -1, high, 0)], float
        )

    def outline(self, polygon: Array) -> NDArray[np.int32] | None:
        """A polygon in the camera's frame as pixels, cut to what is painted; None when nothing is left."""
        for nx, ny, nz, least in self.planes.tolist():
            polygon = _cut(polygon, (nx, ny, nz), least)
            if len(polygon) < 3:
                return None
        return fixed(self.to_image(polygon))

    def simple_outlines(self, polygons: Array) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
        """Polygons in the camera's frame, shape ``(n, k, 3)``, as pixels; and which of them need no cutting."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            pixels = self.to_image(polygons)
        whole = np.asarray((polygons[..., 2] > NEAR_M).all(axis=1))
        whole &= np.asarray((np.abs(pixels) < WHOLE_PX).all(axis=(1, 2)))
        return whole, fixed(np.where(whole[:, None, None], pixels, 0.0))


class Face(NamedTuple):
    """One face to paint."""

    box: int
    shade: float
    distance_m: float
    outline: NDArray[np.int32]
    """Pixels, shape ``(k, 2)``, fixed-point by ``SUBPIXEL_BITS``."""


def view(mount: CameraMount, ego: Pose, scale: float) -> View:
    """The camera on the vehicle; ``scale`` shrinks the image, keeping the field of view. Sizes are even."""
    width, height = (max(32, 2 * round(side * scale / 2)) for side in (mount.width, mount.height))
    x, y = ego.to_map(mount.x, mount.y)
    yaw, pitch = ego.yaw + mount.yaw, mount.pitch_rad
    forward = (math.cos(yaw) * math.cos(pitch), math.sin(yaw) * math.cos(pitch), -math.sin(pitch))
    right = (math.sin(yaw), -math.cos(yaw), 0.0)
    down = (-math.cos(yaw) * math.sin(pitch), -math.sin(yaw) * math.sin(pitch), -math.cos(pitch))
    return View(
        np.array([x, y, mount.z]),
        np.array([right, down, forward]),
        width / 2 / math.tan(mount.view_rad / 2),
        width,
        height,
    )


def corners(boxes: Array) -> Array:
    """Corners of boxes (columns x, y, yaw, half length, half width, bottom, top), shape ``(n, 8, 3)``."""
    cosine, sine = np.cos(boxes[:, 2, None]), np.sin(boxes[:, 2, None])
    along, across = boxes[:, 3, None] * _CORNER_X, boxes[:, 4, None] * _CORNER_Y
    x = boxes[:, 0, None] + along * cosine - across * sine
    y = boxes[:, 1, None] + along * sine + across * cosine
    z = np.where(_CORNER_TOP, boxes[:, 6, None], boxes[:, 5, None])
    return np.stack([x, y, z], axis=2)


def faces(camera: View, boxes: Array, smallest_px: float = 1.5) -> list[Face]:
    """The faces that look at the camera, far boxes first; tiny ones are left out."""
    points = camera.to_camera(corners(boxes))
    depth = points[..., 2]
    lateral_limit = camera.width / 2 / camera.focal_px
    ahead = depth.max(axis=1) > NEAR_M
    left = (points[..., 0] < -lateral_limit * depth - 0.01).all(axis=1)
    right = (points[..., 0] > lateral_limit * depth + 0.01).all(axis=1)
    nearest = np.hypot(*_nearest(camera, boxes))
    extent = np.maximum(boxes[:, 6] - boxes[:, 5], np.minimum(boxes[:, 3], boxes[:, 4]))
    large = extent * camera.focal_px / np.maximum(nearest, 0.5) > smallest_px
    chosen = np.flatnonzero(ahead & ~left & ~right & large)
    chosen = _far_to_near(camera, boxes, chosen, nearest)
    rows, sides = np.nonzero(_facing(camera, boxes[chosen]))
    of_box = chosen[rows]
    whole, pixels = camera.simple_outlines(points[chosen])
    outlines = np.ascontiguousarray(pixels[rows[:, None], _FACE_CORNERS[sides]])
    result: list[Face] = []
    for place, (box, side, simple, away) in enumerate(
        zip(of_box.tolist(), sides.tolist(), whole[rows].tolist(), nearest[of_box].tolist(), strict=True)
    ):
        outline = outlines[place] if simple else camera.outline(points[box, _FACE_CORNERS[side]])
        if outline is not None:
            result.append(Face(box, SHADES[side], away, outline))
    return result


def _far_to_near(camera: View, boxes: Array, chosen: Indices, nearest: Array) -> Indices:
    """The order in which to paint: by distance, except where a long box and something beside it disagree.

    A person beside a bus is farther than the bus's near end, and yet before it: what lies beyond a face that
    the camera looks at is before the box, what lies beyond the opposite face is behind it.
    """
    key = nearest[chosen] + np.where(boxes[chosen, 3] > BACKDROP_HALF_M, 1000.0, 0.0)
    long = np.flatnonzero(
        (np.maximum(boxes[chosen, 3], boxes[chosen, 4]) > LONG_HALF_M) & (nearest[chosen] < LONG_REACH_M)
    )
    if len(long):
        big = boxes[chosen[long]]
        ahead_of = _beyond(big, boxes[chosen, 0], boxes[chosen, 1])
        camera_at = _beyond(big, camera.position[:1], camera.position[1:2])
        before = np.asarray(((ahead_of * camera_at) > 0).any(axis=2))
        behind = np.asarray(((ahead_of * camera_at) < 0).any(axis=2)) & ~before
        for row, place in enumerate(long.tolist()):
            key[place] = max(
                key[place], key[before[row]].max(initial=0.0, where=key[before[row]] < 1000.0) + 1e-3
            )
            key[behind[row]] = np.maximum(key[behind[row]], key[place] + 1e-3)
    return np.asarray(chosen[np.argsort(-key, kind="stable")])


def _beyond(boxes: Array, x: Array, y: Array) -> Array:
    """On which side of each box's faces points lie: -1, 0 or 1 along and across; shape ``(n, m, 2)``."""
    dx, dy = x - boxes[:, 0, None], y - boxes[:, 1, None]
    cosine, sine = np.cos(boxes[:, 2, None]), np.sin(boxes[:, 2, None])
    along, across = dx * cosine + dy * sine, dy * cosine - dx * sine
    sides = [
        np.sign(along) * (np.abs(along) > boxes[:, 3, None]),
        np.sign(across) * (np.abs(across) > boxes[:, 4, None]),
    ]
    return np.stack(sides, axis=2)


def fixed(outline: Array) -> NDArray[np.int32]:
    """Pixels as OpenCV's fixed-point numbers."""
    return np.round(outline * (1 << SUBPIXEL_BITS)).astype(np.int32)


def _nearest(camera: View, boxes: Array) -> tuple[Array, Array]:
    """Horizontal offsets from the camera to each footprint, along and across it."""
    local = _local(camera, boxes)
    return (
        np.maximum(np.abs(local[0]) - boxes[:, 3], 0.0),
        np.maximum(np.abs(local[1]) - boxes[:, 4], 0.0),
    )


def _local(camera: View, boxes: Array) -> tuple[Array, Array]:
    dx, dy = camera.position[0] - boxes[:, 0], camera.position[1] - boxes[:, 1]
    cosine, sine = np.cos(boxes[:, 2]), np.sin(boxes[:, 2])
    return dx * cosine + dy * sine, dy * cosine - dx * sine


def _facing(camera: View, boxes: Array) -> NDArray[np.bool_]:
    """Which of the six faces look at the camera, shape ``(n, 6)`` in the order of ``FACES``."""
    along, across = _local(camera, boxes)
    height = camera.position[2]
    return np.stack(
        [
            along > boxes[:, 3],
            across > boxes[:, 4],
            along < -boxes[:, 3],
            across < -boxes[:, 4],
            np.full(len(boxes), height) > boxes[:, 6],
            height < boxes[:, 5],
        ],
        axis=1,
    )


def _cut(polygon: Array, normal: tuple[float, float, float], least: float) -> Array:
    """The part of a polygon in a half space (Sutherland-Hodgman)."""
    inside = polygon @ np.array(normal) - least
    if (inside >= 0).all():
        return polygon
    result = []
    for index in range(len(polygon)):
        here, before = inside[index], inside[index - 1]
        if (here >= 0) != (before >= 0):
            result.append(
                polygon[index - 1] + before / (before - here) * (polygon[index] - polygon[index - 1])
            )
        if here >= 0:
            result.append(polygon[index])
    return np.array(result).reshape(-1, 3)
