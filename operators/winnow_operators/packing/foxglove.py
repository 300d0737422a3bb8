"""Foxglove's protobuf messages of packed clips and videos, payload by payload."""

from collections.abc import Iterator

from foxglove_schemas_protobuf.CompressedPointCloud_pb2 import CompressedPointCloud
from foxglove_schemas_protobuf.CompressedVideo_pb2 import CompressedVideo
from foxglove_schemas_protobuf.LocationFix_pb2 import LocationFix
from foxglove_schemas_protobuf.Pose_pb2 import Pose
from foxglove_schemas_protobuf.Quaternion_pb2 import Quaternion

from winnow_operators.native.drawing import timestamp
from winnow_operators.native.schemas import foxglove_channel
from winnow_operators.packing.faults import PackingError
from winnow_schemas.channel import Channel

CLOUD_SCHEMA = "foxglove.CompressedPointCloud"
VIDEO_SCHEMA = "foxglove.CompressedVideo"
LOCATION_SCHEMA = "foxglove.LocationFix"
RESTORE_FIELD = 1000
"""Field of what Winnow needs to restore the original; protobuf readers pass over what their schema lacks."""
DATA_FIELD = 4
"""Of a CompressedPointCloud."""
_MAX_FIELDS = 4096


def cloud_message(stamp_ns: int, frame_id: str, data: bytes, restore: bytes) -> bytes:
    """A ``foxglove.CompressedPointCloud`` in Draco, whose attributes say what its columns are."""
    message = CompressedPointCloud(
        timestamp=timestamp(stamp_ns),
        frame_id=frame_id,
        pose=Pose(orientation=Quaternion(w=1.0)),
        data=data,
        format="draco",
    )
    return message.SerializeToString() + restore_field(restore)


def video_message(stamp_ns: int, frame_id: str, data: bytes, form: str, restore: bytes = b"") -> bytes:
    """A ``foxglove.CompressedVideo``; without ``restore`` it is not made from another message."""
    message = CompressedVideo(timestamp=timestamp(stamp_ns), frame_id=frame_id, data=data, format=form)
    return message.SerializeToString() + (restore_field(restore) if restore else b"")


def location_message(
    stamp_ns: int, frame_id: str, latitude_deg: float, longitude_deg: float, altitude_m: float
) -> bytes:
    """A ``foxglove.LocationFix`` whose covariance is not known."""
    return LocationFix(
        timestamp=timestamp(stamp_ns),
        frame_id=frame_id,
        latitude=latitude_deg,
        longitude=longitude_deg,
        altitude=altitude_m,
    ).SerializeToString()


def bytes_fields(payload: bytes | memoryview) -> dict[int, memoryview]:
    """The last length-prefixed value of each field number.

    Raises:
        PackingError: it is no protobuf message.

    """
    return dict(_fields(memoryview(payload)))


def cloud_channel(topic: str, metadata: tuple[tuple[str, str], ...]) -> Channel:
    """A channel of Draco clouds."""
    return foxglove_channel(topic, CompressedPointCloud, metadata)


def video_channel(topic: str, metadata: tuple[tuple[str, str], ...]) -> Channel:
    """A channel of video frames."""
    return foxglove_channel(topic, CompressedVideo, metadata)


def location_channel(topic: str, metadata: tuple[tuple[str, str], ...]) -> Channel:
    """A channel of positions."""
    return foxglove_channel(topic, LocationFix, metadata)


def restore_field(restore: bytes) -> bytes:
    """What goes behind a whole message so that the original can be had back from it."""
    return _varint(RESTORE_FIELD << 3 | 2) + _varint(len(restore)) + restore


# --- wire -------------------------------------------------------------------------------------------------


def _varint(value: int) -> bytes:
    out = bytearray()
    value &= 2**64 - 1
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    at = 0
    for _ in range(_MAX_FIELDS):
        if at == len(data):
            return
        key, at = _take_varint(data, at)
        kind = key & 7
        size = {1: 8, 5: 4}.get(kind, 0)
        if kind == 0:
            _, at = _take_varint(data, at)
            continue
        if kind == 2:
            size, at = _take_varint(data, at)
        elif not size:
            raise PackingError(
                f"A protobuf message has a field of the unknown kind {kind}; it was not unpacked."
            )
        if at + size > len(data):
            raise PackingError(
                f"A protobuf message breaks off after {len(data):,} bytes; it was not unpacked."
            )
        if kind == 2:
            yield key >> 3, data[at : at + size]
        at += size
    raise PackingError(f"A protobuf message has more than {_MAX_FIELDS:,} fields; it was not unpacked.")


def _take_varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for place in range(10):
        if at + place >= len(data):
            break
        byte = data[at + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    raise PackingError("A protobuf message has a number that does not end; it was not unpacked.")
