"""From what arrives to channels: schema text, and the metadata that rosbag2 keeps."""

from winnow_operators.ros2.keys import TopicKey
from winnow_operators.ros2.qos import Qos
from winnow_ros2.definitions import Definitions
from winnow_schemas.channel import Channel


class ChannelMaker:
    """One channel per topic, type, hash and offered profiles."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._made: dict[tuple[TopicKey, tuple[Qos, ...]], Channel] = {}
        self.problems: list[tuple[str, str, str]] = []
        """(topic, type, why it has no schema), to be named once each."""
        self._complained: set[tuple[str, str, str]] = set()

    def channel(self, key: TopicKey, profiles: tuple[Qos, ...]) -> Channel:
        """The channel; without a definition it has the type's name and no schema text."""
        made = self._made.get((key, profiles))
        if made is None:
            made = self._made[key, profiles] = self._make(key, profiles)
        return made

    def _make(self, key: TopicKey, profiles: tuple[Qos, ...]) -> Channel:
        found = self._definitions.find(key.type_name, key.type_hash)
        complaint = (key.topic, key.type_name, found.problem)
        if found.problem and complaint not in self._complained:
            self._complained.add(complaint)
            self.problems.append(complaint)
        metadata = {
            "offered_qos_profiles": "".join(profile.to_rosbag2() for profile in profiles),
            "topic_type_hash": key.type_hash,
        }
        return Channel(
            topic=key.topic,
            encoding="cdr",
            schema_name=key.type_name,
            schema_encoding="ros2msg" if found.text else "",
            schema_data=found.text,
            metadata=tuple(sorted((name, text) for name, text in metadata.items() if text)),
        )
