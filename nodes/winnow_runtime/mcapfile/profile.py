"""Which MCAP profile a file's channels keep to."""

from collections.abc import Iterable

from winnow_schemas.channel import Channel


def profile_of(channels: Iterable[Channel]) -> str:
    """``ros2`` or ``ros1`` when all channels are of that kind, else empty.

    rosbags opens an MCAP file only when its header says ``ros2``.
    """
    kinds = {_kind(channel) for channel in channels}
    return kinds.pop() if len(kinds) == 1 else ""


def _kind(channel: Channel) -> str:
    if channel.encoding == "cdr" and channel.schema_encoding in ("ros2msg", "ros2idl"):
        return "ros2"
    if channel.encoding == "ros1" and channel.schema_encoding == "ros1msg":
        return "ros1"
    return ""
