"""Distances against plain models."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.detectors.geometry import (
    box_box_distances,
    box_corners,
    distances,
    line_distance,
    nearest_pairs,
    point_box_distances,
)

coordinates = st.floats(-20, 20)
sizes = st.floats(0.1, 15)
boxes = st.tuples(coordinates, coordinates, st.floats(-math.pi, math.pi), sizes, sizes)


def corners(box) -> np.ndarray:
    return box_corners(*(np.array([value]) for value in box))[0]


def outline(box, count: int = 400) -> np.ndarray:
    points = corners(box)
    share = np.linspace(0, 1, count // 4)[:, None]
    return np.concatenate([points[i] + (points[(i + 1) % 4] - points[i]) * share for i in range(4)])


def contains(box, point) -> bool:
    x, y, yaw, length, width = box
    dx, dy = point[0] - x, point[1] - y
    along, across = dx * math.cos(yaw) + dy * math.sin(yaw), dy * math.cos(yaw) - dx * math.sin(yaw)
    return abs(along) <= length / 2 and abs(across) <= width / 2


@given(boxes, boxes)
@settings(deadline=None, max_examples=150)
def test_boxes_against_their_outlines(a, b) -> None:
    (got,) = box_box_distances(corners(a), corners(b)[None])
    (back,) = box_box_distances(corners(b), corners(a)[None])
    sampled = float(distances(outline(a), outline(b)).min())
    touching = any(contains(b, p) for p in outline(a)) or any(contains(a, p) for p in outline(b))
    assert got == pytest.approx(back, abs=1e-9)
    assert got <= sampled + 1e-9
    if touching:
        assert got == 0.0
    else:
        assert got >= sampled - 0.2, "the outline is sampled every 15 cm at most"


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((5.0, 0.0, 0.0, 4.0, 2.0), 2.0),
        ((5.0, 0.0, math.pi / 2, 4.0, 2.0), 3.0),
        ((0.0, 0.0, 0.3, 1.0, 1.0), 0.0),
        ((4.0, 4.0, 0.0, 2.0, 2.0), math.hypot(2.0, 2.0)),
        ((1.9, 0.0, 0.0, 2.0, 2.0), 0.0),
    ],
)
def test_known_gaps_from_a_square_of_two_metres(box, expected) -> None:
    own = corners((0.0, 0.0, 0.0, 2.0, 2.0))
    assert box_box_distances(own, corners(box)[None])[0] == pytest.approx(expected)


@given(st.tuples(coordinates, coordinates), boxes)
@settings(deadline=None)
def test_points_and_boxes(point, box) -> None:
    got = point_box_distances(np.array([point]), tuple(np.array([value]) for value in box))[0, 0]
    if contains(box, point):
        assert got == pytest.approx(0.0, abs=1e-9)
    else:
        sampled = float(np.hypot(*(outline(box) - point).T).min())
        assert sampled - 0.2 <= got <= sampled + 1e-9


@given(
    st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=6), st.tuples(coordinates, coordinates)
)
@settings(deadline=None)
def test_a_line_of_points(points, place) -> None:
    line = np.array(points, float)
    got = line_distance(*place, line)
    dense = np.concatenate(
        [a + (b - a) * np.linspace(0, 1, 200)[:, None] for a, b in itertools.pairwise(line)] or [line]
    )
    sampled = float(np.hypot(*(dense - place).T).min())
    assert sampled - 0.3 <= got <= sampled + 1e-9


def test_pairs_are_one_to_one_nearest_first() -> None:
    apart = np.array([[1.0, 0.5], [0.4, 9.0], [0.6, 0.6]])
    assert nearest_pairs(apart, 2.0) == [(1, 0), (0, 1)]
    assert nearest_pairs(apart, 0.1) == []
    assert nearest_pairs(np.empty((0, 3)), 1.0) == []
