"""A ROS 2 bag: a folder with storage and ``metadata.yaml``."""

import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any, Literal

import yaml

from winnow_runtime import atomic
from winnow_schemas.channel import Channel
from winnow_tools.convert.definitions import ros_type
from winnow_tools.convert.tally import Tally
from winnow_tools.convert.target import McapTarget, ReadBackError, must_agree, tally_of

_PROFILES_MAX_CHARS = 64 * 1024
"""Of a channel's QoS text; a publisher has one of 500."""
_VERSION: Literal[9] = 9
"""Of metadata.yaml, as ROS 2 Jazzy writes it."""


class Ros2Folder:
    """A bag with MCAP storage, and its folder under a temporary name until it is published.

    The MCAP file is written as every other, so publish times, definitions and sequence numbers stay; rosbags'
    own writer has no place for them.
    """

    keeps_publish_times = True
    keeps_extras = True

    def __init__(self, path: Path, compression: str = "lz4") -> None:
        self.path = path
        self._base = _fresh(path)
        self.folder = self._base / path.name
        self.folder.mkdir()
        self._storage = self.folder / f"{path.name}_0.mcap"
        self._mcap = McapTarget(self._storage, profile="ros2", compression=compression)
        self._channels: list[Channel] = []
        self._counts: Counter[int] = Counter()
        self._first_ns, self._last_ns = 2**63 - 1, -1

    def channel(self, channel: Channel) -> int:
        number = self._mcap.channel(channel)
        self._channels.append(channel)
        return number

    def message(self, number: int, t_ns: int, pub_ns: int, sequence: int, data: Any) -> None:
        self._mcap.message(number, t_ns, pub_ns, sequence, data)
        self._counts[number] += 1
        self._first_ns, self._last_ns = min(self._first_ns, t_ns), max(self._last_ns, t_ns)

    def attachment(self, name: str, media_type: str, data: bytes, t_ns: int) -> None:
        self._mcap.attachment(name, media_type, data, t_ns)

    def metadata(self, name: str, values: dict[str, str]) -> None:
        self._mcap.metadata(name, values)

    def finish(self) -> None:
        self._mcap.finish()
        self._mcap.publish()
        text = yaml.safe_dump({"rosbag2_bagfile_information": self._information()}, sort_keys=False)
        atomic.write_bytes(self.folder / "metadata.yaml", text.encode())

    def _information(self) -> dict[str, Any]:
        count = sum(self._counts.values())
        span = {
            "duration": {"nanoseconds": max(0, self._last_ns - self._first_ns) if count else 0},
            "starting_time": {"nanoseconds_since_epoch": self._first_ns if count else 0},
            "message_count": count,
        }
        topics = [
            {
                "topic_metadata": {
                    "name": channel.topic,
                    "type": channel.schema_name,
                    "serialization_format": "cdr",
                    "offered_qos_profiles": _profiles(channel),
                    "type_description_hash": dict(channel.metadata).get("topic_type_hash", ""),
                },
                "message_count": self._counts[number],
            }
            for number, channel in enumerate(self._channels, 1)
        ]
        return {
            "version": _VERSION,
            "storage_identifier": "mcap",
            **span,
            "topics_with_message_count": topics,
            "compression_format": "",
            "compression_mode": "",
            "relative_file_paths": [self._storage.name],
            "files": [{"path": self._storage.name, **span}],
            "custom_data": None,
            "ros_distro": "",
        }

    def read_back(self) -> Tally:
        return _read_back(self.folder)

    def publish(self) -> None:
        _publish(self._base, self.folder, self.path)

    def discard(self) -> None:
        self._mcap.discard()
        shutil.rmtree(self._base, ignore_errors=True)


class Ros2SqliteFolder:
    """A bag with SQLite storage, written by rosbags, under a temporary name until it is published."""

    keeps_publish_times = False
    keeps_extras = False

    def __init__(self, path: Path) -> None:
        from rosbags.rosbag2 import StoragePlugin, Writer

        self.path = path
        self._base = _fresh(path)
        self.folder = self._base / path.name
        self._writer = Writer(self.folder, version=_VERSION, storage_plugin=StoragePlugin.SQLITE3)
        self._writer.open()
        self._connections: list[Any] = []

    def channel(self, channel: Channel) -> int:
        from rosbags.rosbag2.metadata import parse_qos

        profiles = parse_qos(_profiles(channel))
        known = (channel.topic, channel.schema_name, profiles)
        for number, one in enumerate(self._connections):
            if known == (one.topic, one.msgtype, list(one.ext.offered_qos_profiles)):
                return number  # a bag tells connections apart by these alone
        self._connections.append(
            self._writer.add_connection(
                channel.topic,
                channel.schema_name,
                msgdef=channel.schema_data.decode("utf-8", "replace"),
                rihs01=dict(channel.metadata).get("topic_type_hash") or _type_hash(channel),
                offered_qos_profiles=profiles,
            )
        )
        return len(self._connections) - 1

    def message(self, number: int, t_ns: int, _pub_ns: int, _sequence: int, data: Any) -> None:
        self._writer.write(self._connections[number], t_ns, data)

    def attachment(self, name: str, media_type: str, data: bytes, t_ns: int) -> None:
        """A SQLite bag has no place for one."""

    def metadata(self, name: str, values: dict[str, str]) -> None:
        """Nor for these."""

    def finish(self) -> None:
        self._writer.close()
        for file in self.folder.iterdir():
            descriptor = os.open(file, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def read_back(self) -> Tally:
        return _read_back(self.folder)

    def publish(self) -> None:
        _publish(self._base, self.folder, self.path)

    def discard(self) -> None:
        self._writer.abort()
        shutil.rmtree(self._base, ignore_errors=True)


def _fresh(path: Path) -> Path:
    """An empty folder beside ``path`` in which it is made; what a killed conversion left there goes."""
    base = path.with_name(path.name + atomic.TEMPORARY)
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir(parents=True)
    return base


def _publish(base: Path, folder: Path, path: Path) -> None:
    atomic.sync_folder(folder)
    atomic.publish(folder, path)
    base.rmdir()


def _profiles(channel: Channel) -> list[Any]:
    """The publishers' QoS as metadata.yaml has it; text that is none is passed over."""
    text = dict(channel.metadata).get("offered_qos_profiles", "")
    try:
        value = yaml.safe_load(text) if len(text) <= _PROFILES_MAX_CHARS else None
    except yaml.YAMLError:
        return []
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        return []
    return value


def _type_hash(channel: Channel) -> str:
    kind = ros_type(channel)
    return str(kind.store.hash_rihs01(kind.name))


def _read_back(folder: Path) -> Tally:
    """And rosbags must open the folder and find as many messages in it."""
    from rosbags.rosbag2 import Reader, ReaderError

    tally = tally_of(folder)
    try:
        with Reader(folder) as reader:
            must_agree("rosbags", reader.message_count, tally)
            must_agree("rosbags", sum(connection.msgcount for connection in reader.connections), tally)
    except ReaderError as error:
        raise ReadBackError(str(error)) from None
    return tally
