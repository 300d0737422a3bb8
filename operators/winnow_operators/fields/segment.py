"""Neighbouring values of fixed size, read by one ``struct`` call."""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from winnow_operators.fields.faults import FieldError
from winnow_operators.fields.tree import Flag, ListOf, Number, Structure, Time, Type
from winnow_operators.fields.wants import Want
from winnow_operators.fields.wire import Wire

Payload = bytes | memoryview
Slots = list[Any]
Operation = Callable[[Payload, int, Slots], int]
"""Reads at a position into slots and returns where the next thing starts."""

NS = 1_000_000_000
MAX_SEGMENT_BYTES = 1 << 30
"""Fixed arrays of an honest message have kilobytes."""


@dataclass(slots=True)
class Layout:
    """The format of a segment for one residue."""

    format: str = ""
    size: int = 0
    taken: list[tuple[str, int]] = field(default_factory=list)
    """Format character and offset of every value that the format yields."""
    floats: list[tuple[int, int]] = field(default_factory=list)
    """(slot, index) of values that are floats or booleans already."""
    integers: list[tuple[int, int]] = field(default_factory=list)
    """(slot, index) of values that become floats."""
    times: list[tuple[int, int]] = field(default_factory=list)
    """(slot, index of the seconds); nanoseconds follow."""

    def skip(self, size: int) -> None:
        if size:
            self.format += f"{size}x"
            self.size += size

    def take(self, code: str, size: int) -> int:
        self.format += code
        self.taken.append((code, self.size))
        self.size += size
        return len(self.taken) - 1


class Segment:
    """Collects neighbours; each is a type of fixed size and what is wanted of it."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._parts: list[tuple[Type, Want | None]] = []

    def __bool__(self) -> bool:
        return bool(self._parts)

    def add(self, type_: Type, want: Want | None) -> None:
        self._parts.append((type_, want))

    def layout(self, residue: int) -> Layout:
        """Where everything is if the segment starts at this residue."""
        layout = Layout()
        for type_, want in self._parts:
            self._lay(layout, residue, type_, want)
            if layout.size > MAX_SEGMENT_BYTES:
                raise FieldError(
                    f"The definition has {layout.size:,} bytes of fixed size before what is wanted, the limit is "
                    f"{MAX_SEGMENT_BYTES:,}; its fields cannot be read."
                )
        return layout

    def operation(self, residue: int | None) -> tuple[Operation, int | None]:
        """The reading of the segment, and the residue behind it where that is certain."""
        residues = range(self._wire.modulus) if residue is None else [residue]
        layouts = {known: self.layout(known) for known in residues}
        readers = [
            _reader(layouts[known], self._wire.order) if known in layouts else _never for known in range(8)
        ]
        if len(layouts) == 1:
            ((start, layout),) = layouts.items()
            return readers[start], (start + layout.size) % self._wire.modulus
        origin = self._wire.origin

        def by_residue(data: Payload, position: int, slots: Slots) -> int:
            return readers[(position - origin) & 7](data, position, slots)

        return by_residue, None

    def _lay(self, layout: Layout, start: int, type_: Type, want: Want | None) -> None:
        here = (start + layout.size) % self._wire.modulus
        if want is None:
            layout.skip(self._wire.extent(type_, here) or 0)
        elif isinstance(type_, Number):
            layout.skip(self._wire.padding(here, type_.size))
            index = layout.take(type_.code, type_.size)
            kind = layout.floats if type_.code in "fd" else layout.integers
            kind.extend((slot, index) for slot in want.values)
        elif isinstance(type_, Flag):
            index = layout.take("?", 1)
            layout.floats.extend((slot, index) for slot in want.values)
        elif isinstance(type_, Time):
            self._lay_time(layout, here, type_, want)
        elif isinstance(type_, Structure):
            for name, field_type in type_.fields.items():
                self._lay(layout, start, field_type, want.fields.get(name))
        elif isinstance(type_, ListOf):
            self._lay_list(layout, start, type_, want)

    def _lay_time(self, layout: Layout, here: int, time: Time, want: Want) -> None:
        layout.skip(self._wire.padding(here, 4))
        seconds = layout.take(time.seconds.code, 4)
        nanos = layout.take(time.nanos.code, 4)
        layout.times.extend((slot, seconds) for slot in want.values)
        for name, index in ((time.seconds_name, seconds), (time.nanos_name, nanos)):
            if name in want.fields:
                layout.integers.extend((slot, index) for slot in want.fields[name].values)

    def _lay_list(self, layout: Layout, start: int, list_: ListOf, want: Want) -> None:
        """A list of fixed length of which single elements are wanted."""
        passed = 0
        length = list_.length or 0
        for index in [*sorted(want.items), length]:
            here = (start + layout.size) % self._wire.modulus
            layout.skip(self._wire.run(list_.element, index - passed, here) or 0)
            passed = index
            if index < length:
                self._lay(layout, start, list_.element, want.items[index])
                passed += 1


def _reader(layout: Layout, order: str) -> Operation:
    size = layout.size
    if not layout.taken:

        def skip(_data: Payload, position: int, _slots: Slots) -> int:
            return position + size

        return skip
    unpack = struct.Struct(order + layout.format).unpack_from
    floats, integers, times = layout.floats, layout.integers, layout.times
    if len(floats) == 1 and not integers and not times and len(layout.taken) == 1:
        slot = floats[0][0]

        def one(data: Payload, position: int, slots: Slots) -> int:
            (slots[slot],) = unpack(data, position)
            return position + size

        return one

    def several(data: Payload, position: int, slots: Slots) -> int:
        raw = unpack(data, position)
        for slot, index in floats:
            slots[slot] = raw[index]
        for slot, index in integers:
            slots[slot] = float(raw[index])
        for slot, index in times:
            slots[slot] = raw[index] * NS + raw[index + 1]
        return position + size

    return several


def _never(_data: Payload, _position: int, _slots: Slots) -> int:
    raise AssertionError("a segment was entered at a residue that cannot be")
