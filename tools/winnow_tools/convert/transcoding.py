"""Payloads of ROS 1 as CDR, and back, with the channel that describes them."""

import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from winnow_operators.ros2.qos import TRANSIENT_LOCAL, Qos
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError
from winnow_tools.convert.definitions import HEADER, RosType, UnknownTypeError, ros_type

_LATCHED = Qos(durability=TRANSIENT_LOCAL, depth=1)
_ROS1 = ("ros1", "ros1msg")
_ROS2 = (("cdr", "ros2msg"), ("cdr", "ros2idl"))

Convert = Callable[[Any], Any]
"""Bytes-like in, bytes-like out; raises :class:`PayloadError`."""


class PayloadError(Exception):
    """A payload does not match its definition; the text says where."""


@dataclass(frozen=True, slots=True)
class Transcoded:
    """A channel in the form that the target wants."""

    channel: Channel
    convert: Convert | None
    """None where the payloads stay as they are."""
    loses: str = ""
    """What the target has no place for, as the end of a sentence."""


def is_ros(channel: Channel) -> bool:
    """Whether the payloads are ROS messages of a kind that can be carried into the other generation."""
    return (channel.encoding, channel.schema_encoding) in (_ROS1, *_ROS2)


def as_cdr(channel: Channel) -> Transcoded:
    """The channel as ROS 2 has it.

    Raises:
        BadInputError: its messages are no ROS messages, or their definition cannot be used.

    """
    if (channel.encoding, channel.schema_encoding) in _ROS2:
        return Transcoded(channel, None)
    kind = _type_of(channel, "as CDR")
    name, text = kind.as_ros2()
    metadata = (("offered_qos_profiles", _LATCHED.to_rosbag2() if channel.is_latched else ""),)
    made = Channel(channel.topic, "cdr", name, "ros2msg", text, metadata)
    return Transcoded(made, _ros1_to_cdr(kind), _sequence_lost(kind))


def as_ros1(channel: Channel) -> Transcoded:
    """The channel as ROS 1 has it, with ``md5sum`` in its metadata.

    Raises:
        BadInputError: its messages are no ROS messages, or their definition cannot be used.

    """
    if (channel.encoding, channel.schema_encoding) == _ROS1:
        if dict(channel.metadata).get("md5sum"):
            return Transcoded(channel, None)
        _, _, digest = _type_of(channel, "in a ROS 1 bag").as_ros1()
        pairs = {**dict(channel.metadata), "md5sum": digest}
        return Transcoded(replace(channel, metadata=tuple(sorted(pairs.items()))), None)
    kind = _type_of(channel, "as ROS 1 messages")
    name, text, digest = kind.as_ros1()
    metadata = {"md5sum": digest, **({"latching": "1"} if channel.is_latched else {})}
    made = Channel(
        channel.topic,
        "ros1",
        name.replace("/msg/", "/"),
        "ros1msg",
        text.encode(),
        tuple(sorted(metadata.items())),
    )
    return Transcoded(made, _cdr_to_ros1(kind))


def _type_of(channel: Channel, wanted: str) -> RosType:
    if not is_ros(channel):
        given = f"{channel.encoding or 'no encoding'} with {channel.schema_encoding or 'no schema'}"
        raise BadInputError(f"{channel.topic} is {given}: no ROS messages, so it cannot be written {wanted}.")
    try:
        return ros_type(channel)
    except UnknownTypeError as error:
        raise BadInputError(f"{channel.topic} cannot be written {wanted}: {error}.") from None


def _ros1_to_cdr(kind: RosType) -> Convert:
    return guarded(kind.store.ros1_to_cdr, kind.name)


def _cdr_to_ros1(kind: RosType) -> Convert:
    little = guarded(kind.store.cdr_to_ros1, kind.name)

    def turned(data: Any, name: str) -> Any:
        store = kind.store
        return store.cdr_to_ros1(store.serialize_cdr(store.deserialize_cdr(data, name), name), name)

    big = guarded(turned, kind.name)

    def convert(data: Any) -> Any:
        return big(data) if bytes(data[:2]) == b"\x00\x00" else little(data)

    return convert


def guarded(convert: Callable[[Any, str], Any], name: str) -> Convert:
    """Whatever the generated code stumbles over in a damaged payload is one kind of error."""
    from rosbags.serde import SerdeError

    def guarded(data: Any) -> Any:
        try:
            return convert(data, name)
        except (SerdeError, struct.error, ValueError, IndexError, AssertionError, OverflowError) as error:
            reason = (str(error).splitlines() or [""])[0][:120] or "it is too short or too long"
            raise PayloadError(reason) from None

    return guarded


def _sequence_lost(kind: RosType) -> str:
    return "`seq` of the headers, which ROS 2 does not have" if HEADER in kind.fields else ""
