"""Predicates over the true state of the world, from which the ground truth is made."""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from winnow_operators.sim.geometry import inside
from winnow_operators.sim.sensing.guards import lidar_ratio
from winnow_operators.sim.sensing.position import Fix
from winnow_operators.sim.tick import TICK_S, Tick
from winnow_schemas.simulation.airside import ZONES, ZoneKind


@dataclass(frozen=True, slots=True)
class Called:
    """What a predicate says about one tick."""

    loose: bool
    strict: bool


Predicate = Callable[[Tick], Called]


def flag(test: Callable[[Tick], bool]) -> Predicate:
    """A predicate without a grey zone."""

    def predicate(tick: Tick) -> Called:
        value = test(tick)
        return Called(value, value)

    return predicate


def levels(value: Callable[[Tick], float], loose: float, strict: float) -> Predicate:
    """Rising when ``strict > loose``, falling otherwise."""
    rising = strict > loose

    def predicate(tick: Tick) -> Called:
        now = value(tick)
        return Called(now > loose, now > strict) if rising else Called(now < loose, now < strict)

    return predicate


def unmatched(tick: Tick) -> float:
    """Number of detections of things that have no track."""
    tracked = {track.thing for track in tick.sight.tracks}
    return sum(1 for found in tick.sight.detections if found.thing not in tracked)


def worst_ratio(tick: Tick) -> float:
    """Smallest share of its points that a LiDAR still gets."""
    return min(lidar_ratio(loss, tick.weather) for loss in tick.sensors.lidar_loss)


def hidden_gps_error(tick: Tick) -> float:
    """Error of a fix that claims to be good, m."""
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
        self._silent_s = self._silent_s + TICK_S if tick.sensors.detector_stalled else 0.0
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
        if tick.index < 0:  # the visit begins with the run
            return Called(loose, strict)
        for zones, counts in ((self.APRONS, True), (self.OTHERS, False)):
            for zone in zones:
                if zone.name not in self._visited and inside(x, y, zone.polygon):
                    self._visited.add(zone.name)
                    loose = True
                    strict |= counts and tick.index > 0
        return Called(loose, strict)
