"""How ROS messages lie in memory: sizes and alignment of CDR (XCDR1) and of ROS 1's format.

In CDR a value of ``n`` bytes starts at a multiple of ``n``, counted from behind the four bytes of the
encapsulation header; structures have no alignment of their own. So the size of a thing depends on where it
starts, modulo 8 (its *residue*). ROS 1 aligns nothing.
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager

from winnow_operators.fields.faults import FieldError
from winnow_operators.fields.tree import Flag, ListOf, Number, Structure, Text, Time, Type

MAX_NESTING = 64
"""Structures within structures; ROS messages reach 7."""


class ShortPayloadError(Exception):
    """A payload ends before what its definition promises; caught inside this package."""


class Wire:
    """The rules of one encoding; remembers what it has worked out."""

    def __init__(self, *, aligns: bool, big_endian: bool) -> None:
        self.aligns = aligns
        self.order = ">" if big_endian else "<"
        self.origin = 4 if aligns else 0
        """Where the first field starts and alignment counts from."""
        self.modulus = 8 if aligns else 1
        self.u32 = struct.Struct(self.order + "I").unpack_from
        self._extents: dict[tuple[Type, int], int | None] = {}
        self._least: dict[Type, int] = {}
        self._nesting = 0

    def residue(self, position: int) -> int:
        return (position - self.origin) % self.modulus

    def padding(self, residue: int, size: int) -> int:
        """Bytes before a value of this size that would start at this residue."""
        return -residue % size if self.aligns else 0

    def extent(self, type_: Type, residue: int) -> int | None:
        """Bytes with padding in front, if every message has the same; None otherwise.

        Raises:
            FieldError: the type contains itself or nests too deep.

        """
        key = (type_, residue)
        if key not in self._extents:
            with self._deeper(type_):
                self._extents[key] = self._extent(type_, residue)
        return self._extents[key]

    @contextmanager
    def _deeper(self, type_: Type) -> Iterator[None]:
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise FieldError(
                f"The definition nests more than {MAX_NESTING} levels at {type_.name}; its fields cannot be read."
            )
        try:
            yield
        finally:
            self._nesting -= 1

    def _extent(self, type_: Type, residue: int) -> int | None:
        if isinstance(type_, Number):
            return self.padding(residue, type_.size) + type_.size
        if isinstance(type_, Flag):
            return 1
        if isinstance(type_, Time):
            return self.padding(residue, 4) + 8
        if isinstance(type_, ListOf) and type_.length is not None:
            return self.run(type_.element, type_.length, residue)
        if not isinstance(type_, Structure):
            return None
        total = 0
        for field in type_.fields.values():
            size = self.extent(field, (residue + total) % self.modulus)
            if size is None:
                return None
            total += size
        return total

    def run(self, element: Type, count: int, residue: int) -> int | None:
        """Bytes of ``count`` elements one after the other; None if they have no fixed size."""
        total = passed = 0
        seen: dict[int, tuple[int, int]] = {}
        while passed < count:
            here = (residue + total) % self.modulus
            if here in seen:  # the residues repeat: jump over whole rounds
                passed_then, total_then = seen[here]
                rounds = (count - passed) // (passed - passed_then)
                total, passed = (
                    total + rounds * (total - total_then),
                    passed + rounds * (passed - passed_then),
                )
                seen.clear()
                if rounds:
                    continue
            seen[here] = (passed, total)
            size = self.extent(element, here)
            if size is None:
                return None
            total += size
            passed += 1
        return total

    def lead(self, type_: Type) -> int:
        """Size of the first value in it, which is what its start aligns to; 1 for nothing."""
        while True:
            if isinstance(type_, Structure):
                if not type_.fields:
                    return 1
                type_ = next(iter(type_.fields.values()))
            elif isinstance(type_, ListOf) and type_.length is not None:
                type_ = type_.element
            else:
                return type_.size if isinstance(type_, Number) else 1 if isinstance(type_, Flag) else 4

    def stride(self, element: Type, residue: int) -> int | None:
        """Distance of elements of fixed size; None unless all of them look alike from their starts."""
        size = self.extent(element, residue)
        if size is None or (self.aligns and size % self._alignment(element)):
            return None
        return size

    def _alignment(self, type_: Type) -> int:
        """The strictest alignment in a type of fixed size."""
        if isinstance(type_, Structure):
            return max((self._alignment(field) for field in type_.fields.values()), default=1)
        if isinstance(type_, ListOf):
            return self._alignment(type_.element)
        return self.lead(type_)

    def is_fixed(self, type_: Type) -> bool:
        """Whether its size depends on nothing but its residue."""
        return self.extent(type_, 0) is not None

    def least(self, type_: Type) -> int:
        """The fewest bytes that it can have."""
        if type_ not in self._least:
            with self._deeper(type_):
                self._least[type_] = self._least_of(type_)
        return self._least[type_]

    def _least_of(self, type_: Type) -> int:
        if isinstance(type_, Number):
            return type_.size
        if isinstance(type_, Flag):
            return 1
        if isinstance(type_, Time):
            return 8
        if isinstance(type_, Text):
            return 4
        if isinstance(type_, ListOf):
            return 4 if type_.length is None else type_.length * self.least(type_.element)
        if isinstance(type_, Structure):
            return sum(self.least(field) for field in type_.fields.values())
        return 0
