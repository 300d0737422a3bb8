"""Where the sensors sit on the vehicle and how they look; frame ``base_link``, metres, x forward, y left."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FULL_TURN = 2 * math.pi
DENSE_FROM_DEG = -12.0
"""From here upwards three fifths of the beams lie."""


@dataclass(frozen=True, slots=True)
class LidarMount:
    """One spinning LiDAR: its place, its heading, and its firing pattern at scale 1."""

    number: int
    x: float
    y: float
    z: float
    yaw: float
    beams: int
    steps: int
    """Azimuths of a full turn."""
    view_rad: float
    """Part of the turn that the vehicle's body does not hide, centred ahead."""
    lowest_deg: float
    highest_deg: float
    max_range_m: float

    @property
    def frame(self) -> str:
        """Its coordinate frame."""
        return f"lidar_{self.number}"

    @property
    def elevations_rad(self) -> NDArray[np.float64]:
        """Beams from low to high, denser near the horizon as in the RS-Helios; shape ``(beams,)``."""
        low = self.beams * 2 // 5
        steep = np.linspace(self.lowest_deg, DENSE_FROM_DEG, low, endpoint=False)
        flat = np.linspace(DENSE_FROM_DEG, self.highest_deg, self.beams - low)
        elevations: NDArray[np.float64] = np.radians(np.concatenate([steep, flat]))
        return elevations


def _roof(number: int, x: float, y: float, yaw_deg: float) -> LidarMount:
    return LidarMount(number, x, y, 1.95, math.radians(yaw_deg), 32, 1075, FULL_TURN, -48.0, 4.5, 100.0)


def _bumper(number: int, x: float, y: float, yaw_deg: float) -> LidarMount:
    return LidarMount(
        number, x, y, 0.75, math.radians(yaw_deg), 16, 1960, math.radians(210.0), -42.0, 4.0, 60.0
    )


LIDARS: tuple[LidarMount, ...] = (
    # Vehicle document 1.3: 30,000 points of 16 bytes from 32 beams, 16,000 from 16. The numbers of azimuths
    # were chosen so that a sweep on the apron returns that many (measured, see docs/simulator.md).
    _roof(0, 1.1, 0.6, 45.0),
    _roof(1, 1.1, -0.6, -45.0),
    _roof(2, -1.1, 0.6, 135.0),
    _roof(3, -1.1, -0.6, -135.0),
    _bumper(4, 1.65, 0.0, 0.0),
    _bumper(5, 0.0, 0.85, 90.0),
    _bumper(6, 0.0, -0.85, -90.0),
    _bumper(7, -1.65, 0.0, 180.0),
)


class CameraMount(NamedTuple):
    """One camera; the optical axis is horizontal but for ``pitch_rad`` (positive looks down)."""

    name: str
    x: float
    y: float
    z: float
    yaw: float
    pitch_rad: float
    view_rad: float
    """Horizontal field of view."""
    width: int
    height: int

    @property
    def frame(self) -> str:
        """Its coordinate frame."""
        return f"camera_{self.name}"


CAMERAS: tuple[CameraMount, ...] = tuple(
    CameraMount(name, x, y, 1.75, math.radians(yaw), math.radians(6.0), math.radians(95.0), 1280, 720)
    for name, x, y, yaw in (
        ("front", 1.2, 0.0, 0.0),
        ("left", 0.0, 0.7, 90.0),
        ("right", 0.0, -0.7, -90.0),
        ("rear", -1.2, 0.0, 180.0),
    )
)
"""Four RGB cameras, 720p (vehicle document 1.3)."""

THERMALS: tuple[CameraMount, ...] = tuple(
    CameraMount(
        f"thermal_{name}", x, 0.0, 1.85, math.radians(yaw), math.radians(4.0), math.radians(75.0), 640, 512
    )
    for name, x, yaw in (("front", 1.2, 0.0), ("rear", -1.2, 180.0))
)
"""Two FLIR Boson 640 (vehicle document 1.3)."""
