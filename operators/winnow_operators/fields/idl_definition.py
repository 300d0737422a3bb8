"""Reads OMG IDL definitions, ``ros2idl``, with the parser of rosbags."""

import re
from typing import Any

from winnow_operators.fields.faults import FieldError
from winnow_operators.fields.ros_definition import NUMBERS, ROS2_TIMES
from winnow_operators.fields.tree import Flag, ListOf, Opaque, Structure, Text, Type

MAX_IDL_BYTES = 256 * 1024
"""The parser backtracks; ROS's own largest IDL file has 20 kB."""
_SECTION = re.compile(r"^={3,}[ \t]*\r?\nIDL:[^\n]*\n", re.MULTILINE)
_DIRECTIVE = re.compile(r"^[ \t]*#[^\n]*\n", re.MULTILINE)
"""Includes: the definition brings everything along."""
_SCALARS: dict[str, Type] = {
    **NUMBERS,
    "byte": NUMBERS["uint8"],
    "octet": NUMBERS["uint8"],
    "char": NUMBERS["uint8"],
    "bool": Flag(),
    "string": Text(),
}


def idl_tree(schema_name: str, text: str) -> Structure:
    """The root type of a definition.

    Raises:
        FieldError: the text is not IDL as ROS 2 writes it.

    """
    if len(text) > MAX_IDL_BYTES or "<<" in text:
        raise FieldError(
            f"The IDL of {schema_name} has {len(text):,} characters (limit {MAX_IDL_BYTES:,}) or shifts numbers, "
            "which ROS 2 does not; its fields cannot be read."
        )
    from rosbags.typesys import TypesysError, get_types_from_idl  # loads slowly and is rarely needed

    types: dict[str, Any] = {}
    for section in _SECTION.split(_DIRECTIVE.sub("", text)):
        if not section.strip():
            continue
        try:
            types.update(get_types_from_idl(section))
        except (TypesysError, ValueError, RecursionError, KeyError, AssertionError, ArithmeticError) as error:
            reason = (str(error).splitlines() or ["no reason given"])[0][:120]
            raise FieldError(
                f"The IDL of {schema_name} is not understood ({reason}); its fields cannot be read."
            ) from None
    if schema_name not in types:
        raise FieldError(f"The IDL of {schema_name} does not define it; its fields cannot be read.")
    return _Types(types).structure(schema_name)


class _Types:
    """The parser's result as structures."""

    def __init__(self, types: dict[str, Any]) -> None:
        self._types = types
        self._structures: dict[str, Structure] = {}

    def structure(self, name: str) -> Structure:
        if name not in self._structures:
            self._structures[name] = Structure(name.replace("/msg/", "/"), lambda: self._fields(name))
        return self._structures[name]

    def _fields(self, name: str) -> dict[str, Type]:
        return {field: self._type(description, name) for field, description in self._types[name][1]}

    def _type(self, description: Any, owner: str) -> Type:
        node, value = description
        if node.name == "BASE":
            scalar: Type = _SCALARS.get(value[0]) or Opaque(value[0], "it has no agreed size", passable=False)
            return scalar
        if node.name == "NAME":
            time = ROS2_TIMES.get(value.replace("/msg/", "/"))
            if time is not None:
                return time
            if value not in self._types:
                return Opaque(value, f"the IDL of {owner} does not define it", passable=False)
            return self.structure(value)
        element, length = value
        return ListOf(self._type(element, owner), length if node.name == "ARRAY" else None)
