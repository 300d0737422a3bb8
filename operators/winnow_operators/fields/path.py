"""The grammar of field paths.

========================= =====================================================================
``a.b.c``                 a field of a field
``a[3].b``                one element, counted from 0; ``None`` when the message has fewer
``a[].b``                 of every element: a 1-D array; nested lists are joined, in order
``max(a[].b)``            also ``min``, ``sum``, ``mean``: one number; ``None`` without elements
``len(a[])``              how many elements
``norm(v)``               Euclidean length of a structure of numbers or of a list of numbers
``header.stamp``          a time: seconds as a float
``header.stamp_ns``       the same as an int of nanoseconds (where no field of that name exists)
========================= =====================================================================
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from winnow_operators.fields.faults import FieldError

MAX_PATH_LENGTH = 500
"""Characters; the longest path of a standard ROS message has 62."""
MAX_STEPS = 32
"""Names and brackets; deeper than any schema this package reads."""
MAX_INDEX = 1_000_000


class Reducer(StrEnum):
    """What makes one number out of many."""

    MIN = "min"
    MAX = "max"
    SUM = "sum"
    MEAN = "mean"
    LEN = "len"
    NORM = "norm"


@dataclass(frozen=True, slots=True)
class Name:
    """Step into a field."""

    name: str

    def __str__(self) -> str:
        return "." + self.name


@dataclass(frozen=True, slots=True)
class Index:
    """Step to one element."""

    index: int

    def __str__(self) -> str:
        return f"[{self.index}]"


@dataclass(frozen=True, slots=True)
class Every:
    """Step to all elements."""

    def __str__(self) -> str:
        return "[]"


Step = Name | Index | Every


@dataclass(frozen=True, slots=True)
class FieldPath:
    """A parsed path."""

    steps: tuple[Step, ...]
    reducer: Reducer | None = None

    def __str__(self) -> str:
        inner = spell(self.steps)
        return f"{self.reducer}({inner})" if self.reducer else inner


def spell(steps: tuple[Step, ...]) -> str:
    """Steps as text."""
    return "".join(map(str, steps)).removeprefix(".")


_CALL = re.compile(r"\s*([A-Za-z_]\w*)\s*\((.*)\)\s*", re.ASCII | re.DOTALL)
_STEP = re.compile(r"(?:(\.)?([A-Za-z_]\w*)|\[\s*(\d*)\s*\])", re.ASCII)


def parse_path(text: str) -> FieldPath:
    """Read a path.

    Raises:
        FieldError: it does not follow the grammar, or is too long.

    """
    if len(text) > MAX_PATH_LENGTH:
        raise FieldError(
            f"The field path {text[:40]!r}... has {len(text)} characters, the limit is {MAX_PATH_LENGTH}; it was not used."
        )
    reducer, inner = None, text
    call = _CALL.fullmatch(text)
    if call:
        name, inner = call.groups()
        if name not in Reducer.__members__.values():
            raise _malformed(text, 0, f"there is no function {name!r}; known: {', '.join(Reducer)}")
        reducer = Reducer(name)
    offset = text.index(inner) if inner else 0
    return FieldPath(_steps(text, inner.rstrip(), offset), reducer)


def _steps(text: str, inner: str, offset: int) -> tuple[Step, ...]:
    steps: list[Step] = []
    position = len(inner) - len(inner.lstrip())
    while position < len(inner):
        match = _STEP.match(inner, position)
        if match is None:
            raise _malformed(text, offset + position, f"{inner[position]!r} is not expected here")
        dot, name, index = match.groups()
        if name is not None:
            if bool(dot) != bool(steps):
                raise _malformed(text, offset + position, "names are joined by single dots")
            steps.append(Name(name))
        elif not steps:
            raise _malformed(text, offset + position, "a path starts with a name")
        else:
            steps.append(_bracket(text, offset + position, index))
        position = match.end()
    if not steps:
        raise _malformed(text, offset, "it names no field")
    if len(steps) > MAX_STEPS:
        raise _malformed(text, 0, f"it has {len(steps)} steps, the limit is {MAX_STEPS}")
    return tuple(steps)


def _bracket(text: str, position: int, index: str) -> Step:
    if not index:
        return Every()
    if len(index) > len(str(MAX_INDEX)) or int(index) > MAX_INDEX:
        raise _malformed(text, position, f"the index {index[:20]} is over the limit of {MAX_INDEX:,}")
    return Index(int(index))


def _malformed(text: str, position: int, why: str) -> FieldError:
    return FieldError(f"The field path {text!r} cannot be used: column {position + 1}: {why}.")
