"""The signals as the document's own trigger code reads them (3.2, with the errata's windows in seconds).

This is a reference of its own, a few lines per type, so that neither the simulator nor its ground truth is
tested against itself.
"""

import struct
from collections.abc import Iterator
from statistics import median

import numpy as np
import pytest

from winnow_operators.sim import compare
from winnow_schemas.ros.definitions import suite_typestore
from winnow_schemas.simulation.truth import GroundTruth

S = 1_000_000_000
Series = list[tuple[int, float]]


class Signals:
    """Scalars out of payloads."""

    def __init__(self, messages: dict[str, list[tuple[int, bytes]]]) -> None:
        self._messages = messages

    def number(self, topic: str, layout: str, offset: int) -> Series:
        return [(t, struct.unpack_from(layout, data, offset)[0]) for t, data in self._messages[topic]]

    def float64(self, topic: str) -> Series:
        return self.number(topic, "<d", 4)

    def flag(self, topic: str) -> Series:
        return [(t, bool(data[4])) for t, data in self._messages[topic]]

    def is_text(self, topic: str, wanted: str) -> Series:
        return [(t, data[8:-1].decode() == wanted) for t, data in self._messages[topic]]

    def decoded(self, topic: str, name: str) -> Iterator[tuple[int, object]]:
        store = suite_typestore()
        return ((t, store.deserialize_cdr(data, name)) for t, data in self._messages[topic])


def edges(series: Series, cooldown_s: float = 5.0) -> list[int]:
    """When it becomes true, not twice within the cooldown."""
    fired: list[int] = []
    before = False
    for t, value in series:
        if value and not before and (not fired or t - fired[-1] >= cooldown_s * S):
            fired.append(t)
        before = bool(value)
    return fired


def rolling(series: Series, seconds: float, least: int, test) -> Series:
    """Apply a test to the values of a window that ends with the newest one."""
    result = []
    first = 0
    values = [value for _, value in series]
    for index, (t, _) in enumerate(series):
        while series[first][0] < t - seconds * S:
            first += 1
        window = values[first : index + 1]
        result.append((t, len(window) >= least and test(window)))
    return result


def lasting(series: Series, seconds: float) -> Series:
    """Whether it has been true for so long."""
    since = None
    result = []
    for t, value in series:
        since = (t if since is None else since) if value else None
        result.append((t, since is not None and t - since >= seconds * S))
    return result


def detect(signals: Signals) -> list[tuple[str, int]]:
    planned = {
        t: state.at_planned_stop
        for t, state in signals.decoded("/planning/state", "winnow_msgs/msg/PlanningState")
    }
    speeds = signals.number("/can/vehicle_state", "<f", 12)
    standing = standing_unplanned(speeds, planned)
    levels = [
        (t, max(each.level for each in array.status) >= 1)
        for t, array in signals.decoded("/diagnostics/sensor_health", "diagnostic_msgs/msg/DiagnosticArray")
    ]
    fix = [(t, not fixed) for t, fixed in signals.is_text("/localization/gps_status", "rtk_fixed")]
    voice = [(t, "flag" in data[8:-1].decode()) for t, data in signals._messages["/hmi/voice_command"]]
    east = signals.number("/localization/map_residual", "<f", 12)
    north = signals.number("/localization/map_residual", "<f", 16)
    offsets = [(t, float(np.hypot(x, y))) for (t, x), (_, y) in zip(east, north, strict=True)]
    fired = {
        "estop": edges(signals.flag("/safety/estop"), 0),
        "collision": edges(signals.flag("/safety/collision_detect"), 0),
        "cbf_intervention": edges([(t, v > 0.1) for t, v in signals.float64("/safety/cbf_state")], 2),
        "geofence_breach": edges(signals.is_text("/safety/geofence_status", "breach")),
        "simplex_switch": edges(signals.is_text("/safety/simplex_mode", "baseline")),
        "ood_spike": edges(
            rolling(
                signals.float64("/perception/ood_score"),
                5,
                10,
                lambda w: w[-1] > 5 and w[-1] > 2 * max(median(w), 0.1),
            ),
            10,
        ),
        "sensor_degradation": edges(levels),
        "gtsam_innovation_spike": edges(
            rolling(
                signals.float64("/localization/innovation_norm"),
                2,
                5,
                lambda w: np.std(w) > 0 and w[-1] > np.mean(w) + 3 * np.std(w),
            )
        ),
        "gps_denied_transition": edges(fix, 30),
        "place_recognition_fail": edges(
            lasting([(t, v == 0) for t, v in signals.number("/localization/place_match", "<I", 16)], 3)
        ),
        "map_discrepancy": edges(rolling(offsets, 2, 5, lambda w: np.mean(w) > 0.5)),
        "frenet_exhaustion": edges(
            [(t, v < 10) for t, v in signals.number("/planning/frenet_candidates", "<H", 14)], 10
        ),
        "high_cost_trajectory": edges(
            rolling(
                signals.float64("/planning/trajectory_cost"),
                100,
                100,
                lambda w: w[-1] > 10 and w[-1] > np.percentile(w, 90),
            )
        ),
        "deadlock": edges(lasting(standing, 10)),
        "unplanned_stop": edges(lasting(standing, 2)),
        "operator_flag": [t for t, pressed in signals.flag("/hmi/flag_event") if pressed],
        "voice_flag": [t for t, asked in voice if asked],
    }
    return [(name, t) for name, times in fired.items() for t in times]


def standing_unplanned(speeds: Series, planned: dict[int, bool]) -> Series:
    times = sorted(planned)
    result = []
    index = -1
    for t, speed in speeds:
        while index + 1 < len(times) and times[index + 1] <= t:
            index += 1
        result.append((t, index >= 0 and abs(speed) < 0.05 and not planned[times[index]]))
    return result


@pytest.mark.parametrize("name", ["quiet", "demo", "all28"])
def test_the_documents_own_triggers_fire_when_they_must_and_never_otherwise(shifts, name) -> None:
    shift = shifts[name]
    fired = detect(Signals(shift.messages))
    covered = {
        "estop",
        "collision",
        "cbf_intervention",
        "geofence_breach",
        "simplex_switch",
        "ood_spike",
        "sensor_degradation",
        "gtsam_innovation_spike",
        "gps_denied_transition",
        "place_recognition_fail",
        "map_discrepancy",
        "frenet_exhaustion",
        "high_cost_trajectory",
        "deadlock",
        "unplanned_stop",
        "operator_flag",
        "voice_flag",
    }
    result = compare(shift.truth, fired)
    assert [each for each in result.missing if each.type in covered] == []
    assert result.unexpected == []
    if name == "all28":
        assert {each.type for each in result.met} == covered


def test_fewer_incidents_make_fewer_triggers(shifts) -> None:
    counts = {name: len(detect(Signals(shift.messages))) for name, shift in shifts.items()}
    assert counts["quiet"] == 0 < counts["demo"] < counts["all28"]


def test_ground_truth_is_about_the_same_run_as_the_messages(shifts) -> None:
    for shift in shifts.values():
        truth: GroundTruth = shift.truth
        times = [t for series in shift.messages.values() for t, _ in series]
        assert truth.start_ns <= min(times)
        assert max(times) < truth.end_ns
