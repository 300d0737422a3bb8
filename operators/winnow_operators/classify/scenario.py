"""The ten scenarios and their annotation priority (vehicle document 4.2), and the bands of 8.2."""

from enum import StrEnum


class Scenario(StrEnum):
    """What a clip shows."""

    NEAR_MISS = "near_miss"
    NOVEL_OBJECT = "novel_object"
    ADVERSE_WEATHER = "adverse_weather"
    SENSOR_DEGRADATION = "sensor_degradation"
    MAPPING_DISCREPANCY = "mapping_discrepancy"
    CALIBRATION_DRIFT = "calibration_drift"
    RARE_MANEUVER = "rare_maneuver"
    NIGHT_OPERATION = "night_operation"
    NORMAL_DIVERSE = "normal_diverse"
    NORMAL_ROUTINE = "normal_routine"


ANNOTATION_PRIORITY: dict[Scenario, float] = {
    Scenario.NEAR_MISS: 1.0,
    Scenario.NOVEL_OBJECT: 0.95,
    Scenario.ADVERSE_WEATHER: 0.85,
    Scenario.SENSOR_DEGRADATION: 0.80,
    Scenario.MAPPING_DISCREPANCY: 0.75,
    Scenario.CALIBRATION_DRIFT: 0.70,
    Scenario.RARE_MANEUVER: 0.65,
    Scenario.NIGHT_OPERATION: 0.60,
    Scenario.NORMAL_DIVERSE: 0.40,
    Scenario.NORMAL_ROUTINE: 0.10,
}

ACTIONS: tuple[tuple[float, str], ...] = (
    (0.90, "annotate immediately"),
    (0.70, "annotate within a week"),
    (0.40, "auto-label, a person checks a subset"),
    (0.10, "auto-label only"),
    (0.0, "archive"),
)
"""From this annotation priority on: what the cloud does (8.2)."""


def action(annotation_priority: float) -> str:
    """What 8.2 does with a clip of this annotation priority (0-1)."""
    return next(what for floor, what in ACTIONS if annotation_priority >= floor)
