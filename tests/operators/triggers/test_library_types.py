"""Each of the 28 trigger types: one case in which it fires, and one in which it only nearly does.

All 28 run at once; a case may name companions that fire for the same reason.
"""

from collections.abc import Callable

import pytest
from tests.operators.triggers.vehicle import Thing, Vehicle

from winnow_schemas.library import library_triggers

Scene = Callable[[Vehicle], None]
FIRES: dict[str, Scene] = {}
NEARLY: dict[str, Scene] = {}
COMPANIONS = {"deadlock": {"unplanned_stop"}}


def fires(scene: Scene) -> Scene:
    FIRES[scene.__name__] = scene
    return scene


def nearly(scene: Scene) -> Scene:
    NEARLY[scene.__name__.removesuffix("_not")] = scene
    return scene


def tenths(begin: float, end: float) -> list[float]:
    """Times at 10 Hz, the end left out."""
    return [round(begin + step / 10, 3) for step in range(round((end - begin) * 10))]


@fires
def estop(v):
    v.scalar("/safety/estop", (0, False), (1, True), (2, True))


@nearly
def estop_not(v):
    v.scalar("/safety/estop", (0, False), (1, None), (2, False))


@fires
def collision(v):
    v.scalar("/safety/collision_detect", (0, False), (1, True))


@nearly
def collision_not(v):
    v.scalar("/safety/collision_detect", (0, False), (1, False))


@fires
def cbf_intervention(v):
    v.scalar("/safety/cbf_state", (0, 0.0), (1, 0.11))


@nearly
def cbf_intervention_not(v):
    v.scalar("/safety/cbf_state", (0, 0.0), (1, 0.1))


@fires
def geofence_breach(v):
    v.scalar("/safety/geofence_status", (0, "inside"), (1, "breach"))


@nearly
def geofence_breach_not(v):
    v.scalar("/safety/geofence_status", (0, "inside"), (1, "warning"))


@fires
def simplex_switch(v):
    v.scalar("/safety/simplex_mode", (0, "advanced"), (1, "baseline"))


@nearly
def simplex_switch_not(v):
    v.scalar("/safety/simplex_mode", (0, "advanced"), (1, "advanced"))


def aircraft_at(gap: float) -> Thing:
    """An aircraft ahead whose box begins so far from the vehicle's front (1.6 m ahead of its centre)."""
    return Thing(1.6 + gap + 20.0, 0.0, length=40.0, width=36.0, label="aircraft_narrowbody")


@fires
def aircraft_proximity(v):
    for t, gap in enumerate([5.0, 3.2, 2.9]):
        v.tracks(t / 10, [aircraft_at(gap)])


@nearly
def aircraft_proximity_not(v):
    for t, gap in enumerate([5.0, 3.2, 3.01]):
        v.tracks(t / 10, [aircraft_at(gap), Thing(2.0, 0.0, number=2)])


@fires
def ood_spike(v):
    v.scalar("/perception/ood_score", *((t, 2.4) for t in tenths(0, 2)), (2, 5.2))


@nearly
def ood_spike_not(v):
    v.scalar("/perception/ood_score", *((t, 2.7) for t in tenths(0, 2)), (2, 5.2))
    v.scalar("/perception/ood_score", *((t, 1.0) for t in tenths(10, 12)), (12, 4.9))


def large(x: float, number: int) -> Thing:
    return Thing(x, 3.0, length=10.0, width=2.5, number=number)


@fires
def tracking_failure(v):
    for t in tenths(0, 2):
        v.tracks(t, [large(20.0, 1)])
    for t in tenths(2, 4):
        v.tracks(t, [])


@nearly
def tracking_failure_not(v):
    for t in tenths(0, 4):
        far = [large(30.0 + 15 * t, 2)] if t < 3 else []  # leaves the field of view
        small = [Thing(10.0, 0.0, length=0.6, width=0.6, number=3, label="person")] if t < 2 else []
        v.tracks(t, [large(20.0, 1), *far, *small])


@fires
def novel_object(v):
    for t in tenths(0, 1):
        v.detections(t, [Thing(15.0 - t, 2.0, confidence=0.24)])


@nearly
def novel_object_not(v):
    for t in tenths(0, 2):
        single = [Thing(15.0, 2.0, confidence=0.1)] if t in (0.3, 1.1) else []
        v.detections(t, [Thing(20.0, 0.0, confidence=0.31), *single, Thing(90.0, 0.0, confidence=0.1)])


def both(v: Vehicle, t: float, untracked: int) -> None:
    tracked = [Thing(10.0 + 8 * i, 0.0, number=i) for i in range(4)]
    v.detections(t, tracked + [Thing(10.0 + 8 * i, 15.0) for i in range(untracked)])
    v.tracks(t, tracked)


@fires
def detection_disagreement(v):
    for t in tenths(0, 1):
        both(v, t, 0 if t < 0.5 else 6)


@nearly
def detection_disagreement_not(v):
    for t in tenths(0, 1):
        both(v, t, 0 if t < 0.5 else 5)


@fires
def sensor_degradation(v):
    v.scalar("/diagnostics/sensor_health", (0, 0.0), (1, 1.0), field="max(status[].level)")


@nearly
def sensor_degradation_not(v):
    v.scalar("/diagnostics/sensor_health", (0, 0.0), (1, 0.0), field="max(status[].level)")


def sensed(v: Vehicle, t: float, ghosts: list[tuple[float, float]]) -> None:
    v.detections(t, [Thing(12.0, 0.0), Thing(20.0, 5.0)])
    v.radar(t, [(12.5, 0.3), (20.0, 5.0), *ghosts])


@fires
def multi_sensor_inconsistency(v):
    for t in tenths(0, 4):
        sensed(v, t, [(15.0, -6.0)] if t >= 1 else [])


@nearly
def multi_sensor_inconsistency_not(v):
    for t in tenths(0, 4):
        sensed(v, t, [(15.0, -6.0)] if 1 <= t < 2.3 else [(80.0, 0.0)])


@fires
def gtsam_innovation_spike(v):
    quiet = [(t, 1.0 + 0.1 * (round(t * 10) % 2)) for t in tenths(0, 2)]
    v.scalar("/localization/innovation_norm", *quiet, (2, 4.0))


@nearly
def gtsam_innovation_spike_not(v):
    quiet = [(t, 1.0 + 0.1 * (round(t * 10) % 2)) for t in tenths(0, 2)]
    v.scalar("/localization/innovation_norm", *quiet, (2, 1.2))
    v.scalar("/localization/innovation_norm", *((t, 1.0) for t in tenths(20, 24)))


@fires
def gps_denied_transition(v):
    v.scalar("/localization/gps_status", (0, "rtk_fixed"), (1, "rtk_fixed"), (2, "denied"))


@nearly
def gps_denied_transition_not(v):
    v.scalar("/localization/gps_status", (0, "standalone"), (1, "denied"), (2, "rtk_fixed"))


def place(v: Vehicle, t: float, candidates: int) -> None:
    v.send("/localization/place_match", t, {"candidates": float(candidates), "best_score": 0.5})


@fires
def place_recognition_fail(v):
    for step in range(10):
        place(v, step / 2, 1 if step < 2 else 0)


@nearly
def place_recognition_fail_not(v):
    for step in range(16):
        place(v, step / 2, 1 if step in (0, 1, 7, 8) else 0 if step < 8 else 2)


def residual(v: Vehicle, t: float, x: float, y: float) -> None:
    v.send("/localization/map_residual", t, {"offset_x_m": x, "offset_y_m": y})


@fires
def map_discrepancy(v):
    for t in tenths(0, 3):
        residual(v, t, 0.4, 0.35)


@nearly
def map_discrepancy_not(v):
    for step, t in enumerate(tenths(0, 3)):
        residual(v, t, (-1.0) ** step * 0.9, 0.45)  # large, but not systematic


def consistency(v: Vehicle, t: float, residuals: list[float]) -> None:
    values = {"residual_m[]": residuals, "overlap[]": [0.6] * (len(residuals) - 1) + [0.1]}
    v.send("/localization/lidar_consistency", t, values)


@fires
def calibration_drift(v):
    for step in range(20):
        consistency(v, step / 2, [0.03, 0.02 if step < 12 else 0.12, 0.03])


@nearly
def calibration_drift_not(v):
    for step in range(30):
        slightly = 0.02 if step < 12 else 0.07
        once = 0.2 if step == 20 else 0.03
        consistency(v, step / 2, [once, slightly, 0.5 if step > 15 else 0.03])  # the last hardly overlaps


@fires
def frenet_exhaustion(v):
    v.scalar("/planning/frenet_candidates", (0, 300.0), (1, 9.0), field="feasible_count")


@nearly
def frenet_exhaustion_not(v):
    v.scalar("/planning/frenet_candidates", (0, 300.0), (1, 10.0), field="feasible_count")


@fires
def high_cost_trajectory(v):
    v.scalar("/planning/trajectory_cost", *((t, 10.0) for t in tenths(0, 10)), (10, 10.5))


@nearly
def high_cost_trajectory_not(v):
    # Every sixth costs 12, so the 90th percentile is 12 itself, and 12 is not above it.
    v.scalar(
        "/planning/trajectory_cost",
        *((t, 12.0 if step % 6 == 0 else 10.0) for step, t in enumerate(tenths(0, 30))),
    )


@fires
def deadlock(v):
    for t in tenths(0, 12.5):
        v.driving(t, max(0.0, 3.0 - 2 * t))


@nearly
def deadlock_not(v):
    for t in tenths(0, 30):
        v.driving(t, 0.0 if t % 10 > 0.5 else 0.3, planned=t < 1.5)
    for t in tenths(30, 50):
        v.driving(t, 0.0, planned=True)


def route(v: Vehicle) -> None:
    xs, ys = [0.0, 50.0, 50.0], [0.0, 0.0, 40.0]
    v.send("/planning/route", 0, {"poses[].pose.position.x": xs, "poses[].pose.position.y": ys})


@fires
def path_deviation(v):
    route(v)
    for t, y in enumerate([0.0, 0.5, 1.1]):
        v.pose(t / 10, 20.0, y)


@nearly
def path_deviation_not(v):
    route(v)
    for t, (x, y) in enumerate([(20.0, 0.0), (20.0, 0.99), (50.9, 20.0)]):
        v.pose(t / 10, x, y)


@fires
def unplanned_stop(v):
    for t in tenths(0, 6):
        v.driving(t, max(0.0, 4.0 - 2 * t))


@nearly
def unplanned_stop_not(v):
    for t in tenths(0, 6):
        v.driving(t, max(0.2, 4.0 - 2 * t))  # creeps on
    for t in tenths(20, 26):
        v.driving(t, max(0.0, 4.0 - 2 * (t - 20)), planned=True)
    for t in tenths(40, 46):
        v.driving(t, 0.0)  # has been standing all the time


@fires
def operator_flag(v):
    v.scalar("/hmi/flag_event", (0, True), (1, True))


@nearly
def operator_flag_not(v):
    v.scalar("/hmi/flag_event", (0, False))


@fires
def voice_flag(v):
    v.scalar("/hmi/voice_command", (0, "go on"), (1, "Flag this"), (2, "flag"))


@nearly
def voice_flag_not(v):
    v.scalar("/hmi/voice_command", (0, "go on"), (1, "flagship"))


@fires
def time_sample(v):
    v.pose(0, 0.0, 0.0)
    v.advance(1800.1)


@nearly
def time_sample_not(v):
    v.pose(0, 0.0, 0.0)
    v.advance(1800)


@fires
def distance_sample(v):
    for second in range(1001):
        v.pose(second, 5.0 * second, 0.0)


@nearly
def distance_sample_not(v):
    for second in range(1000):
        v.pose(second, 5.0 * second, 0.0)


@fires
def weather_transition(v):
    for second in range(30):
        v.weather(second, rain=0.0 if second < 10 else 2.0)


@nearly
def weather_transition_not(v):
    for second in range(60):
        shower = 2.0 if second in (20, 21, 40) else 0.15
        v.weather(second, rain=shower, visibility=1100.0)


APRONS = [
    ("apron_1", "apron", [(0.0, 0.0), (100.0, 0.0), (100.0, 100.0), (0.0, 100.0)]),
    ("taxiway", "taxiway", [(100.0, 0.0), (200.0, 0.0), (200.0, 100.0), (100.0, 100.0)]),
]


@fires
def new_area(v):
    v.zones(0, APRONS)
    for t, x in enumerate([-5.0, 5.0, 10.0, 150.0, 50.0]):
        v.pose(t, x, 50.0)


@nearly
def new_area_not(v):
    v.zones(0, APRONS)
    for t, x in enumerate([-5.0, 150.0, 250.0]):
        v.pose(t, x, 50.0)


def test_every_type_has_both_cases() -> None:
    assert set(FIRES) == set(NEARLY) == set(library_triggers())
    assert len(FIRES) == 28


@pytest.mark.parametrize("name", FIRES)
def test_it_fires(name: str) -> None:
    vehicle = Vehicle()
    FIRES[name](vehicle)
    assert name in vehicle.fired
    assert vehicle.fired <= {name, *COMPANIONS.get(name, ())}, "nothing else has a reason to"
    event = next(event for event in vehicle.events if event.type == name)
    entry = library_triggers()[name]
    assert event.priority == entry.priority
    assert (event.pre_roll_ns, event.post_roll_ns) == (entry.pre_roll_s * 1e9, entry.post_roll_s * 1e9)


@pytest.mark.parametrize("name", NEARLY)
def test_it_does_not_fire_nearly(name: str) -> None:
    vehicle = Vehicle()
    NEARLY[name](vehicle)
    assert name not in vehicle.fired


def fired_at(scene: str, name: str = "", **params: float) -> list[float]:
    vehicle = Vehicle({name or scene: params})
    FIRES[scene](vehicle)
    return vehicle.times(name or scene)


def test_when_they_fire() -> None:
    assert fired_at("estop") == [1]
    assert fired_at("operator_flag") == [0, 1], "every press counts"
    assert fired_at("voice_flag") == [1, 2]
    assert fired_at("deadlock") == [pytest.approx(11.5)], "10 s after the speed fell below 0.1 m/s"
    assert fired_at("unplanned_stop") == [pytest.approx(3.0)]
    assert fired_at("place_recognition_fail") == [4.0]
    assert fired_at("time_sample") == [1800]
    assert fired_at("distance_sample") == [1000]
    assert fired_at("new_area") == [1], "the first visit only"
    assert fired_at("tracking_failure") == [pytest.approx(3.0)], "a second after the track ended"
    assert fired_at("weather_transition") == [13]


def test_params_change_thresholds() -> None:
    assert fired_at("cbf_intervention", threshold=0.2) == []
    assert fired_at("ood_spike", threshold=5.5) == []
    assert fired_at("ood_spike", ratio=2.2) == []
    assert fired_at("time_sample", interval=600.0) == [600, 1200, 1800]
    assert fired_at("distance_sample", interval=2000.0) == [400, 800]
    vehicle = Vehicle({"geofence_breach": {"on_warning": True}})
    NEARLY["geofence_breach"](vehicle)
    assert vehicle.times("geofence_breach") == [1]
