"""Makes the copy of a clip that may leave: camera topics left out, everything else byte for byte."""

import json
from dataclasses import dataclass
from pathlib import Path

from mcap.exceptions import McapError
from mcap.reader import make_reader

from winnow_operators.privacy import shows_people
from winnow_runtime import atomic
from winnow_runtime.hashed_file import HashedFile
from winnow_runtime.mcapfile.profile import profile_of
from winnow_runtime.mcapfile.records import channel_of, channels_of
from winnow_runtime.mcapfile.writer import McapWriter
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.settings.topics import Kind
from winnow_schemas.sidecar import Sidecar, read_sidecar


@dataclass(frozen=True, slots=True)
class Made:
    """What may be sent for a clip."""

    path: Path
    sidecar: Sidecar
    withheld: tuple[str, ...]
    """Topics that stay; empty when the clip itself may go."""


def make_outgoing(clip: Path, out: Path, settings: DeviceSettings) -> Made:
    """The file that may leave for ``clip``: itself when nothing in it can show people, else a copy without.

    Raises:
        BadInputError: the clip or its sidecar cannot be read; then nothing may leave.
        OSError: the disk refuses.

    """
    sidecar = read_sidecar(clip.with_suffix(".json"))
    withheld = tuple(
        topic
        for topic, content in sorted(sidecar.topic_contents.items())
        if shows_people(Kind(content.kind), content.schema_name, content.encoding)
    )
    if not withheld:
        return Made(clip, sidecar, ())
    target = out / "outgoing" / clip.parent.name / clip.name
    done = atomic.read_json(target.with_suffix(".json"))
    if target.exists() and done is not None:
        return Made(target, Sidecar.model_validate(done), withheld)
    target.parent.mkdir(parents=True, exist_ok=True)
    return Made(target, _copy(clip, target, sidecar, withheld, settings), withheld)


def _copy(
    clip: Path, target: Path, sidecar: Sidecar, withheld: tuple[str, ...], settings: DeviceSettings
) -> Sidecar:
    file = HashedFile(target)
    try:
        with clip.open("rb") as source:
            reader = make_reader(source, validate_crcs=True)
            kept = [channel for channel in channels_of(reader) if channel.topic not in withheld]
            writer = McapWriter(file.write, profile=profile_of(kept))
            numbers: dict[int, int] = {}
            for schema, channel, message in reader.iter_messages(log_time_order=True):
                if channel.topic in withheld:
                    continue
                number = numbers.get(channel.id)
                if number is None:
                    writer.stream("lz4", "lz4")
                    number = numbers[channel.id] = writer.channel(channel_of(schema, channel), "lz4")
                writer.message(number, message.log_time, message.publish_time, message.sequence, message.data)
            described = _describe(sidecar, withheld, settings)
            writer.flush()
            for attachment in reader.iter_attachments():
                data = attachment.data
                if attachment.name == "sidecar.json":
                    data = json.dumps(described.to_json(), indent=2, ensure_ascii=False).encode()
                writer.attachment(attachment.name, attachment.media_type, data, attachment.log_time)
            for metadata in reader.iter_metadata():
                writer.metadata(metadata.name, metadata.metadata)
        writer.finish()
        digest = file.publish()
    except (McapError, ValueError, EOFError) as error:
        file.discard()
        raise BadInputError(f"{clip.name} cannot be read ({error}); nothing of it leaves.") from None
    except BaseException:
        file.discard()
        raise
    described = described.completed(file.size_bytes, digest)
    atomic.write_json(target.with_suffix(".json"), described.to_json())
    return described


def _describe(sidecar: Sidecar, withheld: tuple[str, ...], settings: DeviceSettings) -> Sidecar:
    contents = {topic: content for topic, content in sidecar.topic_contents.items() if topic not in withheld}
    messages = sum(content.messages for content in contents.values())
    return sidecar.model_copy(
        update={
            "topics": sorted(contents),
            "topic_contents": contents,
            "messages": messages,
            "total_messages": messages,
            "payload_bytes": sum(content.payload_bytes for content in contents.values()),
            "latched": [item for item in sidecar.latched if item.topic not in withheld],
            "derived_from": sidecar.sha256 or "",
            "withheld_topics": list(withheld),
            "privacy": {
                "cameras": settings.redactor.cameras.value,
                "purpose": settings.redactor.purpose,
                "controller": settings.redactor.controller,
            },
            "size_bytes": None,
            "sha256": None,
            "bag_size_bytes": None,
            "bag_size_gb": None,
        }
    )
