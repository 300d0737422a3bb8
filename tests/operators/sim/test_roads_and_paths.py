import itertools
import math

import numpy as np
import pytest

from winnow_operators.sim.geometry import Box
from winnow_operators.sim.travel.obstruction import obstacle
from winnow_operators.sim.travel.path import DrivingPath
from winnow_operators.sim.travel.roads import way
from winnow_schemas.errors import BadInputError
from winnow_schemas.simulation.airside import FORBIDDEN, ROADS, STATIONS, STOPS, STRUCTURES, ZONES

ROUND = way("stand_2", "stand_2", ("bay_2",))
CLOSED = {(road.start, road.end) for road in ROADS if road.closed}


@pytest.mark.parametrize(("start", "end"), list(itertools.permutations(STOPS, 2)))
def test_every_stop_leads_to_every_other_over_open_roads(start: str, end: str) -> None:
    stations = way(start, end)
    assert (stations[0], stations[-1]) == (start, end)
    assert not CLOSED & set(itertools.pairwise(stations))


def test_a_closed_road_is_taken_only_on_demand() -> None:
    stations = way("south_100w", "stand_3", closed_through="south_100w")
    assert ("south_100w", "north_100w") in set(itertools.pairwise(stations))


def test_no_way_is_an_error() -> None:
    with pytest.raises(BadInputError, match="no open road from 'stand_1' to 'nowhere'"):
        way("stand_1", "nowhere")


def test_a_path_is_continuous_and_its_curves_can_be_driven() -> None:
    path = DrivingPath(ROUND)
    places = [path.at(s / 4) for s in range(int(path.length_m * 4))]
    for before, after in itertools.pairwise(places):
        assert math.dist(before[:2], after[:2]) == pytest.approx(0.25, abs=0.01)
        assert abs(math.remainder(after.yaw - before.yaw, 2 * math.pi)) < 0.04
    assert path.bend(0, path.length_m) < 1 / 7.5  # steering of 0.5 rad turns 3.3 m


def test_projection_finds_what_offset_made() -> None:
    path = DrivingPath(ROUND)
    for s_m, lateral_m in ((12.0, 0.4), (118.0, -1.0), (145.0, 2.0), (400.0, 0.0)):
        x, y = path.offset(s_m, lateral_m)
        found = path.project(x, y, path.at(s_m).yaw + 0.1, s_m + 3.0)
        assert found.s_m == pytest.approx(s_m, abs=0.15)
        assert found.lateral_m == pytest.approx(lateral_m, abs=0.02)
        assert found.heading_rad == pytest.approx(0.1, abs=0.03)


def test_the_outline_is_within_five_centimetres_of_the_path() -> None:
    path = DrivingPath(ROUND)
    outline = path.outline()
    assert len(outline) * 72 < 12_000  # about the 10 kB of docs/topics.md
    for s_m in np.arange(0, path.length_m, 0.7):
        x, y = path.at(float(s_m))[:2]
        steps = np.diff(outline[:, :2], axis=0)
        along = ((x - outline[:-1, 0]) * steps[:, 0] + (y - outline[:-1, 1]) * steps[:, 1]) / (steps**2).sum(
            axis=1
        )
        near = outline[:-1, :2] + np.clip(along, 0, 1)[:, None] * steps
        assert np.hypot(near[:, 0] - x, near[:, 1] - y).min() < 0.05


def test_open_roads_keep_clear_of_structures_and_forbidden_zones() -> None:
    for road in ROADS:
        start, end = STATIONS[road.start], STATIONS[road.end]
        for share in np.linspace(0, 1, 60):
            x, y = start.x + share * (end.x - start.x), start.y + share * (end.y - start.y)
            for each in STRUCTURES:
                beside_x, beside_y = abs(x - each.x) - each.length / 2, abs(y - each.y) - each.width / 2
                assert max(beside_x, beside_y) > 2.5, (road, each)
            if not road.closed:
                for zone in ZONES:
                    if zone.kind in FORBIDDEN:
                        xs, ys = zip(*zone.polygon, strict=True)
                        assert not (min(xs) - 3 < x < max(xs) + 3 and min(ys) - 3 < y < max(ys) + 3), (
                            road,
                            zone,
                        )


def test_a_box_in_the_lane_is_an_obstacle_and_one_far_aside_is_not() -> None:
    path = DrivingPath(ROUND)
    x, y = path.offset(30.0, 0.5)
    yaw = path.at(30.0).yaw
    found = obstacle(path, 10.0, Box(x, y, yaw, 4.0, 2.0), (math.cos(yaw), math.sin(yaw)))
    assert found is not None
    assert found.s_m == pytest.approx(30.0, abs=0.1)
    assert (found.lateral_m, found.half_along_m, found.half_across_m) == pytest.approx(
        (0.5, 2.0, 1.0), abs=0.05
    )
    assert (found.speed_along_mps, found.speed_across_mps) == pytest.approx((1.0, 0.0), abs=0.01)
    assert found.covers(0.0)
    assert not found.covers(3.0)
    far_x, far_y = path.offset(30.0, 14.0)
    assert obstacle(path, 10.0, Box(far_x, far_y, yaw, 4.0, 2.0), (0.0, 0.0)) is None


def test_a_parked_aircraft_is_in_nobodys_way_even_in_a_curve() -> None:
    path = DrivingPath(ROUND)
    for s_m in np.arange(0, path.length_m, 5.0):
        found = obstacle(path, float(s_m), Box(-130.0, 118.0, math.pi / 2, 37.6, 35.8), (0.0, 0.0))
        assert found is None or not found.covers(0.0)
