"""Lists the paths of a schema."""

from collections.abc import Iterator

from winnow_operators.fields.tree import Anything, Flag, ListOf, Number, Structure, Text, Time, Type

MAX_DEPTH = 12
"""Steps; ROS messages reach 7, and a recursive schema must end somewhere."""
MAX_FIELDS = 10_000
"""Paths; a hostile schema may hold any number."""
_FILLER = "structure_needs_at_least_one_member"


def field_paths(root: Type) -> list[tuple[str, str]]:
    """Every path to a value with the name of its type, depth first in the order of the schema.

    Lists appear as ``name[]``, times once as a whole. At most ``MAX_FIELDS`` paths of ``MAX_DEPTH`` steps.
    """
    found: list[tuple[str, str]] = []
    for path in _below(root, "", 0):
        found.append(path)
        if len(found) == MAX_FIELDS:
            break
    return found


def _below(current: Type, prefix: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth > MAX_DEPTH:
        return
    if isinstance(current, Structure):
        for name, inner in current.fields.items():
            if name != _FILLER:
                yield from _below(inner, f"{prefix}.{name}" if prefix else name, depth + 1)
    elif isinstance(current, ListOf):
        yield from _below(current.element, f"{prefix}[]", depth)
    elif prefix and isinstance(current, Number | Flag | Text | Time | Anything):
        yield prefix, current.name
