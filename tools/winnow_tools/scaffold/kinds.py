"""What kind of data a topic carries, judged by its type first and by its name second."""

import re
from typing import NamedTuple

from winnow_schemas.channel import Channel
from winnow_schemas.settings.topics import DEFAULT_COMPRESSION, Compression, Kind

_THERMAL = re.compile(r"thermal|lwir|infrared|flir|boson", re.IGNORECASE)
_COMPRESSED_IMAGES = frozenset(("CompressedImage", "CompressedVideo", "FFMPEGPacket"))
_VIDEO_ENCODINGS = frozenset(("h264", "h265", "jpeg", "png", "av1"))

_BY_TYPE: dict[str, Kind] = {
    name: kind
    for kind, names in {
        Kind.LIDAR: "PointCloud2 PointCloud LaserScan MultiEchoLaserScan VelodyneScan PacketMsg CompressedPointCloud "
        "CustomMsg",
        Kind.CAMERA: "Image CompressedImage CompressedVideo RawImage FFMPEGPacket",
        Kind.IMU: "Imu ImuSample MagneticField",
        Kind.POSE: "NavSatFix LocationFix LocationFixes Odometry Pose PoseStamped PoseWithCovariance "
        "PoseWithCovarianceStamped PoseInFrame GeoPoint GeoPointStamped PlaceMatch MapResidual LidarConsistency",
        Kind.CAN: "Frame CanFrame VehicleState Twist TwistStamped TwistWithCovarianceStamped JointState "
        "AckermannDrive AckermannDriveStamped BatteryState",
        Kind.PERCEPTION: "Detection2DArray Detection3DArray DetectionArray Detection Track TrackArray RadarObject "
        "RadarObjectArray RadarScan RadarTracks ObjectsStamped Weather",
        Kind.PLANNING: "Path Trajectory OccupancyGrid FrenetCandidates PlanningState PosesInFrame JointTrajectory",
        Kind.STATUS: "Bool String TFMessage DiagnosticArray DiagnosticStatus Log CameraInfo CameraCalibration "
        "FrameTransform FrameTransforms TransformStamped StlVerdicts ZoneArray NavSatStatus",
    }.items()
    for name in names.split()
}
_BY_NAME: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (re.compile(r"lidar|velodyne|points|scan|cloud", re.IGNORECASE), Kind.LIDAR),
    (re.compile(r"camera|image|video", re.IGNORECASE), Kind.CAMERA),
    (re.compile(r"\bimu|accel|gyro", re.IGNORECASE), Kind.IMU),
    (re.compile(r"gps|gnss|odom|pose|locali[sz]ation", re.IGNORECASE), Kind.POSE),
    (re.compile(r"\bcan\d*\b|vehicle|wheel|steer", re.IGNORECASE), Kind.CAN),
    (re.compile(r"perception|detect|track|radar", re.IGNORECASE), Kind.PERCEPTION),
    (re.compile(r"plan|route|traject", re.IGNORECASE), Kind.PLANNING),
    (re.compile(r"status|state|diagnostic|health|safety", re.IGNORECASE), Kind.STATUS),
)


class Judged(NamedTuple):
    """The verdict on a topic."""

    kind: Kind
    compression: Compression


def judge(channel: Channel) -> Judged:
    """Kind and compression of a topic; what the type does not tell, its name may."""
    type_name = re.split(r"[/.]", channel.schema_name)[-1]
    kind = _BY_TYPE.get(type_name)
    if channel.encoding in _VIDEO_ENCODINGS:
        kind = Kind.CAMERA
    if kind is None:
        kind = next((kind for pattern, kind in _BY_NAME if pattern.search(channel.topic)), Kind.OTHER)
        if kind.shows_people and not _is_compressed(channel, type_name):
            return Judged(kind, Compression.LZ4)
    if kind is Kind.CAMERA and _THERMAL.search(channel.topic):
        kind = Kind.THERMAL
    if kind.shows_people and not _is_compressed(channel, type_name):
        return Judged(kind, Compression.LZ4)  # raw pixels: passing them through would store them whole
    return Judged(kind, DEFAULT_COMPRESSION[kind])


def _is_compressed(channel: Channel, type_name: str) -> bool:
    return type_name in _COMPRESSED_IMAGES or channel.encoding in _VIDEO_ENCODINGS
