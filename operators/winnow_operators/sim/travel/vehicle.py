"""How the vehicle moves: a kinematic bicycle whose actuators lag."""

import math
from typing import NamedTuple

from winnow_operators.sim.geometry import Box, Pose, wrap
from winnow_operators.sim.scene.bodies import EGO, EGO_MAX_SPEED_MPS, EGO_WHEELBASE_M

DRIVE_LAG_S = 0.15
"""Time constant of the electric drive and the brakes."""
STEERING_LAG_S = 0.12
MAX_STEERING_RAD = 0.5
"""Vehicle document 4.3: normalises steering by 0.5 rad."""
MAX_BRAKE_MPS2 = 5.0
"""Emergency braking on dry concrete without shedding the load."""


class Motion(NamedTuple):
    """State of the vehicle; the pose is that of the footprint's centre, frame ``base_link``."""

    pose: Pose
    speed_mps: float
    accel_mps2: float
    steering_rad: float

    @property
    def yaw_rate(self) -> float:
        """rad/s."""
        return self.speed_mps * math.tan(self.steering_rad) / EGO_WHEELBASE_M

    @property
    def box(self) -> Box:
        """The footprint."""
        return Box(*self.pose, EGO.length_m, EGO.width_m)

    def step(self, accel_mps2: float, steering_rad: float, dt_s: float) -> "Motion":
        """The state after ``dt_s`` under commands; the speed never goes below zero."""
        wanted = min(max(steering_rad, -MAX_STEERING_RAD), MAX_STEERING_RAD)
        steering = self.steering_rad + (wanted - self.steering_rad) * (1 - math.exp(-dt_s / STEERING_LAG_S))
        accel = self.accel_mps2 + (accel_mps2 - self.accel_mps2) * (1 - math.exp(-dt_s / DRIVE_LAG_S))
        speed = min(max(self.speed_mps + accel * dt_s, 0.0), EGO_MAX_SPEED_MPS)
        if speed < 0.03 and accel_mps2 <= 0:
            speed = 0.0
        if speed == 0.0 and accel < 0:
            accel = 0.0
        moved = (self.speed_mps + speed) / 2 * dt_s
        turned = moved * math.tan(steering) / EGO_WHEELBASE_M
        middle = self.pose.yaw + turned / 2
        pose = Pose(
            self.pose.x + moved * math.cos(middle),
            self.pose.y + moved * math.sin(middle),
            wrap(self.pose.yaw + turned),
        )
        return Motion(pose, speed, accel, steering)
