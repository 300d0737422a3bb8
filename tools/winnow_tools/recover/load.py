"""What the proofs of recovery record: messages whose bytes follow from their number, so that any can be checked."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from mcap.reader import make_reader
from mcap.records import Message as McapMessage
from mcap.stream_reader import StreamReader

from winnow_runtime.warm.index import segments
from winnow_runtime.warm.reader import WarmReader
from winnow_runtime.warm.writer import Item, SegmentWriter
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError

CHANNELS = {
    0: Channel("/imu", "cdr", "sensor_msgs/msg/Imu", "ros2msg", b"float64 x\n"),
    1: Channel("/lidar", "raw"),
}
SIZES = {0: 200, 1: 80_000}
"""Payload bytes: signals and bulk go into different chunks."""
Key = tuple[int, int]
"""Channel and sequence number."""


class Sent(NamedTuple):
    """A message that the writer accepted."""

    channel: int
    seq: int
    t_ns: int


def payload(channel: int, seq: int) -> bytes:
    """The bytes of a message."""
    return random.Random(seq << 1 | channel).randbytes(SIZES[channel])  # noqa: S311 - reproducible, not secret


def schedule(start_ns: int, step_ns: int, bulk_every: int) -> Iterator[Sent]:
    """Messages for ever: one signal per step, and a bulk message now and then."""
    tick = 0
    while True:
        t_ns = start_ns + tick * step_ns
        yield Sent(0, tick + 1, t_ns)
        if tick % bulk_every == 0:
            yield Sent(1, tick // bulk_every + 1, t_ns)
        tick += 1


def write(writer: SegmentWriter, sent: Sent) -> None:
    """Record a message."""
    data = payload(sent.channel, sent.seq)
    topic = CHANNELS[sent.channel].topic
    item = Item(topic, sent.seq - 1, sent.channel, sent.seq, sent.t_ns, sent.t_ns, len(data), 0)

    def fill(target: memoryview) -> bool:
        target[:] = data
        return True

    writer.add(item, fill)


def by_rows(folder: Path) -> set[Key]:
    """What the warm tier's own reader gives, bytes checked."""
    reader = WarmReader(folder)
    found: set[Key] = set()
    for segment, rows in reader.window(-(2**62), 2**62):
        for row in rows:
            key = int(row["channel"]), int(row["seq"])
            try:
                data = bytes(reader.payload(segment, row))
            except BadInputError:
                continue
            if data == payload(*key):
                found.add(key)
    return found


def by_index(folder: Path) -> set[Key]:
    """What `mcap`'s indexed reader gives of the segments."""
    return _read(
        folder, lambda file: (m for _, _, m in make_reader(file, validate_crcs=True).iter_messages())
    )


def by_stream(folder: Path) -> set[Key]:
    """What `mcap`'s streaming reader gives."""
    return _read(
        folder,
        lambda file: (
            r for r in StreamReader(file, validate_crcs=True).records if isinstance(r, McapMessage)
        ),
    )


def _read(folder: Path, messages: Callable[..., Iterator[McapMessage]]) -> set[Key]:
    found: set[Key] = set()
    for segment in segments(folder):
        with segment.path.open("rb") as file:
            try:
                for message in messages(file):
                    key = message.channel_id - 1, message.sequence
                    if key[0] in SIZES and message.data == payload(*key):
                        found.add(key)
            except Exception:  # noqa: BLE001, S112 - whatever a reader does with a torn file, it ends here
                continue
    return found
