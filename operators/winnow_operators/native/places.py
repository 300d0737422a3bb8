"""Where things are: positions on the earth, poses, transforms, camera calibrations."""

from collections.abc import Iterable
from typing import Any

from foxglove_schemas_protobuf.CameraCalibration_pb2 import CameraCalibration
from foxglove_schemas_protobuf.FrameTransform_pb2 import FrameTransform
from foxglove_schemas_protobuf.FrameTransforms_pb2 import FrameTransforms
from foxglove_schemas_protobuf.LocationFix_pb2 import LocationFix
from foxglove_schemas_protobuf.Odometry_pb2 import Odometry
from foxglove_schemas_protobuf.Pose_pb2 import Pose
from foxglove_schemas_protobuf.PoseInFrame_pb2 import PoseInFrame
from foxglove_schemas_protobuf.PosesInFrame_pb2 import PosesInFrame
from foxglove_schemas_protobuf.Quaternion_pb2 import Quaternion
from foxglove_schemas_protobuf.Vector3_pb2 import Vector3

from winnow_operators.native.drawing import Drawing, Native, timestamp
from winnow_operators.native.row import Row, frame_of, stamp_ns

_COVARIANCES = (0, 1, 2, 3)
"""The same numbers in sensor_msgs/NavSatFix and in LocationFix."""


def flat_pose(native: Native) -> Drawing | None:
    """Seven numbers x, y, z, qx, qy, qz, qw: dora's primitive ``pose``."""
    if native.metadata.get("primitive") != "pose" or len(native.value) != 7 or native.value.null_count:
        return None
    x, y, z, qx, qy, qz, qw = (float(each) for each in native.value.to_pylist())
    message = PoseInFrame(
        timestamp=timestamp(native.t_ns),
        frame_id=str(native.metadata.get("frame_id", "")),
        pose=Pose(position=Vector3(x=x, y=y, z=z), orientation=Quaternion(x=qx, y=qy, z=qz, w=qw)),
    )
    return Drawing(message, native.value)


def place(native: Native) -> Drawing | None:
    """The fields of NavSatFix, PoseStamped, Odometry, Path, TransformStamped, TFMessage or CameraInfo."""
    names = native.names
    make = next((make for wanted, allowed, make in _MAKERS if wanted <= names <= allowed), None)
    if make is None or len(native.value) != 1 or not native.is_small:
        return None
    row = native.value[0].as_py()
    message = make(row, stamp_ns(row, native.t_ns)) if row is not None else None
    return Drawing(message, native.value) if message is not None else None


def _fix(row: Row, t_ns: int) -> LocationFix:
    covariance = row.get("position_covariance") or []
    kind = row.get("position_covariance_type")
    message = LocationFix(
        timestamp=timestamp(t_ns),
        frame_id=frame_of(row),
        latitude=row["latitude"],
        longitude=row["longitude"],
        altitude=row.get("altitude") or 0.0,
    )
    if len(covariance) == 9 and kind in _COVARIANCES:
        message.position_covariance.extend(covariance)
        message.position_covariance_type = kind
    for key, value in (row.get("status") or {}).items():
        message.metadata.add(key=f"status.{key}", value=str(value))
    return message


def _pose_in_frame(row: Row, t_ns: int) -> PoseInFrame | None:
    pose = _pose(row.get("pose") or row)
    return pose and PoseInFrame(timestamp=timestamp(t_ns), frame_id=frame_of(row), pose=pose)


def _odometry(row: Row, t_ns: int) -> Odometry | None:
    pose, twist = _pose(row["pose"]), row["twist"]
    speeds = twist.get("twist") or twist
    return pose and Odometry(
        timestamp=timestamp(t_ns),
        frame_id=frame_of(row),
        body_frame_id=row["child_frame_id"],
        pose=pose,
        linear_velocity=Vector3(**_numbers(speeds["linear"], "xyz")),
        angular_velocity=Vector3(**_numbers(speeds["angular"], "xyz")),
        pose_covariance=row["pose"].get("covariance") or [],
        velocity_covariance=twist.get("covariance") or [],
    )


def _poses_in_frame(row: Row, t_ns: int) -> PosesInFrame | None:
    poses = [_pose(each) for each in row["poses"]]
    return PosesInFrame(
        timestamp=timestamp(t_ns),
        frame_id=frame_of(row),
        poses=[pose for pose in poses if pose is not None],
    )


def _transforms(row: Row, t_ns: int) -> FrameTransforms:
    return FrameTransforms(transforms=[_transform(each, stamp_ns(each, t_ns)) for each in row["transforms"]])


def _transform(row: Row, t_ns: int) -> FrameTransform:
    moved = row["transform"]
    return FrameTransform(
        timestamp=timestamp(t_ns),
        parent_frame_id=frame_of(row),
        child_frame_id=row["child_frame_id"],
        translation=Vector3(**_numbers(moved["translation"], "xyz")),
        rotation=Quaternion(**_numbers(moved["rotation"], "xyzw")),
    )


def _calibration(row: Row, t_ns: int) -> CameraCalibration:
    matrices = {name: row.get(name.lower(), row.get(name)) or [] for name in "DKRP"}
    return CameraCalibration(
        timestamp=timestamp(t_ns),
        frame_id=frame_of(row),
        width=row["width"],
        height=row["height"],
        distortion_model=row["distortion_model"],
        **matrices,
    )


def _pose(row: Row) -> Pose | None:
    """Out of Pose, PoseStamped or PoseWithCovariance, however deep it lies in them."""
    for _ in range(3):
        if "position" in row and "orientation" in row:
            return Pose(
                position=Vector3(**_numbers(row["position"], "xyz")),
                orientation=Quaternion(**_numbers(row["orientation"], "xyzw")),
            )
        row = row.get("pose") or {}
    return None


def _numbers(row: Row, names: Iterable[str]) -> dict[str, float]:
    return {name: float(row[name]) for name in names}


_MAKERS: tuple[tuple[frozenset[str], frozenset[str], Any], ...] = tuple(
    (frozenset(wanted.split()), frozenset(f"{wanted} {allowed}".split()), make)
    for wanted, allowed, make in (
        (
            "latitude longitude",
            "header altitude status position_covariance position_covariance_type",
            _fix,
        ),
        ("transforms", "", _transforms),
        ("transform child_frame_id", "header", _transform),
        (
            "distortion_model width height",
            "header d k r p D K R P binning_x binning_y roi",
            _calibration,
        ),
        ("poses", "header", _poses_in_frame),
        ("pose twist child_frame_id", "header", _odometry),
        ("pose", "header", _pose_in_frame),
        ("position orientation", "", _pose_in_frame),
    )
)
"""Fields that must be there, those that may, and the message. A struct with others is somebody's own: its fields stay
readable as JSON, where a well-known message would hide them from signals."""
