"""What the simulated fleet is like: how often scenarios happen, what fires in them, and what signals do then."""

from typing import NamedTuple

from winnow_operators.classify.scenario import Scenario

PRIORS: dict[Scenario, float] = {
    Scenario.NEAR_MISS: 0.015,
    Scenario.NOVEL_OBJECT: 0.020,
    Scenario.ADVERSE_WEATHER: 0.100,
    Scenario.SENSOR_DEGRADATION: 0.050,
    Scenario.MAPPING_DISCREPANCY: 0.060,
    Scenario.CALIBRATION_DRIFT: 0.012,
    Scenario.RARE_MANEUVER: 0.050,
    Scenario.NIGHT_OPERATION: 0.090,
    Scenario.NORMAL_DIVERSE: 0.203,
    Scenario.NORMAL_ROUTINE: 0.400,
}
RARE_BELOW = 0.02
"""A scenario with a prior up to this is rare."""

FIRES: dict[Scenario, dict[str, float]] = {
    Scenario.NEAR_MISS: {
        "estop": 0.20,
        "collision": 0.05,
        "cbf_intervention": 0.25,
        "geofence_breach": 0.05,
        "simplex_switch": 0.10,
        "aircraft_proximity": 0.10,
        "unplanned_stop": 0.15,
        "high_cost_trajectory": 0.10,
    },
    Scenario.NOVEL_OBJECT: {
        "ood_spike": 0.30,
        "novel_object": 0.25,
        "tracking_failure": 0.15,
        "detection_disagreement": 0.10,
        "time_sample": 0.10,
        "operator_flag": 0.10,
    },
    Scenario.ADVERSE_WEATHER: {
        "weather_transition": 0.45,
        "ood_spike": 0.10,
        "sensor_degradation": 0.12,
        "tracking_failure": 0.06,
        "time_sample": 0.20,
        "multi_sensor_inconsistency": 0.07,
    },
    Scenario.SENSOR_DEGRADATION: {
        "sensor_degradation": 0.55,
        "multi_sensor_inconsistency": 0.20,
        "detection_disagreement": 0.10,
        "ood_spike": 0.15,
    },
    Scenario.MAPPING_DISCREPANCY: {
        "map_discrepancy": 0.35,
        "gtsam_innovation_spike": 0.25,
        "place_recognition_fail": 0.20,
        "gps_denied_transition": 0.20,
    },
    Scenario.CALIBRATION_DRIFT: {
        "calibration_drift": 0.45,
        "multi_sensor_inconsistency": 0.20,
        "gtsam_innovation_spike": 0.15,
        "detection_disagreement": 0.20,
    },
    Scenario.RARE_MANEUVER: {
        "frenet_exhaustion": 0.20,
        "deadlock": 0.20,
        "high_cost_trajectory": 0.20,
        "path_deviation": 0.15,
        "unplanned_stop": 0.15,
        "estop": 0.05,
        "operator_flag": 0.03,
        "voice_flag": 0.02,
    },
    Scenario.NIGHT_OPERATION: {
        "time_sample": 0.40,
        "distance_sample": 0.30,
        "ood_spike": 0.10,
        "new_area": 0.10,
        "tracking_failure": 0.10,
    },
    Scenario.NORMAL_DIVERSE: {
        "distance_sample": 0.43,
        "new_area": 0.38,
        "time_sample": 0.04,
        "weather_transition": 0.03,
        "unplanned_stop": 0.08,
        "gps_denied_transition": 0.04,
    },
    Scenario.NORMAL_ROUTINE: {
        "time_sample": 0.81,
        "distance_sample": 0.06,
        "cbf_intervention": 0.03,
        "unplanned_stop": 0.03,
        "ood_spike": 0.03,
        "gps_denied_transition": 0.02,
        "high_cost_trajectory": 0.02,
    },
}
"""Scenario -> trigger type -> how often; each row sums to 1."""


class Level(NamedTuple):
    """A signal on an ordinary day."""

    mean: float
    noise: float
    """Standard deviation from sample to sample."""
    low: float
    high: float
    spread: float
    """Standard deviation of the mean from clip to clip."""


ORDINARY: dict[str, Level] = {
    "objects": Level(14, 1.5, 0, 80, 6),
    "aircraft": Level(1.2, 0.2, 0, 8, 0.9),
    "personnel": Level(3.5, 0.6, 0, 40, 2.5),
    "ground_equipment": Level(4, 0.5, 0, 25, 2.2),
    "nearest_object": Level(22, 1.5, 0.3, 120, 11),
    "nearest_aircraft": Level(70, 2, 2, 250, 40),
    "min_confidence": Level(0.55, 0.05, 0.02, 1, 0.1),
    "mean_confidence": Level(0.83, 0.02, 0.05, 1, 0.05),
    "ood_score": Level(1.6, 0.4, 0, 12, 0.7),
    "tracks": Level(13, 1, 0, 80, 5),
    "tracks_lost": Level(0.3, 0.4, 0, 20, 0.3),
    "tracks_new": Level(0.5, 0.5, 0, 20, 0.4),
    "tracks_switched": Level(0.1, 0.2, 0, 10, 0.15),
    "track_age": Level(18, 2, 0, 90, 7),
    "stl_robustness": Level(2.5, 0.2, -3, 6, 0.8),
    "innovation_norm": Level(0.8, 0.2, 0, 9, 0.3),
    "position_std": Level(0.08, 0.01, 0.005, 4, 0.04),
    "heading_std": Level(0.6, 0.08, 0.02, 20, 0.3),
    "factors": Level(220, 8, 10, 500, 70),
    "place_score": Level(0.86, 0.03, 0, 1, 0.06),
    "map_offset": Level(0.08, 0.02, 0, 3, 0.05),
    "lidar_residual": Level(0.025, 0.004, 0, 0.5, 0.01),
    "frenet_feasible": Level(310, 12, 0, 420, 55),
    "trajectory_cost": Level(18, 2.5, 0, 200, 8),
    "speed": Level(3.8, 0.25, 0, 7, 1.4),
    "steering": Level(0, 0.04, -0.6, 0.6, 0.09),
    "brake": Level(0.05, 0.05, 0, 1, 0.05),
    "acceleration_x": Level(0, 0.3, -9, 4, 0.2),
    "yaw_rate": Level(0, 0.05, -1, 1, 0.05),
    "cbf_intervention": Level(0.02, 0.012, 0, 1, 0.02),
    "cross_track": Level(0.12, 0.04, 0, 5, 0.08),
    "ambient_light": Level(28_000, 500, 0.5, 110_000, 15_000),
    "visibility": Level(9_000, 150, 30, 20_000, 3_000),
    "rain_rate": Level(0.05, 0.03, 0, 40, 0.1),
    "temperature": Level(14, 0.1, -25, 48, 9),
}

OPTIONAL: dict[str, float] = {
    "heading_std": 0.5,
    "factors": 0.6,
    "temperature": 0.7,
    "stl_robustness": 0.8,
    "lidar_residual": 0.8,
    "cross_track": 0.85,
    "place_score": 0.85,
}
"""Inputs that only part of the vehicles has."""
FAILS = 0.03
"""How often any other input is missing from a clip: a node had died, a topic was left out."""


class Effect(NamedTuple):
    """What a scenario does to a signal, at strength 1."""

    signal: str
    shape: str
    """``level`` over the whole window, ``ramp`` towards the trigger, or ``spike`` in its last two seconds."""
    amount: float


EFFECTS: dict[Scenario, tuple[Effect, ...]] = {
    Scenario.NEAR_MISS: (
        Effect("nearest_object", "ramp", -16),
        Effect("cbf_intervention", "spike", 0.35),
        Effect("brake", "spike", 0.7),
        Effect("acceleration_x", "spike", -4),
        Effect("stl_robustness", "ramp", -2.6),
        Effect("trajectory_cost", "ramp", 25),
        Effect("speed", "ramp", -1.8),
        Effect("personnel", "level", 1.5),
    ),
    Scenario.NOVEL_OBJECT: (
        Effect("ood_score", "ramp", 4.5),
        Effect("min_confidence", "level", -0.3),
        Effect("tracks_switched", "spike", 1.5),
        Effect("tracks_new", "spike", 1.2),
    ),
    Scenario.ADVERSE_WEATHER: (
        Effect("visibility", "level", -7_600),
        Effect("rain_rate", "level", 5),
        Effect("ood_score", "level", 1.6),
        Effect("mean_confidence", "level", -0.12),
        Effect("ambient_light", "level", -12_000),
        Effect("health_min", "level", -0.12),
    ),
    Scenario.SENSOR_DEGRADATION: (
        Effect("health_min", "ramp", -0.5),
        Effect("ood_score", "level", 1.2),
        Effect("objects", "level", -4),
        Effect("mean_confidence", "level", -0.07),
    ),
    Scenario.MAPPING_DISCREPANCY: (
        Effect("map_offset", "level", 0.4),
        Effect("innovation_norm", "ramp", 1.8),
        Effect("place_score", "level", -0.3),
        Effect("position_std", "ramp", 0.35),
    ),
    Scenario.CALIBRATION_DRIFT: (
        Effect("lidar_residual", "level", 0.06),
        Effect("innovation_norm", "level", 0.9),
        Effect("map_offset", "level", 0.1),
        Effect("tracks_switched", "level", 0.4),
    ),
    Scenario.RARE_MANEUVER: (
        Effect("frenet_feasible", "ramp", -210),
        Effect("trajectory_cost", "ramp", 40),
        Effect("steering", "ramp", 0.2),
        Effect("yaw_rate", "spike", 0.2),
        Effect("speed", "ramp", -2.4),
        Effect("cross_track", "ramp", 0.7),
    ),
    Scenario.NIGHT_OPERATION: (
        Effect("ambient_light", "level", -27_900),
        Effect("personnel", "level", -1.5),
        Effect("mean_confidence", "level", -0.05),
    ),
    Scenario.NORMAL_DIVERSE: (
        Effect("place_score", "level", -0.1),
        Effect("aircraft", "level", 1.0),
        Effect("objects", "level", 6),
        Effect("ground_equipment", "level", 2.2),
        Effect("track_age", "level", -5),
        Effect("speed", "level", 0.7),
    ),
    Scenario.NORMAL_ROUTINE: (),
}
