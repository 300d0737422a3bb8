"""Everything on the apron that is not built: aircraft, people, equipment."""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from winnow_operators.sim.geometry import Array, Box, Pose
from winnow_operators.sim.scene.bodies import BODIES, Body
from winnow_operators.sim.scene.motion import Motion
from winnow_schemas.errors import BadInputError

MAX_THINGS = 300
"""Beyond this an incident would be piling up things without end."""


@dataclass(slots=True)
class Thing:
    """One object. Its pose is that of its box's centre on the ground."""

    number: int
    """Unique in a run, never used again."""
    body: Body
    pose: Pose
    motion: Motion | None = None
    speed_mps: float = 0.0
    velocity: tuple[float, float] = (0.0, 0.0)
    """m/s in the map frame."""
    hidden: bool = False
    """Inside something: not to be seen, not to be hit."""

    @property
    def box(self) -> Box:
        """Its footprint."""
        return Box(self.pose.x, self.pose.y, self.pose.yaw, self.body.length_m, self.body.width_m)


class ThingState(NamedTuple):
    """A thing at one time, for rendering."""

    number: int
    body: Body
    x: float
    y: float
    yaw: float


@dataclass(slots=True)
class Things:
    """All of them, in the order in which they came."""

    members: list[Thing] = field(default_factory=list)
    _count: int = 0
    _states: tuple[ThingState, ...] = ()
    _changed: bool = True

    def add(self, kind: str, pose: Pose, motion: Motion | None = None, *, hidden: bool = False) -> Thing:
        """Put something there."""
        self._count += 1
        thing = Thing(self._count, BODIES[kind], pose, motion, hidden=hidden)
        self.members.append(thing)
        self._changed = True
        if len(self.members) > MAX_THINGS:
            raise BadInputError(
                f"The script puts {len(self.members)} things on the apron at once, the limit is {MAX_THINGS}; "
                "the run was stopped. Leave more time between its incidents."
            )
        return thing

    def remove(self, thing: Thing) -> None:
        """Take it away."""
        self.members.remove(thing)
        self._changed = True

    def show(self, thing: Thing) -> None:
        """It comes out of what it was in."""
        thing.hidden = False
        self._changed = True

    def step(self, dt_s: float) -> None:
        """Move what moves."""
        for thing in self.members:
            if thing.motion is None:
                continue
            before = thing.pose
            thing.pose, thing.speed_mps = thing.motion.step(before, dt_s)
            if thing.pose == before:
                thing.velocity = (0.0, 0.0)
                continue
            dx, dy = thing.pose.x - before.x, thing.pose.y - before.y
            jumped = math.hypot(dx, dy) > 5.0  # through traffic that starts over
            thing.velocity = (0.0, 0.0) if jumped else (dx / dt_s, dy / dt_s)
            self._changed = True

    def visible(self) -> list[Thing]:
        """Those that are not inside something."""
        return [thing for thing in self.members if not thing.hidden]

    def states(self) -> tuple[ThingState, ...]:
        """What renderers need; the same object as before while nothing has moved."""
        if self._changed:
            self._states = tuple(
                ThingState(thing.number, thing.body, *thing.pose)
                for thing in self.members
                if not thing.hidden
            )
            self._changed = False
        return self._states


def positions(things: list[Thing]) -> Array:
    """Centres, shape ``(n, 2)``."""
    return np.array([thing.pose[:2] for thing in things], float).reshape(-1, 2)


def footprints(things: list[Thing]) -> Array:
    """x, y, yaw, length, width, shape ``(n, 5)``."""
    rows = [(*thing.pose, thing.body.length_m, thing.body.width_m) for thing in things]
    return np.array(rows, float).reshape(-1, 5)
