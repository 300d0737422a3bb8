"""Perception and planning topics."""

import numpy as np

from winnow_operators.sim.geometry import Array
from winnow_operators.sim.noise import Even
from winnow_operators.sim.render import packing
from winnow_operators.sim.render.lists import ListMessages
from winnow_operators.sim.sensing.detector import energy_score
from winnow_operators.sim.suite.stream import MS, Moment, Stream
from winnow_operators.sim.tick import Tick
from winnow_operators.sim.travel.frenet import TOTAL
from winnow_operators.sim.travel.planner import Behavior

TRAJECTORY_POINTS = 13
"""Planned poses, half a second apart: 1 kB (vehicle document 1.3)."""
TRAJECTORY_STEP_S = 0.5


class DrivingTopics:
    """Renders them."""

    def __init__(self, seed: int, lists: ListMessages) -> None:
        self._lists = lists
        self._energy = Even(seed, "ood")
        self._rain, self._sight = Even(seed, "weather/rain"), Even(seed, "weather/visibility")

    def perception_streams(self) -> tuple[Stream, ...]:
        """In the order of the table in docs/topics.md."""
        lists = self._lists
        return (
            Stream(
                "/perception/detections",
                "winnow_msgs/msg/DetectionArray",
                lambda m: lists.detections(m.stamp_ns, m.tick.motion.pose, m.tick.sight.detections),
                10,
                30 * MS,
            ),
            Stream(
                "/perception/tracking_state",
                "winnow_msgs/msg/TrackArray",
                lambda m: lists.tracks(m.stamp_ns, m.tick.motion.pose, m.tick.sight.tracks),
                10,
                32 * MS,
            ),
            Stream(
                "/perception/radar_objects",
                "winnow_msgs/msg/RadarObjectArray",
                lambda m: lists.radar(m.stamp_ns, m.tick.sight.radar),
                10,
                33 * MS,
            ),
            Stream("/perception/ood_score", "std_msgs/msg/Float64", self._ood, 10, 31 * MS),
            Stream("/perception/weather", "winnow_msgs/msg/Weather", self._weather, 1, 34 * MS),
        )

    def planning_streams(self) -> tuple[Stream, ...]:
        """In the order of the table in docs/topics.md."""
        lists = self._lists
        return (
            Stream(
                "/planning/trajectory",
                "nav_msgs/msg/Path",
                lambda m: lists.path(m.stamp_ns, trajectory(m.tick)),
                10,
                38 * MS,
            ),
            Stream(
                "/planning/route",
                "nav_msgs/msg/Path",
                lambda m: lists.path(m.stamp_ns, m.tick.drive.path.outline()),
                latency_ns=5 * MS,
                occasion=lambda before, now: now.index == 0 or before.drive.route_id != now.drive.route_id,
                latched=True,
            ),
            Stream(
                "/planning/frenet_candidates",
                "winnow_msgs/msg/FrenetCandidates",
                lambda m: lists.frenet(m.stamp_ns, TOTAL, m.tick.drive.plan.candidates.costs),
                10,
                37 * MS,
            ),
            Stream(
                "/planning/trajectory_cost",
                "std_msgs/msg/Float64",
                lambda m: packing.float64(m.tick.drive.plan.cost),
                10,
                39 * MS,
            ),
            Stream("/planning/state", "winnow_msgs/msg/PlanningState", self._state, 10, 36 * MS),
        )

    def _ood(self, moment: Moment) -> bytes:
        tick = moment.tick
        return packing.float64(
            energy_score(tick.sight.strangeness, tick.weather, self._energy.at(moment.number))
        )

    def _weather(self, moment: Moment) -> bytes:
        air = moment.tick.air
        return packing.weather(
            moment.stamp_ns,
            air.visibility_m * (1.0 + 0.02 * self._sight.at(moment.number)),
            max(0.0, air.rain_mm_h * (1.0 + 0.03 * self._rain.at(moment.number))),
            air.light_lux,
            air.temp_c,
        )

    def _state(self, moment: Moment) -> bytes:
        drive = moment.tick.drive
        return self._lists.planning(
            moment.stamp_ns,
            behavior(moment.tick),
            drive.at_planned_stop,
            drive.wanted_mps,
            drive.to_goal_m,
            drive.route_id,
        )


def behavior(tick: Tick) -> Behavior:
    """What the vehicle is doing, halts included."""
    drive = tick.drive
    if tick.safety.estop:
        return Behavior.STOP
    if drive.at_planned_stop and tick.motion.speed_mps < 1.5:
        return Behavior.HOLD_SHORT if drive.holding else Behavior.DOCK
    return drive.plan.behavior if drive.plan.stop_gap_m < 25.0 else Behavior.DRIVE


def trajectory(tick: Tick) -> Array:
    """The planned way ahead: from the present offset to the chosen one, as far as the speed reaches."""
    drive = tick.drive
    share = np.arange(TRAJECTORY_POINTS) * TRAJECTORY_STEP_S
    reach = np.minimum(share * max(drive.wanted_mps, 0.3), max(drive.to_goal_m, 0.0))
    reach = np.minimum(reach, max(drive.plan.stop_gap_m, 0.0))
    ease = np.minimum(reach / 12.0, 1.0)
    rows = []
    for distance, eased in zip(reach.tolist(), ease.tolist(), strict=True):
        lateral = drive.lateral_m + (drive.plan.offset_m - drive.lateral_m) * eased
        x, y = drive.path.offset(drive.s_m + distance, lateral)
        rows.append((x, y, drive.path.at(drive.s_m + distance).yaw))
    return np.array(rows)
