"""Times of a clip's messages from its index: no payload is read or decompressed."""

from pathlib import Path
from typing import IO

import numpy as np
from mcap.exceptions import McapError
from mcap.reader import make_reader
from numpy.typing import NDArray

from winnow_schemas.errors import BadInputError

_HEAD_BYTES = 15
"""Of a MessageIndex record: opcode, length, channel, length of its entries."""
_OPCODE = 7
_ENTRY = np.dtype([("t_ns", "<u8"), ("offset", "<u8")])
_RECORD_MAX_BYTES = 1 << 30


def message_times(path: Path) -> dict[str, NDArray[np.int64]]:
    """Log times by topic, shape (n,) each, in the order of the file.

    Raises:
        BadInputError: the file cannot be read, or has no index.

    """
    found: dict[str, list[NDArray[np.int64]]] = {}
    try:
        with path.open("rb") as file:
            summary = make_reader(file).get_summary()
            if summary is None:
                raise BadInputError(f"{path} has no index (it was cut off?); `winnow recover` makes one.")
            for chunk in summary.chunk_indexes:
                for channel, offset in chunk.message_index_offsets.items():
                    topic = summary.channels[channel].topic
                    found.setdefault(topic, []).append(_entries(file, offset))
    except OSError as error:
        raise BadInputError(f"{path} cannot be read ({error.strerror}).") from None
    except (McapError, ValueError, KeyError, EOFError) as error:
        raise BadInputError(
            f"The index of {path} cannot be read ({str(error)[:120] or type(error).__name__})."
        ) from None
    return {topic: np.concatenate(parts) for topic, parts in found.items()}


def _entries(file: IO[bytes], offset: int) -> NDArray[np.int64]:
    file.seek(offset)
    head = file.read(_HEAD_BYTES)
    size = int.from_bytes(head[11:15], "little")
    if len(head) < _HEAD_BYTES or head[0] != _OPCODE or size > _RECORD_MAX_BYTES or size % _ENTRY.itemsize:
        raise ValueError("it points to something else")
    data = file.read(size)
    if len(data) < size:
        raise ValueError("it is cut off")
    return np.frombuffer(data, _ENTRY)["t_ns"].astype(np.int64)
