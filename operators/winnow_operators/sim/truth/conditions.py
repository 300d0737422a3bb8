"""When each of the 28 trigger types is called for, as predicates over the true state of the world.

Every type has a *strict* predicate, so far beyond any reasonable threshold that it must fire, and a *loose*
one, below which nothing may. In between lies what a threshold, noise and latency may decide either way.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from winnow_operators.sim.geometry import inside
from winnow_operators.sim.incidents.people import asks_for_clip
from winnow_operators.sim.sensing.guards import lidar_ratio
from winnow_operators.sim.sensing.position import Fix
from winnow_operators.sim.tick import TICK_S, Tick
from winnow_operators.sim.travel.control import Mode
from winnow_schemas.simulation.airside import ZONES, ZoneKind
from winnow_schemas.simulation.script import Climate


@dataclass(frozen=True, slots=True)
class Called:
    """What a predicate says about one tick."""

    loose: bool
    strict: bool


Predicate = Callable[[Tick], Called]


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


def _flag(test: Callable[[Tick], bool]) -> Predicate:
    def predicate(tick: Tick) -> Called:
        value = test(tick)
        return Called(value, value)

    return predicate


def _levels(value: Callable[[Tick], float], loose: float, strict: float) -> Predicate:
    """Rising when ``strict > loose``, falling otherwise."""
    rising = strict > loose

    def predicate(tick: Tick) -> Called:
        now = value(tick)
        return Called(now > loose, now > strict) if rising else Called(now < loose, now < strict)

    return predicate


def _safety() -> tuple[Condition, ...]:
    return (
        Condition(
            "estop", _flag(lambda t: t.safety.estop), "emergency stop is on", after_s=0.5, settle_s=2.0
        ),
        Condition(
            "collision",
            _flag(lambda t: t.safety.contact),
            "the bumper touches something",
            after_s=0.5,
            settle_s=6.0,
        ),
        Condition(
            "cbf_intervention",
            _levels(lambda t: t.safety.intervention, 0.05, 0.15),
            "the safety filter overrides the planner",
            after_s=0.6,
            tail_s=3.0,
            settle_s=6.0,
        ),
        Condition(
            "geofence_breach",
            _levels(lambda t: t.safety.fence_m, 3.5, 1e-9),
            "the vehicle is in a forbidden zone",
            tail_s=6.0,
            settle_s=6.0,
        ),
        Condition(
            "simplex_switch",
            _flag(lambda t: t.safety.mode is Mode.BASELINE),
            "the baseline controller is in charge",
            settle_s=6.0,
        ),
        Condition(
            "aircraft_proximity",
            _levels(lambda t: t.aircraft_m, 3.5, 2.6),
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
            _levels(lambda t: t.sight.strangeness, 0.3, 0.75),
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
            _levels(_unmatched, 4.5, 7.5),
            "many detections have no track yet",
            hold_s=0.1,
            after_s=1.0,
            settle_s=6.0,
        ),
        Condition(
            "sensor_degradation",
            _levels(_worst_ratio, 0.87, 0.7),
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
            _levels(_hidden_gps_error, 0.2, 1.2),
            "the satellite fix is wrong and does not say so",
            after_s=0.7,
            tail_s=3.0,
            settle_s=6.0,
        ),
        Condition(
            "gps_denied_transition",
            _flag(lambda t: t.satellite.quality is not Fix.RTK_FIXED),
            "the fix is not RTK any more",
            after_s=1.0,
        ),
        Condition(
            "place_recognition_fail",
            _levels(lambda t: t.place.explained, 0.7, 0.35),
            "the map does not explain the scene",
            hold_s=5.0,
            lead_s=1.0,
            after_s=6.0,
            tail_s=6.0,
        ),
        Condition(
            "map_discrepancy",
            _levels(lambda t: math.hypot(*t.place.shift), 0.3, 0.7),
            "the map is off",
            hold_s=1.5,
            lead_s=1.0,
            after_s=5.0,
            tail_s=3.0,
            settle_s=6.0,
        ),
        Condition(
            "calibration_drift",
            _levels(lambda t: max(map(abs, t.sensors.lidar_turn_rad)), math.radians(0.3), math.radians(1.5)),
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
            _levels(lambda t: t.drive.plan.candidates.feasible_count, 16, 6),
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
            _levels(lambda t: abs(t.drive.lateral_m), 0.8, 1.2),
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
            _flag(lambda t: t.flag_pressed),
            "the button is pressed",
            lead_s=0.1,
            after_s=0.4,
            tail_s=0.4,
            settle_s=0.5,
        ),
        Condition(
            "voice_flag",
            _flag(lambda t: asks_for_clip(t.spoken)),
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


def _unmatched(tick: Tick) -> float:
    tracked = {track.thing for track in tick.sight.tracks}
    return sum(1 for found in tick.sight.detections if found.thing not in tracked)


def _worst_ratio(tick: Tick) -> float:
    return min(lidar_ratio(loss, tick.weather) for loss in tick.sensors.lidar_loss)


def _hidden_gps_error(tick: Tick) -> float:
    if tick.satellite.quality is not Fix.RTK_FIXED:
        return 0.0
    pose = tick.motion.pose
    return math.hypot(tick.satellite.x - pose.x, tick.satellite.y - pose.y)


class Inconsistency:
    """Whether radar reports ghosts; loosely also while the detector says nothing although radar does."""

    def __init__(self) -> None:
        self._silent_s = 0.0

    def called(self, tick: Tick) -> Called:
        ghosts = sum(each.thing == 0 for each in tick.sight.radar)
        silent = bool(tick.sight.radar) and not tick.sight.detections
        self._silent_s = self._silent_s + TICK_S if silent else 0.0
        return Called(ghosts > 0 or self._silent_s > 0.5, ghosts >= 3)


class LostTracks:
    """Whether a large thing that is still near has just lost its track, or got another number."""

    LARGE_M = 4.0
    SURELY_LARGE_M = 6.0
    NEAR_M = 75.0
    SURELY_NEAR_M = 45.0

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}

    def called(self, tick: Tick) -> Called:
        pose = tick.motion.pose
        now = {track.thing: track.number for track in tick.sight.tracks}
        loose = strict = False
        for thing in tick.things:
            before = self._numbers.get(thing.number)
            if before is None or now.get(thing.number) == before or thing.body.length_m < self.LARGE_M:
                continue
            away = math.hypot(thing.x - pose.x, thing.y - pose.y)
            loose |= away < self.NEAR_M
            strict |= away < self.SURELY_NEAR_M and thing.body.length_m > self.SURELY_LARGE_M
        self._numbers = now
        return Called(loose, strict)


class Unknowns:
    """Whether the detector keeps reporting something of no trained class."""

    def __init__(self) -> None:
        self._recent: deque[bool] = deque(maxlen=20)

    def called(self, tick: Tick) -> Called:
        unknown = any(not found.body.label for found in tick.sight.detections)
        self._recent.append(unknown)
        return Called(any(self._recent), sum(self._recent) >= 10)


class Costs:
    """Whether the chosen trajectory costs more than most of the last 100 s."""

    WINDOW = round(100.0 / (2 * TICK_S))

    def __init__(self) -> None:
        self._costs: deque[float] = deque(maxlen=self.WINDOW)

    def called(self, tick: Tick) -> Called:
        cost = tick.drive.plan.cost
        if tick.index % 2 == 0:
            self._costs.append(cost)
        if cost <= 10.0:
            return Called(loose=False, strict=False)
        low, high = np.percentile(self._costs, [85, 93]).tolist()
        return Called(cost > low, cost > max(1.1 * high, high + 0.8) and len(self._costs) > 110)


class Standing:
    """Whether the vehicle stands away from planned stops, for longer than two durations."""

    def __init__(self, loose_s: float, strict_s: float) -> None:
        self._loose_s, self._strict_s = loose_s, strict_s
        self._slow_s = self._still_s = 0.0

    def called(self, tick: Tick) -> Called:
        away = not tick.drive.at_planned_stop
        self._slow_s = self._slow_s + TICK_S if away and tick.motion.speed_mps < 0.4 else 0.0
        self._still_s = self._still_s + TICK_S if away and tick.motion.speed_mps == 0.0 else 0.0
        return Called(self._slow_s > self._loose_s, self._still_s > self._strict_s)


class Visits:
    """Whether an apron zone has just been entered for the first time."""

    APRONS = tuple(zone for zone in ZONES if zone.kind is ZoneKind.APRON)
    OTHERS = tuple(zone for zone in ZONES if zone.kind not in (ZoneKind.APRON, ZoneKind.STAND))

    def __init__(self) -> None:
        self._visited: set[str] = set()

    def called(self, tick: Tick) -> Called:
        x, y, _ = tick.motion.pose
        loose = strict = False
        for zones, counts in ((self.APRONS, True), (self.OTHERS, False)):
            for zone in zones:
                if zone.name not in self._visited and inside(x, y, zone.polygon):
                    self._visited.add(zone.name)
                    loose = True
                    strict |= counts and tick.index > 0
        return Called(loose, strict)
