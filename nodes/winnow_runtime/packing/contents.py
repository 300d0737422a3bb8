"""The messages of a clip of any profile, as they were recorded, in the order in which a clip is cut."""

import heapq
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from mcap.exceptions import McapError
from mcap.reader import McapReader, SeekingReader
from mcap.records import Attachment, Metadata

from winnow_operators.packing import PackingError
from winnow_operators.packing.block import Timed
from winnow_runtime.mcapfile.records import channel_of
from winnow_runtime.packing.origin import Origin, origin_of, refuse_notes
from winnow_runtime.packing.unpacker import Unpacker
from winnow_schemas.errors import BadInputError, WinnowError
from winnow_schemas.settings.packing import Codec
from winnow_schemas.settings.topics import Kind
from winnow_schemas.sidecar import Sidecar

CHUNK_MAX_BYTES = 512 * 1024 * 1024
"""One chunk after decompression, as in recordings."""
RECORD_MAX_BYTES = 512 * 1024 * 1024
_BULK = frozenset({Kind.LIDAR.value, Kind.CAMERA.value, Kind.THERMAL.value})


class Restored(NamedTuple):
    """An original message; ``number`` is the channel's number in the file."""

    number: int
    t_ns: int
    pub_ns: int
    sequence: int
    data: bytes | memoryview


class ClipContents:
    """A clip that is open. Whatever is wrong with it is a BadInputError."""

    def __init__(self, path: Path, file: IO[bytes], sidecar: Sidecar) -> None:
        self.path = path
        self.sidecar = sidecar
        self._reader: McapReader = self._guard(
            lambda: SeekingReader(file, validate_crcs=True, record_size_limit=RECORD_MAX_BYTES)
        )
        summary = self._guard(self._reader.get_summary)
        if summary is None:
            raise BadInputError(f"{path.name} has no summary; nothing was read. `winnow recover` writes one.")
        for chunk in summary.chunk_indexes:
            if chunk.uncompressed_size > CHUNK_MAX_BYTES:
                raise BadInputError(
                    f"{path.name} has a chunk of {chunk.uncompressed_size:,} bytes, the limit is {CHUNK_MAX_BYTES:,}; "
                    "nothing was read."
                )
        self._summary = summary
        self.origins: dict[int, Origin] = self._guard(self._origins)
        """By the channel's number in the file."""

    @property
    def is_packed(self) -> bool:
        """Whether any channel is not as it was recorded."""
        return any(origin.codec is not Codec.PASSTHROUGH for origin in self.origins.values())

    def messages(self) -> Iterator[Restored]:
        """Latched ones from before the window by topic, then the window in the order (time, topic, sequence)."""
        start_ns = max(0, self.sidecar.start_ns)
        early = list(self._unpacked(None, start_ns)) if start_ns else []
        early.sort(key=lambda one: self.origins[one.number].channel.topic)
        yield from early
        waiting: list[tuple[tuple[int, str, int, int], Restored]] = []
        for place, (due_ns, found) in enumerate(self._groups(start_ns, None)):
            while waiting and waiting[0][0][0] < due_ns:
                yield heapq.heappop(waiting)[1]
            for order, one in enumerate(found):
                topic = self.origins[one.number].channel.topic
                heapq.heappush(waiting, ((one.t_ns, topic, one.sequence, place << 20 | order), one))
        while waiting:
            yield heapq.heappop(waiting)[1]

    def attachments(self) -> list[Attachment]:
        return self._guard(lambda: list(self._reader.iter_attachments()))  # type: ignore[no-any-return]

    def metadata(self) -> list[Metadata]:
        return self._guard(lambda: list(self._reader.iter_metadata()))  # type: ignore[no-any-return]

    # --- inside -------------------------------------------------------------------------------------------

    def _origins(self) -> dict[int, Origin]:
        result = {}
        streams: dict[int, str] | None = None
        for number, record in self._summary.channels.items():
            channel = channel_of(self._summary.schemas.get(record.schema_id), record)
            origin = origin_of(channel)
            if origin is None:
                refuse_notes(channel)
                streams = self._streams() if streams is None else streams
                origin = Origin(channel, streams.get(number, "lz4"), Codec.PASSTHROUGH)
            result[number] = origin
        return result

    def _streams(self) -> dict[int, str]:
        """The chunk stream of each channel, from which channels share chunks and how those are compressed."""
        kinds = {topic: content.kind for topic, content in self.sidecar.topic_contents.items()}
        is_bulk = {
            number: kinds.get(record.topic) in _BULK for number, record in self._summary.channels.items()
        }
        mixed = any(
            len({is_bulk.get(number) for number in chunk.message_index_offsets}) > 1
            for chunk in self._summary.chunk_indexes
        )
        found = {}
        for chunk in self._summary.chunk_indexes:
            for number in chunk.message_index_offsets:
                group = "" if mixed else "bulk:" if is_bulk.get(number) else "signals:"
                found[number] = group + chunk.compression
        return found

    def _groups(self, from_ns: int | None, before_ns: int | None) -> Iterator[tuple[int, list[Restored]]]:
        """(time from which on everything else is, the original messages) per message of the file."""
        unpackers: dict[int, Unpacker] = {}
        found = self._guard(lambda: self._reader.iter_messages(starting_at=from_ns, ending_before=before_ns))
        while (item := self._guard(lambda: next(found, None))) is not None:
            _, record, message = item
            timed = Timed(message.log_time, message.publish_time, message.sequence, message.data)
            unpacker = unpackers.get(record.id)
            if unpacker is None:
                unpacker = unpackers[record.id] = Unpacker(self.origins[record.id].codec)
            parts = self._guard(lambda unpacker=unpacker, timed=timed: unpacker.unpack(timed))
            yield message.log_time, [Restored(record.id, *part) for part in parts]

    def _unpacked(self, from_ns: int | None, before_ns: int | None) -> Iterator[Restored]:
        for _, group in self._groups(from_ns, before_ns):
            yield from group

    def _guard(self, read: Any) -> Any:
        try:
            return read()
        except PackingError as error:
            raise BadInputError(f"{self.path.name}: {error}") from None
        except WinnowError:
            raise
        except (McapError, ValueError, EOFError, RuntimeError, OverflowError, KeyError, OSError) as error:
            what = str(error) or type(error).__name__
            raise BadInputError(
                f"{self.path.name} cannot be read ({what}); nothing more of it was read."
            ) from None
        except Exception as error:
            if type(error).__module__.partition(".")[0] not in ("zstandard", "zstd", "lz4", "struct"):
                raise
            raise BadInputError(
                f"{self.path.name} is damaged ({error}); nothing more of it was read."
            ) from None
