"""The classifier on clips as they are cut: verdict files, surroundings from the clip itself, kills and damage."""

import errno
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.nodes.vehicle_rig import Rings, S, ScriptedSeam, Vehicle, an_event, cut_clips, live

from winnow_classifier.node import run
from winnow_runtime import atomic
from winnow_schemas.channel import Channel
from winnow_schemas.messages import ClipReady, Verdict

WEATHER = Channel("/weather", "json")
NIGHT_NS = 1_775_865_600 * S
"""2026-04-11 00:00 UTC, at 48 N 11 E: the sun is far below the horizon."""
DAY_NS = NIGHT_NS + 12 * 3600 * S
EVENTS = [
    ("time_sample", 5, 5.0),
    ("ood_spike", 1, 15.0),
    ("estop", 0, 25.0),
    ("ood_spike", 1, 35.0),
]


def clips_of(
    vehicle: Vehicle,
    weather: dict[str, Any] | None = None,
    start_ns: int = DAY_NS,
    signals: dict[str, Any] | None = None,
    events: list[Any] | None = None,
) -> list[ClipReady]:
    """Clips with a weather message twice a second; it clears up completely right after each trigger."""
    vehicle.settings = {
        "recorder": {"enabled": False},
        "triggers": {"library": "none"},
        "signals": signals
        or {
            "visibility": {"topic": "/weather", "field": "vis", "unit": "m"},
            "rain_rate": {"topic": "/weather", "field": "rain", "unit": "mm/h"},
            "ambient_light": {"topic": "/weather", "field": "lux", "unit": "lx"},
        },
    }
    rings = Rings(vehicle)
    times = [at for _, _, at in EVENTS]
    for tick in range(90):
        t_s = tick / 2
        cleared = any(at < t_s <= at + 1 for at in times)
        values = {"vis": 20_000, "rain": 0, "lux": 50_000} if cleared else weather or {}
        rings.push(WEATHER, start_ns + int(t_s * S), json.dumps(values).encode())
    fired = events or [
        an_event(0, kind, priority, event_id=f"{kind}-{at}", t_ns=start_ns + int(at * S))
        for kind, priority, at in EVENTS
    ]
    return cut_clips(vehicle, rings, fired)


def judge(vehicle: Vehicle) -> dict[str, Verdict]:
    run(vehicle.node("classifier"))
    vehicle.gone("classifier")
    assert vehicle.ended("classifier", "verdicts")
    found = [Verdict.from_builtins(record) for record in vehicle.records("classifier", "verdicts")]
    return {verdict.name: verdict for verdict in found}


def by_type(verdicts: dict[str, Verdict]) -> dict[str, list[Verdict]]:
    result: dict[str, list[Verdict]] = {}
    for name, verdict in verdicts.items():
        result.setdefault(name.rsplit("_", 3)[0], []).append(verdict)
    return result


def test_each_clip_gets_a_verdict_and_a_file(vehicle: Vehicle) -> None:
    clips = clips_of(vehicle)
    verdicts = judge(vehicle)
    assert set(verdicts) == {clip.name for clip in clips}
    found = by_type(verdicts)
    assert found["estop"][0].scenario == "near_miss"
    assert found["time_sample"][0].scenario == "normal_routine"
    first, second = found["ood_spike"]
    assert first.scenario == "novel_object"
    assert second.diversity_score < first.diversity_score
    for clip in clips:
        verdict = verdicts[clip.name]
        value = json.loads((vehicle.out / clip.path).with_suffix(".verdict.json").read_text())
        assert value == {
            "clip_id": clip.clip_id,
            "scenario_class": verdict.scenario,
            "annotation_priority": verdict.annotation_priority,
            "action": value["action"],
            "confidence": verdict.confidence,
            "diversity_score": verdict.diversity_score,
            "classifier": "rules-1",
            "reasons": verdict.reasons,
        }
        assert 0 <= verdict.diversity_score <= 1
    rows = vehicle.decisions("classifier")
    assert {row[2] for row in rows} == {clip.clip_id for clip in clips}
    assert all(row[4].endswith(".") for row in rows)


@pytest.mark.parametrize(
    ("weather", "scenario"),
    [
        ({"vis": 300, "rain": 0, "lux": 9000}, "adverse_weather"),
        ({"vis": 9000, "rain": 4.5, "lux": 9000}, "adverse_weather"),
        ({"vis": 9000, "rain": 0, "lux": 2}, "night_operation"),
        ({"vis": 9000, "rain": 0, "lux": 9000}, "normal_routine"),
        ({"vis": None, "rain": "wet"}, "normal_routine"),
    ],
)
def test_weather_and_light_come_from_the_clip_up_to_its_trigger(
    vehicle: Vehicle, weather: dict[str, Any], scenario: str
) -> None:
    clips_of(vehicle, weather)
    assert by_type(judge(vehicle))["time_sample"][0].scenario == scenario


def test_without_a_light_sensor_the_sun_tells_night(vehicle: Vehicle) -> None:
    clips_of(vehicle, {}, start_ns=NIGHT_NS)
    (verdict,) = by_type(judge(vehicle))["time_sample"]
    assert verdict.scenario == "night_operation"
    assert "sun" in verdict.reasons[-1]


def test_units_of_the_settings_count(vehicle: Vehicle) -> None:
    signals = {
        "visibility": {"topic": "/weather", "field": "vis", "unit": "km"},
        "rain_rate": {"topic": "/weather", "field": "rain", "unit": "lx"},
    }
    clips_of(vehicle, {"vis": 0.4, "rain": 50}, signals=signals)
    (verdict,) = by_type(judge(vehicle))["time_sample"]
    assert verdict.scenario == "adverse_weather"
    assert "400 m" in verdict.reasons[-1]


def test_a_merged_clip_is_what_its_gravest_trigger_says(vehicle: Vehicle) -> None:
    events = [
        an_event(0, kind, priority, event_id=kind, t_ns=DAY_NS + int(at * S))
        for kind, priority, at in (
            ("time_sample", 5, 5.0),
            ("ood_spike", 1, 5.5),
            ("aircraft_proximity", 0, 6.0),
        )
    ]
    (clip,) = clips_of(vehicle, events=events)
    verdict = judge(vehicle)[clip.name]
    assert verdict.scenario == "near_miss"
    assert verdict.annotation_priority == 1.0
    assert verdict.name.startswith("aircraft_proximity_")


@pytest.mark.parametrize("damage", ["cut", "flip", "gone", "sidecar gone", "no triggers"])
def test_one_damaged_clip_does_not_stop_the_others(vehicle: Vehicle, damage: str) -> None:
    clips = clips_of(vehicle, {"vis": 300, "rain": 0, "lux": 9000})
    path = vehicle.out / clips[0].path
    sidecar = path.with_suffix(".json")
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-200])
    elif damage == "flip":
        data = bytearray(path.read_bytes())
        data[120] ^= 255
        path.write_bytes(data)
    elif damage == "gone":
        path.unlink()
    elif damage == "sidecar gone":
        sidecar.unlink()
    else:
        value = json.loads(sidecar.read_text())
        sidecar.write_text(json.dumps({**value, "triggers": []}))
    verdicts = judge(vehicle)
    assert {clip.name for clip in clips[1:]} <= set(verdicts)
    lost = damage in ("sidecar gone", "no triggers")
    assert (clips[0].name in verdicts) != lost
    assert (("classification", "impossible") in vehicle.outcomes("classifier")) == lost


def test_a_full_disk_is_waited_for(vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = clips_of(vehicle)
    left, real = [3], atomic.write_bytes

    def write(path: Path, data: bytes, *, durable: bool = True) -> None:
        if path.name.endswith(".verdict.json") and left[0]:
            left[0] -= 1
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, data, durable=durable)

    monkeypatch.setattr(atomic, "write_bytes", write)
    assert len(judge(vehicle)) == len(clips)
    assert left == [0]


def result(vehicle: Vehicle) -> Any:
    files = {path.name: path.read_bytes() for path in (vehicle.out / "clips").rglob("*.verdict.json")}
    rows = vehicle.decisions("classifier")
    return files, rows, vehicle.records("classifier", "verdicts"), vehicle.ids("classifier", "verdicts")


@settings(max_examples=40, deadline=None)
@given(kills=st.lists(st.integers(min_value=0, max_value=60), min_size=1, max_size=4))
def test_killed_anywhere_it_comes_to_the_same(kills: list[int]) -> None:
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as base:
        vehicle = Vehicle(Path(base) / "killed")
        clips_of(vehicle)
        for countdown in [*kills, None]:
            live(vehicle, "classifier", run, countdown)
        calm = Vehicle(Path(base) / "calm")
        clips_of(calm)
        judge(calm)
        assert result(vehicle) == result(calm)
        assert vehicle.leftovers() == []
        for each in (vehicle, calm):
            each.close()


def test_health_and_messages_of_another_version(vehicle: Vehicle) -> None:
    clips = clips_of(vehicle)
    writer = vehicle.journal("extractor", "clips")
    writer.append("odd", {"clip": "of another version"})
    late = msgspec.structs.replace(clips[0], clip_id="nowhere", path="clips/P1/nowhere.mcap")
    writer.append("nowhere", json.loads(late.to_json()))
    writer.close()
    node = vehicle.node("classifier")
    run(node)
    seam = node.seam
    assert isinstance(seam, ScriptedSeam)
    said = [value[0].as_py() for output, value, _ in seam.sent if output == "health"]
    assert said[0]["level"] == 1
    assert json.loads(said[0]["values"])["unreadable"] == 1
    assert ("classification", "impossible") in vehicle.outcomes("classifier")
