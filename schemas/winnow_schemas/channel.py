"""A channel: what is needed to read the payloads of a topic, and a message of one."""

from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Channel:
    """How the payloads of one topic are encoded, with the schema text that the recording carries.

    Follows MCAP's Channel and Schema records: ``encoding`` is the message encoding (``cdr``, ``ros1``,
    ``json``, ``protobuf``, ``jpeg``, ...), ``schema_encoding`` says how ``schema_data`` is written
    (``ros2msg``, ``ros1msg``, ``jsonschema``, ``protobuf``, or empty).
    """

    topic: str
    encoding: str
    schema_name: str = ""
    schema_encoding: str = ""
    schema_data: bytes = b""
    metadata: tuple[tuple[str, str], ...] = field(default=())
    """The channel's own key-value pairs, sorted by key (ROS keeps the QoS of the publisher here)."""

    @property
    def is_latched(self) -> bool:
        """Whether the publisher promised its last message to late joiners (transient local, latching)."""
        meta = dict(self.metadata)
        qos = meta.get("offered_qos_profiles", "")
        return (
            "durability: 1" in qos
            or "transient_local" in qos
            or meta.get("latching", "") in ("1", "true", "True")
            or self.topic in ("/tf_static", "/robot_description")
        )


class Message(NamedTuple):
    """One recorded message with its original bytes and times."""

    channel: Channel
    t_ns: int
    """Log time, nanoseconds UTC: the time that every decision uses."""
    pub_ns: int
    """Publish time as recorded, nanoseconds."""
    data: bytes | memoryview
    """The payload exactly as it was encoded at the source."""
