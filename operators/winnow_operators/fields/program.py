"""Turns a type and what is wanted of it into a sequence of reading operations."""

import struct
from collections.abc import Callable, Sequence
from typing import Any

from winnow_operators.fields.faults import FieldError
from winnow_operators.fields.list_reader import ListReader
from winnow_operators.fields.resolution import Leaf
from winnow_operators.fields.segment import NS, Operation, Payload, Segment, Slots
from winnow_operators.fields.texts import pass_texts, text_operation
from winnow_operators.fields.tree import Flag, ListOf, Number, Opaque, Structure, Text, Time, Type
from winnow_operators.fields.wants import Want, arrange
from winnow_operators.fields.wire import MAX_NESTING, Wire

MAX_OPERATIONS = 20_000
"""Parts of one reader; the largest standard message has 60."""

Reader = Callable[[Payload], tuple[Any, ...]]


def compile_reader(root: Structure, leaves: Sequence[Leaf], wire: Wire) -> Reader:
    """A function from payload to the leaves' values; times are nanoseconds.

    It raises ShortPayloadError or ``struct.error`` for a payload that is too short. No Python code is
    generated: readers are closures over precomputed ``struct`` formats.

    Raises:
        FieldError: the definition cannot be read.

    """
    compiler = Compiler(wire, leaves)
    program = _Program(compiler, 0)
    program.read(root, arrange(leaves), to_end=False)
    direct = program.as_one_segment(len(leaves))
    if direct is not None:
        return direct
    operations, origin, empty = program.finish(), wire.origin, [None] * len(leaves)

    def read(data: Payload) -> tuple[Any, ...]:
        slots: Slots = empty.copy()
        position = origin
        for operation in operations:
            position = operation(data, position, slots)
        return tuple(slots)

    return read


class Compiler:
    """Makes operations for the types of one definition."""

    def __init__(self, wire: Wire, leaves: Sequence[Leaf]) -> None:
        self.wire = wire
        self.leaves = leaves
        self._passers: dict[Type, Operation] = {}
        self._parts = 0
        self._nesting = 0

    def element(self, type_: Type, want: Want | None, residue: int | None) -> Operation:
        """Read one whole value that starts at a residue (None: at any)."""
        if want is None and type_ in self._passers:
            return self._passers[type_]
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise FieldError(
                f"The definition nests more than {MAX_NESTING} levels at {type_.name}; its fields cannot be read."
            )
        program = _Program(self, residue if want is not None else None)
        program.read(type_, want, to_end=True)
        operation = _sequence(program.finish())
        self._nesting -= 1
        if want is None:
            self._passers[type_] = operation
        return operation

    def count(self) -> None:
        """One more part; refuses too many."""
        self._parts += 1
        if self._parts > MAX_OPERATIONS:
            raise FieldError(
                f"The definition needs more than {MAX_OPERATIONS:,} steps; its fields cannot be read."
            )


class _Program:
    """Operations in order; neighbours of fixed size become one segment."""

    def __init__(self, compiler: Compiler, residue: int | None) -> None:
        self._compiler = compiler
        self._wire = compiler.wire
        self._operations: list[Operation] = []
        self._segment = Segment(self._wire)
        self._texts = 0
        """Unwanted strings in a row, behind the open segment."""
        self._start = residue
        """Residue at the start of the open segment; None if it varies."""

    def read(self, type_: Type, want: Want | None, *, to_end: bool) -> None:
        """Add a value; without ``to_end`` what comes after the last wanted field is left out."""
        self._compiler.count()
        if self._texts and not (isinstance(type_, Text) and want is None):
            self._flush()
        if (
            self._wire.is_fixed(type_)
            and _fits_segment(type_, want)
            and (to_end or not isinstance(type_, Structure))
        ):
            self._segment.add(type_, want)
        elif isinstance(type_, Structure):
            self._structure(type_, want, to_end=to_end)
        elif isinstance(type_, Text):
            if want is None:
                self._texts += 1
            else:
                self._add(text_operation(self._wire, want.values))
        elif isinstance(type_, ListOf):
            self._add(ListReader(self._compiler, type_, want or Want(), to_end=to_end).operation())
        else:
            reason = type_.reason if isinstance(type_, Opaque) else "it has no size"
            raise FieldError(f"A {type_.name} stands before what is wanted and cannot be passed: {reason}.")

    def finish(self) -> list[Operation]:
        self._flush()
        return self._operations

    def as_one_segment(self, slots: int) -> Reader | None:
        """A shorter reader for what lies at fixed places from the start, in any order."""
        if self._operations or self._texts or not self._segment:
            return None
        layout = self._segment.layout(0)
        unpack = struct.Struct(self._wire.order + layout.format).unpack_from
        origin = self._wire.origin
        if layout.floats == [(slot, slot) for slot in range(len(layout.taken))] and slots == len(
            layout.taken
        ):

            def all_floats(data: Payload) -> tuple[Any, ...]:
                return unpack(data, origin)

            return all_floats
        if slots == 1 and len(layout.integers) == 1 and len(layout.taken) == 1:

            def one_integer(data: Payload) -> tuple[Any, ...]:
                return (float(unpack(data, origin)[0]),)

            return one_integer
        if slots == 1 and len(layout.times) == 1 and len(layout.taken) == 2:

            def one_time(data: Payload) -> tuple[Any, ...]:
                seconds, nanos = unpack(data, origin)
                return (seconds * NS + nanos,)

            return one_time
        return None

    def _structure(self, type_: Structure, want: Want | None, *, to_end: bool) -> None:
        if want is None:
            # Read in place once, as a subroutine afterwards: types that are used often stay small.
            for field in type_.fields.values():
                if self._wire.is_fixed(field) or not isinstance(field, Structure):
                    self.read(field, None, to_end=True)
                else:
                    self._add(self._compiler.element(field, None, None))
            return
        wanted = [name for name in type_.fields if name in want.fields]
        last = wanted[-1] if wanted else None
        for name, field in type_.fields.items():
            is_last = name == last and not to_end
            self.read(field, want.fields.get(name), to_end=not is_last)
            if is_last:
                break

    def _add(self, operation: Operation) -> None:
        self._flush()
        self._operations.append(operation)
        self._start = None if self._wire.modulus > 1 else 0

    def _flush(self) -> None:
        if self._segment:
            operation, self._start = self._segment.operation(self._start)
            self._operations.append(operation)
            self._segment = Segment(self._wire)
        if self._texts:
            self._operations.append(pass_texts(self._wire, self._texts))
            self._texts = 0
            self._start = None if self._wire.modulus > 1 else 0


def _fits_segment(type_: Type, want: Want | None) -> bool:
    """Whether everything wanted of a type of fixed size is a single value at a fixed place."""
    if want is None or isinstance(type_, Number | Flag | Time):
        return True
    if isinstance(type_, Structure):
        return all(_fits_segment(type_.fields[name], inner) for name, inner in want.fields.items())
    if isinstance(type_, ListOf):
        return (
            want.every is None
            and not want.counts
            and all(_fits_segment(type_.element, inner) for inner in want.items.values())
        )
    return False


def _sequence(operations: list[Operation]) -> Operation:
    if len(operations) == 1:
        return operations[0]

    def run(data: Payload, position: int, slots: Slots) -> int:
        for operation in operations:
            position = operation(data, position, slots)
        return position

    return run
