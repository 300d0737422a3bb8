"""Which channels carry pictures: those that an encoder has compressed already, and raw ones."""

from winnow_schemas.channel import Channel

_ENCODINGS = frozenset({"jpeg", "jpg", "png", "webp", "h264", "h265", "hevc", "vp9", "av1", "mjpeg"})
_SCHEMAS = frozenset({"CompressedImage", "CompressedVideo"})
_RAW = frozenset({"sensor_msgs/Image", "sensor_msgs/msg/Image"})


def is_encoded_picture(channel: Channel) -> bool:
    """Whether its payloads are compressed pictures, which nothing makes smaller without loss."""
    return channel.encoding.lower() in _ENCODINGS or _last(channel.schema_name) in _SCHEMAS


def is_raw_image(channel: Channel) -> bool:
    """Whether it carries images as they left the sensor."""
    return channel.schema_name in _RAW and channel.encoding in ("cdr", "ros1")


def _last(name: str) -> str:
    return name.replace(".", "/").rpartition("/")[2]
