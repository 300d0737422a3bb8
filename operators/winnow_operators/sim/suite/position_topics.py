"""Localization topics."""

import math

from winnow_operators.sim.noise import Even
from winnow_operators.sim.render import packing
from winnow_operators.sim.sensing.position import SIGMA_M, Fix, Localizer, candidates, geographic
from winnow_operators.sim.suite.stream import MS, Moment, Stream
from winnow_operators.sim.tick import Tick
from winnow_schemas.simulation.incidents import LIDARS

NAV_SAT_STATUS: dict[Fix, int] = {
    # sensor_msgs/NavSatStatus: -1 no fix, 0 fix, 1 satellite-based and 2 ground-based augmentation.
    Fix.RTK_FIXED: 2,
    Fix.RTK_FLOAT: 2,
    Fix.DGPS: 1,
    Fix.STANDALONE: 0,
    Fix.DENIED: -1,
}
RESIDUAL_PER_RAD_M = 7.5
"""A turned mount shifts points by the angle times their distance; most of what overlaps is this far away."""


class PositionTopics:
    """Renders them."""

    def __init__(self, seed: int) -> None:
        self._localizer = Localizer(seed)
        self._east, self._north = Even(seed, "residual/east"), Even(seed, "residual/north")
        self._consistency = [Even(seed, f"consistency/{number}") for number in range(LIDARS)]

    def streams(self) -> tuple[Stream, ...]:
        """In the order of the table in docs/topics.md."""
        float64 = "std_msgs/msg/Float64"
        return (
            Stream("/localization/pose", "geometry_msgs/msg/PoseStamped", self._pose, 10, 8 * MS),
            Stream("/localization/fix", "sensor_msgs/msg/NavSatFix", self._fix, 5, 10 * MS),
            Stream(
                "/localization/innovation_norm",
                float64,
                lambda m: packing.float64(m.tick.innovation),
                10,
                9 * MS,
            ),
            Stream(
                "/localization/gps_status",
                "std_msgs/msg/String",
                lambda m: packing.text(m.tick.satellite.quality),
                5,
                11 * MS,
            ),
            Stream("/localization/place_match", "winnow_msgs/msg/PlaceMatch", self._place, 2, 20 * MS),
            Stream("/localization/map_residual", "winnow_msgs/msg/MapResidual", self._residual, 10, 21 * MS),
            Stream(
                "/localization/lidar_consistency",
                "winnow_msgs/msg/LidarConsistency",
                self._mounts,
                2,
                22 * MS,
            ),
        )

    def _pose(self, moment: Moment) -> bytes:
        x, y, yaw = moment.tick.estimate
        return packing.pose(moment.stamp_ns, (x, y, 0.0), (0.0, 0.0, math.sin(yaw / 2), math.cos(yaw / 2)))

    def _fix(self, moment: Moment) -> bytes:
        fix = moment.tick.satellite
        latitude, longitude = geographic(fix.x, fix.y)
        variance = SIGMA_M[fix.quality] ** 2
        return packing.nav_sat_fix(
            moment.stamp_ns,
            NAV_SAT_STATUS[fix.quality],
            (latitude, longitude, ANTENNA_HEIGHT_M),
            (variance, variance, 4 * variance),
        )

    def _place(self, moment: Moment) -> bytes:
        tick = moment.tick
        score = self._localizer.place_score(moment.number, tick.place.explained, tick.weather.clutter)
        return packing.place_match(moment.stamp_ns, score, candidates(score))

    def _residual(self, moment: Moment) -> bytes:
        """Offset of the observation against the map: the map is off to the east, so things stand west of it."""
        shift = moment.tick.place.shift
        noise = 0.03 * self._east.at(moment.number), 0.03 * self._north.at(moment.number)
        offset = (-shift[0] + noise[0], -shift[1] + noise[1])
        rms = math.hypot(0.06, *shift) + 0.02 * abs(noise[0])
        return packing.map_residual(moment.stamp_ns, offset, rms)

    def _mounts(self, moment: Moment) -> bytes:
        tick = moment.tick
        residuals, overlaps = [], []
        for number in range(LIDARS):
            noise = self._consistency[number].at(moment.number)
            residuals.append(mount_residual_m(tick, number) + 0.003 * noise)
            overlaps.append(0.55 * (1.0 - 0.5 * tick.sensors.lidar_loss[number]) + 0.02 * noise)
        return packing.lidar_consistency(moment.stamp_ns, residuals, overlaps)


ANTENNA_HEIGHT_M = 120.0 + 1.95
"""Above the ellipsoid."""


def mount_residual_m(tick: Tick, number: int) -> float:
    """Mean residual of a LiDAR's points against the others': range noise, and what a turned mount adds."""
    turned = abs(tick.sensors.lidar_turn_rad[number]) * RESIDUAL_PER_RAD_M
    return math.hypot(0.025, turned) + 0.004 * tick.sensors.lidar_loss[number]
