"""Writes small, valid recordings for tests, with the writers that others use (mcap, rosbags)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mcap.writer import CompressionType, IndexType, Writer
from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime
from rosbags.rosbag1 import Writer as Bag1Writer
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer as Bag2Writer
from rosbags.typesys import Stores, get_typestore

ROS1 = get_typestore(Stores.ROS1_NOETIC)
ROS2 = get_typestore(Stores.ROS2_HUMBLE)


class Sent(NamedTuple):
    """A message as a test wants it recorded."""

    topic: str
    t_ns: int
    data: bytes
    pub_ns: int = -1

    @property
    def published_ns(self) -> int:
        return self.t_ns if self.pub_ns < 0 else self.pub_ns


def in_play_order(sent: Sequence[Sent]) -> list[tuple[str, int, int, bytes]]:
    """What a recording of these must play: by time, ties as written."""
    return [
        (message.topic, message.t_ns, message.published_ns, message.data)
        for message in sorted(sent, key=lambda message: message.t_ns)
    ]


def played(recording: Any, **selection: Any) -> list[tuple[str, int, int, bytes]]:
    """What a recording plays, comparable with :func:`in_play_order`."""
    return [
        (message.channel.topic, message.t_ns, message.pub_ns, bytes(message.data))
        for message in recording.messages(**selection)
    ]


def write_mcap(
    path: Path,
    sent: Sequence[Sent],
    *,
    compression: CompressionType = CompressionType.NONE,
    chunk_bytes: int = 256,
    chunked: bool = True,
    metadata: dict[str, str] | None = None,
    **options: Any,
) -> Path:
    with path.open("wb") as file:
        writer = Writer(
            file, compression=compression, chunk_size=chunk_bytes, use_chunking=chunked, **options
        )
        writer.start("ros2", "winnow-tests")
        schema = writer.register_schema("test_msgs/msg/Blob", "ros2msg", b"uint8[] data\n")
        channels: dict[str, int] = {}
        for number, message in enumerate(sent):
            if message.topic not in channels:
                channels[message.topic] = writer.register_channel(
                    message.topic, "cdr", schema, metadata or {}
                )
            writer.add_message(
                channels[message.topic], message.t_ns, message.data, message.published_ns, number
            )
        writer.finish()
    return path


NO_INDEX: dict[str, Any] = {
    "index_types": IndexType.NONE,
    "use_statistics": False,
    "use_summary_offsets": False,
    "repeat_channels": False,
    "repeat_schemas": False,
}


def write_ros1(
    path: Path,
    sent: Sequence[Sent],
    *,
    compression: str = "none",
    chunk_bytes: int = 512,
    latching: int = 0,
    definition: str = "uint8[] data\n",
) -> Path:
    writer = Bag1Writer(path)
    if compression != "none":
        writer.set_compression(Bag1Writer.CompressionFormat[compression.upper()])
    writer.chunk_threshold = chunk_bytes
    with writer:
        connections: dict[str, Any] = {}
        for message in sent:
            if message.topic not in connections:
                connections[message.topic] = writer.add_connection(
                    message.topic,
                    "test_msgs/msg/Blob",
                    msgdef=definition,
                    md5sum="f43a8e1b362b75baa741461b46adc7e0",
                    latching=latching,
                    callerid="/winnow_tests",
                )
            writer.write(connections[message.topic], message.t_ns, message.data)
    return path


TRANSIENT_LOCAL = Qos(
    QosHistory.KEEP_LAST,
    1,
    QosReliability.RELIABLE,
    QosDurability.TRANSIENT_LOCAL,
    QosTime(0, 0),
    QosTime(0, 0),
    QosLiveliness.AUTOMATIC,
    QosTime(0, 0),
    avoid_ros_namespace_conventions=False,
)


def write_ros2(
    path: Path,
    sent: Sequence[Sent],
    *,
    storage: StoragePlugin = StoragePlugin.SQLITE3,
    version: int = 9,
    compression: tuple[Any, Any] | None = None,
    qos: Sequence[Qos] = (),
    type_name: str = "std_msgs/msg/String",
) -> Path:
    writer = Bag2Writer(path, version=version, storage_plugin=storage)
    if compression is not None:
        writer.set_compression(*compression)
    with writer:
        connections: dict[str, Any] = {}
        for message in sent:
            if message.topic not in connections:
                connections[message.topic] = writer.add_connection(
                    message.topic, type_name, typestore=ROS2, offered_qos_profiles=qos
                )
            writer.write(connections[message.topic], message.t_ns, message.data)
    return path
