"""Messages of variable layout, through rosbags' serialiser."""

import math
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from winnow_operators.sim.geometry import Array, Pose
from winnow_operators.sim.render.mounts import CAMERAS, LIDARS, THERMALS
from winnow_operators.sim.render.packing import stamp
from winnow_operators.sim.scene.bodies import CLASS_NAMES, Body
from winnow_operators.sim.sensing.detector import Detection
from winnow_operators.sim.sensing.guards import SensorHealth
from winnow_operators.sim.sensing.radar import RadarObject
from winnow_operators.sim.sensing.tracker import Track
from winnow_schemas.ros.definitions import suite_typestore
from winnow_schemas.simulation.airside import Zone


class ListMessages:
    """Builds them; holds the message classes, so that none is looked up per message."""

    def __init__(self) -> None:
        store = suite_typestore()
        self._serialize = store.serialize_cdr
        types = store.types
        self._time = types["builtin_interfaces/msg/Time"]
        self._header = types["std_msgs/msg/Header"]
        self._point = types["geometry_msgs/msg/Point"]
        self._vector = types["geometry_msgs/msg/Vector3"]
        self._quaternion = types["geometry_msgs/msg/Quaternion"]
        self._make = {name: types[name] for name in types}

    def _bytes(self, name: str, **fields: Any) -> bytes:
        return bytes(self._serialize(self._make[name](**fields), name))

    def _stamped(self, t_ns: int, frame: str) -> Any:
        return self._header(stamp=self._stamp(t_ns), frame_id=frame)

    def _stamp(self, t_ns: int) -> Any:
        seconds, nanoseconds = stamp(t_ns)
        return self._time(sec=seconds, nanosec=nanoseconds)

    def _size(self, body: Body) -> Any:
        return self._vector(x=body.length_m, y=body.width_m, z=body.height_m)

    def _centre(self, ego: Pose, x: float, y: float, body: Body) -> Any:
        ahead, left = ego.to_local(x, y)
        return self._point(x=ahead, y=left, z=body.height_m / 2)

    def detections(self, t_ns: int, ego: Pose, found: Iterable[Detection]) -> bytes:
        """``winnow_msgs/DetectionArray``, vehicle frame."""
        make = self._make["winnow_msgs/msg/Detection"]
        return self._bytes(
            "winnow_msgs/msg/DetectionArray",
            header=self._stamped(t_ns, "base_link"),
            class_names=list(CLASS_NAMES),
            detections=[
                make(
                    position=self._centre(ego, each.x, each.y, each.body),
                    size=self._size(each.body),
                    yaw_rad=math.remainder(each.yaw - ego.yaw, 2 * math.pi),
                    label=each.label,
                    confidence=each.confidence,
                    class_scores=each.scores,
                    source="lidar" if each.range_m > FUSED_BELOW_M else "fused",
                )
                for each in found
            ],
        )

    def tracks(self, t_ns: int, ego: Pose, tracks: Iterable[Track]) -> bytes:
        """``winnow_msgs/TrackArray``, vehicle frame; velocities relative to the ground."""
        make = self._make["winnow_msgs/msg/Track"]
        cosine, sine = math.cos(ego.yaw), math.sin(ego.yaw)
        return self._bytes(
            "winnow_msgs/msg/TrackArray",
            header=self._stamped(t_ns, "base_link"),
            tracks=[
                make(
                    id=each.number,
                    label=each.label,
                    confidence=each.confidence,
                    age_s=each.age_s,
                    time_since_update_s=each.since_update_s,
                    position=self._centre(ego, each.x, each.y, each.body),
                    size=self._size(each.body),
                    velocity=self._vector(
                        x=each.vx * cosine + each.vy * sine, y=each.vy * cosine - each.vx * sine, z=0.0
                    ),
                    yaw_rad=math.remainder(each.yaw - ego.yaw, 2 * math.pi),
                )
                for each in tracks
            ],
        )

    def radar(self, t_ns: int, objects: Iterable[RadarObject]) -> bytes:
        """``winnow_msgs/RadarObjectArray``, vehicle frame."""
        make = self._make["winnow_msgs/msg/RadarObject"]
        return self._bytes(
            "winnow_msgs/msg/RadarObjectArray",
            header=self._stamped(t_ns, "base_link"),
            objects=[
                make(
                    position=self._point(x=each.x, y=each.y, z=0.5),
                    range_rate_mps=each.range_rate_mps,
                    rcs_dbsm=each.rcs_dbsm,
                )
                for each in objects
            ],
        )

    def path(self, t_ns: int, places: Array) -> bytes:
        """``nav_msgs/Path`` in the map; ``places`` has rows of x, y, yaw."""
        header = self._stamped(t_ns, "map")
        make, pose = self._make["geometry_msgs/msg/PoseStamped"], self._make["geometry_msgs/msg/Pose"]
        return self._bytes(
            "nav_msgs/msg/Path",
            header=header,
            poses=[
                make(
                    header=header,
                    pose=pose(position=self._point(x=x, y=y, z=0.0), orientation=self._turned(yaw)),
                )
                for x, y, yaw in places.tolist()
            ],
        )

    def _turned(self, yaw: float) -> Any:
        return self._quaternion(x=0.0, y=0.0, z=math.sin(yaw / 2), w=math.cos(yaw / 2))

    def frenet(self, t_ns: int, total: int, costs: np.ndarray[Any, np.dtype[np.float32]]) -> bytes:
        """``winnow_msgs/FrenetCandidates``; ``costs`` are those of the feasible ones."""
        return self._bytes(
            "winnow_msgs/msg/FrenetCandidates",
            stamp=self._stamp(t_ns),
            total=total,
            feasible_count=len(costs),
            costs=costs,
        )

    def planning(
        self, t_ns: int, behavior: str, planned_stop: bool, target_mps: float, to_goal_m: float, route_id: int
    ) -> bytes:
        """``winnow_msgs/PlanningState``."""
        return self._bytes(
            "winnow_msgs/msg/PlanningState",
            stamp=self._stamp(t_ns),
            behavior=behavior,
            at_planned_stop=planned_stop,
            target_speed_mps=target_mps,
            distance_to_goal_m=to_goal_m,
            route_id=route_id,
        )

    def verdicts(self, t_ns: int, names: Sequence[str], robustness: Sequence[float]) -> bytes:
        """``winnow_msgs/StlVerdicts``."""
        return self._bytes(
            "winnow_msgs/msg/StlVerdicts",
            stamp=self._stamp(t_ns),
            names=list(names),
            robustness=np.array(robustness, np.float32),
        )

    def _diagnostics(self, t_ns: int, rows: Iterable[tuple[str, int, str, dict[str, str]]]) -> bytes:
        status = self._make["diagnostic_msgs/msg/DiagnosticStatus"]
        pair = self._make["diagnostic_msgs/msg/KeyValue"]
        return self._bytes(
            "diagnostic_msgs/msg/DiagnosticArray",
            header=self._stamped(t_ns, ""),
            status=[
                status(
                    level=level,
                    name=name,
                    message=message,
                    hardware_id=name,
                    values=[pair(key=key, value=value) for key, value in values.items()],
                )
                for name, level, message, values in rows
            ],
        )

    def sensor_health(self, t_ns: int, sensors: Iterable[SensorHealth]) -> bytes:
        """``diagnostic_msgs/DiagnosticArray``, one status per sensor."""
        messages = ("ok", "fewer points than expected", "most points are missing")
        rows = (
            (
                each.name,
                each.level,
                messages[each.level],
                {"health_score": f"{each.score:.3f}", "point_count_ratio": f"{each.point_ratio:.3f}"},
            )
            for each in sensors
        )
        return self._diagnostics(t_ns, rows)

    def compute_health(self, t_ns: int, load: float, *, stalled: bool) -> bytes:
        """``diagnostic_msgs/DiagnosticArray`` of the computer; ``load`` is 0-1."""
        rows = (
            ("compute/cpu", 0, "ok", {"load": f"{0.35 + 0.2 * load:.3f}"}),
            ("compute/gpu", 0, "ok", {"load": f"{0.55 + 0.3 * load:.3f}"}),
            ("compute/memory", 0, "ok", {"used_ratio": f"{0.42 + 0.03 * load:.3f}"}),
            ("compute/temperature", 0, "ok", {"celsius": f"{52 + 9 * load:.1f}"}),
            (
                "compute/perception",
                1 if stalled else 0,
                "no result from the detector" if stalled else "ok",
                {"rate_hz": "0.0" if stalled else "10.0"},
            ),
        )
        return self._diagnostics(t_ns, rows)

    def zones(self, zones: Iterable[Zone]) -> bytes:
        """``winnow_msgs/ZoneArray``."""
        make = self._make["winnow_msgs/msg/Zone"]
        point = partial(self._make["geometry_msgs/msg/Point32"], z=0.0)
        return self._bytes(
            "winnow_msgs/msg/ZoneArray",
            zones=[
                make(name=zone.name, kind=str(zone.kind), polygon=[point(x=x, y=y) for x, y in zone.polygon])
                for zone in zones
            ],
        )

    def static_transforms(self, t_ns: int) -> bytes:
        """``tf2_msgs/TFMessage``: from ``base_link`` to every sensor, as calibrated."""
        transform, stamped = (
            self._make["geometry_msgs/msg/Transform"],
            self._make["geometry_msgs/msg/TransformStamped"],
        )
        mounts: list[tuple[str, float, float, float, float]] = [
            (lidar.frame, lidar.x, lidar.y, lidar.z, lidar.yaw) for lidar in LIDARS
        ]
        mounts += [(each.frame, each.x, each.y, each.z, each.yaw) for each in (*CAMERAS, *THERMALS)]
        mounts += [("gps", -0.8, 0.0, 1.95, 0.0), ("imu", 0.0, 0.0, 0.6, 0.0)]
        return self._bytes(
            "tf2_msgs/msg/TFMessage",
            transforms=[
                stamped(
                    header=self._stamped(t_ns, "base_link"),
                    child_frame_id=frame,
                    transform=transform(translation=self._vector(x=x, y=y, z=z), rotation=self._turned(yaw)),
                )
                for frame, x, y, z, yaw in mounts
            ],
        )


FUSED_BELOW_M = 40.0
"""Nearer than this the cameras confirm what the LiDAR detects."""
