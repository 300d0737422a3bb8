"""Arrow values in, messages that viewers draw out; and back."""

import base64
import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import google_crc32c
import pyarrow as pa

from winnow_operators.native.clouds import flat_cloud, scan, struct_cloud
from winnow_operators.native.drawing import Drawing, Native
from winnow_operators.native.faults import NativeError
from winnow_operators.native.hollow import put_back
from winnow_operators.native.json_form import Json, form_of, from_json, from_stream, to_json, to_stream
from winnow_operators.native.pictures import flat_picture, struct_picture
from winnow_operators.native.places import flat_pose, place
from winnow_operators.native.schemas import foxglove_channel
from winnow_operators.packing.faults import PackingError
from winnow_operators.packing.foxglove import RESTORE_FIELD, bytes_fields, restore_field
from winnow_operators.packing.wire import PackedReader, PackedWriter
from winnow_schemas.channel import Channel

TYPE, ROWS = "arrow.type", "arrow.rows"
"""Metadata of channels that were made from Arrow: the IPC schema in base64; `one` or `many` rows per message."""
ARROW = "arrow"
"""Message encoding of values too large for JSON: an Arrow IPC stream."""
_KIND = 1
_CRC_MAX = 2**32 - 1
_METADATA_MAX_BYTES = 1024 * 1024
_TRANSPORT = frozenset(
    {"seq", "t_ns", "pub_ns", "channel", "gap", "announce", "timestamp", "open_telemetry_context"}
)
"""Metadata that says how a message travels, not what it is."""
_MAKERS: tuple[Callable[[Native], Drawing | None], ...] = (
    struct_picture,
    struct_cloud,
    scan,
    place,
    flat_picture,
    flat_cloud,
    flat_pose,
)


class Kept(NamedTuple):
    """What the ring keeps of a value."""

    channel: Channel
    payload: bytes


def keep(topic: str, value: pa.Array, metadata: Mapping[str, Any], t_ns: int) -> Kept:
    """A message of a value: Foxglove's where there is one, else JSON, of much else an Arrow stream."""
    said = {key: each for key, each in sorted(metadata.items()) if key not in _TRANSPORT}
    native = Native(value, said, t_ns)
    drawing = _draw(native)
    if drawing is not None:
        kind: Any = type(drawing.message)
        channel = _drawn_channel(topic, kind, value.type)
        return Kept(channel, drawing.message.SerializeToString() + restore_field(_memory(drawing, said)))
    many = len(value) != 1
    if native.is_small:
        try:
            return Kept(_json_channel(topic, value.type, many=many), to_json(value, _texts(said)))
        except NativeError:
            pass  # a value that JSON has no word for
    return Kept(_arrow_channel(topic, value.type), to_stream(value))


def is_native(channel: Channel) -> bool:
    """Whether a channel's messages were made from Arrow values."""
    return any(key == TYPE for key, _ in channel.metadata)


def restore(channel: Channel, payload: bytes | memoryview) -> tuple[pa.Array, Json]:
    """The value as it was sent, and what its sender said about it.

    Raises:
        NativeError: the message was damaged, changed on its way (faces were covered), or is not of this kind.

    """
    notes = dict(channel.metadata)
    kind = _type_of(channel, notes)
    if channel.encoding == ARROW:
        return from_stream(bytes(payload)), {}
    if channel.encoding == "json":
        return from_json(payload, kind, many=notes.get(ROWS) == "many")
    try:
        fields = bytes_fields(payload)
        reader = PackedReader(fields[RESTORE_FIELD])
        field, has_bulk = str(bytes(reader.data(1024)), "utf-8"), reader.number(1)
        crc = reader.number(_CRC_MAX)
        metadata = json.loads(bytes(reader.data(_METADATA_MAX_BYTES)))
        rest = _read(bytes(reader.data()), kind)
        reader.end()
    except (PackingError, KeyError, ValueError, RecursionError) as error:
        raise NativeError(
            f"A message of {channel.topic} does not hold its Arrow value ({error}); it was not restored."
        ) from None
    if not has_bulk:
        return rest, metadata
    bulk = bytes(fields.get(_data_field(channel), b""))
    if google_crc32c.value(bulk) != crc:
        raise NativeError(
            f"The data of a message of {channel.topic} are not those that were recorded; it was not restored. "
            "A clip that was redacted has other pictures than its original."
        )
    return put_back(rest, field or None, memoryview(bulk)), metadata


def _draw(native: Native) -> Drawing | None:
    for make in _MAKERS:
        try:
            drawing = make(native)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, pa.ArrowException):
            continue  # it has the names of a well-known message, and something else in them
        if drawing is not None:
            return drawing
    return None


def _memory(drawing: Drawing, metadata: Mapping[str, Any]) -> bytes:
    writer = PackedWriter(_KIND)
    writer.data((drawing.field or "").encode())
    writer.number(drawing.bulk is not None)
    writer.number(google_crc32c.value(drawing.bulk or b""))
    writer.data(json.dumps(_texts(metadata)).encode())
    batch = pa.record_batch([drawing.rest], names=["value"])
    writer.data(bytes(batch.serialize()))
    return writer.whole()


def _read(data: bytes, kind: pa.DataType) -> pa.Array:
    try:
        batch = pa.ipc.read_record_batch(pa.py_buffer(data), pa.schema([pa.field("value", kind)]))
        batch.validate(full=True)
    except (pa.ArrowException, OSError) as error:
        raise NativeError(f"An Arrow value cannot be read ({error}); it was not restored.") from None
    return batch.column(0)


def _texts(metadata: Mapping[str, Any]) -> Json:
    """Metadata as JSON has it; dora's are booleans, numbers, texts and lists of those."""
    return {key: json.loads(json.dumps(value, default=str)) for key, value in metadata.items()}


def _data_field(channel: Channel) -> int:
    return _DATA_FIELDS.get(channel.schema_name, 0)


_DATA_FIELDS = {
    "foxglove.CompressedImage": 2,
    "foxglove.CompressedVideo": 3,
    "foxglove.RawImage": 6,
    "foxglove.PointCloud": 6,
}


# --- channels ---------------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def _drawn_channel(topic: str, kind: Any, value: pa.DataType) -> Channel:
    return foxglove_channel(topic, kind, ((TYPE, _type_text(value)),))


@lru_cache(maxsize=1024)
def _json_channel(topic: str, value: pa.DataType, *, many: bool) -> Channel:
    notes = ((ROWS, "many" if many else "one"), (TYPE, _type_text(value)))
    return Channel(
        topic, "json", f"arrow.{value}"[:200], "jsonschema", form_of(value, many=many).schema, notes
    )


@lru_cache(maxsize=1024)
def _arrow_channel(topic: str, value: pa.DataType) -> Channel:
    return Channel(topic, ARROW, f"arrow.{value}"[:200], "", b"", ((TYPE, _type_text(value)),))


def _type_text(value: pa.DataType) -> str:
    return base64.b64encode(pa.schema([pa.field("value", value)]).serialize()).decode()


@lru_cache(maxsize=1024)
def _type_from(text: str) -> pa.DataType:
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text, validate=True))).field(0).type


def _type_of(channel: Channel, notes: Mapping[str, str]) -> pa.DataType:
    try:
        return _type_from(notes[TYPE])
    except (KeyError, ValueError, IndexError, OSError, pa.ArrowException) as error:
        raise NativeError(
            f"The channel of {channel.topic} does not say of which Arrow type its values were ({error}); nothing was restored."
        ) from None
