"""Damages clips as a disk, a bug or a person might, and can make the sidecar agree with the damage."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mcap.reader import make_reader
from mcap.writer import CompressionType, Writer


@dataclass(frozen=True)
class Record:
    """A message of a clip."""

    topic: str
    t_ns: int
    pub_ns: int
    sequence: int
    data: bytes
    channel: Any
    schema: Any

    def but(self, **changes: Any) -> "Record":
        return replace(self, **changes)


def records_of(clip: Path) -> list[Record]:
    with clip.open("rb") as file:
        return [
            Record(
                channel.topic,
                message.log_time,
                message.publish_time,
                message.sequence,
                message.data,
                channel,
                schema,
            )
            for schema, channel, message in make_reader(file).iter_messages(log_time_order=False)
        ]


def rewrite(clip: Path, change: Callable[[list[Record]], list[Record]]) -> None:
    """Write the clip again with other messages, attachments as they were; the sidecar agrees afterwards."""
    with clip.open("rb") as file:
        attachments = list(make_reader(file).iter_attachments())
    records = change(records_of(clip))
    sidecar = clip.with_suffix(".json")
    said = _counted(json.loads(sidecar.read_bytes()), records)
    with clip.open("wb") as file:
        writer = Writer(file, compression=CompressionType.LZ4)
        writer.start("", "tampering")
        numbers: dict[tuple[int, bytes], int] = {}
        for record in records:
            key = (record.channel.id, record.schema.data)
            if key not in numbers:
                schema = writer.register_schema(
                    record.schema.name, record.schema.encoding, record.schema.data
                )
                numbers[key] = writer.register_channel(
                    record.topic, record.channel.message_encoding, schema, record.channel.metadata
                )
            writer.add_message(numbers[key], record.t_ns, record.data, record.pub_ns, record.sequence)
        for attachment in attachments:
            data = attachment.data
            if attachment.name == "sidecar.json":
                data = json.dumps(_counted(json.loads(data), records)).encode()
            writer.add_attachment(
                attachment.create_time, attachment.log_time, attachment.name, attachment.media_type, data
            )
        writer.finish()
    sidecar.write_text(json.dumps(said))
    seal(clip)


def _counted(sidecar: dict[str, Any], records: list[Record]) -> dict[str, Any]:
    inside = [record for record in records if sidecar["start_ns"] <= record.t_ns < sidecar["end_ns"]]
    outside = [record for record in records if record not in inside]
    sidecar["messages"] = sidecar["total_messages"] = len(inside)
    for topic, content in sidecar["topic_contents"].items():
        content["messages"] = sum(record.topic == topic for record in inside)
    sidecar["latched"] = [
        {"topic": record.topic, "t_ns": record.t_ns, "length_bytes": len(record.data)} for record in outside
    ]
    return sidecar


def seal(clip: Path) -> None:
    """Let the sidecar's size and hash agree with the file."""
    sidecar = clip.with_suffix(".json")
    said = json.loads(sidecar.read_bytes())
    data = clip.read_bytes()
    said["sha256"], said["size_bytes"] = hashlib.sha256(data).hexdigest(), len(data)
    sidecar.write_text(json.dumps(said))
