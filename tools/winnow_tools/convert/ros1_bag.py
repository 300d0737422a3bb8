"""A ROS 1 bag of version 2.0, written by rosbags."""

import os
from pathlib import Path
from typing import Any

from winnow_operators.fields.standard_types import full_name
from winnow_runtime import atomic
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError
from winnow_tools.convert.tally import Tally
from winnow_tools.convert.target import ReadBackError, must_agree, tally_of

END_NS = (1 << 32) * 1_000_000_000
"""A bag's times have 32 bits of seconds: they end in February 2106."""


class Ros1BagTarget:
    """Connections and messages of one bag, under a temporary name until it is published.

    Raises:
        OSError: the disk refuses.

    """

    keeps_publish_times = False
    keeps_extras = False

    def __init__(self, path: Path, compression: str = "lz4") -> None:
        """``compression``: of the chunks, ``""``, ``bz2`` or ``lz4``."""
        from rosbags.rosbag1 import Writer

        self.path = path
        self.temporary = path.with_name(path.name + atomic.TEMPORARY)
        self.temporary.unlink(missing_ok=True)  # of a conversion that was killed
        self._writer = Writer(self.temporary)
        if compression:
            self._writer.set_compression(Writer.CompressionFormat[compression.upper()])
        self._writer.open()
        self._connections: list[Any] = []
        self._numbers: dict[tuple[str, str, str, str, str | None, int | None], int] = {}
        self._written_chunks = 0

    def channel(self, channel: Channel) -> int:
        """Add a connection; its number. ``channel`` is of ROS 1 messages and has ``md5sum`` in its metadata."""
        metadata = dict(channel.metadata)
        latching = metadata.get("latching")
        header = (
            channel.topic,
            full_name(channel.schema_name),
            channel.schema_data.decode("utf-8", "replace"),
            metadata["md5sum"],
            metadata.get("callerid"),
            None if latching is None else int(latching in ("1", "true", "True")),
        )
        if header not in self._numbers:  # a bag tells connections apart by these alone
            topic, type_name, definition, digest, caller, latch = header
            self._numbers[header] = len(self._connections)
            self._connections.append(
                self._writer.add_connection(
                    topic, type_name, msgdef=definition, md5sum=digest, callerid=caller, latching=latch
                )
            )
        return self._numbers[header]

    def message(self, number: int, t_ns: int, _pub_ns: int, _sequence: int, data: Any) -> None:
        """Add a message.

        Raises:
            BadInputError: its time is none that a bag can hold.

        """
        if not 0 <= t_ns < END_NS:
            raise BadInputError(
                f"A message at {t_ns} ns cannot be in a ROS 1 bag, whose times run from 1970 to 2106; "
                f"{self.path} was not written."
            )
        self._writer.write(self._connections[number], t_ns, data)
        self._forget_places()

    def _forget_places(self) -> None:
        """Of a chunk that is in the file, closing needs only the numbers of its messages, not each one's place."""
        chunks = self._writer.chunks
        while self._written_chunks < len(chunks) - 1:
            places: dict[int, Any] = chunks[self._written_chunks].connections
            for connection, entries in places.items():
                places[connection] = range(len(entries))
            self._written_chunks += 1

    def attachment(self, name: str, media_type: str, data: bytes, t_ns: int) -> None:
        """A bag has no place for one."""

    def metadata(self, name: str, values: dict[str, str]) -> None:
        """Nor for these."""

    def finish(self) -> None:
        """Write the index and make it durable, still under the temporary name."""
        self._writer.close()
        with self.temporary.open("rb+") as file:
            os.fsync(file.fileno())

    def read_back(self) -> Tally:
        """And rosbags must find as many messages in its index."""
        from rosbags.rosbag1 import Reader, ReaderError

        tally = tally_of(self.temporary)
        try:
            with Reader(self.temporary) as reader:
                must_agree("rosbags", reader.message_count, tally)
        except (ReaderError, AssertionError) as error:
            raise ReadBackError(str(error) or "rosbags refuses it") from None
        return tally

    def publish(self) -> None:
        """Give it its name."""
        atomic.publish(self.temporary, self.path)

    def discard(self) -> None:
        """Give up: nothing remains."""
        self._writer.abort()
        self.temporary.unlink(missing_ok=True)
