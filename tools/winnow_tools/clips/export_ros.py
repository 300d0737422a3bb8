"""Takes clips to where ROS is spoken: as a ROS 1 bag, or as MCAP of CDR messages."""

from collections.abc import Callable, Iterator
from pathlib import Path

from mcap.reader import McapReader, make_reader

from winnow_runtime.mcapfile.records import channel_of, channels_of
from winnow_schemas.channel import Channel
from winnow_tools.clips.collection import Clip
from winnow_tools.convert.carrying import Carried, Transcode, carry, plan_for
from winnow_tools.convert.extras import pass_extras
from winnow_tools.convert.ros1_bag import Ros1BagTarget
from winnow_tools.convert.target import McapTarget, Target
from winnow_tools.convert.transcoding import as_cdr, as_ros1


def as_bag(clip: Clip, output: Path, topics: set[str]) -> Carried:
    """Write the clip's ROS topics as a ROS 1 bag.

    Raises:
        BadInputError: none of its topics can be in a bag, or a time cannot.
        OSError: the disk refuses.

    """
    return _export(clip, topics, as_ros1, lambda: Ros1BagTarget(output))


def as_ros2_mcap(clip: Clip, output: Path, topics: set[str]) -> Carried:
    """Write the clip's ROS topics as MCAP with profile ``ros2``, with its attachments and metadata.

    Raises:
        BadInputError: none of its topics can be CDR.
        OSError: the disk refuses.

    """
    return _export(clip, topics, as_cdr, lambda: McapTarget(output, profile="ros2"))


def _export(clip: Clip, topics: set[str], transcode: Transcode, make: Callable[[], Target]) -> Carried:
    with clip.path.open("rb") as file:
        reader = make_reader(file)
        channels = [channel for channel in channels_of(reader) if not topics or channel.topic in topics]
        plan = plan_for(channels, transcode)
        target = make()
        try:
            carried = carry(_messages(reader, topics), plan, target)
            pass_extras(reader, target)
            target.finish()
            target.publish()
        except BaseException:
            target.discard()
            raise
    return carried


def _messages(reader: McapReader, topics: set[str]) -> Iterator[tuple[Channel, int, int, int, bytes]]:
    channels: dict[int, Channel] = {}
    for schema, record, message in reader.iter_messages(topics=topics or None):
        if record.id not in channels:
            channels[record.id] = channel_of(schema, record)
        yield channels[record.id], message.log_time, message.publish_time, message.sequence, message.data
