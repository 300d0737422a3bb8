"""What incidents can do to the vehicle and its sensors; what they do to the apron goes through its things."""

from dataclasses import dataclass, field

from winnow_operators.sim.sensing.position import Fix
from winnow_schemas.simulation.incidents import LIDARS, Sky


@dataclass(slots=True)
class Levers:
    """All at rest when a run begins."""

    estop_pressed: bool = False
    stuck_steering_rad: float | None = None
    """The advanced controller's output, when it sticks."""
    detector_stalled: bool = False
    lidar_loss: list[float] = field(default_factory=lambda: [0.0] * LIDARS)
    """Share of points lost, per LiDAR."""
    lidar_turn_rad: list[float] = field(default_factory=lambda: [0.0] * LIDARS)
    """True mounting yaw minus the calibrated one, per LiDAR."""
    ghosts: int = 0
    radar_blind: bool = False
    fix: Fix | None = None
    """Quality of the satellite fix, when something forces it."""
    gps_shift_m: float = 0.0
    sky: Sky | None = None
    sky_amount: float = 0.0
    bump_mps2: float = 0.0
    """A knock on the chassis in this tick."""
    flag_pressed: bool = False
    """The HMI button, in this tick."""
    spoken: str = ""
    """A voice command, in this tick."""

    def settle(self) -> None:
        """Clear what lasts for one tick only."""
        self.bump_mps2 = 0.0
        self.flag_pressed = False
        self.spoken = ""
