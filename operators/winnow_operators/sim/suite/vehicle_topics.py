"""Topics of the vehicle itself: inertial unit, CAN bus, buttons, safety, health."""

import math

from winnow_operators.sim.noise import Even, Normal
from winnow_operators.sim.render import packing
from winnow_operators.sim.render.lists import ListMessages
from winnow_operators.sim.sensing.guards import STL_NAMES, robustness, sensor_health
from winnow_operators.sim.suite.stream import MS, Moment, Stream
from winnow_operators.sim.travel.vehicle import MAX_BRAKE_MPS2

GRAVITY = 9.80665
GYRO_SIGMA = 0.002
"""rad/s, of a tactical-grade unit at 500 Hz."""
VIBRATION = 0.05
"""m/s2 per m/s of speed: rough concrete under solid tyres."""
BUMP_DECAY_S = 0.015
BUMP_HZ = 45.0


class VehicleTopics:
    """Renders them."""

    def __init__(self, seed: int, lists: ListMessages) -> None:
        self._lists = lists
        self._gyro = [Normal(seed, f"imu/gyro/{axis}") for axis in "xyz"]
        self._accel = [Normal(seed, f"imu/accel/{axis}") for axis in "xyz"]
        self._speed = Normal(seed, "can/speed")
        self._health = Even(seed, "health")

    def streams(self) -> tuple[Stream, ...]:
        """In the order of the table in docs/topics.md."""
        return (
            Stream("/imu/data", "winnow_msgs/msg/ImuSample", self._imu, 500),
            Stream("/can/vehicle_state", "winnow_msgs/msg/VehicleState", self._can, 100),
        )

    def safety_streams(self) -> tuple[Stream, ...]:
        """Safety, buttons and health."""
        boolean, text = "std_msgs/msg/Bool", "std_msgs/msg/String"
        diagnostics = "diagnostic_msgs/msg/DiagnosticArray"
        return (
            Stream("/safety/estop", boolean, lambda m: packing.boolean(m.tick.safety.estop), 10, MS),
            Stream(
                "/safety/collision_detect", boolean, lambda m: packing.boolean(m.tick.safety.bumper), 10, MS
            ),
            Stream(
                "/safety/cbf_state",
                "std_msgs/msg/Float64",
                lambda m: packing.float64(m.tick.safety.intervention),
                20,
                3 * MS,
            ),
            Stream("/safety/geofence_status", text, lambda m: packing.text(m.tick.safety.fence), 5, 4 * MS),
            Stream("/safety/simplex_mode", text, lambda m: packing.text(m.tick.safety.mode), 5, 4 * MS),
            Stream("/safety/stl_verdicts", "winnow_msgs/msg/StlVerdicts", self._verdicts, 10, 6 * MS),
            Stream(
                "/hmi/flag_event",
                boolean,
                lambda m: packing.boolean(m.tick.flag_pressed),
                latency_ns=2 * MS,
                occasion=lambda before, now: before.flag_pressed != now.flag_pressed,
            ),
            Stream(
                "/hmi/voice_command",
                text,
                lambda m: packing.text(m.tick.spoken),
                latency_ns=2 * MS,
                occasion=lambda _, now: bool(now.spoken),
            ),
            Stream("/diagnostics/sensor_health", diagnostics, self._sensors, 1, 12 * MS),
            Stream("/diagnostics/compute_health", diagnostics, self._computer, 1, 13 * MS),
        )

    def _imu(self, moment: Moment) -> bytes:
        now, after, share = moment.tick.motion, moment.after.motion, moment.share
        keep = 1.0 - share
        speed = now.speed_mps * keep + after.speed_mps * share
        turn = now.yaw_rate * keep + after.yaw_rate * share
        forward = now.accel_mps2 * keep + after.accel_mps2 * share
        rough = 0.02 + VIBRATION * speed
        bump = moment.tick.sensors.bump_mps2
        if bump:
            since_s = share * 0.05
            bump *= math.exp(-since_s / BUMP_DECAY_S) * math.cos(2 * math.pi * BUMP_HZ * since_s)
        number = moment.number
        gx, gy, gz = (GYRO_SIGMA * noise.at(number) for noise in self._gyro)
        ax, ay, az = (rough * noise.at(number) for noise in self._accel)
        return packing.imu(
            moment.stamp_ns,
            (gx, gy, turn + gz),
            (forward - bump + 0.5 * ax, speed * turn + 0.5 * ay, GRAVITY + bump + az),
        )

    def _can(self, moment: Moment) -> bytes:
        now, after, share = moment.tick.motion, moment.after.motion, moment.share
        keep = 1.0 - share
        speed = now.speed_mps * keep + after.speed_mps * share
        if speed > 0.02:
            speed += 0.004 * self._speed.at(moment.number)
        accel = now.accel_mps2 * keep + after.accel_mps2 * share
        standing = speed <= 0.0
        throttle = 0.0 if standing else min(1.0, max(accel, 0.0) / 1.5 + 0.02 * speed)
        brake = 0.3 if standing else min(1.0, max(-accel, 0.0) / MAX_BRAKE_MPS2)
        steering = now.steering_rad * keep + after.steering_rad * share
        drive = 3
        return packing.vehicle_state(moment.stamp_ns, speed, steering, (throttle, brake), drive)

    def _verdicts(self, moment: Moment) -> bytes:
        tick = moment.tick
        values = robustness(
            tick.motion.speed_mps,
            tick.safety.gap_m,
            tick.drive.lateral_m - tick.drive.plan.offset_m,
            tick.safety.fence_m,
            tick.safety.braking_needed_mps2,
        )
        return self._lists.verdicts(moment.stamp_ns, STL_NAMES, values)

    def _sensors(self, moment: Moment) -> bytes:
        tick = moment.tick
        noise = self._health.at(moment.number)
        return self._lists.sensor_health(
            moment.stamp_ns, sensor_health(tick.sensors.lidar_loss, tick.weather, noise)
        )

    def _computer(self, moment: Moment) -> bytes:
        sight = moment.tick.sight
        load = min(1.0, len(sight.tracks) / 30.0)
        return self._lists.compute_health(moment.stamp_ns, load, stalled=moment.tick.sensors.detector_stalled)
