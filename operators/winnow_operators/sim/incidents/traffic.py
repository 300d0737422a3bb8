"""Incidents of vehicles, aircraft and things in the way."""

import math

from winnow_operators.sim.geometry import Box, Pose
from winnow_operators.sim.incidents.happening import Happening, beside, free, passed, straight_ahead
from winnow_operators.sim.scene.bodies import BODIES, EGO
from winnow_operators.sim.scene.motion import Shuttle
from winnow_operators.sim.scene.things import Thing
from winnow_operators.sim.world import World
from winnow_schemas.simulation import incidents as kinds

FAR_M = 76.0
"""Where parked things are placed: they come into the detectors' range by driving on."""


class ChockInLane(Happening):
    """A chock lies in the lane; after the contact it skids aside."""

    causes = ("collision",)
    settings: kinds.LowObstacle
    _chock: Thing
    _touched = False

    def ready(self, world: World) -> bool:
        return straight_ahead(world, self.settings.ahead_m + 20.0)

    def begin(self, world: World) -> None:
        self._chock = self.put(world, "chock", beside(world, self.settings.ahead_m, 0.25))

    def step(self, world: World, since_s: float) -> bool:
        ahead, left = world.motion.pose.to_local(self._chock.pose.x, self._chock.pose.y)
        if not self._touched and abs(ahead) < EGO.length_m / 2 + 0.3 and abs(left) < EGO.width_m / 2:
            self._touched = True
            world.levers.bump_mps2 = 9.0
            x, y = world.motion.pose.to_map(ahead + 6.0, left + 3.0)
            self._chock.motion = Shuttle((x, y), 7.0, accel_mps2=20.0)
        return passed(world, self._chock, 8.0) and since_s > 3.0


class Pushback(Happening):
    """The next parked aircraft to the right of the lane is pushed back, waits, and is pulled in again."""

    causes = ("aircraft_proximity",)
    settings: kinds.AircraftPushback
    _aircraft: Thing
    _home: Pose
    _returning = False

    def ready(self, world: World) -> bool:
        self._candidate = self._next_aircraft(world)
        return self._candidate is not None and world.motion.speed_mps > 3.0

    def _next_aircraft(self, world: World) -> Thing | None:
        mission = world.mission
        for thing in world.things.members:
            if not thing.body.kind.startswith("aircraft") or thing.motion is not None:
                continue
            place = mission.path.project(thing.pose.x, thing.pose.y, 0.0, mission.s_m + 90.0, 30.0)
            away = place.s_m - mission.s_m
            reach = away + thing.body.width_m / 2 + 10.0
            beside_lane = -60.0 < place.lateral_m < -20.0
            if beside_lane and 65.0 < away < 118.0 and mission.path.length_m > mission.s_m + reach:
                straight = mission.path.bend(place.s_m - 25.0, place.s_m + 25.0) < 0.005
                if straight:
                    return thing
        return None

    def begin(self, world: World) -> None:
        assert self._candidate is not None
        self._aircraft = self._candidate
        self._home = self._aircraft.pose
        mission = world.mission
        place = mission.path.project(*self._home, mission.s_m + 90.0, 40.0)
        room = -place.lateral_m - self._aircraft.body.length_m / 2 - EGO.width_m / 2
        back = room - self.settings.clearance_m
        goal = (
            self._home.x - back * math.cos(self._home.yaw),
            self._home.y - back * math.sin(self._home.yaw),
        )
        self._aircraft.motion = Shuttle(goal, 2.2)

    def step(self, world: World, since_s: float) -> bool:
        if not self._returning and since_s > 5.0 and passed(world, self._aircraft, 45.0):
            self._returning = True
            self._aircraft.motion = Shuttle((self._home.x, self._home.y), 2.0)
        if self._returning and getattr(self._aircraft.motion, "arrived", True):
            self._aircraft.motion = None
            return True
        return False


class BusAcross(Happening):
    """A bus pulls across the lane from the left, stands there, and backs out again."""

    causes = ("frenet_exhaustion",)
    settings: kinds.CrossingBus | kinds.BoxedIn
    _bus: Thing
    _out: Pose
    _arrived_s: float | None = None
    _leaving = False

    def ready(self, world: World) -> bool:
        return straight_ahead(world, 55.0) and free(world, Box(*beside(world, 44.0, 12.0), 3.4, 26.0))

    def begin(self, world: World) -> None:
        self._bus = self.put(world, "bus", beside(world, 44.0, 15.0, -math.pi / 2))
        self._out = self._bus.pose
        self._drive_to(*beside(world, 44.0, 0.0)[:2])

    def step(self, world: World, since_s: float) -> bool:
        del world
        if self._shuttle.arrived and self._leaving:
            return True
        if self._shuttle.arrived and self._arrived_s is None:
            self._arrived_s = since_s
        if (
            self._arrived_s is not None
            and since_s - self._arrived_s > self.settings.stand_s
            and not self._leaving
        ):
            self._leaving = True
            self._drive_to(self._out.x, self._out.y)
        return False

    def _drive_to(self, x: float, y: float) -> None:
        self._shuttle = Shuttle((x, y), 4.0, accel_mps2=1.5)
        self._bus.motion = self._shuttle


class Deadlock(BusAcross):
    """The same, for so long that the vehicle counts as deadlocked."""

    causes = ("deadlock",)


class TrucksBothSides(Happening):
    """Two parked trucks with a gap between them."""

    causes = ("high_cost_trajectory",)
    settings: kinds.NarrowPassage

    def ready(self, world: World) -> bool:
        return straight_ahead(world, FAR_M + 10.0) and free(world, Box(*beside(world, FAR_M, 0.0), 12.0, 9.0))

    def begin(self, world: World) -> None:
        half = self.settings.gap_m / 2 + BODIES["catering_truck"].width_m / 2
        self.put(world, "catering_truck", beside(world, FAR_M, half))
        self.put(world, "catering_truck", beside(world, FAR_M, -half))

    def step(self, world: World, since_s: float) -> bool:
        return since_s > 5.0 and passed(world, self.props[0], 12.0) if self.props else True


class TruckInLane(Happening):
    """A parked truck blocks the lane; there is room to its left."""

    causes = ("path_deviation",)
    settings: kinds.BlockedLane

    def ready(self, world: World) -> bool:
        return straight_ahead(world, FAR_M + 25.0) and free(
            world, Box(*beside(world, FAR_M, 1.5), 40.0, 10.0)
        )

    def begin(self, world: World) -> None:
        self.put(world, "catering_truck", beside(world, FAR_M, -0.15))

    def step(self, world: World, since_s: float) -> bool:
        return since_s > 5.0 and passed(world, self.props[0], 25.0) if self.props else True


class TippedContainer(Happening):
    """A tipped container with its load spilled, beside the lane."""

    causes = ("ood_spike",)
    settings: kinds.StrangeScene

    def ready(self, world: World) -> bool:
        place = beside(world, 60.0, self.settings.lateral_m + 1.5)
        return straight_ahead(world, 60.0) and free(world, Box(*place, 3.5, 3.5))

    def begin(self, world: World) -> None:
        self.put(world, "tipped_container", beside(world, 60.0, self.settings.lateral_m + 1.5, 0.5))

    def step(self, world: World, since_s: float) -> bool:
        return since_s > 5.0 and passed(world, self.props[0], 15.0) if self.props else True


class Animal(Happening):
    """An animal trots along beside the lane, then runs off."""

    causes = ("novel_object",)
    settings: kinds.UntrainedObject
    _animal: Thing

    def ready(self, world: World) -> bool:
        return straight_ahead(world, 60.0) and free(world, Box(*beside(world, 52.0, 6.0), 8.0, 4.0))

    def begin(self, world: World) -> None:
        self._animal = self.put(world, "animal", beside(world, 48.0, 6.5))
        goal = beside(world, 70.0, 7.5)
        self._animal.motion = Shuttle((goal.x, goal.y), 1.2)

    def step(self, world: World, since_s: float) -> bool:
        return passed(world, self._animal, 12.0) or since_s > self.settings.hold_s + 10.0
