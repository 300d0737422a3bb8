"""The chunk compressions of MCAP."""

from collections.abc import Callable
from typing import Any

import lz4.frame
import zstandard

from winnow_schemas.errors import BadInputError

Compress = Callable[[memoryview], Any]

ZSTD_LEVEL = 3
"""Table 5.4 of the vehicle document: level 3 for staging; 6 gains a few percent on IMU for 5 x the time."""


def compressor(name: str) -> Compress | None:
    """A function from raw bytes to compressed bytes; None when bytes stay as they are (``""``)."""
    if name == "":
        return None
    if name == "lz4":
        return _lz4
    if name == "zstd":
        return zstandard.ZstdCompressor(
            level=ZSTD_LEVEL, write_content_size=True, write_checksum=False
        ).compress
    raise BadInputError(
        f"MCAP has no chunk compression {name!r}; allowed: '', lz4, zstd. Nothing was written."
    )


def _lz4(data: memoryview) -> bytes:
    result: bytes = lz4.frame.compress(data, compression_level=0, store_size=False)
    return result


def decompress(name: str, data: memoryview, size: int) -> bytes | memoryview:
    """Undo :func:`compressor`; ``size`` is what the chunk says that it will be.

    Raises:
        BadInputError: the bytes are damaged, or become another size than was said.

    """
    try:
        if name == "":
            result: bytes | memoryview = data
        elif name == "lz4":
            result = lz4.frame.decompress(data)
        elif name == "zstd":
            result = zstandard.ZstdDecompressor().decompress(data, max_output_size=size)
        else:
            raise BadInputError(f"The chunk compression {name!r} is not known; the chunk was not read.")
    except (RuntimeError, zstandard.ZstdError) as error:
        raise BadInputError(f"A {name} chunk is damaged ({error}); it was not read.") from None
    if len(result) != size:
        raise BadInputError(f"A chunk became {len(result)} bytes and says {size}; it was not read.")
    return result
