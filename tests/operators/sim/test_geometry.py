import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.sim.geometry import (
    Box,
    Pose,
    box_distance,
    distance_to,
    inside,
    sight_blocked,
    wrap,
)

coordinate = st.floats(-30, 30)
boxes = st.builds(Box, coordinate, coordinate, st.floats(-4, 4), st.floats(0.2, 20), st.floats(0.2, 10))


def edge_points(box: Box, count: int = 60) -> np.ndarray:
    corners = np.array(box.corners())
    shares = np.linspace(0, 1, count)[:, None]
    return np.concatenate([corners[i] + shares * (corners[i - 1] - corners[i]) for i in range(4)])


@given(boxes, boxes)
@settings(deadline=None, max_examples=100)
def test_box_distance_is_the_smallest_distance_of_edge_points(first: Box, second: Box) -> None:
    a, b = edge_points(first), edge_points(second)
    sampled = float(np.hypot(a[:, 0, None] - b[:, 0], a[:, 1, None] - b[:, 1]).min())
    exact = box_distance(first, second)
    assert exact <= sampled + 1e-9
    if exact > 0:
        assert sampled - exact < 0.5  # the samples are at most a third of a metre apart


@given(boxes, boxes)
@settings(deadline=None, max_examples=50)
def test_box_distance_is_symmetric(first: Box, second: Box) -> None:
    assert box_distance(first, second) == pytest.approx(box_distance(second, first), abs=1e-9)


def test_box_distance_of_parallel_boxes_is_the_gap() -> None:
    assert box_distance(Box(0, 0, 0, 4, 2), Box(0, 5, 0, 4, 2)) == pytest.approx(3.0)
    assert box_distance(Box(0, 0, 0, 4, 2), Box(1, 0.5, 0.3, 4, 2)) == 0.0


@given(st.floats(-30, 30), st.floats(-30, 30), st.floats(-4, 4), st.floats(-30, 30), st.floats(-30, 30))
@settings(deadline=None, max_examples=50)
def test_a_pose_maps_there_and_back(x: float, y: float, yaw: float, px: float, py: float) -> None:
    pose = Pose(x, y, yaw)
    assert pose.to_map(*pose.to_local(px, py)) == pytest.approx((px, py), abs=1e-9)


def test_polygons() -> None:
    square = ((0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 4.0))
    assert inside(2, 2, square)
    assert not inside(5, 2, square)
    assert distance_to(2, 2, square) == 0.0
    assert distance_to(7, 2, square) == pytest.approx(3.0)
    assert distance_to(7, 8, square) == pytest.approx(5.0)


@given(st.floats(-100, 100))
@settings(deadline=None)
def test_wrap_keeps_the_direction(angle: float) -> None:
    wrapped = wrap(angle)
    assert -math.pi <= wrapped < math.pi
    assert math.cos(wrapped) == pytest.approx(math.cos(angle), abs=1e-9)
    assert math.sin(wrapped) == pytest.approx(math.sin(angle), abs=1e-9)


def test_a_wall_blocks_the_sight_and_nothing_else_does() -> None:
    wall = np.array([(10.0, 0.0, 0.0, 1.0, 6.0)])
    targets = np.array([(20.0, 0.0), (20.0, 9.0), (5.0, 0.0), (-20.0, 0.0)])
    assert sight_blocked(0, 0, targets, wall).tolist() == [True, False, False, False]
