"""The 128 features of a clip as data: name, range, unit, where it comes from, and what stands there without it.

The vehicle document (4.3) names 55 of them and pads the rest with zeros; here the other 73 say which inputs were
there (so that nothing is zeroed silently) and how they moved during the window.
"""

from dataclasses import dataclass
from enum import StrEnum

VERSION = "winnow-features-1"
"""Whatever changes a number of a feature gives this another name: models know for which they were trained."""
SIZE = 128
WINDOW_S = 10.0
"""Before the trigger (4.3)."""
CATEGORIES = ("safety", "perception", "localization", "planning", "operator", "diversity")
"""Of trigger types, in the order of priorities P0 to P5."""
LIDARS = tuple(f"lidar_{number}" for number in range(8))


class Statistic(StrEnum):
    """What is made of an input's samples in the window."""

    LAST = "last"
    MEAN = "mean"
    MAX = "max"
    MIN = "min"
    STD = "std"
    SLOPE = "slope"
    """Per second, by least squares."""
    ABOVE = "above"
    """Part of the samples above the feature's ``level``."""
    CHANGES = "changes"
    """How often the value is another than before."""
    PRESENT = "present"
    """1 when the input has samples, else 0: a presence mask."""
    FACT = "fact"
    """Known from the sidecar, not sampled."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One of the 128 numbers: ``(value - low) / (high - low)``, cut at 0 and 1, or at -1 and 1 where ``signed``."""

    name: str
    source: str
    """Input: a signal's standard name, a column of an object list, or a fact of the sidecar."""
    statistic: Statistic
    low: float
    high: float
    unit: str
    default: float
    """In the source's unit, where the input is missing; its mask says so."""
    words: str
    """For people: what a large value means."""
    signed: bool = False
    level: float = 0.0


def _f(
    name: str,
    source: str,
    statistic: str,
    span: tuple[float, float],
    unit: str,
    default: float,
    words: str,
    **more: float,
) -> Feature:
    signed = span[0] < 0 and statistic in ("slope", "fact")
    return Feature(
        name,
        source,
        Statistic(statistic),
        *span,
        unit,
        default,
        words,
        signed=signed,
        level=more.get("level", 0.0),
    )


def _mask(source: str) -> Feature:
    return _f(f"has_{source}", source, "present", (0, 1), "1", 0, f"{source.replace('_', ' ')} is known")


def _trigger() -> list[Feature]:
    words = {category: f"the trigger is about {category}" for category in CATEGORIES}
    return [
        *(_f(f"is_{each}", f"is_{each}", "fact", (0, 1), "1", 0, words[each]) for each in CATEGORIES),
        _f("priority", "priority", "fact", (0, 5), "1", 5, "the trigger is not urgent"),
        _f("duration", "duration_s", "fact", (0, 120), "s", 0, "the clip is long"),
        _f("trigger_count", "trigger_count", "fact", (0, 10), "1", 1, "many triggers fired"),
        _f("type_count", "type_count", "fact", (0, 5), "1", 1, "different triggers fired"),
        _f(
            "type_in_category",
            "type_in_category",
            "fact",
            (0, 6),
            "1",
            0,
            "the trigger's place in its category",
        ),
        _f("excess", "excess", "fact", (-2, 2), "log2", 0, "the value is far beyond the threshold"),
        _f("pre_roll", "pre_roll_s", "fact", (0, 60), "s", 0, "a long time before the trigger was kept"),
        _f("missing", "missing_parts", "fact", (0, 20), "1", 0, "parts of the window are missing"),
        _f("topic_count", "topic_count", "fact", (0, 64), "1", 0, "many topics were recorded"),
        _f("truncated", "truncated", "fact", (0, 1), "1", 0, "the clip was cut short"),
    ]


def _detection() -> list[Feature]:
    return [
        _f("objects", "objects", "mean", (0, 50), "1", 0, "many objects"),
        _f("aircraft", "aircraft", "mean", (0, 5), "1", 0, "many aircraft"),
        _f("personnel", "personnel", "mean", (0, 20), "1", 0, "many people"),
        _f("ground_equipment", "ground_equipment", "mean", (0, 15), "1", 0, "much ground equipment"),
        _f("nearest_object", "nearest_object", "last", (0, 100), "m", 100, "the nearest object is far"),
        _f("nearest_aircraft", "nearest_aircraft", "last", (0, 200), "m", 200, "the nearest aircraft is far"),
        _f("min_confidence", "min_confidence", "mean", (0, 1), "1", 1, "even the weakest detection is sure"),
        _f("mean_confidence", "mean_confidence", "mean", (0, 1), "1", 1, "detections are sure"),
        _f("ood_mean", "ood_score", "mean", (0, 10), "1", 0, "perception met the unknown for long"),
        _f("ood_max", "ood_score", "max", (0, 10), "1", 0, "perception met the unknown"),
        _f("ood_std", "ood_score", "std", (0, 5), "1", 0, "the OOD score jumped"),
        _f("tracks", "tracks", "last", (0, 50), "1", 0, "many tracks"),
        _f("lost_tracks", "tracks_lost", "max", (0, 10), "1", 0, "tracks were lost"),
        _f("new_tracks", "tracks_new", "max", (0, 10), "1", 0, "tracks appeared"),
        _f("track_age", "track_age", "last", (0, 60), "s", 0, "tracks are old"),
        _f("id_switches", "tracks_switched", "max", (0, 5), "1", 0, "tracks changed their identity"),
        *(_mask(each) for each in ("objects", "ood_score", "tracks")),
        _f("ood_slope", "ood_score", "slope", (-1, 1), "1/s", 0, "the OOD score rises"),
        _f("ood_last", "ood_score", "last", (0, 10), "1", 0, "perception meets the unknown at the trigger"),
        _f("ood_above", "ood_score", "above", (0, 1), "1", 0, "the OOD score was above 5", level=5.0),
        _f("objects_slope", "objects", "slope", (-2, 2), "1/s", 0, "objects become more"),
        _f("objects_std", "objects", "std", (0, 10), "1", 0, "the number of objects jumps"),
        _f("closing", "nearest_object", "slope", (-10, 10), "m/s", 0, "the nearest object goes away"),
        _f("nearest_min", "nearest_object", "min", (0, 100), "m", 100, "nothing came near"),
        _f("weakest", "min_confidence", "min", (0, 1), "1", 1, "no detection was ever weak"),
        _f("confidence_slope", "mean_confidence", "slope", (-0.1, 0.1), "1/s", 0, "detections become surer"),
        _f("personnel_max", "personnel", "max", (0, 20), "1", 0, "many people at once"),
        _f("aircraft_min", "nearest_aircraft", "min", (0, 200), "m", 200, "no aircraft came near"),
        _f("stl_min", "stl_robustness", "min", (-2, 5), "1", 5, "safety rules were kept with room"),
        _mask("stl_robustness"),
    ]


def _localization() -> list[Feature]:
    inputs = (
        "innovation_norm",
        "position_std",
        "heading_std",
        "gps_status",
        "factors",
        "place_score",
        "map_offset",
        "lidar_residual",
    )
    return [
        _f("innovation", "innovation_norm", "last", (0, 5), "1", 0, "localization is surprised"),
        _f("position_std", "position_std", "last", (0, 2), "m", 0, "the position is uncertain"),
        _f("heading_std", "heading_std", "last", (0, 10), "deg", 0, "the heading is uncertain"),
        _f("gps", "gps_status", "last", (0, 4), "1", 0, "GPS is bad"),
        _f("factors", "factors", "last", (0, 500), "1", 100, "the factor graph is large"),
        *(_mask(each) for each in inputs),
        _f("innovation_max", "innovation_norm", "max", (0, 5), "1", 0, "localization was surprised"),
        _f("innovation_std", "innovation_norm", "std", (0, 2), "1", 0, "innovations jump"),
        _f("innovation_slope", "innovation_norm", "slope", (-0.5, 0.5), "1/s", 0, "innovations rise"),
        _f("position_std_max", "position_std", "max", (0, 2), "m", 0, "the position was uncertain"),
        _f("gps_worst", "gps_status", "max", (0, 4), "1", 0, "GPS was bad"),
        _f("gps_changes", "gps_status", "changes", (0, 5), "1", 0, "GPS came and went"),
        _f("place_score_min", "place_score", "min", (0, 1), "1", 1, "the place was always recognised"),
        _f("map_offset_max", "map_offset", "max", (0, 1), "m", 0, "what is seen is not where the map has it"),
        _f("map_offset_mean", "map_offset", "mean", (0, 1), "m", 0, "the map has been off for long"),
        _f("lidar_residual_mean", "lidar_residual", "mean", (0, 0.2), "m", 0, "LiDARs do not fit together"),
        _f(
            "lidar_residual_slope",
            "lidar_residual",
            "slope",
            (-0.01, 0.01),
            "m/s",
            0,
            "LiDARs fit together worse and worse",
        ),
    ]


def _planning() -> list[Feature]:
    inputs = (
        "frenet_feasible",
        "trajectory_cost",
        "speed",
        "steering",
        "drive_mode",
        "cbf_intervention",
        "cross_track",
    )
    return [
        _f("feasible", "frenet_feasible", "last", (0, 420), "1", 420, "many ways on"),
        _f("cost", "trajectory_cost", "last", (0, 100), "1", 0, "the way on is bad"),
        _f("speed", "speed", "last", (0, 7), "m/s", 0, "fast"),
        _f("steering", "steering", "last", (-0.5, 0.5), "rad", 0, "steering to the left"),
        _f("mode", "drive_mode", "last", (0, 4), "1", 0, "people drive"),
        *(_mask(each) for each in inputs),
        _f("feasible_min", "frenet_feasible", "min", (0, 420), "1", 420, "there were always ways on"),
        _f("cost_max", "trajectory_cost", "max", (0, 100), "1", 0, "the way on was bad"),
        _f("speed_slope", "speed", "slope", (-2, 2), "m/s2", 0, "speeding up"),
        _f("stopped", "speed", "above", (0, 1), "1", 0, "moving during the window", level=0.1),
        _f("steering_std", "steering", "std", (0, 0.3), "rad", 0, "much steering"),
        _f("mode_changes", "drive_mode", "changes", (0, 3), "1", 0, "driver and machine took turns"),
        _f("brake_max", "brake", "max", (0, 1), "1", 0, "hard braking"),
        _f("deceleration", "acceleration_x", "min", (-8, 0), "m/s2", 0, "no deceleration"),
        _f("yaw_rate_std", "yaw_rate", "std", (0, 0.5), "rad/s", 0, "turning to and fro"),
        _f("cbf_max", "cbf_intervention", "max", (0, 1), "1", 0, "the safety filter stepped in"),
        _f("cross_track_max", "cross_track", "max", (0, 3), "m", 0, "off the planned path"),
        _f("speed_std", "speed", "std", (0, 3), "m/s", 0, "changing speed"),
    ]


def _health() -> list[Feature]:
    return [
        feature
        for lidar in LIDARS
        for feature in (
            _f(f"{lidar}_health", f"{lidar}_health", "last", (0, 1), "1", 1, f"{lidar} is healthy"),
            _f(f"{lidar}_points", f"{lidar}_points", "last", (0, 1), "1", 1, f"{lidar} has its points"),
        )
    ]


def _environment() -> list[Feature]:
    return [
        _f("hour_sin", "hour_sin", "fact", (-1, 1), "1", 0, "it is morning"),
        _f("hour_cos", "hour_cos", "fact", (-1, 1), "1", 0, "it is around midnight"),
        _f("light", "ambient_light", "last", (0, 100_000), "lx", 10_000, "it is bright"),
        _f("visibility", "visibility", "last", (0, 5000), "m", 5000, "one sees far"),
        _f("temperature", "temperature", "last", (-20, 50), "degC", 20, "it is warm"),
        *(_mask(each) for each in ("ambient_light", "visibility", "temperature", "lidar_0_health")),
        _f("rain", "rain_rate", "mean", (0, 20), "mm/h", 0, "it rains"),
        _f("visibility_slope", "visibility", "slope", (-50, 50), "m/s", 0, "it clears up"),
        _f("dark", "log_light", "mean", (-1, 5), "log10 lx", 4, "it is not dark"),
        _f("sun", "sun_elevation_deg", "fact", (-90, 90), "deg", 0, "the sun stands high"),
        _f("health_min", "health_min", "min", (0, 1), "1", 1, "all sensors were healthy"),
        _f("health_std", "health_min", "std", (0, 0.3), "1", 0, "the health of sensors changed"),
        _f("position_known", "position_known", "fact", (0, 1), "1", 0, "the position is known"),
    ]


BLOCKS: dict[str, tuple[int, int]] = {
    "trigger": (0, 16),
    "detection": (16, 48),
    "localization": (48, 72),
    "planning": (72, 96),
    "health": (96, 112),
    "environment": (112, 128),
}
"""Places as in 4.3, half-open."""
FEATURES: tuple[Feature, ...] = (
    *_trigger(),
    *_detection(),
    *_localization(),
    *_planning(),
    *_health(),
    *_environment(),
)
INPUTS: tuple[str, ...] = tuple(
    sorted({feature.source for feature in FEATURES if feature.statistic is not Statistic.FACT})
)
"""Everything that is sampled."""
