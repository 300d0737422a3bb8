"""Reads ROS message definitions, ``ros1msg`` and ``ros2msg``: concatenated text, one section per type."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from winnow_operators.fields.faults import FieldError
from winnow_operators.fields.standard_types import standard_definition
from winnow_operators.fields.tree import Flag, ListOf, Number, Opaque, Structure, Text, Time, Type

MAX_DEFINITION_BYTES = 4 * 1024 * 1024
"""The longest definition known to us has 120 kB."""
MAX_TYPES = 2000
MAX_ARRAY_LENGTH = 1 << 32

NUMBERS = {
    "int8": Number("int8", "b", 1),
    "uint8": Number("uint8", "B", 1),
    "int16": Number("int16", "h", 2),
    "uint16": Number("uint16", "H", 2),
    "int32": Number("int32", "i", 4),
    "uint32": Number("uint32", "I", 4),
    "int64": Number("int64", "q", 8),
    "uint64": Number("uint64", "Q", 8),
    "float32": Number("float32", "f", 4),
    "float64": Number("float64", "d", 8),
}
_I32, _U32 = NUMBERS["int32"], NUMBERS["uint32"]
ROS2_TIMES: dict[str, Type] = {
    "builtin_interfaces/Time": Time("time", _I32, _U32),
    "builtin_interfaces/Duration": Time("duration", _I32, _U32),
}
_ROS1: dict[str, Type] = {
    **NUMBERS,
    "byte": NUMBERS["int8"],
    "char": NUMBERS["uint8"],
    "bool": Flag(),
    "string": Text(),
    "time": Time("time", _U32, _U32, "secs", "nsecs"),
    "duration": Time("duration", _I32, _I32, "secs", "nsecs"),
}
_ROS2: dict[str, Type] = {
    **NUMBERS,
    "byte": NUMBERS["uint8"],
    "char": NUMBERS["uint8"],
    "bool": Flag(),
    "string": Text(),
    "wstring": Opaque("wstring", "wide strings have no agreed size", passable=False),
}
_SEPARATOR = re.compile(r"^={3,}[ \t]*\r?$", re.MULTILINE)
_SECTION_NAME = re.compile(r"\s*MSG:\s*([A-Za-z][\w/]*)\s*", re.ASCII)
_FIELD = re.compile(
    r"(?:@\w+\s+)?(?P<type>[A-Za-z][\w/]*)(?:<=\d+)?(?P<list>\[(?P<most><=)?(?P<length>\d*)\])?\s+"
    r"(?P<name>[A-Za-z]\w*)\s*(?P<rest>.*)",
    re.ASCII | re.DOTALL,
)
_ANNOTATION = re.compile(r"@\w+", re.ASCII)


class _Field(NamedTuple):
    type_name: str
    name: str
    is_list: bool
    length: int | None


def ros_tree(schema_name: str, text: str, *, is_ros1: bool) -> Structure:
    """The root type of a definition.

    Raises:
        FieldError: the text is not a message definition.

    """
    if len(text) > MAX_DEFINITION_BYTES:
        raise FieldError(
            f"The definition of {schema_name} has {len(text):,} characters, the limit is {MAX_DEFINITION_BYTES:,}; "
            "its fields cannot be read."
        )
    first, *others = _SEPARATOR.split(text)
    sections = {_short(schema_name): first}
    for section in others:
        heading = _SECTION_NAME.match(section)
        if heading is None:
            raise FieldError(
                f"The definition of {schema_name} has a section without 'MSG: package/Name' "
                f"({section.strip()[:40]!r}); its fields cannot be read."
            )
        sections.setdefault(_short(heading[1]), section[heading.end() :])
    if len(sections) > MAX_TYPES:
        raise FieldError(
            f"The definition of {schema_name} has {len(sections):,} types, the limit is {MAX_TYPES:,}; "
            "its fields cannot be read."
        )
    return _Definitions(sections, is_ros1=is_ros1).structure(_short(schema_name))


class _Definitions:
    """Sections of one definition, turned into structures when they are first used."""

    def __init__(self, sections: dict[str, str], *, is_ros1: bool) -> None:
        self._sections = sections
        self._builtin: Mapping[str, Type] = _ROS1 if is_ros1 else {**_ROS2, **ROS2_TIMES}
        self._is_ros1 = is_ros1
        self._structures: dict[str, Structure] = {}

    def structure(self, name: str) -> Structure:
        if name not in self._structures:
            self._structures[name] = Structure(name, lambda: self._fields(name))
        return self._structures[name]

    def _fields(self, name: str) -> dict[str, Type]:
        package = name.rpartition("/")[0]
        fields: dict[str, Type] = {}
        for field in _parse(name, self._sections[name]):
            element = self._type(field.type_name, package, name)
            fields[field.name] = ListOf(element, field.length) if field.is_list else element
        if not fields and not self._is_ros1:  # IDL knows no empty struct, so ROS 2 sends one byte
            fields["structure_needs_at_least_one_member"] = NUMBERS["uint8"]
        return fields

    def _type(self, type_name: str, package: str, owner: str) -> Type:
        short = _short(type_name)
        if short in self._builtin:
            return self._builtin[short]
        if "/" not in short:
            short = self._full(short, package)
        if short not in self._sections and not self._adopt(short):
            reason = f"the definition of {owner} does not contain it, and it is no standard type"
            return Opaque(type_name, reason, passable=False)
        return self.structure(short)

    def _full(self, name: str, package: str) -> str:
        """The type that a bare name means: of its own package, else whatever the definition brings along.

        In 2010 ``Header`` was ``roslib/Header``.
        """
        candidates = [f"{package}/{name}", f"std_msgs/{name}"]
        candidates += sorted(known for known in self._sections if known.endswith(f"/{name}"))
        found = next((known for known in candidates if known in self._sections), None)
        return found or ("std_msgs/Header" if name == "Header" else candidates[0])

    def _adopt(self, name: str) -> bool:
        """Take a missing section from the standard types."""
        definition = standard_definition(name, is_ros1=self._is_ros1)
        if definition is None:
            return False
        first, *others = _SEPARATOR.split(definition)
        self._sections[name] = first
        for section in others:
            heading = _SECTION_NAME.match(section)
            if heading is not None:
                self._sections.setdefault(_short(heading[1]), section[heading.end() :])
        return True


def _parse(owner: str, section: str) -> list[_Field]:
    fields = []
    for number, line in enumerate(section.splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#") or _ANNOTATION.fullmatch(text):
            continue
        match = _FIELD.fullmatch(text)
        if match is None:
            raise FieldError(
                f"Line {number} of the definition of {owner} is not understood ({text[:60]!r}); its fields cannot "
                "be read."
            )
        if match["rest"].startswith("="):
            continue  # a constant takes no room in a message
        length = int(match["length"][:12]) if match["length"] and not match["most"] else None
        if length is not None and length > MAX_ARRAY_LENGTH:
            raise FieldError(f"{owner} has an array of {length:,} elements; its fields cannot be read.")
        fields.append(_Field(match["type"], match["name"], match["list"] is not None, length))
    return fields


def _short(name: str) -> str:
    """``std_msgs/msg/Header`` as ``std_msgs/Header``: both spellings occur in one recording."""
    parts = name.split("/")
    return f"{parts[0]}/{parts[2]}" if len(parts) == 3 else name
