"""Where converted messages go: something that is written under another name and then appears whole."""

import os
from pathlib import Path
from typing import Any, Protocol

from mcap.exceptions import McapError
from mcap.reader import make_reader

from winnow_runtime import atomic
from winnow_runtime.mcapfile.writer import McapWriter
from winnow_runtime.recordings import open_recording
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError
from winnow_tools.convert.tally import Tally, TopicTally

_STREAM = "messages"


class Target(Protocol):
    """Takes channels and their messages, in the order of time. All of it raises OSError when the disk refuses."""

    path: Path
    keeps_publish_times: bool
    keeps_extras: bool
    """Attachments and metadata records."""

    def channel(self, channel: Channel) -> int:
        """Add a channel; its number."""
        ...

    def message(self, number: int, t_ns: int, pub_ns: int, sequence: int, data: Any) -> None:
        """Add a message."""
        ...

    def attachment(self, name: str, media_type: str, data: bytes, t_ns: int) -> None:
        """Add a file, where the target has room for one."""
        ...

    def metadata(self, name: str, values: dict[str, str]) -> None:
        """Add pairs, where the target has room for them."""
        ...

    def finish(self) -> None:
        """Complete it, durably, under its temporary name."""
        ...

    def read_back(self) -> Tally:
        """What is in it; after :meth:`finish`.

        Raises:
            ReadBackError: it cannot be read, or somebody else's reader finds another number of messages.

        """
        ...

    def publish(self) -> None:
        """Give it its name."""
        ...

    def discard(self) -> None:
        """Give up: nothing remains."""
        ...


class ReadBackError(Exception):
    """What was written cannot be read; the text says why."""


class McapTarget:
    """One MCAP file."""

    keeps_publish_times = True
    keeps_extras = True

    def __init__(self, path: Path, *, profile: str, compression: str = "lz4") -> None:
        """``compression``: of the chunks, ``""``, ``lz4`` or ``zstd``."""
        self.path = path
        self._temporary = path.with_name(path.name + atomic.TEMPORARY)
        self._file = self._temporary.open("wb", buffering=0)
        self._writer = McapWriter(self._put, profile=profile)
        self._writer.stream(_STREAM, compression)

    def channel(self, channel: Channel) -> int:
        return self._writer.channel(channel, _STREAM)

    def message(self, number: int, t_ns: int, pub_ns: int, sequence: int, data: Any) -> None:
        self._writer.message(number, t_ns, pub_ns, sequence, data)

    def attachment(self, name: str, media_type: str, data: bytes, t_ns: int) -> None:
        self._writer.attachment(name, media_type, data, t_ns)

    def metadata(self, name: str, values: dict[str, str]) -> None:
        self._writer.metadata(name, values)

    def finish(self) -> None:
        self._writer.finish()
        os.fsync(self._file.fileno())
        self._file.close()

    def read_back(self) -> Tally:
        """And the `mcap` package must find as many messages in its index."""
        tally = tally_of(self._temporary)
        try:
            with self._temporary.open("rb") as file:
                summary = make_reader(file).get_summary()
        except (McapError, ValueError, EOFError) as error:
            raise ReadBackError(str(error) or type(error).__name__) from None
        indexed = summary.statistics.message_count if summary and summary.statistics else 0
        must_agree("mcap", indexed, tally)
        return tally

    def publish(self) -> None:
        atomic.publish(self._temporary, self.path)

    def discard(self) -> None:
        self._file.close()
        self._temporary.unlink(missing_ok=True)

    def _put(self, data: Any) -> None:
        with memoryview(data) as whole, whole.cast("B") as view:
            done = 0
            while done < len(view):
                done += self._file.write(view[done:])


def tally_of(path: Path) -> Tally:
    """What is in a recording, by Winnow's own reader, which shares nothing with what writes, every CRC checked.

    Raises:
        ReadBackError: it is damaged.

    """
    tally = Tally()
    parts: dict[int, tuple[Channel, TopicTally]] = {}
    try:
        with open_recording(path) as recording:
            for channel, t_ns, pub_ns, data in recording.messages():
                part = parts.get(id(channel))
                if part is None:
                    part = parts[id(channel)] = channel, tally.of(channel.topic)
                part[1].add(t_ns, pub_ns, data)
            problems = recording.problems
    except BadInputError as error:
        raise ReadBackError(str(error)) from None
    if problems:
        raise ReadBackError(problems[0])
    return tally


def must_agree(who: str, count: int, tally: Tally) -> None:
    """Compare what somebody else's reader finds in the index with what is there.

    Raises:
        ReadBackError: they differ.

    """
    if count != tally.messages:
        raise ReadBackError(f"{who} finds {count} messages in it, and {tally.messages} are there")
