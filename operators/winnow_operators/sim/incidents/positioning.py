"""Incidents of localization, map, weather and the mission."""

from winnow_operators.sim.geometry import Box
from winnow_operators.sim.incidents.happening import Happening, beside, free, straight_ahead
from winnow_operators.sim.sensing.position import Fix
from winnow_operators.sim.world import World
from winnow_schemas.simulation import incidents as kinds
from winnow_schemas.simulation.airside import Structure
from winnow_schemas.simulation.script import Leg

RECOVERY_S = 3.0
"""After jamming the receiver goes through standalone and float before it is fixed again."""


class Multipath(Happening):
    """The fix jumps aside while it claims to be fixed."""

    causes = ("gtsam_innovation_spike",)
    settings: kinds.GpsMultipath

    def ready(self, world: World) -> bool:
        return world.levers.fix is None

    def step(self, world: World, since_s: float) -> bool:
        active = since_s < self.settings.hold_s
        world.levers.gps_shift_m = self.settings.shift_m if active else 0.0
        return not active


class Jamming(Happening):
    """Float, denied, standalone, float, and fixed again."""

    causes = ("gps_denied_transition",)
    settings: kinds.GpsJamming

    def step(self, world: World, since_s: float) -> bool:
        denied = self.settings.hold_s
        phases = (
            (1.0, Fix.RTK_FLOAT),
            (1.0 + denied, Fix.DENIED),
            (2.5 + denied, Fix.STANDALONE),
            (1.0 + denied + RECOVERY_S, Fix.RTK_FLOAT),
        )
        world.levers.fix = next((fix for until, fix in phases if since_s < until), None)
        return world.levers.fix is None


class ContainerRows(Happening):
    """Rows of containers on both sides, which the map does not know."""

    causes = ("place_recognition_fail",)
    settings: kinds.UnmappedContainers
    _rows: list[Structure]

    def ready(self, world: World) -> bool:
        middle = beside(world, 70.0 + self.settings.length_m / 2, 0.0)
        room = Box(*middle, self.settings.length_m + 4.0, 13.0)
        return straight_ahead(world, 72.0 + self.settings.length_m) and free(world, room)

    def begin(self, world: World) -> None:
        self._rows = []
        count = int(self.settings.length_m // 6.3)
        for number in range(count):
            for side in (-5.0, 5.0):
                place = beside(world, 70.0 + 6.3 * (number + 0.5), side)
                name = f"container_{self.number}_{number}_{side:+.0f}"
                self._rows.append(Structure(name, place.x, place.y, 6.1, 2.44, 0.0, 2.9, 0.55))
        world.built.add(self._rows)

    def step(self, world: World, since_s: float) -> bool:
        ego = world.motion.pose
        far = all((row.x - ego.x) ** 2 + (row.y - ego.y) ** 2 > 60.0**2 for row in self._rows)
        inside_once = since_s > 20.0
        if far and inside_once:
            world.built.clear(self._rows)
            return True
        return False


class WrongMap(Happening):
    """A map whose datum is off is loaded, and rolled back later."""

    causes = ("map_discrepancy",)
    settings: kinds.MapDatumError

    def step(self, world: World, since_s: float) -> bool:
        active = since_s < self.settings.hold_s
        world.built.map_shift = (self.settings.east_m, self.settings.north_m) if active else (0.0, 0.0)
        return not active


class Turn(Happening):
    """The weather turns and clears up."""

    causes = ("weather_transition",)
    settings: kinds.WeatherChange

    def ready(self, world: World) -> bool:
        return world.levers.sky is None

    def step(self, world: World, since_s: float) -> bool:
        coming = since_s / self.settings.ramp_s
        going = (2 * self.settings.ramp_s + self.settings.hold_s - since_s) / self.settings.ramp_s
        amount = min(1.0, coming, going)
        world.levers.sky = self.settings.sky if amount >= 0 else None
        world.levers.sky_amount = max(amount, 0.0) * self.settings.strength
        return amount < 0


class WrongRoute(Happening):
    """The next closed road ahead becomes part of the route."""

    causes = ("geofence_breach",)
    settings: kinds.RouteError
    _done = False

    def ready(self, world: World) -> bool:
        return world.motion.speed_mps > 0 and world.mission.through_closed()

    def step(self, world: World, since_s: float) -> bool:
        return since_s > 8.0 and world.mission.path.bend(world.mission.s_m - 40.0, world.mission.s_m) < 0.005


class OtherJob(Happening):
    """Dispatch sends the vehicle somewhere else first."""

    causes = ("new_area",)
    settings: kinds.NewJob

    def ready(self, world: World) -> bool:
        job = Leg(to=self.settings.to, stop_s=self.settings.stop_s)
        return world.motion.speed_mps > 0 and world.mission.new_job(job)

    def step(self, world: World, since_s: float) -> bool:
        return since_s > 1.0 and world.mission.leg.to != self.settings.to
