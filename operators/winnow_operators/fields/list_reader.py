"""Reads lists out of CDR and ROS 1 payloads: all elements, single ones, their count, or none."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from winnow_operators.fields.arrays import as_array, joined
from winnow_operators.fields.faults import FieldError
from winnow_operators.fields.resolution import Form, Leaf
from winnow_operators.fields.segment import NS, Layout, Operation, Payload, Segment, Slots
from winnow_operators.fields.texts import texts_in
from winnow_operators.fields.tree import Flag, ListOf, Number, Structure, Time, Type
from winnow_operators.fields.wants import Want
from winnow_operators.fields.wire import ShortPayloadError, Wire


class ElementCompiler(Protocol):
    """What lists need of the compiler of their elements."""

    wire: Wire
    leaves: Sequence[Leaf]

    def element(self, type_: Type, want: Want | None, residue: int | None) -> Operation:
        """Read one whole value."""


class ListReader:
    """Makes the operation for one list."""

    def __init__(self, compiler: ElementCompiler, list_: ListOf, want: Want, *, to_end: bool) -> None:
        self._compiler = compiler
        self._wire = compiler.wire
        self._element = list_.element
        self._length = list_.length
        self._want = want
        self._to_end = to_end
        """Something behind the list is wanted."""

    def operation(self) -> Operation:
        """Read the count, then the elements, in the cheapest way that gives what is wanted."""
        wire, length, want, up = self._wire, self._length, self._want, 3 if self._wire.aligns else 0
        u32, least = wire.u32, wire.least(self._element)
        body = self._body()
        counts = want.counts

        def read(data: Payload, position: int, slots: Slots) -> int:
            if length is None:
                position = (position + up) & ~up
                count = u32(data, position)[0]
                position += 4
            else:
                count = length
            if count * least > len(data) - position:
                raise ShortPayloadError
            for slot in counts:
                slots[slot] = float(count)
            return body(data, position, slots, count)

        return read

    def _body(self) -> "_Body":
        element, want = self._element, self._want
        if not self._to_end and want.every is None and not want.items:
            return _stay
        if self._wire.is_fixed(element):
            if want.every is None and not want.items:
                return self._pass_fixed()
            if _is_flat(element, want):
                return self._columns()
        texts = texts_in(element)
        if texts and want.every is None and not want.items:
            return _pass_texts(self._wire, texts)
        return self._one_by_one()

    def _pass_fixed(self) -> "_Body":
        wire, element = self._wire, self._element

        def skip(_data: Payload, position: int, _slots: Slots, count: int) -> int:
            return position + (wire.run(element, count, wire.residue(position)) or 0)

        if isinstance(element, Number):  # the common case without a search for repetition
            size, up, origin = element.size, element.size - 1 if wire.aligns else 0, wire.origin

            def skip_numbers(_data: Payload, position: int, _slots: Slots, count: int) -> int:
                return ((position - origin + up) & ~up) + origin + count * size if count else position

            return skip_numbers
        return skip

    # --- elements of fixed size at equal distances: whole columns ------------------------------------------

    def _columns(self) -> "_Body":
        """Elements of one layout; falls back to one by one where their layout depends on their place."""
        wire, element, want, compiler = self._wire, self._element, self._want, self._compiler
        lead = wire.lead(element)
        columns: dict[int, _Columns] = {}
        residues = range(0, wire.modulus, lead if wire.aligns else 1)
        strides = {residue: wire.stride(element, residue) for residue in residues}
        one_by_one = None if all(strides.values()) else self._one_by_one()

        def read(data: Payload, position: int, slots: Slots, count: int) -> int:
            start = position + wire.padding(wire.residue(position), lead) if count else position
            residue = wire.residue(start) if count else 0  # nothing looks alike everywhere
            found = columns.get(residue)
            if found is None:
                stride = strides[residue]
                if not stride:
                    assert one_by_one is not None
                    return one_by_one(data, position, slots, count)
                found = columns[residue] = _Columns(compiler, element, want, residue, stride)
            return found.read(data, start, slots, count)

        return read

    # --- anything else: element by element ----------------------------------------------------------------

    def _one_by_one(self) -> "_Body":
        want, compiler = self._want, self._compiler
        if not self._wire.least(self._element):
            raise FieldError(f"A list of {self._element.name}, which takes no room, cannot be read.")
        every = compiler.element(self._element, want.every, None)
        items = {index: compiler.element(self._element, item, None) for index, item in want.items.items()}
        gathered = [(slot, compiler.leaves[slot]) for slot in want.every.slots()] if want.every else []
        width = len(compiler.leaves)
        needed = max(items, default=-1) + 1 if want.every is None and not self._to_end else None

        def read(data: Payload, position: int, slots: Slots, count: int) -> int:
            values: list[list[Any]] = [[] for _ in gathered]
            size = len(data)
            for index in range(count if needed is None else min(count, needed)):
                if index in items:
                    items[index](data, position, slots)
                inner: Slots = [None] * width if gathered else slots
                position = every(data, position, inner)
                if position > size:
                    raise ShortPayloadError
                for column, (slot, _) in zip(values, gathered, strict=True):
                    column.append(inner[slot])
            for column, (slot, leaf) in zip(values, gathered, strict=True):
                slots[slot] = _collect(column, leaf)
            return position

        return read


def _stay(_data: Payload, position: int, _slots: Slots, _count: int) -> int:
    return position


def _pass_texts(wire: Wire, each: int) -> "_Body":
    u32, up = wire.u32, 3 if wire.aligns else 0

    def skip(data: Payload, position: int, _slots: Slots, count: int) -> int:
        for _ in range(count * each):
            start = (position + up) & ~up
            position = start + 4 + u32(data, start)[0]
        return position

    return skip


class _Body(Protocol):
    """Reads the elements behind the count."""

    def __call__(self, data: Payload, position: int, slots: Slots, count: int, /) -> int:
        """Where the next thing starts."""


class _Columns:
    """Elements of fixed size that all look alike: numpy reads each field of all of them at once."""

    def __init__(
        self, compiler: ElementCompiler, element: Type, want: Want, residue: int, stride: int
    ) -> None:
        segment = Segment(compiler.wire)
        segment.add(element, want.every)
        self._layout: Layout = segment.layout(residue)
        self._stride = stride
        order = compiler.wire.order
        self._type = np.dtype(
            {
                "names": [f"f{number}" for number in range(len(self._layout.taken))],
                "formats": [_format(order, code) for code, _ in self._layout.taken],
                "offsets": [offset for _, offset in self._layout.taken],
                "itemsize": stride,
            }
        )
        self._codes = [code for code, _ in self._layout.taken]
        self._items = {index: compiler.element(element, item, residue) for index, item in want.items.items()}

    def read(self, data: Payload, position: int, slots: Slots, count: int) -> int:
        end = position + count * self._stride
        if end > len(data):
            raise ShortPayloadError
        for index, item in self._items.items():
            if index < count:
                item(data, position + index * self._stride, slots)
        layout = self._layout
        if layout.taken:
            rows = np.frombuffer(data, self._type, count, position) if count else np.empty(0, self._type)
            for slot, index in layout.floats:
                column = rows[f"f{index}"]
                slots[slot] = column != 0 if self._codes[index] == "?" else _widened(column)
            for slot, index in layout.integers:
                slots[slot] = rows[f"f{index}"].astype(np.float64)
            for slot, index in layout.times:
                seconds = rows[f"f{index}"].astype(np.int64)
                slots[slot] = seconds * NS + rows[f"f{index + 1}"].astype(np.int64)
        return end


def _widened(column: np.ndarray) -> np.ndarray:
    # A NaN that signals, as damaged payloads have them, does so in the cast.
    with np.errstate(invalid="ignore"):
        return column.astype(np.float64)


def _format(order: str, code: str) -> str:
    return "u1" if code == "?" else order + code


def _is_flat(element: Type, want: Want) -> bool:
    """Whether everything wanted of all elements is a single value at a fixed place in each."""
    return want.every is None or _is_flat_below(element, want.every)


def _is_flat_below(type_: Type, want: Want) -> bool:
    if isinstance(type_, Number | Flag | Time):
        return True
    if isinstance(type_, Structure):
        return all(_is_flat_below(type_.fields[name], inner) for name, inner in want.fields.items())
    return False


def _collect(column: list[Any], leaf: Leaf) -> Any:
    if leaf.form is Form.COUNT:
        return float(sum(value for value in column if value is not None))
    if any(isinstance(value, np.ndarray) for value in column):
        return joined([value for value in column if value is not None], leaf.type)
    return as_array(column, leaf.type)
