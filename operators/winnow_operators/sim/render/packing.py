"""Fixed-layout messages as CDR, packed with precompiled structs.

Plain CDR, little endian, alignment counted from behind the four bytes of encapsulation header (OMG DDS-XTypes
1.3, 7.4). Every layout here is checked in the tests by decoding it with rosbags.
"""

import struct
from collections.abc import Sequence
from typing import Final

HEADER: Final = b"\x00\x01\x00\x00"
"""Encapsulation: plain CDR, little endian, no options."""

_IMU = struct.Struct("<4siI6d")
_VEHICLE = struct.Struct("<4siI4fBB")
_FLOAT64 = struct.Struct("<4sd")
_BOOL = struct.Struct("<4s?")
_PLACE = struct.Struct("<4siIfI")
_RESIDUAL = struct.Struct("<4siI3f")
_WEATHER = struct.Struct("<4siI4f")
_POSE = struct.Struct("<4siII4s7d")
_FIX = struct.Struct("<4siII4sbxH4x12dB")
_CONSISTENCY = struct.Struct("<4siII8fI8f")
STAMP = struct.Struct("<iI")
"""``builtin_interfaces/Time``."""
_U32 = struct.Struct("<I")

Three = tuple[float, float, float]
Four = tuple[float, float, float, float]


def stamp(t_ns: int) -> tuple[int, int]:
    """``builtin_interfaces/Time``: seconds and nanoseconds."""
    return divmod(t_ns, 1_000_000_000)


def imu(t_ns: int, rates: Three, accelerations: Three) -> bytes:
    """``winnow_msgs/ImuSample``; rad/s and m/s2."""
    return _IMU.pack(HEADER, *stamp(t_ns), *rates, *accelerations)


def vehicle_state(
    t_ns: int, speed_mps: float, steering_rad: float, pedals: tuple[float, float], gear: int
) -> bytes:
    """``winnow_msgs/VehicleState``, autonomous; ``pedals`` are throttle and brake, 0-1."""
    return _VEHICLE.pack(HEADER, *stamp(t_ns), speed_mps, steering_rad, *pedals, gear, 0)


def float64(value: float) -> bytes:
    """``std_msgs/Float64``."""
    return _FLOAT64.pack(HEADER, value)


def boolean(value: bool) -> bytes:
    """``std_msgs/Bool``."""
    return _BOOL.pack(HEADER, value)


def text(value: str) -> bytes:
    """``std_msgs/String``."""
    data = value.encode() + b"\0"
    return HEADER + _U32.pack(len(data)) + data


def place_match(t_ns: int, score: float, candidates: int) -> bytes:
    """``winnow_msgs/PlaceMatch``."""
    return _PLACE.pack(HEADER, *stamp(t_ns), score, candidates)


def map_residual(t_ns: int, offset_m: tuple[float, float], rms_m: float) -> bytes:
    """``winnow_msgs/MapResidual``."""
    return _RESIDUAL.pack(HEADER, *stamp(t_ns), *offset_m, rms_m)


def weather(t_ns: int, visibility_m: float, rain_mm_h: float, light_lux: float, temp_c: float) -> bytes:
    """``winnow_msgs/Weather``."""
    return _WEATHER.pack(HEADER, *stamp(t_ns), visibility_m, rain_mm_h, light_lux, temp_c)


def pose(t_ns: int, position: Three, quaternion: Four) -> bytes:
    """``geometry_msgs/PoseStamped`` in frame ``map``; quaternion as x, y, z, w."""
    return _POSE.pack(HEADER, *stamp(t_ns), 4, b"map", *position, *quaternion)


def nav_sat_fix(t_ns: int, status: int, place: Three, variances: Three) -> bytes:
    """``sensor_msgs/NavSatFix`` in frame ``gps``; degrees and m, diagonal covariance in m2."""
    east, north, up = variances
    covariance = (east, 0.0, 0.0, 0.0, north, 0.0, 0.0, 0.0, up)
    gps_service, diagonal_known = 1, 2
    return _FIX.pack(
        HEADER, *stamp(t_ns), 4, b"gps", status, gps_service, *place, *covariance, diagonal_known
    )


def lidar_consistency(t_ns: int, residuals_m: Sequence[float], overlaps: Sequence[float]) -> bytes:
    """``winnow_msgs/LidarConsistency`` of eight LiDARs."""
    return _CONSISTENCY.pack(HEADER, *stamp(t_ns), 8, *residuals_m, 8, *overlaps)


class _Tail:
    """Builds the parts of a message that do not change."""

    def __init__(self) -> None:
        self.data = bytearray()

    def align(self, size: int) -> None:
        self.data += b"\0" * (-len(self.data) % size)

    def u32(self, value: int) -> int:
        """Append; where it stands, counted from behind the encapsulation header."""
        self.align(4)
        place = len(self.data)
        self.data += _U32.pack(value)
        return place

    def string(self, value: str) -> None:
        encoded = value.encode() + b"\0"
        self.u32(len(encoded))
        self.data += encoded


class CloudLayout:
    """``sensor_msgs/PointCloud2`` of x, y, z, intensity as float32, in one frame."""

    POINT_BYTES = 16

    def __init__(self, frame: str) -> None:
        tail = _Tail()
        tail.data += bytes(8)
        tail.string(frame)
        tail.u32(1)
        self._width = tail.u32(0)
        tail.u32(4)
        for number, name in enumerate(("x", "y", "z", "intensity")):
            tail.string(name)
            tail.u32(4 * number)
            tail.data += b"\x07"  # FLOAT32
            tail.u32(1)
        tail.data += b"\x00"  # little endian
        tail.u32(self.POINT_BYTES)
        self._row = tail.u32(0)
        self._size = tail.u32(0)
        self._prefix = HEADER + bytes(tail.data)

    def pack(self, t_ns: int, points: bytes | memoryview) -> bytes:
        """A message around the points' bytes; all of them are finite (dense)."""
        prefix = bytearray(self._prefix)
        size = len(points)
        STAMP.pack_into(prefix, 4, *stamp(t_ns))
        _U32.pack_into(prefix, 4 + self._width, size // self.POINT_BYTES)
        _U32.pack_into(prefix, 4 + self._row, size)
        _U32.pack_into(prefix, 4 + self._size, size)
        return b"".join((prefix, points, b"\x01"))


class ImageLayout:
    """``sensor_msgs/CompressedImage`` of one format, in one frame."""

    def __init__(self, frame: str, image_format: str) -> None:
        tail = _Tail()
        tail.data += bytes(8)
        tail.string(frame)
        tail.string(image_format)
        self._size = tail.u32(0)
        self._prefix = HEADER + bytes(tail.data)

    def pack(self, t_ns: int, data: bytes) -> bytes:
        """A message around an encoded image."""
        prefix = bytearray(self._prefix)
        STAMP.pack_into(prefix, 4, *stamp(t_ns))
        _U32.pack_into(prefix, 4 + self._size, len(data))
        return b"".join((prefix, data))
