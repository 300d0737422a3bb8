"""Strings in CDR and ROS 1 payloads: a length of four bytes, then the bytes (CDR: with a zero at the end)."""

from collections.abc import Sequence

from winnow_operators.fields.segment import Operation, Payload, Slots
from winnow_operators.fields.tree import Structure, Text, Type
from winnow_operators.fields.wire import ShortPayloadError, Wire


def text_operation(wire: Wire, wanted: Sequence[int]) -> Operation:
    """Read one string into slots."""
    u32, up, ends_in_zero = wire.u32, 3 if wire.aligns else 0, wire.aligns

    def read(data: Payload, position: int, slots: Slots) -> int:
        start = (position + up) & ~up
        end: int = start + 4 + u32(data, start)[0]
        if end > len(data):
            raise ShortPayloadError
        raw = bytes(data[start + 4 : end])
        if ends_in_zero and raw.endswith(b"\0"):
            raw = raw[:-1]
        text = raw.decode("utf-8", "replace")
        for slot in wanted:
            slots[slot] = text
        return end

    return read


def pass_texts(wire: Wire, count: int) -> Operation:
    """Pass several strings in a row."""
    u32, up = wire.u32, 3 if wire.aligns else 0
    times = range(count)

    def read(data: Payload, position: int, _slots: Slots) -> int:
        for _ in times:
            start = (position + up) & ~up
            position = start + 4 + u32(data, start)[0]
        return position

    return read


def texts_in(type_: Type) -> int:
    """How many strings a type consists of; 0 if there is anything else in it."""
    if isinstance(type_, Text):
        return 1
    if isinstance(type_, Structure) and all(isinstance(field, Text) for field in type_.fields.values()):
        return len(type_.fields)
    return 0
