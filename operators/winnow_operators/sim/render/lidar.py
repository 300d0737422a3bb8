"""Sweeps of the LiDARs and the merged cloud."""

import math

import numpy as np
from numpy.typing import NDArray

from winnow_operators.sim.noise import TABLE_SIZE, Normal
from winnow_operators.sim.render.mounts import LIDARS, LidarMount
from winnow_operators.sim.render.raycast import Floats, Rays, Solids, cast
from winnow_operators.sim.render.solids import SolidScene
from winnow_operators.sim.scene.weather import Weather
from winnow_operators.sim.tick import Tick

GROUND_ALBEDO = 0.22
"""Dry concrete; wet it is darker."""
RANGE_SIGMA_M = 0.015
"""Range noise (RS-Helios data sheet: up to 2 cm)."""
INTENSITY_RANGE_M = 12.0
"""Distance at which the returned intensity has halved."""


class LidarSuite:
    """Renders the eight LiDARs and the aggregated cloud at a scale; a pure function of seed and tick."""

    def __init__(self, seed: int, scale: float) -> None:
        self._scene = SolidScene()
        self._noise = Normal(seed, "lidar/range")
        self._luck = Normal(seed, "lidar/luck")
        self._sensors = [_Sensor(mount, scale) for mount in LIDARS]
        self._latest: tuple[int, list[NDArray[np.float32]]] = (-1, [])

    def sweep(self, number: int, tick: Tick) -> NDArray[np.float32]:
        """Points of one LiDAR in its own frame, shape ``(n, 4)``: x, y, z in m, intensity 0-255."""
        return self._sweeps(tick)[number]

    def aggregated(self, tick: Tick) -> NDArray[np.float32]:
        """All points, moved into ``base_link`` with the calibrated mounts; shape ``(n, 4)``."""
        sweeps = self._sweeps(tick)
        merged = np.empty((sum(map(len, sweeps)), 4), np.float32)
        start = 0
        for sensor, points in zip(self._sensors, sweeps, strict=True):
            mount = sensor.mount
            end = start + len(points)
            part = merged[start:end]
            cosine, sine = np.float32(math.cos(mount.yaw)), np.float32(math.sin(mount.yaw))
            part[:, 0] = points[:, 0] * cosine - points[:, 1] * sine + np.float32(mount.x)
            part[:, 1] = points[:, 0] * sine + points[:, 1] * cosine + np.float32(mount.y)
            part[:, 2] = points[:, 2] + np.float32(mount.z)
            part[:, 3] = points[:, 3]
            start = end
        return merged

    def _sweeps(self, tick: Tick) -> list[NDArray[np.float32]]:
        """All eight at once: they share the scene, and the aggregated cloud needs them all."""
        if self._latest[0] != tick.index:
            solids = self._scene.at(tick)
            sweeps = [sensor.sweep(tick, solids, self._noise, self._luck) for sensor in self._sensors]
            self._latest = (tick.index, sweeps)
        return self._latest[1]


class _Sensor:
    """One LiDAR at a scale: fewer azimuths, the same beams."""

    def __init__(self, mount: LidarMount, scale: float) -> None:
        self.mount = mount
        steps = max(24, round(mount.steps * scale))
        count = max(12, round(steps * mount.view_rad / (2 * math.pi)))
        self._steps = steps
        self._azimuth: Floats = (-mount.view_rad / 2 + np.arange(count) * (2 * math.pi / steps)).astype(
            np.float32
        )
        self._tangent: Floats = np.tan(mount.elevations_rad).astype(np.float32)
        self._cosine, self._sine = np.cos(self._azimuth)[:, None], np.sin(self._azimuth)[:, None]
        self._stretch: Floats = np.sqrt(1 + self._tangent**2)

    def sweep(self, tick: Tick, solids: Solids, noise: Normal, luck: Normal) -> NDArray[np.float32]:
        mount, ego = self.mount, tick.motion.pose
        x, y = ego.to_map(mount.x, mount.y)
        turned = self._azimuth + np.float32(ego.yaw + mount.yaw + tick.sensors.lidar_turn_rad[mount.number])
        reach = min(mount.max_range_m, 0.5 * tick.weather.visibility_m)
        rays = Rays(turned, self._steps, self._tangent, reach)
        wet = min(1.0, 0.2 * tick.weather.rain_mm_h)
        distance, albedo = cast((x, y, mount.z), rays, solids, GROUND_ALBEDO * (1 - 0.5 * wet))
        use = tick.index * len(LIDARS) + mount.number
        self._disturb(
            distance, tick.weather, tick.sensors.lidar_loss[mount.number], _block(luck, use, distance)
        )
        return self._points(distance, albedo, _block(noise, use, distance))

    def _disturb(self, distance: Floats, weather: Weather, loss: float, luck: Floats) -> None:
        """Drops in the air swallow far rays and echo near ones; dirt swallows rays."""
        if weather.clutter > 0:
            distance[luck > _normal_quantile(1.0 - 0.1 * weather.clutter)] = np.inf
            echo = luck < -_normal_quantile(1.0 - 0.03 * weather.clutter)
            distance[echo] = 1.5 - 1.2 * luck[echo] - 1.2
        if loss > 0:
            swallowed = np.roll(luck, 7, axis=0) < _normal_quantile(loss)
            distance[swallowed] = np.inf

    def _points(self, distance: Floats, albedo: Floats, noise: Floats) -> NDArray[np.float32]:
        slant = distance * self._stretch
        kept = np.isfinite(distance)
        stretched = distance * (1 + RANGE_SIGMA_M * noise / np.maximum(slant, np.float32(0.3)))
        points = np.empty((*distance.shape, 4), np.float32)
        with np.errstate(invalid="ignore"):
            np.multiply(stretched, self._cosine, out=points[..., 0])
            np.multiply(stretched, self._sine, out=points[..., 1])
            np.multiply(stretched, self._tangent, out=points[..., 2])
            fading = 1 / (1 + slant / np.float32(INTENSITY_RANGE_M))
            np.multiply(albedo, fading * 255, out=points[..., 3])
        as_records = points.reshape(-1, 4).view("V16").ravel()
        return as_records[kept.ravel()].view(np.float32).reshape(-1, 4)


def _block(noise: Normal, index: int, like: Floats) -> Floats:
    """A block of noise of the same shape; larger sweeps than the table has entries repeat it."""
    count = like.size
    if count <= TABLE_SIZE:
        return noise.block(index, count).reshape(like.shape)
    repeated = np.resize(noise.block(index, TABLE_SIZE), count)
    return repeated.reshape(like.shape)


def _normal_quantile(share: float) -> float:
    """Inverse of the normal distribution (Acklam's central approximation is not needed: bisection is exact)."""
    low, high = -3.2, 3.2
    for _ in range(40):
        middle = (low + high) / 2
        if 0.5 * (1 + math.erf(middle / math.sqrt(2))) < share:
            low = middle
        else:
            high = middle
    return low
