"""ROS 2 bags that rosbag2 compressed: whole files into a temporary folder, payloads one by one."""

import shutil
import tempfile
import weakref
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO

import zstandard

from winnow_runtime.recordings.compression import ZSTD, decompress, salvage
from winnow_runtime.recordings.faults import DamageError, Faults, RecordingError, when
from winnow_runtime.recordings.limits import Limits
from winnow_runtime.recordings.source import SourceFile
from winnow_schemas.channel import Message

_PIECE_BYTES = 4096
"""A zstd block of 4 bytes may stand for 128 KiB: a piece makes at most 128 MiB."""


class UnpackedFiles:
    """A temporary folder with decompressed files; gone when closed or forgotten."""

    def __init__(self, limits: Limits, faults: Faults) -> None:
        self._left_bytes = limits.unpacked_bytes
        self._limit_bytes = limits.unpacked_bytes
        self._faults = faults
        self.folder = Path(tempfile.mkdtemp(prefix="winnow-"))
        self._close = weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    def close(self) -> None:
        """Delete everything."""
        self._close()

    def unpack(self, path: Path) -> Path:
        """Decompress one file.

        Raises:
            RecordingError: it cannot be read, or the unpacked files need more room than allowed or there is.

        """
        target = self.folder / path.name.removesuffix(".zstd")
        try:
            with path.open("rb") as packed, target.open("wb") as file:
                for part in self._parts(path, packed):
                    self._left_bytes -= len(part)
                    if self._left_bytes < 0:
                        raise RecordingError(
                            f"{path} and the files before it unpack to more than {self._limit_bytes:,} bytes, the "
                            "limit; nothing was read."
                        )
                    file.write(part)
        except OSError as error:
            raise RecordingError(
                f"{path} cannot be unpacked to {self.folder} ({error.strerror}); nothing was read."
            ) from None
        return target

    def _parts(self, path: Path, packed: BinaryIO) -> Iterator[bytes]:
        frame = zstandard.ZstdDecompressor().decompressobj()
        while piece := packed.read(_PIECE_BYTES):
            try:
                yield frame.decompress(piece)
            except zstandard.ZstdError as error:
                self._faults.add(
                    f"{path.name} is damaged before byte {packed.tell():,} ({error}); what came before was read."
                )
                return
            if frame.eof:
                return
        self._faults.add(f"{path.name} breaks off after {packed.tell():,} bytes; what is there was read.")


class UnpackedMessages(SourceFile):
    """A file whose payloads are compressed one by one."""

    def __init__(self, inner: SourceFile, limits: Limits, faults: Faults) -> None:
        self._inner = inner
        self._limits = limits
        self._faults = faults
        self.channels = inner.channels
        self.start_ns, self.end_ns = inner.start_ns, inner.end_ns
        self.message_count = inner.message_count

    @property
    def name(self) -> str:
        return self._inner.name

    def close(self) -> None:
        self._inner.close()

    def messages(
        self, topics: Collection[str] | None, start_ns: int | None, end_ns: int | None
    ) -> Iterator[Message]:
        limit = self._limits.record_bytes
        for message in self._inner.messages(topics, start_ns, end_ns):
            packed = bytes(message.data)
            try:
                size = zstandard.frame_content_size(packed)
                data = decompress(ZSTD, packed, size, limit) if size >= 0 else salvage(ZSTD, packed, limit)
            except (DamageError, zstandard.ZstdError) as error:
                self._faults.add(
                    f"{self.name}: the message of {message.channel.topic} at {when(message.t_ns)} cannot be "
                    f"decompressed ({error}); it was left out."
                )
                continue
            yield message._replace(data=data)
