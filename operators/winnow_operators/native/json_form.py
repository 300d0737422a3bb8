"""An Arrow value as JSON with a schema: scalars, events, and every struct that no viewer has a picture for.

What JSON cannot say exactly is said beside it: numbers that are not finite by name, types that JSON lacks
(times, decimals, unsigned bytes with gaps) as the Arrow value itself.
"""

import base64
import json
import math
from functools import lru_cache
from typing import Any, NamedTuple

import pyarrow as pa

from winnow_operators.native.faults import NativeError

PICTURE_BYTES = 256
"""A list of more bytes than a checksum or a CAN frame has is written as base64, and says so: it may be a picture."""
_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
Json = dict[str, Any]


class Form(NamedTuple):
    """How values of one type are written."""

    schema: bytes
    is_exact: bool
    """Whether JSON has everything; else the Arrow value is added."""


@lru_cache(maxsize=256)
def form_of(kind: pa.DataType, *, many: bool) -> Form:
    """The JSON schema for values of a type; ``many``: of arrays with other than one row."""
    value = _schema(kind)
    if many:
        value = {"type": "array", "items": value}
    value["description"] = str(kind)[:1000]
    properties: Json = {"value": value, "metadata": {"type": "object"}, "not_finite": {"type": "object"}}
    is_exact = _is_exact(kind)
    if not is_exact:
        properties["arrow"] = {"type": "string", "contentEncoding": "base64"}
    schema = {"type": "object", "properties": properties}
    return Form(json.dumps(schema).encode(), is_exact)


def to_json(value: pa.Array, metadata: Json) -> bytes:
    """One message.

    Raises:
        NativeError: the value has no JSON form.

    """
    many = len(value) != 1
    lost: dict[str, str] = {}
    try:
        rows = [
            _plain(row, value.type, f"/{number}" if many else "", lost)
            for number, row in enumerate(value.to_pylist())
        ]
    except (ValueError, TypeError, OverflowError, pa.ArrowException) as error:
        raise NativeError(
            f"A value of the type {str(value.type)[:200]} has no JSON form ({error})."
        ) from None
    body: Json = {"value": rows if many else rows[0]}
    if metadata:
        body["metadata"] = metadata
    if lost:
        body["not_finite"] = lost
    if not form_of(value.type, many=many).is_exact:
        body["arrow"] = base64.b64encode(to_stream(value)).decode()
    return json.dumps(body, allow_nan=False).encode()


def from_json(payload: bytes | memoryview, kind: pa.DataType, *, many: bool) -> tuple[pa.Array, Json]:
    """The value and what was said about it.

    Raises:
        NativeError: the message is not one of :func:`to_json`.

    """
    try:
        body = json.loads(bytes(payload))
        metadata = body.get("metadata", {})
        if "arrow" in body:
            return from_stream(base64.b64decode(body["arrow"], validate=True)), metadata
        lost = {str(where): str(what) for where, what in body.get("not_finite", {}).items()}
        rows = body["value"] if many else [body["value"]]
        value = [_back(row, kind, f"/{number}" if many else "", lost) for number, row in enumerate(rows)]
        return pa.array(value, kind), metadata
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, pa.ArrowException) as error:
        raise NativeError(
            f"A JSON message is not what its channel says ({error}); it was not restored."
        ) from None


def to_stream(value: pa.Array) -> bytes:
    """The value as an Arrow IPC stream of one column."""
    sink = pa.BufferOutputStream()
    batch = pa.record_batch([value], names=["value"])
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def from_stream(data: bytes) -> pa.Array:
    """The inverse of :func:`to_stream`.

    Raises:
        NativeError: it is no such stream.

    """
    try:
        with pa.ipc.open_stream(data) as reader:
            batch = reader.read_next_batch()
        batch.validate(full=True)
        return batch.column(0)
    except (pa.ArrowException, OSError, StopIteration, IndexError) as error:
        raise NativeError(f"An Arrow stream cannot be read ({error}); it was not restored.") from None


def _is_bytes(kind: pa.DataType) -> bool:
    """Lists of bytes that may be long, binary ones as well."""
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return True
    if pa.types.is_fixed_size_binary(kind):
        return bool(kind.byte_width > PICTURE_BYTES)
    if not _is_list(kind) or not (pa.types.is_uint8(kind.value_type) or pa.types.is_int8(kind.value_type)):
        return False
    return not (pa.types.is_fixed_size_list(kind) and kind.list_size <= PICTURE_BYTES)


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _schema(kind: pa.DataType) -> Json:
    if _is_bytes(kind):
        return {"type": "string", "contentEncoding": "base64"}
    if _is_list(kind):
        return {"type": "array", "items": _schema(kind.value_type)}
    if pa.types.is_struct(kind):
        return {"type": "object", "properties": {field.name: _schema(field.type) for field in kind}}
    for test, name in (
        (pa.types.is_boolean, "boolean"),
        (pa.types.is_integer, "integer"),
        (pa.types.is_floating, "number"),
    ):
        if test(kind):
            return {"type": name}
    return {} if pa.types.is_null(kind) else {"type": "string"}


def _is_exact(kind: pa.DataType) -> bool:
    if _is_bytes(kind):
        return bool(
            pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_uint8(kind.value_type)
        )
    if _is_list(kind):
        return _is_exact(kind.value_type)
    if pa.types.is_struct(kind):
        names = [field.name for field in kind]
        return len(names) == len(set(names)) and all(_is_exact(field.type) for field in kind)
    return bool(
        pa.types.is_boolean(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_float32(kind)
        or pa.types.is_float64(kind)
        or pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_null(kind)
    )


def _plain(value: Any, kind: pa.DataType, path: str, lost: dict[str, str]) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if _is_bytes(kind):
        return base64.b64encode(
            value if isinstance(value, bytes) else bytes(each & 0xFF for each in value)
        ).decode()
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        lost[path] = str(value)
        return None
    if _is_list(kind):
        return [_plain(each, kind.value_type, f"{path}/{at}", lost) for at, each in enumerate(value)]
    if pa.types.is_struct(kind):
        return {
            field.name: _plain(value[field.name], field.type, f"{path}/{field.name}", lost) for field in kind
        }
    return str(value)


def _back(value: Any, kind: pa.DataType, path: str, lost: dict[str, str]) -> Any:
    if value is None:
        return _NOT_FINITE[lost[path]] if path in lost else None
    if _is_bytes(kind):
        data = base64.b64decode(value, validate=True)
        return list(data) if _is_list(kind) else data
    if _is_list(kind):
        return [_back(each, kind.value_type, f"{path}/{at}", lost) for at, each in enumerate(value)]
    if pa.types.is_struct(kind):
        return {
            field.name: _back(value[field.name], field.type, f"{path}/{field.name}", lost) for field in kind
        }
    return value
