"""When each of the 28 trigger types is called for, as predicates over the true state of the world.

Every type has a *strict* predicate, so far beyond any reasonable threshold that it must fire, and a *loose*
one, below which nothing may. In between lies what a threshold, noise and latency may decide either way.
"""

import math
from dataclasses import dataclass

from winnow_operators.sim.incidents.people import asks_for_clip
from winnow_operators.sim.sensing.position import Fix
from winnow_operators.sim.tick import Tick
from winnow_operators.sim.travel.control import Mode
from winnow_operators.sim.truth.predicates import (
    Called,
    Costs,
    Inconsistency,
    LostTracks,
    Predicate,
    Standing,
    Unknowns,
    Visits,
    flag,
    hidden_gps_error,
    levels,
    unmatched,
    worst_ratio,
)
from winnow_schemas.simulation.script import Climate


@dataclass(frozen=True, slots=True)
class Condition:
    """A trigger type's predicate, and how much time detection may take."""

    type: str
    predicate: Predicate
    why: str
    hold_s: float = 0.0
    """How long the strict predicate must hold until firing is a must."""
    lead_s: float = 0.3
    """How much earlier than the loose predicate an event may come."""
    after_s: float = 1.0
    """How much later than the strict predicate's due time an event may come and still count."""
    tail_s: float = 2.0
    """How long after the loose predicate has ended events may still come."""
    settle_s: float = 31.0
    """How long the loose predicate must have been false before: longer than any cooldown of 3.2."""


def conditions(climate: Climate) -> tuple[Condition, ...]:
    """All of them, except time and distance samples, which are functions of the odometer and the clock."""
    return (*_safety(), *_perception(), *_localization(), *_planning(), *_people(), *_surroundings(climate))


def _safety() -> tuple[Condition, ...]:
    return (
        Condition("estop", flag(lambda t: t.safety.estop), "emergency stop is on", after_s=0.5, settle_s=2.0),
        Condition(
            "collision",
            flag(lambda t: t.safety.contact),
            "the bumper touches something",
            after_s=0.5,
            settle_s=6.0,
        ),
        Condition(
            "cbf_intervention",
            levels(lambda t: t.safety.intervention, 0.05, 0.15),
            "the safety filter overrides the planner",
            after_s=0.6,
            tail_s=3.0,
            settle_s=6.0,
        ),
        Condition(
            "geofence_breach",
            levels(lambda t: t.safety.fence_m, 3.5, 1e-9),
            "the vehicle is in a forbidden zone",
            tail_s=6.0,
            settle_s=6.0,
        ),
        Condition(
            "simplex_switch",
            flag(lambda t: t.safety.mode is Mode.BASELINE),
            "the baseline controller is in charge",
            settle_s=6.0,
        ),
        Condition(
            "aircraft_proximity",
            levels(lambda t: t.aircraft_m, 3.5, 2.6),
            "an aircraft's box is nearer than 3 m",
            hold_s=0.5,
            after_s=2.0,
            settle_s=6.0,
        ),
    )


def _perception() -> tuple[Condition, ...]:
    return (
        Condition(
            "ood_spike",
            levels(lambda t: t.sight.strangeness, 0.3, 0.75),
            "something unlike the training data is near",
            hold_s=0.3,
            after_s=2.0,
            tail_s=6.0,
        ),
        Condition(
            "tracking_failure",
            LostTracks().called,
            "a large object's track is lost or changes its id",
            after_s=3.0,
            tail_s=3.0,
            settle_s=6.0,
        ),
        Condition(
            "novel_object",
            Unknowns().called,
            "an object of no trained class is detected",
            after_s=2.0,
            tail_s=5.0,
        ),
        Condition(
            "detection_disagreement",
            levels(unmatched, 4.5, 7.5),
            "many detections have no track yet",
            hold_s=0.1,
            after_s=1.0,
            settle_s=6.0,
        ),
        Condition(
            "sensor_degradation",
            levels(worst_ratio, 0.87, 0.7),
            "a LiDAR has lost points",
            lead_s=0.6,
            after_s=2.5,
            tail_s=3.0,
            settle_s=6.0,
        ),
        Condition(
            "multi_sensor_inconsistency",
            Inconsistency().called,
            "radar and LiDAR do not see the same things",
            hold_s=1.5,
            after_s=4.0,
            tail_s=4.0,
            settle_s=6.0,
        ),
    )


def _localization() -> tuple[Condition, ...]:
    return (
        Condition(
            "gtsam_innovation_spike",
            levels(hidden_gps_error, 0.2, 1.2),
            "the satellite fix is wrong and does not say so",
            after_s=0.7,
            tail_s=3.0,
            settle_s=6.0,
        ),
        Condition(
            "gps_denied_transition",
            flag(lambda t: t.satellite.quality is not Fix.RTK_FIXED),
            "the fix is not RTK any more",
            after_s=1.0,
        ),
        Condition(
            "place_recognition_fail",
            levels(lambda t: t.place.explained, 0.7, 0.35),
            "the map does not explain the scene",
            hold_s=5.0,
            lead_s=1.0,
            after_s=6.0,
            tail_s=6.0,
        ),
        Condition(
            "map_discrepancy",
            levels(lambda t: math.hypot(*t.place.shift), 0.3, 0.7),
            "the map is off",
            hold_s=1.5,
            lead_s=1.0,
            after_s=5.0,
            tail_s=3.0,
            settle_s=6.0,
        ),
        Condition(
            "calibration_drift",
            levels(lambda t: max(map(abs, t.sensors.lidar_turn_rad)), math.radians(0.3), math.radians(1.5)),
            "a LiDAR's mount is turned",
            hold_s=1.0,
            after_s=6.0,
            tail_s=4.0,
            settle_s=6.0,
        ),
    )


def _planning() -> tuple[Condition, ...]:
    return (
        Condition(
            "frenet_exhaustion",
            levels(lambda t: t.drive.plan.candidates.feasible_count, 16, 6),
            "hardly any candidate trajectory is feasible",
            hold_s=0.2,
            settle_s=11.0,
        ),
        Condition(
            "high_cost_trajectory", Costs().called, "the chosen trajectory is unusually costly", after_s=1.5
        ),
        Condition(
            "deadlock",
            Standing(8.0, 10.0).called,
            "the vehicle has not moved for long, away from planned stops",
            after_s=2.5,
        ),
        Condition(
            "path_deviation",
            levels(lambda t: abs(t.drive.lateral_m), 0.8, 1.2),
            "the vehicle is beside its route",
            hold_s=0.3,
            after_s=2.5,
            settle_s=6.0,
        ),
        Condition(
            "unplanned_stop",
            Standing(0.0, 3.0).called,
            "the vehicle stands where no stop is planned",
            after_s=3.0,
            tail_s=3.0,
            settle_s=6.0,
        ),
    )


def _people() -> tuple[Condition, ...]:
    return (
        Condition(
            "operator_flag",
            flag(lambda t: t.flag_pressed),
            "the button is pressed",
            lead_s=0.1,
            after_s=0.4,
            tail_s=0.4,
            settle_s=0.5,
        ),
        Condition(
            "voice_flag",
            flag(lambda t: asks_for_clip(t.spoken)),
            "someone asks for a clip",
            lead_s=0.1,
            after_s=0.4,
            tail_s=0.4,
            settle_s=0.5,
        ),
    )


def _surroundings(climate: Climate) -> tuple[Condition, ...]:
    def weather(tick: Tick) -> Called:
        rain = tick.weather.rain_mm_h - climate.rain_mm_h
        share = tick.weather.visibility_m / climate.visibility_m
        return Called(
            rain > 0.05 or share < 0.8, rain > 3.0 or tick.weather.visibility_m < min(600.0, 5e9 * share)
        )

    return (
        Condition(
            "weather_transition",
            weather,
            "the weather has turned",
            after_s=12.0,
            tail_s=25.0,
        ),
        Condition(
            "new_area",
            Visits().called,
            "an apron is entered for the first time",
            lead_s=0.6,
            after_s=3.0,
            tail_s=3.0,
            settle_s=0.0,
        ),
    )
