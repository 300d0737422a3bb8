"""What a recording holds, as numbers that two passes can compare: counts and sums of checksums, whatever the order."""

import struct
from dataclasses import dataclass, field
from typing import Any

import google_crc32c

_TIMES = struct.Struct("<qq")
_MODULUS = 1 << 64


@dataclass(slots=True)
class TopicTally:
    """What a topic contributes."""

    messages: int = 0
    payload_bytes: int = 0
    checksum: int = 0
    """Sum of the squares of the messages' CRC-32C (payload, then both times).

    A sum does not depend on the order in which readers give messages of equal times, and unlike an
    exclusive-or it notices what is there twice. SHA-256 would take longer than converting.
    """

    def add(self, t_ns: int, pub_ns: int, data: Any) -> None:
        """Count a message."""
        plain = data if isinstance(data, bytes) else bytes(data)
        crc = google_crc32c.extend(google_crc32c.value(plain), _TIMES.pack(t_ns, pub_ns))
        self.messages += 1
        self.payload_bytes += len(plain)
        self.checksum = (self.checksum + crc * crc) % _MODULUS


@dataclass(slots=True)
class Tally:
    """Messages, bytes and checksums, topic by topic; topics without messages are not in it."""

    topics: dict[str, TopicTally] = field(default_factory=dict)

    def add(self, topic: str, t_ns: int, pub_ns: int, data: Any) -> None:
        """Count a message."""
        self.of(topic).add(t_ns, pub_ns, data)

    def of(self, topic: str) -> TopicTally:
        """The part of a topic, new if need be."""
        found = self.topics.get(topic)
        if found is None:
            found = self.topics[topic] = TopicTally()
        return found

    @property
    def messages(self) -> int:
        return sum(topic.messages for topic in self.topics.values())

    @property
    def payload_bytes(self) -> int:
        return sum(topic.payload_bytes for topic in self.topics.values())

    def differences(self, found: "Tally") -> list[str]:
        """How what was found differs from this, as sentences; empty when nothing does."""
        said = []
        for name in sorted(self.topics.keys() | found.topics.keys()):
            wanted, have = self.topics.get(name, TopicTally()), found.topics.get(name, TopicTally())
            if wanted.messages != have.messages:
                said.append(f"{name} has {have.messages} messages where {wanted.messages} were written.")
            elif wanted != have:
                said.append(f"The {have.messages} messages of {name} differ from those that were written.")
        return said

    def to_json(self) -> dict[str, dict[str, Any]]:
        return {
            name: {
                "messages": topic.messages,
                "payload_bytes": topic.payload_bytes,
                "checksum": f"{topic.checksum:016x}",
            }
            for name, topic in sorted(self.topics.items())
            if topic.messages
        }
