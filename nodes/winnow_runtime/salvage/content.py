"""The content of a chunk: decompressed as far as it goes, checked, never more than a few megabytes in memory.

What is larger goes to an unnamed file beside the output and is looked at through a mapping, whose pages the
kernel may drop at any time.
"""

import mmap
import tempfile
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lz4.frame
import zstandard

from winnow_runtime.salvage.medium import Bytes
from winnow_runtime.salvage.shapes import ChunkShape

IN_MEMORY_BYTES = 8 * 1024 * 1024
"""Stored or decompressed; writers cut chunks at 1-4 MiB as a rule."""
CHUNK_MAX_BYTES = 4 * 1024 * 1024 * 1024
"""Of one chunk after decompression: what 32-bit offsets of rows reach; a bomb ends here."""
_UNSTATED_BYTES = 64 * 1024 * 1024
"""What a chunk may decompress to whose stated size may itself be damaged."""
_PIECE_BYTES = 1024 * 1024
_FED_BYTES = 2 * 1024
"""A zstd block of 4 bytes may stand for 128 KiB: a group makes at most 64 MiB."""
_ZSTD_WINDOW_BYTES = 128 * 1024 * 1024
"""The largest window that zstd's own tools accept without being asked."""
_DAMAGE = (RuntimeError, ValueError, EOFError, MemoryError, zstandard.ZstdError)


@dataclass(frozen=True, slots=True)
class Content:
    """What a chunk holds, or what is left of it."""

    raw: memoryview
    is_whole: bool
    """It decompressed to the end and has the size that its head says."""
    is_verified: bool
    """It has the CRC that its head says."""
    is_sound: bool
    """What is stored decompresses without any complaint, so that it may be passed on as it is."""

    @property
    def problem(self) -> str:
        """What is wrong with it, for the report."""
        if not self.is_whole:
            return f"only {len(self.raw):,} bytes of its content could be had"
        return "its content does not have the CRC that its head says"


def load(medium: Bytes, position: int, shape: ChunkShape, end: int, scratch: Path) -> Content:
    """The content of the chunk at ``position``, of which the bytes up to ``end`` may be used.

    Raises:
        OSError: there is no room for large content in ``scratch``.

    """
    stored_at = position + shape.data_at
    stored = max(0, min(shape.data_size, end - stored_at))
    is_cut = stored < shape.data_size
    raw: memoryview | None = None
    is_sound = True
    if stored <= IN_MEMORY_BYTES and (shape.compression == "" or shape.size <= IN_MEMORY_BYTES):
        raw = _at_once(shape, medium.read(stored_at, stored))
    if raw is None:
        gathered = _Gathered(scratch)
        is_sound = _stream(medium, stored_at, stored, shape, gathered)
        raw = gathered.view()
    is_sound = is_sound and not is_cut
    is_verified = shape.crc != 0 and zlib.crc32(raw) == shape.crc
    return Content(raw, is_sound and len(raw) == shape.size, is_verified, is_sound)


def _at_once(shape: ChunkShape, data: bytes) -> memoryview | None:
    """Fast and for what is intact; None where the careful way must be taken."""
    if shape.compression == "":
        return memoryview(data)
    result = b""
    with suppress(*_DAMAGE):
        if shape.compression == "zstd" and zstandard.frame_content_size(data) == shape.size:
            result = zstandard.ZstdDecompressor().decompress(data, max_output_size=shape.size)
        elif shape.compression == "lz4":
            frame = lz4.frame.LZ4FrameDecompressor()
            result = frame.decompress(data, max_length=shape.size + 1)
            if not frame.eof or frame.unused_data:
                return None
    return memoryview(result) if len(result) == shape.size else None


def _stream(medium: Bytes, at: int, stored: int, shape: ChunkShape, gathered: "_Gathered") -> bool:
    """Gather what decompresses; whether that was all, without any complaint."""
    left = min(max(shape.size, _UNSTATED_BYTES), CHUNK_MAX_BYTES)
    pieces = _Stored(medium, at, stored)
    frame: Any = None
    if shape.compression == "zstd":
        frame = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES).decompressobj()
    elif shape.compression == "lz4":
        frame = lz4.frame.LZ4FrameDecompressor()
    # Fed in small groups: an error throws away what its own call had made, and nothing else.
    fed = _PIECE_BYTES if frame is None else _FED_BYTES
    while left > 0 and (data := pieces.read(fed)):
        try:
            part = data if frame is None else bytes(frame.decompress(data))
        except _DAMAGE:
            return False
        gathered.add(part[:left])
        left -= len(part)
        if frame is not None and frame.eof:
            return left >= 0 and not frame.unused_data and not pieces.read(1)
    return frame is None and left >= 0


class _Stored:
    """The stored bytes as a file that is read once."""

    def __init__(self, medium: Bytes, at: int, size: int) -> None:
        self._medium, self._at, self._left = medium, at, size

    def read(self, size: int = -1) -> bytes:
        size = self._left if size < 0 else min(size, self._left)
        data = self._medium.read(self._at, size)
        self._at += len(data)
        self._left -= len(data)
        return data


class _Gathered:
    """Bytes in memory, in an unnamed file when they become many."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._memory = bytearray()
        self._file: Any = None

    def add(self, part: bytes) -> None:
        if self._file is None and len(self._memory) + len(part) > IN_MEMORY_BYTES:
            self._file = tempfile.TemporaryFile(dir=self._scratch, buffering=0)  # noqa: SIM115 - closed by view
            _write(self._file, self._memory)
            self._memory = bytearray()
        if self._file is None:
            self._memory += part
        else:
            _write(self._file, part)

    def view(self) -> memoryview:
        if self._file is None:
            return memoryview(self._memory)
        with self._file as file:
            return memoryview(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ))


def _write(file: Any, data: bytes | bytearray) -> None:
    with memoryview(data) as view:
        done = 0
        while done < len(view):
            done += file.write(view[done:])
