"""Takes clips to where ROS is spoken: as a ROS 1 bag, or as MCAP of CDR messages."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcap.reader import McapReader, make_reader

from winnow_runtime.hashed_file import HashedFile
from winnow_runtime.mcapfile.records import channel_of
from winnow_runtime.mcapfile.writer import McapWriter
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError
from winnow_tools.clips.collection import Clip
from winnow_tools.convert.ros1_bag import Ros1BagFile
from winnow_tools.convert.transcoding import PayloadError, Transcoded, as_cdr, as_ros1

_STREAM = "lz4"

Put = Callable[[int, int, int, int, Any], None]
"""Takes channel number, log time, publish time, sequence number and payload."""


@dataclass(slots=True)
class LeftOut:
    """What the target could not hold, as sentences."""

    sentences: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Carried:
    """A channel of the clip on its way."""

    channel: Channel
    transcoded: Transcoded
    number: int
    broken: int = 0
    reason: str = ""


def as_bag(clip: Clip, output: Path, topics: set[str]) -> LeftOut:
    """Write the clip's ROS topics as a ROS 1 bag.

    Raises:
        BadInputError: none of its topics can be in a bag, or a time cannot.
        OSError: the disk refuses.

    """
    bag = Ros1BagFile(output)
    try:
        with clip.path.open("rb") as file:
            left = _carry(
                make_reader(file),
                topics,
                as_ros1,
                bag.channel,
                lambda number, t_ns, _pub_ns, _sequence, data: bag.message(number, t_ns, data),
            )
        bag.finish()
        bag.publish()
    except BaseException:
        bag.discard()
        raise
    return left


def as_ros2_mcap(clip: Clip, output: Path, topics: set[str]) -> LeftOut:
    """Write the clip's ROS topics as MCAP with profile ``ros2``, with its attachments and metadata.

    Raises:
        BadInputError: none of its topics can be CDR.
        OSError: the disk refuses.

    """
    target = HashedFile(output)
    try:
        writer = McapWriter(target.write, profile="ros2")
        writer.stream(_STREAM, "lz4")
        with clip.path.open("rb") as file:
            reader = make_reader(file)
            left = _carry(
                reader, topics, as_cdr, lambda channel: writer.channel(channel, _STREAM), writer.message
            )
            for attachment in reader.iter_attachments():
                writer.attachment(
                    attachment.name, attachment.media_type, attachment.data, attachment.log_time
                )
            for metadata in reader.iter_metadata():
                writer.metadata(metadata.name, metadata.metadata)
        writer.finish()
        target.publish()
    except BaseException:
        target.discard()
        raise
    return left


def _carry(
    reader: McapReader,
    topics: set[str],
    transcode: Callable[[Channel], Transcoded],
    declare: Callable[[Channel], int],
    put: Put,
) -> LeftOut:
    """Pass the messages on in the order of time."""
    left = LeftOut()
    carried: dict[int, _Carried | None] = {}
    numbers: dict[Channel, int] = {}
    for schema, record, message in reader.iter_messages(topics=topics or None):
        if record.id not in carried:
            channel = channel_of(schema, record)
            try:
                made = transcode(channel)
            except BadInputError as error:
                carried[record.id] = None
                left.sentences.append(f"{error} It was left out.")
                continue
            if made.channel not in numbers:
                numbers[made.channel] = declare(made.channel)
            carried[record.id] = _Carried(channel, made, numbers[made.channel])
        one = carried[record.id]
        if one is None:
            continue
        data: Any = message.data
        if one.transcoded.convert is not None:
            try:
                data = one.transcoded.convert(data)
            except PayloadError as error:
                one.broken += 1
                one.reason = one.reason or str(error)
                continue
        put(one.number, message.log_time, message.publish_time, message.sequence, data)
    if not numbers:
        raise BadInputError(
            " ".join([*left.sentences, "The clip has no ROS messages of these topics; nothing was written."])
        )
    left.sentences += [_broken_sentence(one) for one in carried.values() if one is not None and one.broken]
    return left


def _broken_sentence(one: _Carried) -> str:
    if one.broken == 1:
        return (
            f"1 message of {one.channel.topic} does not match its definition ({one.reason}) and was left out."
        )
    return f"{one.broken} messages of {one.channel.topic} do not match their definition ({one.reason}) and were left out."
