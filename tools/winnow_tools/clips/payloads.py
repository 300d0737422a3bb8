"""Whole messages of the few kinds that can be drawn: cameras and clouds, whatever they are encoded in."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from google.protobuf import message_factory
from google.protobuf.message import DecodeError

from winnow_operators.fields import FieldError
from winnow_operators.fields.protobuf_fields import load_descriptor
from winnow_schemas.channel import Channel
from winnow_tools.convert.definitions import UnknownTypeError, ros_type
from winnow_tools.convert.transcoding import PayloadError, guarded


class Drawn(Enum):
    """What a message is drawn as."""

    PICTURE = auto()
    """Encoded in itself: JPEG, PNG; or, with another format, a frame of a video."""
    RAW = auto()
    CLOUD = auto()


_TYPES = {
    "sensor_msgs/CompressedImage": Drawn.PICTURE,
    "foxglove_msgs/CompressedImage": Drawn.PICTURE,
    "foxglove_msgs/CompressedVideo": Drawn.PICTURE,
    "foxglove.CompressedImage": Drawn.PICTURE,
    "foxglove.CompressedVideo": Drawn.PICTURE,
    "sensor_msgs/Image": Drawn.RAW,
    "foxglove_msgs/RawImage": Drawn.RAW,
    "foxglove.RawImage": Drawn.RAW,
    "sensor_msgs/PointCloud2": Drawn.CLOUD,
    "foxglove_msgs/PointCloud": Drawn.CLOUD,
    "foxglove.PointCloud": Drawn.CLOUD,
}


@dataclass(frozen=True, slots=True)
class Drawable:
    """How to read the messages of a channel that can be drawn."""

    kind: Drawn
    read: Callable[[bytes], Any]
    """The message with its fields as attributes; raises :class:`PayloadError`."""


def drawable(channel: Channel) -> Drawable | None:
    """How to read a channel; None where nothing of it can be drawn."""
    kind = _TYPES.get(channel.schema_name.replace("/msg/", "/"))
    if kind is None:
        return None
    try:
        if channel.encoding == "protobuf":
            return Drawable(kind, _protobuf(channel))
        if channel.encoding not in ("cdr", "ros1"):
            return None
        known = ros_type(channel)
    except (UnknownTypeError, FieldError):
        return None
    store = known.store

    def read_ros1(data: bytes, name: str) -> Any:
        return store.deserialize_cdr(store.ros1_to_cdr(data, name), name)

    return Drawable(
        kind, guarded(store.deserialize_cdr if channel.encoding == "cdr" else read_ros1, known.name)
    )


def _protobuf(channel: Channel) -> Callable[[bytes], Any]:
    kind = message_factory.GetMessageClass(load_descriptor(channel.schema_name, channel.schema_data))

    def read(data: bytes) -> Any:
        try:
            return kind.FromString(data)
        except DecodeError as error:
            raise PayloadError(str(error)[:120]) from None

    return read
