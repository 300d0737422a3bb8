import math

import numpy as np
import pytest

from winnow_operators.dashcam.gate.quality import quality_of
from winnow_operators.dashcam.gps.track import Fix, metres_between
from winnow_operators.dashcam.scenes.drive import Drive
from winnow_operators.dashcam.scenes.drive_plan import (
    BUMP_S,
    DURATION_S,
    EYE_M,
    FOCAL_PX,
    FPS,
    HEIGHT_PX,
    LEGIBLE_PX,
    START_NS,
    TUNNEL_S,
    WIDTH_PX,
    DrivePlan,
    phase,
)
from winnow_operators.dashcam.scenes.street_view import View
from winnow_operators.dashcam.text.finding import Image
from winnow_schemas.library.plate_formats import plate_formats


@pytest.fixture(scope="module")
def plan():
    return DrivePlan(plate_formats(), 1)


@pytest.fixture(scope="module")
def drive(plan):
    return Drive(plan)


def frame(drive: Drive, t_s: float) -> Image:
    return next(drive.frames(round(t_s * FPS), 1))


def test_the_way_is_the_integral_of_the_speed():
    steps = np.arange(0, DURATION_S, 0.001)
    way = float(np.trapezoid([DrivePlan.speed_mps(float(t)) for t in steps], steps))
    assert DrivePlan.camera_m(float(steps[-1])) == pytest.approx(way, abs=0.01)
    assert DrivePlan.camera_m(20.0) == DrivePlan.camera_m(24.0), "it waits at the light"


def test_the_same_seed_gives_the_same_drive_and_another_one_another(plan, drive):
    again = Drive(DrivePlan(plate_formats(), 1))
    assert (frame(again, 5.0) == frame(drive, 5.0)).all()
    other = DrivePlan(plate_formats(), 2)
    assert {car.text for car in other.cars}.isdisjoint({car.text for car in plan.cars})


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_plate_has_its_own_text_and_most_must_be_read(seed):
    plan = DrivePlan(plate_formats(), seed)
    assert len({car.text for car in plan.cars}) == len(plan.cars)
    assert len({car.country for car in plan.cars}) >= 6
    assert sum(plan.truth(car).legible for car in plan.cars) >= 10


def test_truth_is_what_the_lens_makes_of_the_distance(plan):
    car = plan.cars[0]
    truth = plan.truth(car)
    at_first = plan.ahead_m(car, truth.first_ns / 1e9)
    assert FOCAL_PX * 0.11 / at_first >= LEGIBLE_PX
    just_before = plan.ahead_m(car, truth.first_ns / 1e9 - 1 / FPS)
    assert FOCAL_PX * 0.11 / just_before < LEGIBLE_PX
    after = plan.ahead_m(car, truth.last_ns / 1e9 + 1 / FPS)
    assert after < 1 or FOCAL_PX * (abs(car.x_m) + 0.3) / after > WIDTH_PX / 2, "it leaves the picture"


def test_a_plate_stands_where_the_truth_says(plan, drive):
    car = next(each for each in plan.cars if each.style == 2 and plan.truth(each).legible)
    t_s = plan.truth(car).first_ns / 1e9 + 0.3
    t_s = round(t_s * FPS) / FPS
    ahead = plan.ahead_m(car, t_s)
    x = WIDTH_PX / 2 + car.x_m * FOCAL_PX / ahead
    y = HEIGHT_PX * 0.46 - (0.68 - EYE_M) * FOCAL_PX / ahead
    around = frame(drive, t_s)[round(y) - 25 : round(y) + 25, round(x) - 60 : round(x) + 60]
    yellow = (around[..., 2] > around[..., 0].astype(int) + 80) & (
        around[..., 1] > around[..., 0].astype(int) + 60
    )
    assert yellow.sum() > 400


def test_light_and_smear_are_those_of_the_phase(drive):
    day, tunnel, night = (quality_of(frame(drive, t_s)[::4, ::4, 1].copy()) for t_s in (5.0, 33.0, 40.0))
    assert day.brightness > 90
    assert 12 < night.brightness < 80
    assert tunnel.brightness < 12
    smeared = frame(drive, (BUMP_S[0] + BUMP_S[1]) / 2)[::4, ::4, 1].copy()
    before = frame(drive, BUMP_S[0] - 0.2)[::4, ::4, 1].copy()
    assert quality_of(smeared).sharpness < 0.5 * quality_of(before).sharpness
    assert [phase(t_s) for t_s in (1, 20, 26, 33, 40)] == ["day", "waiting", "day", "tunnel", "night"]


def test_things_at_different_distances_move_differently():
    near, far = [(2.0, 0.5, 6.0)], [(2.0, 0.5, 60.0)]
    one, other = View(0.0, 0.0), View(0.0, 0.0)
    moved_near = other.pixels([(2.0, 0.5, 5.0)]) - one.pixels(near)
    moved_far = other.pixels([(2.0, 0.5, 59.0)]) - one.pixels(far)
    assert np.linalg.norm(moved_near) > 50 * np.linalg.norm(moved_far)


def test_fixes_are_near_the_way_and_none_in_the_tunnel(plan):
    fixes = plan.fixes()
    errors = []
    for fix in fixes:
        t_s = (fix.t_ns - START_NS) / 1e9
        assert not TUNNEL_S[0] <= t_s < TUNNEL_S[1]
        errors.append(metres_between(fix, Fix(0, *plan.place_deg(t_s))))
    assert 0.2 < float(np.median(errors)) < 4
    assert max(errors) < 10
    assert fixes[0].t_ns < START_NS < fixes[-1].t_ns - DURATION_S * 1e9


def test_a_place_on_the_map_is_as_far_as_was_driven(plan):
    start, end = (Fix(0, *plan.place_deg(t_s)) for t_s in (0.0, DURATION_S))
    assert metres_between(start, end) == pytest.approx(plan.camera_m(DURATION_S), rel=0.001)
    assert math.isclose(plan.camera_m(0.0), 0.0)
