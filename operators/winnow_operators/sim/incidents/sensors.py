"""Incidents of sensors, perception and the controller."""

import math

from winnow_operators.sim.incidents.happening import Happening, straight_ahead
from winnow_operators.sim.sensing.tracker import LARGE_M
from winnow_operators.sim.world import World
from winnow_schemas.simulation import incidents as kinds


class DetectorStall(Happening):
    """The detector's process hangs while large objects are near."""

    causes = ("tracking_failure",)
    settings: kinds.PerceptionStall

    def ready(self, world: World) -> bool:
        large = [away for thing, away in world.seen if thing.body.length_m > LARGE_M and away < 40.0]
        return len(large) >= 2 and world.index % 2 == 0

    def step(self, world: World, since_s: float) -> bool:
        world.levers.detector_stalled = since_s < self.settings.stall_s
        return since_s > self.settings.stall_s + 2.0


class Dirt(Happening):
    """A window gets dirty within two seconds, and is cleaned within two."""

    causes = ("sensor_degradation",)
    settings: kinds.LidarDirt

    @property
    def subject(self) -> tuple[object, ...]:
        return (type(self), self.settings.lidar)

    def step(self, world: World, since_s: float) -> bool:
        coming = min(1.0, since_s / 2.0)
        going = min(1.0, max(0.0, (self.settings.hold_s - since_s) / 2.0 + 1.0))
        world.levers.lidar_loss[self.settings.lidar] = self.settings.loss * min(coming, going)
        return since_s > self.settings.hold_s + 2.0


class RadarMirror(Happening):
    """Ghosts instead of what is there."""

    causes = ("multi_sensor_inconsistency",)
    settings: kinds.RadarGhosts

    def ready(self, world: World) -> bool:
        return len([away for _, away in world.seen if away < 40.0]) >= 4

    def step(self, world: World, since_s: float) -> bool:
        active = since_s < self.settings.hold_s
        world.levers.ghosts = self.settings.count if active else 0
        world.levers.radar_blind = active and self.settings.blind
        return not active


class MountBump(Happening):
    """A bracket is knocked, and calibrated again later."""

    causes = ("calibration_drift",)
    settings: kinds.LidarBump

    @property
    def subject(self) -> tuple[object, ...]:
        return (type(self), self.settings.lidar)

    def step(self, world: World, since_s: float) -> bool:
        world.levers.bump_mps2 = 4.0 if since_s == 0.0 else 0.0
        active = since_s < self.settings.hold_s
        turn = math.radians(self.settings.yaw_deg) if active else 0.0
        world.levers.lidar_turn_rad[self.settings.lidar] = turn
        return not active


class StuckController(Happening):
    """The advanced controller's output sticks at an angle."""

    causes = ("simplex_switch",)
    settings: kinds.ControllerFault

    def ready(self, world: World) -> bool:
        return straight_ahead(world, 60.0)

    def step(self, world: World, since_s: float) -> bool:
        active = since_s < self.settings.hold_s
        world.levers.stuck_steering_rad = self.settings.stuck_rad if active else None
        return since_s > self.settings.hold_s + 6.0
