"""ROS 1 bags that were cut off or never closed (`.bag.active`): what is readable, as MCAP.

The reader of bags finds the chunks without the index and takes what it can of damaged ones; bags have no
checksums, so nothing in them can be proven right.
"""

from pathlib import Path
from typing import IO, Any

from winnow_runtime.mcapfile.writer import McapWriter
from winnow_runtime.recordings import open_recording
from winnow_runtime.salvage.medium import Medium
from winnow_runtime.salvage.report import NO_CHECKSUM, Report
from winnow_runtime.salvage.walk import Progress
from winnow_schemas.channel import Channel

_STREAM = "bag"
_COMPRESSION = "zstd"


def recover_bag(
    medium: Medium, file: IO[bytes], _scratch: Path, report: Report, progress: Progress | None = None
) -> None:
    """Play the bag into an MCAP file, in time order.

    Raises:
        RecordingError: it is encrypted, or not a bag.

    """
    report.container = "ROS 1 bag"

    def put(data: Any) -> None:
        file.write(data)

    writer = McapWriter(put, profile="ros1")
    writer.stream(_STREAM, _COMPRESSION)
    numbers: dict[Channel, int] = {}
    sequences: dict[int, int] = {}
    with open_recording(medium.path) as recording:
        total = recording.message_count or 0
        for done, (channel, t_ns, pub_ns, data) in enumerate(recording.messages()):
            topic = report.topic(channel.topic)
            if report.strict:
                topic.left_out += 1
                continue
            number = numbers.get(channel)
            if number is None:
                number = numbers[channel] = writer.channel(channel, _STREAM)
            sequences[number] = sequences.get(number, 0) + 1
            writer.message(number, t_ns, pub_ns, sequences[number], data)
            topic.first_ns = min(topic.first_ns, t_ns) if topic.messages else t_ns
            topic.last_ns = max(topic.last_ns, t_ns) if topic.messages else t_ns
            topic.messages += 1
            topic.unverified += 1
            topic.payload_bytes += len(data)
            if progress is not None and total and done % 4096 == 0:
                progress(min(1.0, done / total))
        for channel in recording.channels:
            if channel not in numbers:
                writer.channel(channel, _STREAM)
                report.topic(channel.topic)
        problems = recording.problems
    if report.messages:
        report.unverified[NO_CHECKSUM] = report.messages
    report.is_finished = not problems
    report.is_damaged = bool(problems)
    report.sections = 1
    for problem in problems:
        report.note(problem)
    writer.finish()
