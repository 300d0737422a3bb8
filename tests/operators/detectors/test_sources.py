"""Signals from settings: which paths to decode, which detectors to run, what is wrong."""

import json

import pytest
from tests.operators.triggers.vehicle import zone_values

from winnow_operators.detectors import DETECTORS, SignalSources
from winnow_operators.detectors.plan import plan_detectors
from winnow_schemas.errors import BadInputError
from winnow_schemas.library import library_triggers, standard_suite
from winnow_schemas.settings.signals import SignalSettings

T0 = 1_700_000_000_000_000_000
TRACKS = {"tracks": "/tracks"}


def signal(**values) -> SignalSettings:
    return SignalSettings(**values)


def test_fields_are_read_as_they_are_and_missing_ones_are_unknown() -> None:
    sources = SignalSources(
        {
            "a": signal(topic="/t", field="x"),
            "b": signal(topic="/t", field="y"),
            "c": signal(topic="/u", field="x"),
        }
    )
    assert sources.paths == {"/t": ("x", "y"), "/u": ("x",)}
    assert sources.update("/t", T0, {"x": 1.0}) == [("a", 1.0), ("b", None)]
    assert sources.update("/nothing", T0, {}) == []


def test_signals_of_one_detector_share_it_and_names_may_differ() -> None:
    sources = SignalSources(
        {
            "gap": signal(detector="aircraft_clearance", inputs=TRACKS, field="aircraft_clearance"),
            "aircraft_type": signal(detector="aircraft_clearance", inputs=TRACKS, type="text"),
            "wide": signal(
                detector="aircraft_clearance",
                inputs=TRACKS,
                field="aircraft_clearance",
                params={"width_m": 3.0},
            ),
        }
    )
    assert len(sources.snapshot()["detectors"]) == 2
    empty = {key: [] for key in sources.paths["/tracks"]}
    assert sources.update("/tracks", T0, empty) == [
        ("gap", 200.0),
        ("aircraft_type", "none"),
        ("wide", 200.0),
    ]


def test_a_message_that_a_detector_refuses_makes_its_signals_unknown() -> None:
    sources = SignalSources({"novel_objects": signal(detector="novel_objects", inputs={"detections": "/d"})})
    values = {
        "detections[].position.x": [1.0],
        "detections[].position.y": [],
        "detections[].confidence": [0.1],
    }
    assert sources.update("/d", T0, values) == [("novel_objects", None)]
    assert sources.refused == 1


@pytest.mark.parametrize(
    ("settings", "path", "part"),
    [
        ({"detector": "novel_object"}, ("s", "detector"), "did you mean 'novel_objects'?"),
        ({"inputs": {"tracks": "/t"}}, ("s", "inputs", "tracks"), "has no input 'tracks'; known: detections"),
        ({"inputs": {"tracks": "/t"}}, ("s", "inputs"), "needs the input 'detections'"),
        ({"field": "novel"}, ("s", "field"), "known: novel_objects"),
        ({"type": "text"}, ("s",), "the detector gives novel_objects as number, unit 1"),
        ({"unit": "m"}, ("s",), "the detector gives novel_objects as number, unit 1"),
        ({"unit": "parsec"}, ("s",), "as number"),
        ({"params": {"confidense": 0.2}}, ("s", "params", "confidense"), "did you mean 'confidence'?"),
        ({"params": {"confidence": 7}}, ("s", "params", "confidence"), "it must be <= 1"),
    ],
)
def test_faults_have_a_place_below_signals(settings, path, part) -> None:
    base = {"detector": "novel_objects", "inputs": {"detections": "/d"}, "field": "novel_objects"}
    signals = {"s": signal(**{**base, **settings})}
    _, faults = plan_detectors(signals)
    assert any(fault.path == path and part in fault.message for fault in faults), faults
    with pytest.raises(BadInputError, match="Nothing was started"):
        SignalSources(signals)


def test_one_output_is_one_signal() -> None:
    one = signal(detector="novel_objects", inputs={"detections": "/d"}, field="novel_objects")
    _, faults = plan_detectors({"a": one, "b": one})
    assert [str(fault.message) for fault in faults] == [
        "the same output 'novel_objects' is already the signal 'a'"
    ]


def test_zones_come_from_their_topic_only() -> None:
    sources = SignalSources({}, "/map/zones")
    values = zone_values([("a", "apron", [(0, 0), (1, 0), (1, 1)])])
    zones = sources.zones("/map/zones", values)
    assert zones is not None
    assert zones[0].name == "a"
    assert sources.zones("/other", values) is None
    assert SignalSources({}).zones("", values) is None
    with pytest.raises(BadInputError, match="without zone names"):
        sources.zones("/map/zones", {})


def test_states_of_all_detectors() -> None:
    suite = standard_suite()
    sources = SignalSources(suite.signals, suite.zones)
    sources.update(
        "/planning/route", T0, {"poses[].pose.position.x": [0.0, 1.0], "poses[].pose.position.y": [0.0, 0.0]}
    )
    state = json.loads(json.dumps(sources.snapshot()))
    other = SignalSources(suite.signals, suite.zones)
    other.restore(state)
    pose = {"pose.position.x": 0.5, "pose.position.y": 2.0}
    assert ("cross_track", 2.0) in other.update("/localization/pose", T0, pose)
    for bad in ({}, [], {"refused": 0, "detectors": {"0:aircraft_clearance": 3}}, {"refused": 0, "detectors": {key: {"x": 1} for key in state["detectors"]}}):  # fmt: skip
        with pytest.raises(BadInputError):
            other.restore(bad)


def test_no_detector_reads_a_topic_named_after_its_trigger() -> None:
    """A detector decides from what perception, planning and localization say, not from a ready-made verdict."""
    allowed = {
        "estop",
        "collision",
        "cbf_intervention",
        "geofence_breach",
        "simplex_switch",
        "operator_flag",
        "voice_flag",
    }
    suite = standard_suite()
    for name, entry in library_triggers().items():
        if name in allowed:
            continue
        for each in entry.signals:
            source = suite.signals[each]
            for topic in (source.topic, *source.inputs.values()):
                assert name not in topic.replace("/", "_")


def test_library_entries_name_the_detectors_that_make_their_signals() -> None:
    suite = standard_suite()
    used = set()
    for name, entry in library_triggers().items():
        made_by = {suite.signals[each].detector for each in entry.signals} - {""}
        assert made_by == set(entry.detectors), name
        used |= made_by
    assert used == set(DETECTORS)
    _, faults = plan_detectors(suite.signals)
    assert faults == []
