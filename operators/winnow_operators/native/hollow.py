"""The many bytes of a value (pixels, points) and the value without them.

A picture is written once: as the data of the message that viewers draw. What is kept beside it to restore
the value is *hollow*, so whoever covers faces in the message covers them everywhere.
"""

from typing import Any, NamedTuple

import pyarrow as pa

from winnow_operators.native.faults import NativeError


class Hollow(NamedTuple):
    """A value taken apart."""

    rest: pa.Array
    """The value with nothing where the bytes were: no rows, or an empty list in the field."""
    bulk: bytes


def take_out(value: pa.Array, field: str | None) -> Hollow | None:
    """Take the bytes out of a flat array of numbers (no ``field``) or out of a field of a struct of one row.

    None where they are not there in one piece: nulls, other types, more rows.
    """
    if value.null_count:
        return None
    if field is None:
        return Hollow(value[:0], _bytes_of(value)) if _is_flat(value.type) else None
    if len(value) != 1:
        return None
    child = value.field(field)
    if child.null_count:
        return None
    bulk = _bulk_of(child)
    if bulk is None:
        return None
    return Hollow(_with_child(value, field, pa.array([_EMPTY[child.type.id]], child.type)), bulk)


def put_back(rest: pa.Array, field: str | None, bulk: memoryview) -> pa.Array:
    """The value again.

    Raises:
        NativeError: the bytes do not fit.

    """
    try:
        if field is None:
            return _flat_from(rest.type, bulk)
        kind = rest.type.field(field).type
        if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            child = pa.array([bytes(bulk)], kind)
        else:
            values = _flat_from(kind.value_type, bulk)
            offsets = pa.array([0, len(values)], pa.int64() if _is_large(kind) else pa.int32())
            make = pa.LargeListArray if _is_large(kind) else pa.ListArray
            child = make.from_arrays(offsets, values, type=kind)
        return _with_child(rest, field, child)
    except (pa.ArrowException, KeyError, ValueError, AttributeError) as error:
        raise NativeError(
            f"The bytes of a message do not fit its Arrow type ({error}); it was not restored."
        ) from None


_EMPTY: dict[int, Any] = {
    pa.binary().id: b"",
    pa.large_binary().id: b"",
    pa.list_(pa.uint8()).id: [],
    pa.large_list(pa.uint8()).id: [],
}


def _bulk_of(child: pa.Array) -> bytes | None:
    if child.type.id not in _EMPTY:
        return None
    if pa.types.is_binary(child.type) or pa.types.is_large_binary(child.type):
        return bytes(child[0].as_py())
    values = child.flatten()
    if not pa.types.is_uint8(values.type) or values.null_count:
        return None
    return _bytes_of(values)


def _is_flat(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _is_large(kind: pa.DataType) -> bool:
    return bool(pa.types.is_large_list(kind))


def _bytes_of(values: pa.Array) -> bytes:
    width = values.type.bit_width // 8
    buffer = values.buffers()[1]
    if buffer is None:
        return b""
    begin = values.offset * width
    return bytes(memoryview(buffer).cast("B")[begin : begin + len(values) * width])


def _flat_from(kind: pa.DataType, bulk: memoryview) -> pa.Array:
    width = kind.bit_width // 8
    if not _is_flat(kind) or len(bulk) % width:
        raise ValueError(f"{len(bulk)} bytes of {kind}")
    return pa.Array.from_buffers(kind, len(bulk) // width, [None, pa.py_buffer(bytes(bulk))])


def _with_child(value: pa.Array, field: str, child: pa.Array) -> pa.Array:
    fields = list(value.type)
    children = [child if each.name == field else value.field(number) for number, each in enumerate(fields)]
    return pa.StructArray.from_arrays(children, fields=fields)
