"""A schema as a tree of types, the same for every encoding.

Structures find their fields when asked, so that recursive schemas (protobuf, JSON) cost nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Number:
    """An integer, a float or an enumeration; its value is a float (integers exact up to 2**53)."""

    name: str
    code: str = ""
    """Format character of ``struct``; empty where the encoding is no flat memory."""
    size: int = 0
    """Bytes, likewise."""


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    name: str = "bool"


@dataclass(frozen=True, slots=True)
class Text:
    """A string; bytes that are not UTF-8 are replaced."""

    name: str = "string"


@dataclass(frozen=True, slots=True)
class Time:
    """Seconds and nanoseconds: its value is seconds as a float, or nanoseconds as an int where asked (`_ns`)."""

    name: str = "time"
    seconds: Number = Number("int64")
    nanos: Number = Number("int32")
    seconds_name: str = "sec"
    nanos_name: str = "nanosec"


@dataclass(frozen=True, slots=True)
class ListOf:
    """An array; ``length`` is set where the schema fixes it."""

    element: "Type"
    length: int | None = None

    @property
    def name(self) -> str:
        return f"{self.element.name}[{'' if self.length is None else self.length}]"


@dataclass(frozen=True, slots=True)
class Opaque:
    """Something whose value is not read; ``reason`` says why, for errors."""

    name: str
    reason: str
    passable: bool = True
    """Whether what comes after it can still be read."""


@dataclass(frozen=True, slots=True)
class Anything:
    """Whatever the message has there: JSON without schema."""

    name: str = "any"


class Structure:
    """Named fields in order; equal only to itself."""

    def __init__(
        self,
        name: str,
        find_fields: Callable[[], Mapping[str, "Type"]],
        *,
        is_open: bool = False,
        value_field: str = "",
    ) -> None:
        self.name = name
        self.value_field = value_field
        """The structure only wraps this field (protobuf's wrappers), so a path may end at the structure."""
        self.is_open = is_open
        """Fields that are not listed may exist (JSON)."""
        self._find_fields = find_fields

    @cached_property
    def fields(self) -> Mapping[str, "Type"]:
        """May raise FieldError where the schema refers to what it does not define."""
        return self._find_fields()


Type = Number | Flag | Text | Time | ListOf | Structure | Opaque | Anything
