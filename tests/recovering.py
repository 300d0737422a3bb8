"""Recovers bytes in memory and reads the result with the `mcap` package, for the tests of recovery."""

import io
from pathlib import Path
from typing import NamedTuple

from mcap.reader import make_reader
from tests.mcap_spec import Read

from winnow_runtime.salvage.medium import Medium
from winnow_runtime.salvage.recovery import recover_mcap
from winnow_runtime.salvage.report import Report


class Recovered(NamedTuple):
    report: Report
    messages: list[Read]
    data: bytes


def read_indexed(data: bytes) -> list[Read]:
    """All messages by `mcap`'s indexed reader, in the order of the file; the summary must be right."""
    reader = make_reader(io.BytesIO(data), validate_crcs=True)
    found = [
        Read(channel.topic, message.sequence, message.log_time, message.publish_time, message.data)
        for _, channel, message in reader.iter_messages(log_time_order=False)
    ]
    summary = reader.get_summary()
    assert summary is not None
    assert summary.statistics is not None
    assert summary.statistics.message_count == len(found)
    assert summary.statistics.chunk_count == len(summary.chunk_indexes)
    return found


def recovered(folder: Path, data: bytes, *, strict: bool = False) -> Recovered:
    """Recover bytes; the result is a whole file, and the report agrees with it."""
    path = folder / "damaged.mcap"
    path.write_bytes(data)
    medium = Medium(path)
    report = Report(str(path), len(data), strict=strict)
    file = io.BytesIO()
    try:
        recover_mcap(medium, file, folder, report)
    finally:
        medium.close()
    assert path.read_bytes() == data
    messages = read_indexed(file.getvalue())
    assert report.messages == len(messages)
    assert sum(topic.payload_bytes for topic in report.topics.values()) == sum(
        len(message.data) for message in messages
    )
    return Recovered(report, messages, file.getvalue())
