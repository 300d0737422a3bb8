"""The last step of every codec: zstd, lz4 or nothing, whichever the settings name and only where it gains."""

from collections.abc import Callable
from enum import IntEnum

import lz4.frame
import zstandard

from winnow_operators.packing.faults import PackingError
from winnow_operators.packing.wire import PAYLOAD_MAX_BYTES, PackedReader, PackedWriter
from winnow_schemas.settings.packing import Entropy

_LZ4_MAX_RATIO = 255
"""A byte of LZ4 describes at most 255 bytes (block format)."""
_LZ4_SLACK_BYTES = 64 * 1024


class _Form(IntEnum):
    STORED = 0
    ZSTD = 1
    LZ4 = 2


class Squeezer:
    """Compresses pieces. One per packer: the zstd context is reused."""

    def __init__(self, entropy: Entropy = Entropy.ZSTD, level: int = 3) -> None:
        self._form = _Form.ZSTD if entropy is Entropy.ZSTD else _Form.LZ4
        zstd = zstandard.ZstdCompressor(level=level, write_content_size=True, write_checksum=False)
        self._squeeze: Callable[[bytes], bytes] = zstd.compress if entropy is Entropy.ZSTD else _lz4

    def size(self, data: bytes) -> int:
        """How small it would become: for choosing between forms."""
        return len(self._squeeze(data))

    def put(self, writer: PackedWriter, data: bytes) -> None:
        """Write a piece, compressed where that makes it smaller."""
        squeezed = self._squeeze(data) if data else data
        if len(squeezed) < len(data):
            writer.number(self._form)
            writer.number(len(data))
            writer.data(squeezed)
        else:
            writer.number(_Form.STORED)
            writer.data(data)


def take(reader: PackedReader, limit: int = PAYLOAD_MAX_BYTES) -> bytes | memoryview:
    """Read a piece of at most ``limit`` bytes.

    Raises:
        PackingError: it is damaged, or becomes another size than was said.

    """
    form = reader.number(_Form.LZ4)
    if form == _Form.STORED:
        return reader.data(limit)
    size = reader.number(limit)
    data = reader.data()
    try:
        if form == _Form.ZSTD:
            if zstandard.frame_content_size(data) != size:
                raise PackingError(
                    f"A packed piece does not hold the {size:,} bytes that it says; it was not unpacked."
                )
            result = zstandard.ZstdDecompressor().decompress(data, max_output_size=size)
        else:
            if size > len(data) * _LZ4_MAX_RATIO + _LZ4_SLACK_BYTES:
                raise PackingError(
                    f"{len(data):,} bytes of LZ4 cannot become {size:,} bytes; the piece was not unpacked."
                )
            result = lz4.frame.LZ4FrameDecompressor().decompress(data, max_length=size + 1)
    except (RuntimeError, ValueError, EOFError, zstandard.ZstdError) as error:
        raise PackingError(
            f"A packed piece is damaged ({str(error).splitlines()[0]}); it was not unpacked."
        ) from None
    if len(result) != size:
        raise PackingError(
            f"A packed piece became {len(result):,} bytes and says {size:,}; it was not unpacked."
        )
    return result


def _lz4(data: bytes) -> bytes:
    return bytes(lz4.frame.compress(data, compression_level=0, store_size=False))
