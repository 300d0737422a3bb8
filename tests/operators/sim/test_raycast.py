import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.sim.render.raycast import NEAREST_M, Rays, Solids, cast

STEPS = 72
REACH_M = 80.0


def solids(rows: list[tuple[float, ...]]) -> Solids:
    table = np.array(rows, np.float32).reshape(-1, 8)
    return Solids(*(np.ascontiguousarray(column) for column in table.T))


def rays(tangents: list[float], count: int = STEPS) -> Rays:
    azimuth = (-math.pi + np.arange(count) * 2 * math.pi / STEPS).astype(np.float32)
    return Rays(azimuth, STEPS, np.array(tangents, np.float32), REACH_M)


def one_ray(
    x: float, y: float, z: float, azimuth: float, tangent: float, rows: list[tuple[float, ...]]
) -> float:
    """Horizontal distance by marching in steps of two centimetres."""
    distances = np.arange(NEAREST_M, REACH_M, 0.02)
    px, py = x + distances * math.cos(azimuth), y + distances * math.sin(azimuth)
    height = z + distances * tangent
    hit = height <= 0
    for cx, cy, yaw, half_length, half_width, bottom, top, _ in rows:
        along = (px - cx) * math.cos(yaw) + (py - cy) * math.sin(yaw)
        across = (py - cy) * math.cos(yaw) - (px - cx) * math.sin(yaw)
        hit |= (
            (np.abs(along) <= half_length)
            & (np.abs(across) <= half_width)
            & (height >= bottom)
            & (height <= top)
        )
    return float(distances[np.argmax(hit)]) if hit.any() else math.inf


box = st.tuples(
    st.floats(-40, 40),
    st.floats(-40, 40),
    st.floats(-3, 3),
    st.floats(0.5, 12),
    st.floats(0.5, 6),
    st.sampled_from([0.0, 0.0, 2.5]),
    st.floats(3, 12),
    st.just(0.5),
)


@given(st.lists(box, max_size=6), st.floats(-0.5, 0.3))
@settings(deadline=None, max_examples=40)
def test_rays_stop_where_marching_stops(rows: list[tuple[float, ...]], tangent: float) -> None:
    rows = [row for row in rows if math.hypot(row[0], row[1]) > math.hypot(row[3], row[4]) + 1.0]
    pattern = rays([tangent])
    distance, _ = cast((0.0, 0.0, 1.8), pattern, solids(rows), 0.2)
    agreed = 0
    for index in range(0, STEPS, 3):
        marched = one_ray(0.0, 0.0, 1.8, float(pattern.azimuth[index]), tangent, rows)
        found = float(distance[index, 0])
        agreed += found == marched or abs(found - marched) < 0.1
    # A grazing ray may be decided either way by the size of the steps.
    assert agreed >= STEPS // 3 - 1


def test_the_ground_is_where_the_beam_meets_it() -> None:
    distance, albedo = cast((0.0, 0.0, 2.0), rays([-0.1, 0.1]), solids([]), 0.2)
    assert np.allclose(distance[:, 0], 20.0, rtol=1e-5)
    assert np.isinf(distance[:, 1]).all()
    assert np.allclose(albedo, 0.2)


def test_beams_pass_over_a_low_box_and_under_a_high_one() -> None:
    low = (10.0, 0.0, 0.0, 1.0, 5.0, 0.0, 1.0, 0.7)
    high = (20.0, 0.0, 0.0, 1.0, 10.0, 1.2, 5.0, 0.9)
    distance, albedo = cast((0.0, 0.0, 1.5), rays([0.0, -0.1, 0.05]), solids([low, high]), 0.2)
    ahead = STEPS // 2
    assert np.allclose(distance[ahead], [19.0, 9.0, 19.0], atol=1e-3)
    assert np.allclose(albedo[ahead], [0.9, 0.7, 0.9])


def test_a_beam_from_above_meets_the_top() -> None:
    box = (10.0, 0.0, 0.0, 2.0, 5.0, 0.0, 1.0, 0.7)
    distance, _ = cast((0.0, 0.0, 3.0), rays([-0.2]), solids([box]), 0.2)
    assert abs(float(distance[STEPS // 2, 0]) - 10.0) < 1e-3


def test_a_limited_view_sees_what_the_full_turn_sees_there() -> None:
    rows = [(10.0, 3.0, 0.4, 2.0, 1.0, 0.0, 4.0, 0.7), (-9.0, -4.0, 0.0, 3.0, 3.0, 0.0, 4.0, 0.7)]
    full, _ = cast((0.0, 0.0, 1.5), rays([0.0]), solids(rows), 0.2)
    part, _ = cast((0.0, 0.0, 1.5), rays([0.0], count=30), solids(rows), 0.2)
    assert np.array_equal(part, full[:30])
