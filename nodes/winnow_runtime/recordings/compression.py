"""Decompression that never makes more bytes than it was told to expect."""

import bz2
import io
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import lz4.frame
import zstandard

from winnow_runtime.recordings.faults import DamageError

_LZ4_MAX_RATIO = 255
"""A byte of an LZ4 block describes at most 255 bytes of output (LZ4 block format)."""
_SLACK_BYTES = 64 * 1024
_PIECE_BYTES = 1024 * 1024
_ZSTD_WINDOW_BYTES = 128 * 1024 * 1024
"""The largest window that zstd's own tools accept without being asked."""

NONE, LZ4, ZSTD, BZ2 = "", "lz4", "zstd", "bz2"


def decompress(compression: str, data: bytes, size: int, limit: int) -> bytes:
    """Exactly ``size`` bytes.

    Raises:
        DamageError: the data do not decompress to that, or ``size`` is above ``limit`` or impossible.

    """
    if compression == NONE:
        if len(data) != size:
            raise DamageError(f"it holds {len(data):,} bytes where its head says {size:,}")
        return data
    if size > limit:
        raise DamageError(f"it says that it decompresses to {size:,} bytes, the limit is {limit:,}")
    if size == 0:
        return b""
    try:
        result = _whole(compression, data, size)
    except (RuntimeError, ValueError, OSError, EOFError, zstandard.ZstdError) as error:
        raise DamageError(f"it cannot be decompressed ({_first_line(error)})") from None
    except MemoryError:
        raise DamageError(f"there is no memory for the {size:,} bytes that it decompresses to") from None
    if len(result) != size:
        raise DamageError(f"it decompresses to something else than the {size:,} bytes its head says")
    return result


def salvage(compression: str, data: bytes, limit: int) -> bytes:
    """Decompress data whose end is missing or damaged, as far as it goes, up to ``limit`` bytes."""
    if compression == NONE:
        return data[:limit]
    result = bytearray()
    with suppress(RuntimeError, ValueError, OSError, EOFError, MemoryError, zstandard.ZstdError):
        for part in _pieces(compression, data, limit):  # what came before the damage is good
            result += part
    return bytes(result[:limit])


def is_supported(compression: str) -> bool:
    """Whether ``decompress`` knows this name."""
    return compression in (NONE, LZ4, ZSTD, BZ2)


def _whole(compression: str, data: bytes, size: int) -> bytes:
    if compression == LZ4:
        if size > len(data) * _LZ4_MAX_RATIO + _SLACK_BYTES:
            raise DamageError(f"{len(data):,} bytes of LZ4 cannot decompress to {size:,}")
        return bytes(lz4.frame.LZ4FrameDecompressor().decompress(data, max_length=size + 1))
    if compression == ZSTD:
        stated = zstandard.frame_content_size(data)
        if stated not in (size, -1):
            raise DamageError(f"its zstd frame says {stated:,} bytes, its head {size:,}")
        return zstandard.ZstdDecompressor().decompress(data, max_output_size=size)
    if compression == BZ2:
        return bz2.BZ2Decompressor().decompress(data, max_length=size + 1)
    raise DamageError(f"its compression {compression!r} is not supported (known: none, lz4, zstd, bz2)")


def _pieces(compression: str, data: bytes, limit: int) -> Iterator[bytes]:
    if compression == ZSTD:
        reader = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES).stream_reader(
            io.BytesIO(data)
        )
        made = 0
        while made < limit and (part := reader.read(_PIECE_BYTES)):
            made += len(part)
            yield part
        return
    if compression not in (LZ4, BZ2):
        return
    stream: Any = lz4.frame.LZ4FrameDecompressor() if compression == LZ4 else bz2.BZ2Decompressor()
    made = fed = 0
    while made < limit and not stream.eof and (fed < len(data) or not stream.needs_input):
        piece = data[fed : fed + _SLACK_BYTES] if stream.needs_input else b""
        fed += len(piece)
        part = stream.decompress(piece, max_length=_PIECE_BYTES * 8)
        made += len(part)
        yield part


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
