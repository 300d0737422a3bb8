"""Incidents of buttons, speech and people on foot."""

import math

from winnow_operators.sim.geometry import Box, Pose
from winnow_operators.sim.incidents.happening import Happening, beside, free, passed, straight_ahead
from winnow_operators.sim.scene.bodies import BODIES, EGO
from winnow_operators.sim.scene.motion import Walk
from winnow_operators.sim.scene.things import Thing
from winnow_operators.sim.world import World
from winnow_schemas.simulation import incidents as kinds


class EstopPress(Happening):
    """The button is pressed while driving, held, and released."""

    causes = ("estop",)
    settings: kinds.EstopButton

    def ready(self, world: World) -> bool:
        return straight_ahead(world, 25.0)

    def step(self, world: World, since_s: float) -> bool:
        world.levers.estop_pressed = since_s < self.settings.hold_s
        return since_s > self.settings.hold_s + 4.0


class FlagPress(Happening):
    """The flag button, once."""

    causes = ("operator_flag",)

    def step(self, world: World, since_s: float) -> bool:
        world.levers.flag_pressed = since_s == 0.0
        return since_s >= 0.5


class Speech(Happening):
    """A voice command, once."""

    settings: kinds.VoiceCommand

    def expected(self) -> tuple[str, ...]:
        return ("voice_flag",) if asks_for_clip(self.settings.text) else ()

    def step(self, world: World, since_s: float) -> bool:
        world.levers.spoken = self.settings.text if since_s == 0.0 else ""
        return since_s >= 0.5


def asks_for_clip(text: str) -> bool:
    """Whether a voice command asks for a clip: the word `flag` is in it."""
    return "flag" in text.lower().split()


class PersonFromBehindDolly(Happening):
    """A person hidden by a loaded dolly walks into the lane when the vehicle is near."""

    causes = ("cbf_intervention",)
    settings: kinds.PersonStepsOut
    _person: Thing
    _walking = False

    def ready(self, world: World) -> bool:
        place = beside(world, 48.0, -3.4)
        return straight_ahead(world, 60.0) and free(world, Box(*place, 3.4, 1.7))

    def begin(self, world: World) -> None:
        self.put(world, "dolly", beside(world, 48.0, -3.4))
        self._person = self.put(world, "person", beside(world, 53.0, -4.3, math.pi / 2))

    def step(self, world: World, since_s: float) -> bool:
        ahead, _ = world.motion.pose.to_local(self._person.pose.x, self._person.pose.y)
        if not self._walking and ahead - EGO.length_m / 2 < self.settings.gap_m:
            self._walking = True
            goal = beside(world, ahead, 9.0)
            self._person.motion = Walk(((goal.x, goal.y),), self.settings.walk_mps)
        return passed(world, self._person, 10.0) and since_s > 5.0


class CrewWalksAcross(Happening):
    """People cross in file, slowly and in plain view."""

    causes = ("unplanned_stop",)
    settings: kinds.CrewCrossing

    def ready(self, world: World) -> bool:
        return straight_ahead(world, 50.0)

    def begin(self, world: World) -> None:
        goal = beside(world, 36.0, -9.5)
        for number in range(self.settings.people):
            place = beside(world, 36.0, 5.5 + 1.6 * number, -math.pi / 2)
            person = self.put(world, "person", place)
            person.motion = Walk(((goal.x - 1.2 * number, goal.y),), 0.9)

    def step(self, world: World, since_s: float) -> bool:
        return since_s > 5.0 and all(passed(world, person, 8.0) for person in self.props)


class CrewBusOpens(Happening):
    """People come out of a bus that stands beside the lane, all at once, and walk away from it."""

    causes = ("detection_disagreement",)
    settings: kinds.CrewDisembarks
    _bus: Thing
    _inside: list[Thing]

    def ready(self, world: World) -> bool:
        return straight_ahead(world, 80.0) and free(world, Box(*beside(world, 72.0, 10.5), 14.0, 8.0))

    def begin(self, world: World) -> None:
        self._bus = self.put(world, "bus", beside(world, 72.0, 12.5))
        self._inside = []
        for number in range(self.settings.people):
            along = (number - (self.settings.people - 1) / 2) * 1.35
            place = beside(world, 72.0 + along, 12.5 - BODIES["bus"].width_m / 2 - 0.9, -math.pi / 2)
            self._inside.append(self.put(world, "person", place, hidden=True))

    def step(self, world: World, since_s: float) -> bool:
        ahead, left = world.motion.pose.to_local(self._bus.pose.x, self._bus.pose.y)
        if self._inside and math.hypot(ahead, left) < 26.0:
            for person in self._inside:
                world.things.show(person)
                x, y, yaw = person.pose
                heading = yaw - math.pi / 2
                goal = (x + 18.0 * math.cos(heading), y + 18.0 * math.sin(heading))
                person.pose = Pose(x, y, heading)
                person.motion = Walk((goal,), 0.7)
            self._inside = []
        return since_s > 5.0 and passed(world, self._bus, 15.0)
