"""The library against the vehicle document's tables, and the suite in settings."""

import re
from importlib import resources

import pytest

from winnow_schemas.library import library_triggers, standard_suite
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.settings.signals import SignalSettings
from winnow_schemas.settings.triggers import Mode
from winnow_schemas.validation import validate, validate_part
from winnow_schemas.yaml_source import FileProblemsError, load_text

# 3.1 and 3.2 of the vehicle document, voice_flag from the errata: name -> (priority, pre-roll, post-roll).
DOCUMENT = {
    "estop": (0, 30, 10),
    "collision": (0, 60, 30),
    "cbf_intervention": (0, 15, 5),
    "geofence_breach": (0, 30, 15),
    "simplex_switch": (0, 30, 15),
    "aircraft_proximity": (0, 15, 5),
    "ood_spike": (1, 10, 10),
    "tracking_failure": (1, 10, 5),
    "novel_object": (1, 5, 10),
    "detection_disagreement": (1, 5, 5),
    "sensor_degradation": (1, 10, 10),
    "multi_sensor_inconsistency": (1, 5, 5),
    "gtsam_innovation_spike": (2, 10, 5),
    "gps_denied_transition": (2, 15, 15),
    "place_recognition_fail": (2, 10, 10),
    "map_discrepancy": (2, 5, 5),
    "calibration_drift": (2, 30, 10),
    "frenet_exhaustion": (3, 10, 5),
    "high_cost_trajectory": (3, 5, 5),
    "deadlock": (3, 15, 10),
    "path_deviation": (3, 10, 5),
    "unplanned_stop": (3, 5, 10),
    "operator_flag": (4, 30, 30),
    "voice_flag": (4, 30, 30),
    "time_sample": (5, 15, 15),
    "distance_sample": (5, 15, 15),
    "weather_transition": (5, 30, 60),
    "new_area": (5, 15, 15),
}
COOLDOWNS = {
    "estop": 0,
    "collision": 0,
    "cbf_intervention": 2,
    "geofence_breach": 5,
    "ood_spike": 10,
    "tracking_failure": 5,
    "novel_object": 30,
    "gtsam_innovation_spike": 5,
    "gps_denied_transition": 30,
    "frenet_exhaustion": 10,
    "operator_flag": 0,
    "voice_flag": 0,
    "time_sample": 0,  # the document's 1800 s are its interval
    "distance_sample": 0,
}
THRESHOLDS = {
    "cbf_intervention": {"threshold": 0.1},
    "aircraft_proximity": {"threshold": 3.0},
    "ood_spike": {"threshold": 5.0, "ratio": 2.0, "floor": 0.1},
    "gtsam_innovation_spike": {"sigmas": 3.0},
    "map_discrepancy": {"threshold": 0.5},
    "detection_disagreement": {"threshold": 5},
    "frenet_exhaustion": {"threshold": 10},
    "high_cost_trajectory": {"percent": 90},
    "deadlock": {"hold": 10.0},
    "path_deviation": {"threshold": 1.0},
    "time_sample": {"interval": 1800.0},
    "distance_sample": {"interval": 5000.0},
    "geofence_breach": {"on_warning": False},
}


def test_all_28_types_in_the_documents_order_with_its_windows() -> None:
    library = library_triggers()
    assert list(library) == list(DOCUMENT)
    for name, entry in library.items():
        assert (entry.priority, entry.pre_roll_s, entry.post_roll_s) == DOCUMENT[name], name
        assert entry.cooldown_s == COOLDOWNS.get(name, 5), name
        assert THRESHOLDS.get(name, {}).items() <= entry.params.items(), name
        assert entry.description
        assert entry.title
        assert entry.enabled


def test_windows_of_the_errata_are_in_seconds_with_their_minimum_counts() -> None:
    library = library_triggers()
    assert "median(ood_score, 5 s, min_samples=10)" in library["ood_spike"].when
    for function in ("mean", "std"):
        assert f"{function}(innovation_norm, 2 s, min_samples=5)" in library["gtsam_innovation_spike"].when
    assert (
        "percentile(trajectory_cost, percent, 100 s, min_samples=100)" in library["high_cost_trajectory"].when
    )


def test_buttons_count_every_press() -> None:
    library = library_triggers()
    assert {name for name, entry in library.items() if entry.mode is Mode.LEVEL} == {
        "operator_flag",
        "voice_flag",
    }


def test_signals_of_the_suite_come_from_its_topics() -> None:
    topics = set(re.findall(r"`(/[^`]+)`", _topics_table()))
    topics |= {f"/camera/{side}/compressed" for side in ("front", "left", "right", "rear")}
    suite = standard_suite()
    for name, signal in suite.signals.items():
        for topic in (signal.topic, *signal.inputs.values()):
            assert not topic or topic in topics, name
    for entry in library_triggers().values():
        assert set(entry.signals) <= set(suite.signals)
    assert set(suite.position.values()) <= set(suite.signals)


def _topics_table() -> str:
    from pathlib import Path

    return (Path(__file__).parents[2] / "docs" / "topics.md").read_text("utf-8")


def test_fields_of_the_suite_exist_in_its_own_messages() -> None:
    """Every first step of a path into a winnow_msgs message is a field of that message."""
    folder = resources.files("winnow_schemas").joinpath("ros/winnow_msgs")
    types = dict(re.findall(r"^\| `(/[^`]+)` \| `winnow_msgs/msg/(\w+)`", _topics_table(), re.MULTILINE))
    checked = 0
    for signal in standard_suite().signals.values():
        if signal.topic not in types:
            continue
        text = folder.joinpath(f"{types[signal.topic]}.msg").read_text("utf-8")
        fields = {line.split()[1] for line in text.splitlines() if line.strip() and not line.startswith("#")}
        first = re.split(r"[.\[]", signal.field.removeprefix("min(").removeprefix("max("))[0]
        assert first in fields, signal
        checked += 1
    assert checked >= 15


def settings(text: str) -> DeviceSettings:
    return validate(DeviceSettings, load_text(text, "vehicle.yml"))


def test_a_device_may_take_the_suite_and_change_parts_of_it() -> None:
    device = settings("suite: standard\nsignals:\n  speed: {topic: /wheel, field: v, unit: km/h}\n")
    assert device.signals["speed"].topic == "/wheel"
    assert device.signals["ood_score"].topic == "/perception/ood_score"
    assert device.position == standard_suite().position
    assert device.zones == "/map/zones"
    own = settings("suite: standard\nposition: {x_m: x, y_m: y}\nzones: /m\n")
    assert own.position == {"x_m": "x", "y_m": "y"}
    assert own.zones == "/m"
    assert settings("vehicle: {id: a}\n").signals == {}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("suite: standart\n", "vehicle.yml:1:1"),
        ("suite: standard\nsignals: 3\n", "vehicle.yml:2:1: signals"),
        ("suite: standard\nposition: {x_m: x}\n", "x_m and y_m come together"),
        ("suite: standard\nposition: {altitude: x}\n", "allowed: latitude_deg, longitude_deg, x_m, y_m"),
        ("position: {x_m: x, y_m: y}\n", "there is no signal 'x'"),
        ("signals: {s: {detector: d, inputs: {a: b}, topic: /t}}\n", "either 'topic'"),
    ],
)
def test_mistakes_in_a_device_are_told(text, part) -> None:
    with pytest.raises(FileProblemsError, match=re.escape(part)):
        settings(text)


def test_a_part_of_a_file_is_checked_with_paths_below_it() -> None:
    document = load_text("signals:\n  s:\n    topic: /t\n    stale_s: -1\n    colour: 3\n", "f.yml")
    prefix = ("signals", "s")
    mixed = {"field": "x", **document.data["signals"]["s"]}
    model, problems = validate_part(SignalSettings, mixed, document, prefix)
    assert model is None
    assert [str(problem) for problem in problems] == [
        "f.yml:4:5: signals.s.stale_s: -1 is not allowed; it must be > 0",
        (
            "f.yml:5:5: signals.s.colour: no such setting; "
            "allowed: detector, field, inputs, params, stale_s, topic, type, unit"
        ),
    ]
    _, problems = validate_part(SignalSettings, {"topic": "/t"}, document, prefix)
    assert [str(each) for each in problems] == [
        "f.yml:2:3: signals.s: is not allowed; a signal with 'topic' needs 'field', the path of a field in its messages"
    ]
    model, problems = validate_part(SignalSettings, {"topic": "/t", "field": "x"}, document, ())
    assert model is not None
    assert problems == []
    assert document.part(("signals", "nothing", 3)).data is None


def test_texts_on_one_line_know_their_own_place() -> None:
    document = load_text(
        "a:\n  plain: x > 3\n  quoted: 'x > 3'\n  block: |\n    x > 3\n  long: x >\n    3\n", "f.yml"
    )
    assert document.spans[("a", "plain")] == (2, 10)
    assert document.spans[("a", "quoted")] == (3, 12)
    assert ("a", "block") not in document.spans
    assert ("a", "long") not in document.spans
    assert str(document.problem_within(("a", "quoted"), 4, "no")) == "f.yml:3:16: no"
    assert str(document.problem_within(("a", "block"), 4, "no")) == "f.yml:4:3: no"
