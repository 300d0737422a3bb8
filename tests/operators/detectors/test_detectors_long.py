"""Every detector: what it makes of messages, of bad ones, and over a restart."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.detectors import DETECTORS, Detector, DetectorInputError
from winnow_operators.detectors.aircraft_clearance import AircraftClearance
from winnow_operators.detectors.columns import MAX_OBJECTS
from winnow_operators.detectors.detection_matching import DetectionMatching
from winnow_operators.detectors.lidar_consistency import LidarConsistency
from winnow_operators.detectors.lidar_radar import LidarRadar
from winnow_operators.detectors.novel_objects import NovelObjects
from winnow_operators.detectors.path_deviation import PathDeviation
from winnow_operators.detectors.track_continuity import TrackContinuity
from winnow_operators.detectors.weather_class import WeatherClass
from winnow_operators.detectors.zone_map import zones_of
from winnow_operators.detectors.zone_visits import ZoneVisits
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.signals import SignalType

SECOND = 1_000_000_000
T0 = 1_700_000_000 * SECOND


def at(seconds: float) -> int:
    return T0 + round(seconds * SECOND)


def track(
    number: int, x: float, y: float = 0.0, *, length: float = 10.0, age: float = 5.0, since: float = 0.0
) -> dict:
    return {"id": number, "label": "truck", "x": x, "y": y, "length": length, "age": age, "since": since}


def table(rows: list[dict], names: tuple[str, ...]) -> dict:
    return {name: [row[name] for row in rows] for name in names}


class TestTrackContinuity:
    NAMES = ("id", "label", "x", "y", "length", "age", "since")

    def play(self, *messages: tuple[float, list[dict]], **params) -> list[tuple[float, float]]:
        detector = TrackContinuity(TrackContinuity.params_model(**params))
        results = []
        for seconds, rows in messages:
            signals = dict(detector.update("tracks", at(seconds), table(rows, self.NAMES)))
            results.append((signals["lost_tracks"], signals["id_switches"]))
        return results

    def test_a_lost_track_counts_once_after_the_grace_time(self) -> None:
        messages = [(0, [track(1, 20)]), (0.1, []), (1.0, []), (1.1, []), (1.2, [])]
        assert self.play(*messages) == [(0, 0), (0, 0), (0, 0), (1, 0), (0, 0)]

    def test_another_id_near_by_is_a_switch_and_no_loss(self) -> None:
        messages = [(0, [track(1, 20)]), (0.1, []), (0.5, [track(7, 21)]), (3, [track(7, 21)])]
        assert self.play(*messages) == [(0, 0), (0, 0), (0, 1), (0, 0)]

    def test_a_swap_of_ids_between_messages_is_a_switch(self) -> None:
        assert self.play((0, [track(1, 20)]), (0.1, [track(2, 20)]))[1] == (0, 1)

    @pytest.mark.parametrize(
        "after",
        [[track(7, 60.0)], [track(7, 20.0, length=2.0)], [track(9, 20.0, 30.0)]],
        ids=["elsewhere", "of another size", "beside"],
    )
    def test_other_objects_are_no_continuation(self, after) -> None:
        assert self.play((0, [track(1, 20)]), (0.1, after), (2, after))[1:] == [(0, 0), (1, 0)]

    def test_one_new_track_continues_one_lost_one(self) -> None:
        results = self.play((0, [track(1, 20), track(2, 22)]), (0.1, [track(3, 21)]), (2, [track(3, 21)]))
        assert results == [(0, 0), (0, 1), (1, 0)]

    def test_a_track_that_comes_back_was_not_lost(self) -> None:
        results = self.play((0, [track(1, 20)]), (0.1, []), (0.9, [track(1, 20)]), (3, [track(1, 20)]))
        assert results == [(0, 0)] * 4

    @pytest.mark.parametrize(
        "row",
        [track(1, 70.0), track(1, 20.0, length=4.9), track(1, 20.0, age=0.1)],
        ids=["out of range", "small", "young"],
    )
    def test_some_tracks_may_end(self, row) -> None:
        assert self.play((0, [row]), (0.1, []), (5, [])) == [(0, 0)] * 3

    def test_coasting_too_long_is_lost(self) -> None:
        results = self.play(
            (0, [track(1, 20)]), (1.1, [track(1, 20, since=1.1)]), (2.2, [track(1, 20, since=2.2)])
        )
        assert results == [(0, 0), (1, 0), (0, 0)]

    def test_params(self) -> None:
        assert self.play((0, [track(1, 20, length=3.0)]), (0.1, []), (0.3, []), large_m=2.0, grace_s=0.2)[
            -1
        ] == (1, 0)


class TestDetectionMatching:
    def fields(self, places, names=("x", "y", "length", "confidence")) -> dict:
        rows = [{"x": x, "y": y, "length": 2.0, "confidence": 0.9} for x, y in places]
        return table(rows, names)

    def play(self, detections, tracks, apart_s: float = 0.0, **params):
        detector = DetectionMatching(DetectionMatching.params_model(**params))
        assert detector.update("detections", at(0), self.fields(detections)) == []
        return detector.update("tracks", at(apart_s), self.fields(tracks, ("x", "y")))

    def test_counts_detections_without_a_track(self) -> None:
        assert self.play([(0, 0), (10, 0), (20, 0)], [(0.5, 0), (21.9, 0)]) == [("unmatched_detections", 1.0)]
        assert self.play([], [(0, 0)]) == [("unmatched_detections", 0.0)]
        assert self.play([(0, 0), (0.1, 0)], [(0, 0)]) == [("unmatched_detections", 1.0)], "one to one"

    def test_messages_that_are_apart_are_not_compared(self) -> None:
        assert self.play([(0, 0)], [], apart_s=0.2) == []
        assert DetectionMatching().update("tracks", at(0), self.fields([], ("x", "y"))) == []

    def test_min_confidence(self) -> None:
        assert self.play([(0, 0)], [], min_confidence=0.95) == [("unmatched_detections", 0.0)]


def novel(detector: Detector, seconds: float, *rows: tuple[float, float, float]) -> float:
    fields = {"x": [r[0] for r in rows], "y": [r[1] for r in rows], "confidence": [r[2] for r in rows]}
    return dict(detector.update("detections", at(seconds), fields))["novel_objects"]


def test_novel_objects_must_persist_and_may_move_and_miss_sweeps() -> None:
    detector = NovelObjects()
    assert novel(detector, 0, (20, 0, 0.2), (5, 5, 0.9)) == 0
    assert novel(detector, 0.1, (19.3, 0, 0.29)) == 0
    assert novel(detector, 0.2) == 0, "missed"
    assert novel(detector, 0.4, (17.9, 0, 0.2)) == 1
    assert novel(detector, 0.5, (17.2, 0, 0.3)) == 0, "0.3 is not below 0.3"
    assert novel(detector, 1.5, (17.2, 0, 0.2)) == 0, "forgotten"


class TestLidarRadar:
    def play(self, seconds: float, lidar, radar, detector: LidarRadar, rcs: float = 10.0):
        fields = {
            "x": [x for x, _, _ in lidar],
            "y": [y for _, y, _ in lidar],
            "yaw": [0.0] * len(lidar),
            "length": [length for _, _, length in lidar],
            "width": [2.0] * len(lidar),
            "source": ["lidar"] * len(lidar),
        }
        assert detector.update("detections", at(seconds), fields) == []
        points = {"x": [x for x, _ in radar], "y": [y for _, y in radar], "rcs": [rcs] * len(radar)}
        return dict(detector.update("radar", at(seconds), points)).get("lidar_radar_disagreements")

    def lasting(self, lidar, radar, rcs: float = 10.0) -> float | None:
        detector = LidarRadar()
        return [self.play(step / 10, lidar, radar, detector, rcs) for step in range(17)][-1]

    @pytest.mark.parametrize(
        ("lidar", "radar", "expected"),
        [
            ([(10, 0, 5)], [(10.5, 0.5)], 0),
            ([(10, 0, 12)], [(4.5, 0.0)], 0),
            ([], [(10, 0)], 1),
            ([(10, 0, 5)], [], 1),
            ([(10, 0, 5), (20, 0, 5)], [(30, 0)], 3),
            ([(10, 0, 1.0)], [], 0),
            ([(50, 0, 5)], [(60, 0)], 0),
        ],
    )
    def test_lasting_disagreements(self, lidar, radar, expected) -> None:
        assert self.lasting(lidar, radar) == expected

    def test_weak_targets_may_be_invisible_to_lidar(self) -> None:
        assert self.lasting([], [(10, 0)], rcs=-1.0) == 0

    def test_short_disagreements_do_not_count(self) -> None:
        detector = LidarRadar()
        counts = [self.play(s / 10, [], [(10, 0)] if s < 15 else [], detector) for s in range(20)]
        assert set(counts) == {0.0}

    def test_flickering_at_different_places_does_not_count(self) -> None:
        detector = LidarRadar()
        counts = [self.play(s / 10, [], [(10 + 7 * (s % 3), 0)], detector) for s in range(40)]
        assert max(counts[:10]) == 0


class TestLidarConsistency:
    def play(self, *messages) -> list:
        detector = LidarConsistency()
        results = []
        for number, residuals in enumerate(messages):
            fields = {"residual": residuals, "overlap": [0.5] * len(residuals)}
            signals = dict(detector.update("consistency", at(number / 2), fields))
            results.append((signals["lidar_residual"], signals["lidar_residual_ratio"]))
        return results

    def test_unknown_while_learning_then_a_ratio(self) -> None:
        results = self.play(*[[0.03, 0.02]] * 8, [0.03, 0.06])
        assert results[:8] == [(None, None)] * 8
        assert results[8] == (0.06, pytest.approx(3.0))

    def test_a_slow_change_becomes_normal_and_a_drift_does_not(self) -> None:
        slow = self.play(*[[0.03]] * 8, *[[0.03 + 0.00005 * i] for i in range(400)])
        assert slow[-1][1] < 1.2
        drift = self.play(*[[0.03]] * 8, *[[0.09]] * 400)
        assert drift[-1][1] == pytest.approx(3.0)

    def test_lidars_without_overlap_are_left_out(self) -> None:
        detector = LidarConsistency()
        for _ in range(9):
            fields = {"residual": [0.03, 9.0, math.nan], "overlap": [0.5, 0.19, 0.5]}
            last = dict(detector.update("consistency", T0, fields))
        assert last["lidar_residual"] == 0.03

    @pytest.mark.parametrize(
        "fields", [{"residual": [0.1], "overlap": []}, {"residual": [0.1] * 65, "overlap": [1] * 65}]
    )
    def test_what_cannot_be_is_refused(self, fields) -> None:
        with pytest.raises(DetectorInputError):
            LidarConsistency().update("consistency", T0, fields)


def test_path_deviation_uses_the_newest_route() -> None:
    detector = PathDeviation()
    assert detector.update("pose", T0, {"x": 1.0, "y": 2.0}) == [("cross_track", None)], "no route yet"
    detector.update("route", T0, {"x": [0.0, 10.0], "y": [0.0, 0.0]})
    assert detector.update("pose", T0, {"x": 5.0, "y": -2.0}) == [("cross_track", 2.0)]
    assert detector.update("pose", T0, {"x": 13.0, "y": 4.0}) == [("cross_track", 5.0)]
    detector.update("route", T0, {"x": [5.0], "y": [5.0]})
    assert detector.update("pose", T0, {"x": 5.0, "y": 2.0}) == [("cross_track", 3.0)]
    assert detector.update("pose", T0, {"x": math.nan, "y": 2.0}) == [("cross_track", None)]
    assert detector.update("route", T0, {"x": [], "y": []}) == [("cross_track", None)]


def weather(
    detector: Detector,
    seconds: float,
    rain: float = 0.0,
    seen: float = 1e4,
    light: float = 1e4,
    warmth: float = 10.0,
):
    fields = {"rain": rain, "visibility": seen, "light": light, "temperature": warmth}
    return dict(detector.update("weather", at(seconds), fields))


def test_weather_has_hysteresis_and_settles() -> None:
    detector = WeatherClass()
    assert weather(detector, 0)["weather"] == "clear"
    assert weather(detector, 1, rain=0.4)["rain"] is False
    assert weather(detector, 2, rain=0.6) == {"weather": "clear", "rain": True, "fog": False, "night": False}
    assert weather(detector, 4, rain=0.3)["weather"] == "clear"
    assert weather(detector, 5, rain=0.3)["weather"] == "rain", (
        "three seconds later, still above where rain ends"
    )
    assert weather(detector, 6, rain=0.1, seen=900.0)["fog"] is True
    assert weather(detector, 9, rain=0.1, seen=1400.0)["weather"] == "fog"
    assert weather(detector, 10, rain=3.0, warmth=-2.0)["weather"] == "fog"
    assert weather(detector, 13, rain=3.0, warmth=-2.0)["weather"] == "snow"
    assert weather(detector, 14, light=40.0)["night"] is True
    assert weather(detector, 15, light=90.0)["night"] is True
    assert weather(detector, 16, light=110.0)["night"] is False
    assert weather(detector, 17, rain=math.nan) == dict.fromkeys(("weather", "rain", "fog", "night"))


def zone_fields(*zones) -> dict:
    fields: dict = {"names": [z[0] for z in zones], "kinds": [z[1] for z in zones]}
    for index, (_, _, points) in enumerate(zones):
        fields[f"x{index}"], fields[f"y{index}"] = [p[0] for p in points], [p[1] for p in points]
    return fields


SQUARE = ("a", "apron", [(0, 0), (10, 0), (10, 10), (0, 10)])
BESIDE = ("b", "apron", [(10, 0), (20, 0), (20, 10), (10, 10)])
ROAD = ("r", "taxiway", [(20, 0), (30, 0), (30, 10), (20, 10)])


def test_zone_visits_are_first_visits_of_the_kinds_that_count() -> None:
    detector = ZoneVisits()
    assert detector.update("pose", T0, {"x": 5.0, "y": 5.0}) == [("new_zone", None), ("zone", None)], (
        "no map yet"
    )
    detector.update("zones", T0, zone_fields(SQUARE, BESIDE, ROAD))
    visits = [dict(detector.update("pose", T0, {"x": x, "y": 5.0})) for x in (5.0, 6.0, 15.0, 25.0, 5.0)]
    assert [visit["new_zone"] for visit in visits] == [True, False, True, False, False]
    assert [visit["zone"] for visit in visits] == ["a", "a", "b", "", "a"]
    detector.update("zones", T0, zone_fields(SQUARE))
    assert dict(detector.update("pose", T0, {"x": 5.0, "y": 5.0}))["new_zone"] is False, (
        "another map, the same name"
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"names": ["a"], "kinds": []},
        {"names": ["a"], "kinds": ["apron"]},
        {"names": ["a"], "kinds": ["apron"], "x0": [0, 1, 2], "y0": [0, 1]},
        {"names": ["a"] * 129, "kinds": ["apron"] * 129},
        {"names": ["a"], "kinds": ["apron"], "x0": [0, 1], "y0": [0, 1]},
    ],
)
def test_what_is_no_map_is_refused_and_the_old_one_stays(fields) -> None:
    detector = ZoneVisits()
    detector.update("zones", T0, zone_fields(SQUARE))
    with pytest.raises(BadInputError):
        detector.update("zones", T0, fields)
    assert dict(detector.update("pose", T0, {"x": 5.0, "y": 5.0}))["new_zone"] is True
    assert len(zones_of(zone_fields(SQUARE, BESIDE))) == 2


class TestAircraftClearance:
    def clearance(self, *rows, **params) -> dict:
        names = ("label", "x", "y", "yaw", "length", "width", "since")
        fields = {name: [row[i] for row in rows] for i, name in enumerate(names)}
        return dict(AircraftClearance(AircraftClearance.params_model(**params)).update("tracks", T0, fields))

    def test_box_to_box(self) -> None:
        near = ("aircraft_widebody", 40.0, 0.0, 0.0, 60.0, 50.0, 0.0)
        far = ("aircraft_narrowbody", 90.0, 0.0, 0.0, 40.0, 36.0, 0.0)
        truck = ("fuel_truck", 3.0, 0.0, 0.0, 2.0, 2.0, 0.0)
        found = self.clearance(far, near, truck)
        assert found == {"aircraft_clearance": pytest.approx(40 - 30 - 1.6), "aircraft_type": "widebody"}

    def test_turned_boxes(self) -> None:
        wing = ("aircraft", 0.0, 20.0, math.pi / 2, 30.0, 4.0, 0.0)
        found = self.clearance(wing)
        assert found == {"aircraft_clearance": pytest.approx(20 - 15 - 0.8), "aircraft_type": "unspecified"}

    def test_none_in_sight(self) -> None:
        nothing = {"aircraft_clearance": 200.0, "aircraft_type": "none"}
        assert self.clearance() == nothing
        assert self.clearance(("truck", 3.0, 0.0, 0.0, 2.0, 2.0, 0.0)) == nothing
        assert self.clearance(("aircraft_x", 3.0, 0.0, 0.0, 2.0, 2.0, 1.5)) == nothing, "coasting"
        assert self.clearance(("aircraft_x", 900.0, 0.0, 0.0, 2.0, 2.0, 0.0)) == nothing
        assert self.clearance(("aircraft_x", math.nan, 0.0, 0.0, 2.0, 2.0, 0.0)) == nothing

    def test_own_box_and_labels_are_params(self) -> None:
        plane = ("plane.a320", 20.0, 0.0, 0.0, 10.0, 10.0, 0.0)
        found = self.clearance(plane, prefix="plane.", length_m=10.0, center_x_m=2.0)
        assert found == {"aircraft_clearance": pytest.approx(20 - 5 - 7), "aircraft_type": "a320"}


LIST_INPUTS = [
    (detector, name)
    for detector in DETECTORS.values()
    for name, fields in detector.inputs.items()
    if any("[]." in path for path in fields.values()) and name != "zones"
]


@pytest.mark.parametrize(("detector", "name"), LIST_INPUTS, ids=str)
def test_lists_that_do_not_fit_are_refused_and_change_nothing(detector, name) -> None:
    fields = {key: ["a", "b"] if key in ("label", "source") else [1.0, 2.0] for key in detector.inputs[name]}
    made = detector()
    made.update(name, T0, fields)
    before = made.snapshot()
    key = next(key for key in fields if key not in ("label", "source"))
    bad = [
        {**fields, key: [1.0]},
        {**fields, key: 3.0},
        {**fields, key: ["x", "y"]},
        {**fields, key: np.ones((2, 2))},
        {name: list(value) * (MAX_OBJECTS * 50) for name, value in fields.items()},
    ]
    for each in bad:
        with pytest.raises(DetectorInputError):
            made.update(name, T0 + 1, each)
    assert made.snapshot() == before


@pytest.mark.parametrize("detector", DETECTORS.values(), ids=list(DETECTORS))
def test_what_every_detector_promises(detector) -> None:
    made = detector()
    assert detector.summary
    assert made.snapshot() == detector().snapshot()
    with pytest.raises(DetectorInputError, match="has no input"):
        made.update("nothing", T0, {})
    for name, fields in detector.inputs.items():
        missing = dict(detector().update(name, T0, dict.fromkeys(fields)))
        assert set(missing) == set(detector.outputs)
        assert set(missing.values()) == {None}, "a message that lacks fields makes the signals unknown"
    for output in detector.outputs.values():
        assert isinstance(output.type, SignalType)
        assert output.summary
    with pytest.raises((BadInputError, TypeError)):
        made.restore({"nonsense": 1}) if detector is not AircraftClearance else made.restore()


objects = st.lists(
    st.tuples(
        st.floats(-70, 70),
        st.floats(-30, 30),
        st.floats(0.5, 20),
        st.floats(0, 1),
        st.sampled_from(["truck", "aircraft_a"]),
    ),
    max_size=6,
)
steps = st.lists(
    st.tuples(
        st.integers(1, 600_000_000),
        st.sampled_from(
            ["detections", "tracks", "radar", "pose", "route", "weather", "consistency", "zones"]
        ),
        objects,
    ),
    max_size=40,
)


def fields_for(detector: type[Detector], name: str, rows) -> dict:
    """Plausible fields of any input from a few rows of numbers."""
    if name == "zones":
        return zone_fields(SQUARE, BESIDE)
    columns = {
        "x": [r[0] for r in rows],
        "y": [r[1] for r in rows],
        "length": [r[2] for r in rows],
        "width": [r[2] / 2 for r in rows],
        "yaw": [r[3] for r in rows],
        "confidence": [r[3] for r in rows],
        "rcs": [r[2] for r in rows],
        "id": [round(r[2]) for r in rows],
        "age": [r[3] * 5 for r in rows],
        "since": [0.0 for r in rows],
        "label": [r[4] for r in rows],
        "source": ["lidar" for _ in rows],
        "residual": [r[3] for r in rows],
        "overlap": [r[3] for r in rows],
    }
    paths = detector.inputs[name]
    if not any("[]" in path for path in paths.values()):
        first = rows[0] if rows else (5.0, 5.0, 1.0, 0.5, "")
        return {key: (first[0], first[1], first[2], first[3] * 100)[i % 4] for i, key in enumerate(paths)}
    return {key: columns[key] for key in paths}


@pytest.mark.parametrize("detector", DETECTORS.values(), ids=list(DETECTORS))
@given(steps, st.data())
@settings(deadline=None, max_examples=150)
def test_a_restart_at_any_point_changes_nothing(detector, messages, data) -> None:
    relevant = [message for message in messages if message[1] in detector.inputs]
    cut = data.draw(st.integers(0, len(relevant)))
    whole, first = detector(), detector()
    t, results, expected = T0, [], []
    for number, (gap, name, rows) in enumerate(relevant):
        t += gap
        fields = fields_for(detector, name, rows)
        expected.append(whole.update(name, t, fields))
        if number == cut:
            second = detector()
            second.restore(json.loads(json.dumps(first.snapshot(), allow_nan=False)))
            assert second.snapshot() == first.snapshot()
            first = second
        results.append(first.update(name, t, fields))
    assert results == expected
