"""An Arrow value as one of Foxglove's messages."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pyarrow as pa
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from winnow_operators.native.row import NS

SMALL_MAX_BYTES = 128 * 1024
"""JSON of so much takes about 10 ms."""


class Native(NamedTuple):
    """A value as a node sent it."""

    value: pa.Array
    metadata: Mapping[str, Any]
    """What the sender says about it: ``encoding``, ``width``, ``height``, ``primitive``, ..."""
    t_ns: int
    """Message time, for values without a stamp of their own."""

    @property
    def is_small(self) -> bool:
        """Whether it may be looked at as Python values: the ring waits for nobody."""
        return bool(self.value.nbytes <= SMALL_MAX_BYTES)

    @property
    def names(self) -> frozenset[str]:
        """The fields of a struct."""
        kind = self.value.type
        return frozenset(field.name for field in kind) if pa.types.is_struct(kind) else frozenset()


class Drawing(NamedTuple):
    """What viewers draw, and where its bytes came from."""

    message: Message
    """Whole, with its ``data``."""
    rest: pa.Array
    """The value without what the message has as its data."""
    field: str | None = None
    """The field of the struct that became the data."""
    bulk: bytes | None = None
    """The message's data; None for a message without: then ``rest`` is the whole value."""


def timestamp(t_ns: int) -> Timestamp:
    """Nanoseconds as protobuf has them."""
    seconds, nanoseconds = divmod(t_ns, NS)
    return Timestamp(seconds=seconds, nanos=nanoseconds)
