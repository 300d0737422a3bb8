import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.sim.geometry import Pose
from winnow_operators.sim.render.mounts import CAMERAS
from winnow_operators.sim.render.projection import SUBPIXEL_BITS, faces, view

FRONT = view(CAMERAS[0], Pose(0.0, 0.0, 0.0), 1.0)


def box(x: float, y: float, length: float, width: float, height: float, yaw: float = 0.0) -> np.ndarray:
    return np.array([(x, y, yaw, length / 2, width / 2, 0.0, height)])


def extent(found) -> tuple[float, float, float, float]:
    points = np.concatenate([face.outline for face in found]) / (1 << SUBPIXEL_BITS)
    return (*points.min(axis=0), *points.max(axis=0))


def test_a_box_straight_ahead_is_in_the_middle_and_has_the_right_size() -> None:
    left, top, right, bottom = extent(faces(FRONT, box(21.2, 0, 2.0, 4.0, 1.75)))
    assert (left + right) / 2 == pytest.approx(640, abs=0.5)
    focal = 640 / math.tan(math.radians(47.5))
    assert right - left == pytest.approx(4.0 * focal / 19.0, rel=0.03)
    assert top == pytest.approx(FRONT.horizon_px, abs=1)  # as high as the camera
    assert bottom > top


def test_left_is_left() -> None:
    left, _, right, _ = extent(faces(FRONT, box(20, 5, 1, 1, 1)))
    assert right < 640
    assert left > 0


def test_what_is_behind_is_not_painted() -> None:
    assert faces(FRONT, box(-20, 0, 4, 4, 4)) == []


def test_a_person_before_a_bus_is_painted_after_it() -> None:
    bus, person, truck_behind = box(22, 6, 13, 3, 3), box(24, 4.0, 0.4, 0.5, 1.7), box(20, 12.0, 8, 2.5, 3)
    order = [face.box for face in faces(FRONT, np.concatenate([bus, person, truck_behind]))]
    assert max(place for place, number in enumerate(order) if number == 0) < order.index(1)
    assert max(place for place, number in enumerate(order) if number == 2) < order.index(0)


@given(
    st.floats(-60, 60),
    st.floats(-60, 60),
    st.floats(0.2, 80),
    st.floats(0.2, 30),
    st.floats(0.2, 20),
    st.floats(-4, 4),
)
@settings(deadline=None, max_examples=150)
def test_outlines_are_finite_and_fit_in_fixed_point(x, y, length, width, height, yaw) -> None:
    for face in faces(FRONT, box(x, y, length, width, height, yaw)):
        assert face.outline.dtype == np.int32
        assert len(face.outline) >= 3
        assert np.abs(face.outline).max() < 30_001 << SUBPIXEL_BITS
        assert math.isfinite(face.distance_m)


def test_scale_keeps_the_view_and_gives_even_sizes() -> None:
    small = view(CAMERAS[0], Pose(0.0, 0.0, 0.0), 0.1)
    assert small.width % 2 == small.height % 2 == 0
    assert small.focal_px / small.width == pytest.approx(FRONT.focal_px / FRONT.width)
