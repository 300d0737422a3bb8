"""What an incident is while it happens: armed, begun, over."""

import math
from abc import ABC, abstractmethod
from typing import ClassVar

from winnow_operators.sim.geometry import Box, Pose, box_distance
from winnow_operators.sim.scene.things import Thing
from winnow_operators.sim.world import World
from winnow_schemas.simulation.airside import STRUCTURES
from winnow_schemas.simulation.incidents import Incident

OUT_OF_SIGHT_M = 80.0
"""What an incident put on the apron is taken away when it is farther than this from the vehicle."""
SMALL_OUT_OF_SIGHT_M = 50.0
"""The same for what is shorter than four metres."""
DRIVING_MPS = 3.5
"""Staged scenes need a vehicle that really drives."""


class Happening(ABC):
    """One incident of a script, acting on the world."""

    causes: ClassVar[tuple[str, ...]] = ()
    """The trigger types for which it is made; others that follow from it are natural companions."""

    def __init__(self, settings: Incident, number: int) -> None:
        self.settings = settings
        self.number = number
        self.begun_s: float | None = None
        self.over_s: float | None = None
        self.props: list[Thing] = []

    def expected(self) -> tuple[str, ...]:
        """The trigger types that it must cause, given its settings."""
        return self.causes

    @property
    def subject(self) -> tuple[object, ...]:
        """What it acts on: of several with the same subject one happens at a time."""
        return (type(self),)

    @property
    def running(self) -> bool:
        """Whether it has begun and is not over."""
        return self.begun_s is not None and self.over_s is None

    def ready(self, world: World) -> bool:
        """Whether it can begin here and now."""
        del world
        return True

    def begin(self, world: World) -> None:
        """Set the scene."""
        del world

    @abstractmethod
    def step(self, world: World, since_s: float) -> bool:
        """Act, ``since_s`` after the beginning; whether it is over."""

    def advance(self, world: World) -> None:
        """One tick; called from the moment when the script arms it."""
        if self.begun_s is None:
            if not self.ready(world):
                return
            self.begun_s = world.t_s
            self.begin(world)
        if self.over_s is None and self.step(world, world.t_s - self.begun_s):
            self.over_s = world.t_s
        if self.over_s is not None:
            self._tidy(world)

    def _tidy(self, world: World) -> None:
        ego = world.motion.pose
        for thing in list(self.props):
            limit_m = OUT_OF_SIGHT_M if thing.body.length_m > 4.0 else SMALL_OUT_OF_SIGHT_M
            if math.hypot(thing.pose.x - ego.x, thing.pose.y - ego.y) > limit_m:
                world.things.remove(thing)
                self.props.remove(thing)

    @property
    def finished(self) -> bool:
        """Whether nothing of it is left to do."""
        return self.over_s is not None and not self.props

    def put(self, world: World, kind: str, pose: Pose, *, hidden: bool = False) -> Thing:
        """Place something that belongs to this incident."""
        thing = world.things.add(kind, pose, hidden=hidden)
        self.props.append(thing)
        return thing


def straight_ahead(world: World, reach_m: float) -> bool:
    """Whether the vehicle drives, on a straight, with no planned halt, for ``reach_m`` and a little more."""
    mission = world.mission
    return (
        world.motion.speed_mps > DRIVING_MPS
        and mission.stop_m > reach_m + 12.0
        and mission.path.bend(mission.s_m - 2.0, mission.s_m + reach_m + 6.0) < 0.005
        and not world.levers.estop_pressed
    )


def beside(world: World, ahead_m: float, left_m: float, turn_rad: float = 0.0) -> Pose:
    """A place relative to the route: ``ahead_m`` of the vehicle, ``left_m`` to the left, turned from its heading."""
    path, s_m = world.mission.path, world.mission.s_m + ahead_m
    x, y = path.offset(s_m, left_m)
    return Pose(x, y, path.at(s_m).yaw + turn_rad)


def free(world: World, box: Box, room_m: float = 0.4) -> bool:
    """Whether nothing stands where ``box`` is to be."""
    return all(box_distance(box, thing.box) > room_m for thing in world.things.members) and all(
        box_distance(box, Box(each.x, each.y, 0.0, each.length, each.width)) > room_m
        for each in STRUCTURES
        if each.bottom < 3.0
    )


def passed(world: World, thing: Thing, by_m: float) -> bool:
    """Whether the vehicle has left something ``by_m`` behind it (or is nowhere near it any more)."""
    ahead, across = world.motion.pose.to_local(thing.pose.x, thing.pose.y)
    return ahead < -by_m or ahead * ahead + across * across > OUT_OF_SIGHT_M**2
