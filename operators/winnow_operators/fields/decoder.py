"""Decodes chosen fields of the messages of one channel."""

import math
import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from winnow_operators.fields.faults import FieldError
from winnow_operators.fields.json_reader import NotJsonError, json_reader
from winnow_operators.fields.path import parse_path
from winnow_operators.fields.program import Reader, compile_reader
from winnow_operators.fields.protobuf_fields import NotProtobufError, load_descriptor, protobuf_reader
from winnow_operators.fields.resolution import Finish, Leaf, Resolved, Value, resolve
from winnow_operators.fields.schema import schema_tree
from winnow_operators.fields.tree import Structure, Type
from winnow_operators.fields.wire import ShortPayloadError, Wire
from winnow_schemas.channel import Channel

MAX_PATHS = 1000
"""Of one decoder; triggers of the document's suite read 20 fields of one topic at most."""
MAX_OBJECT_BYTES = 64 * 1024 * 1024
"""Payload of JSON or protobuf: decoding makes several times as much memory of it."""

_ENCAPSULATIONS = {
    2: "parameter-list CDR (big endian)",
    3: "parameter-list CDR",
    6: "XCDR2 (big endian)",
    7: "XCDR2",
    8: "delimited XCDR2 (big endian)",
    9: "delimited XCDR2",
    10: "parameter-list XCDR2 (big endian)",
    11: "parameter-list XCDR2",
}
"""Representation identifiers of DDS-XTypes 1.3, table 59."""


class FieldDecoder:
    """Built once per channel and set of paths; see :mod:`winnow_operators.fields.path` for the grammar.

    Values are ``float`` (integers and enumerations too, exact up to 2**53), ``bool``, ``str``, ``int``
    (nanoseconds), a 1-D array (float64, bool, int64 nanoseconds, or objects for text), or ``None`` when the
    message does not have the field. Payload bytes outside the fields asked for are not looked at.
    """

    def __init__(self, channel: Channel, paths: Sequence[str]) -> None:
        """Prepare reading ``paths``.

        Raises:
            FieldError: a path does not exist or is no value, or the channel cannot be decoded.

        """
        if len(paths) > MAX_PATHS:
            raise FieldError(
                f"{len(paths):,} field paths were asked for, the limit is {MAX_PATHS:,}; none was used."
            )
        self.channel = channel
        self.paths = tuple(paths)
        self._schema = channel.schema_name or channel.topic
        root = schema_tree(channel)
        resolved = [resolve(root, parse_path(path)) for path in paths]
        self.values: tuple[Value, ...] = tuple(item.value for item in resolved)
        """What kind of value each path gives."""
        leaves = [leaf for item in resolved for leaf in item.leaves]
        self._read = self._reader(root, leaves)
        self._finish = _finishers(resolved)

    def decode(self, data: bytes | memoryview) -> tuple[Any, ...]:
        """Read one payload; one value per path, in their order.

        Raises:
            FieldError: the payload is shorter than its definition says, or not of the channel's encoding.

        """
        try:
            raw = self._read(data)
        except (struct.error, ShortPayloadError, IndexError):
            raise FieldError(
                f"A message of {self.channel.topic} has {len(data):,} bytes, fewer than its definition "
                f"({self._schema}) promises; none of its fields was read."
            ) from None
        except (NotJsonError, NotProtobufError) as error:
            raise FieldError(
                f"A message of {self.channel.topic} is no {self.channel.encoding} of {self._schema} "
                f"({str(error)[:120]}); none of its fields was read."
            ) from None
        if self._finish is None:
            return raw
        return tuple([finish(raw) for finish in self._finish])

    def _reader(self, root: Type, leaves: Sequence[Leaf]) -> Reader:
        encoding = self.channel.encoding
        if encoding == "json":
            return self._limited(json_reader(leaves))
        if encoding == "protobuf":
            descriptor = load_descriptor(self.channel.schema_name, self.channel.schema_data)
            return self._limited(protobuf_reader(descriptor, leaves))
        assert isinstance(root, Structure)
        if encoding == "ros1":
            return compile_reader(root, leaves, Wire(aligns=False, big_endian=False))
        return self._cdr(root, leaves)

    def _cdr(self, root: Structure, leaves: Sequence[Leaf]) -> Reader:
        little = compile_reader(root, leaves, Wire(aligns=True, big_endian=False))
        big: list[Reader] = []

        def read(data: bytes | memoryview) -> tuple[Any, ...]:
            if data[1] == 1 and data[0] == 0:
                return little(data)
            if data[1] == 0 and data[0] == 0:
                if not big:  # nobody has met one in years
                    big.append(compile_reader(root, leaves, Wire(aligns=True, big_endian=True)))
                return big[0](data)
            raise self._undecodable(data[0] << 8 | data[1])

        return read

    def _undecodable(self, identifier: int) -> FieldError:
        name = _ENCAPSULATIONS.get(identifier, f"no known encapsulation ({identifier:#06x})")
        return FieldError(
            f"A message of {self.channel.topic} is {name}; plain CDR (XCDR1) is decoded, so none of its fields was "
            "read."
        )

    def _limited(self, read: Reader) -> Reader:
        def run(data: bytes | memoryview) -> tuple[Any, ...]:
            if len(data) > MAX_OBJECT_BYTES:
                raise FieldError(
                    f"A message of {self.channel.topic} has {len(data):,} bytes, the limit for "
                    f"{self.channel.encoding} is {MAX_OBJECT_BYTES:,}; none of its fields was read."
                )
            return read(data)

        return run


# --- from leaves to values --------------------------------------------------------------------------------


def _finishers(resolved: Sequence[Resolved]) -> list[Callable[[tuple[Any, ...]], Any]] | None:
    """What makes each path's value out of the leaves; None if the leaves are the values."""
    if all(item.finish is Finish.AS_IS for item in resolved):
        return None
    finishers = []
    first = 0
    for item in resolved:
        finishers.append(_finisher(item, first))
        first += len(item.leaves)
    return finishers


def _finisher(item: Resolved, slot: int) -> Callable[[tuple[Any, ...]], Any]:
    if item.finish is Finish.AS_IS:
        return lambda raw: raw[slot]
    if item.finish is Finish.SECONDS:
        return lambda raw: None if raw[slot] is None else raw[slot] / 1e9
    if item.finish is Finish.NORM:
        last = slot + len(item.leaves)
        return lambda raw: _norm(raw[slot:last])
    reduce = _REDUCERS[item.finish]
    scale = 1e9 if item.from_time else 1.0

    def finish(raw: tuple[Any, ...]) -> Any:
        values = raw[slot]
        if not isinstance(values, np.ndarray) or not len(values) or values.dtype == np.object_:
            return None
        with np.errstate(over="ignore", invalid="ignore"):  # infinities are values like others
            return float(reduce(values)) / scale

    return finish


_REDUCERS: dict[Finish, Callable[[Any], Any]] = {
    # A NaN among the values (a laser without echo) says nothing about the others.
    Finish.MIN: np.fmin.reduce,
    Finish.MAX: np.fmax.reduce,
    Finish.SUM: np.sum,
    Finish.MEAN: np.mean,
}


def _norm(parts: tuple[Any, ...]) -> float | None:
    if len(parts) == 1 and isinstance(parts[0], np.ndarray):
        return float(np.linalg.norm(parts[0])) if parts[0].dtype == np.float64 else None
    if any(part is None for part in parts):
        return None
    return math.hypot(*parts)
