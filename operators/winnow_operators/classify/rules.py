"""The bootstrap classifier: the trigger's type decides, the surroundings refine (vehicle document 4.4).

The document puts its accuracy near 70 %, which is what ``confidence`` says where a type speaks clearly;
where a type has several usual causes it is lower.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from winnow_operators.classify.scenario import ANNOTATION_PRIORITY, Scenario

_CLEAR, _LIKELY, _VAGUE = 0.7, 0.55, 0.4
FOG_BELOW_M = 1000.0
"""Visibility that meteorology calls fog."""
RAIN_ABOVE_MM_H = 0.5
"""Below is drizzle that sensors do not notice."""
NIGHT_BELOW_LUX = 10.0
"""Civil twilight ends near 3 lx; apron floodlights add some."""

BY_TRIGGER: dict[str, tuple[Scenario, float]] = {
    "estop": (Scenario.NEAR_MISS, _CLEAR),
    "collision": (Scenario.NEAR_MISS, _CLEAR),
    "cbf_intervention": (Scenario.NEAR_MISS, _CLEAR),
    "geofence_breach": (Scenario.NEAR_MISS, _LIKELY),
    "simplex_switch": (Scenario.NEAR_MISS, _LIKELY),
    "aircraft_proximity": (Scenario.NEAR_MISS, _CLEAR),
    "ood_spike": (Scenario.NOVEL_OBJECT, _CLEAR),
    "tracking_failure": (Scenario.NOVEL_OBJECT, _VAGUE),
    "novel_object": (Scenario.NOVEL_OBJECT, _CLEAR),
    "detection_disagreement": (Scenario.NOVEL_OBJECT, _VAGUE),
    "sensor_degradation": (Scenario.SENSOR_DEGRADATION, _CLEAR),
    "multi_sensor_inconsistency": (Scenario.SENSOR_DEGRADATION, _LIKELY),
    "gtsam_innovation_spike": (Scenario.MAPPING_DISCREPANCY, _LIKELY),
    "gps_denied_transition": (Scenario.MAPPING_DISCREPANCY, _VAGUE),
    "place_recognition_fail": (Scenario.MAPPING_DISCREPANCY, _LIKELY),
    "map_discrepancy": (Scenario.MAPPING_DISCREPANCY, _CLEAR),
    "calibration_drift": (Scenario.CALIBRATION_DRIFT, _CLEAR),
    "frenet_exhaustion": (Scenario.RARE_MANEUVER, _CLEAR),
    "high_cost_trajectory": (Scenario.RARE_MANEUVER, _LIKELY),
    "deadlock": (Scenario.RARE_MANEUVER, _CLEAR),
    "path_deviation": (Scenario.RARE_MANEUVER, _LIKELY),
    "unplanned_stop": (Scenario.RARE_MANEUVER, _LIKELY),
    "operator_flag": (Scenario.RARE_MANEUVER, _VAGUE),
    "voice_flag": (Scenario.RARE_MANEUVER, _VAGUE),
    "time_sample": (Scenario.NORMAL_ROUTINE, _LIKELY),
    "distance_sample": (Scenario.NORMAL_DIVERSE, _LIKELY),
    "weather_transition": (Scenario.ADVERSE_WEATHER, _CLEAR),
    "new_area": (Scenario.NORMAL_DIVERSE, _CLEAR),
}
"""All 28 types of 3.1."""

_BY_PRIORITY: dict[int, tuple[Scenario, float]] = {
    0: (Scenario.NEAR_MISS, _LIKELY),
    1: (Scenario.NOVEL_OBJECT, _VAGUE),
    2: (Scenario.MAPPING_DISCREPANCY, _VAGUE),
    3: (Scenario.RARE_MANEUVER, _VAGUE),
    4: (Scenario.RARE_MANEUVER, _VAGUE),
    5: (Scenario.NORMAL_DIVERSE, _VAGUE),
}
"""Triggers that a user made: their priority says what kind of thing they look for."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known about weather and light at the trigger; None = unknown."""

    visibility_m: float | None = None
    rain_mm_h: float | None = None
    ambient_light_lux: float | None = None
    sun_elevation_deg: float | None = None

    @property
    def adverse(self) -> str:
        """Why the weather is adverse; empty when it is not known to be."""
        if self.visibility_m is not None and self.visibility_m < FOG_BELOW_M:
            return f"visibility {self.visibility_m:.0f} m, below {FOG_BELOW_M:.0f} m"
        if self.rain_mm_h is not None and self.rain_mm_h > RAIN_ABOVE_MM_H:
            return f"rain of {self.rain_mm_h:.1f} mm/h, above {RAIN_ABOVE_MM_H:g} mm/h"
        return ""

    @property
    def dark(self) -> str:
        """Why it is night; empty when it is not known to be."""
        if self.ambient_light_lux is not None:
            if self.ambient_light_lux < NIGHT_BELOW_LUX:
                return f"ambient light {self.ambient_light_lux:.1f} lx, below {NIGHT_BELOW_LUX:g} lx"
            return ""
        if self.sun_elevation_deg is not None and self.sun_elevation_deg < -6.0:
            return f"the sun stands {-self.sun_elevation_deg:.0f} degrees below the horizon"
        return ""


@dataclass(frozen=True, slots=True)
class Ruled:
    """What the rules say."""

    scenario: Scenario
    confidence: float
    annotation_priority: float
    reasons: tuple[str, ...]


def classify(triggers: Sequence[tuple[str, int]], surroundings: Surroundings) -> Ruled:
    """Rule on a clip by its triggers, (type, priority), most urgent first or not.

    Among several triggers the one whose scenario is worth most speaks. A sample of normal driving becomes
    adverse weather or night where the surroundings say so.
    """
    votes = []
    for kind, priority in triggers:
        scenario, confidence = BY_TRIGGER.get(kind, _BY_PRIORITY[priority])
        if priority == 0 and scenario is not Scenario.NEAR_MISS:
            scenario, confidence = _BY_PRIORITY[0]  # 4.4: any P0 trigger, also one that the settings made P0
        votes.append((ANNOTATION_PRIORITY[scenario], confidence, scenario, kind, priority))
    _, confidence, scenario, kind, priority = max(votes)
    reasons = [_meaning(kind, priority, scenario)]
    if scenario in (Scenario.NORMAL_ROUTINE, Scenario.NORMAL_DIVERSE):
        if surroundings.adverse:
            scenario, confidence = Scenario.ADVERSE_WEATHER, _LIKELY
            reasons.append(f"but {surroundings.adverse}")
        elif surroundings.dark:
            scenario, confidence = Scenario.NIGHT_OPERATION, _LIKELY
            reasons.append(f"but {surroundings.dark}")
    agreeing = {other for _, _, vote, other, _ in votes if vote is scenario} - {kind}
    if agreeing:
        confidence = min(0.9, confidence + 0.1)
        reasons.append(f"{', '.join(sorted(agreeing))} agree{'s' if len(agreeing) == 1 else ''}")
    return Ruled(scenario, confidence, ANNOTATION_PRIORITY[scenario], tuple(reasons))


def _meaning(kind: str, priority: int, scenario: Scenario) -> str:
    if kind in BY_TRIGGER:
        return f"{kind} usually means {scenario}"
    return f"{kind} is none of the standard triggers, and P{priority} is taken for {scenario}"
