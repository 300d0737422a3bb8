"""JSON schemas as trees of types."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from winnow_operators.fields.faults import FieldError
from winnow_operators.fields.tree import Anything, Flag, ListOf, Number, Opaque, Structure, Text, Time, Type

MAX_SCHEMA_BYTES = 4 * 1024 * 1024
_MAX_REFERENCES = 32
"""References that refer to references."""
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
"""Names that a path can spell."""
_TIME_FIELDS = ({"sec", "nsec"}, {"sec", "nanosec"})


def json_tree(schema_name: str, text: bytes) -> Type:
    """The root type; without a schema, whatever the messages hold.

    Raises:
        FieldError: the schema is not a JSON object, or refers to what it does not define.

    """
    if not text.strip():
        return Anything()
    if len(text) > MAX_SCHEMA_BYTES:
        raise FieldError(
            f"The JSON schema of {schema_name} has {len(text):,} bytes, the limit is {MAX_SCHEMA_BYTES:,}; its "
            "fields cannot be read."
        )
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise FieldError(
            f"The JSON schema of {schema_name} is not JSON ({error}); its fields cannot be read."
        ) from None
    if not isinstance(document, dict):
        raise FieldError(f"The JSON schema of {schema_name} is no object; its fields cannot be read.")
    return _Schema(schema_name, document).type_of(document, schema_name)


def tree_of_value(value: Any) -> Type:
    """The type of one decoded value; lists are taken to hold what their first element is."""
    if isinstance(value, dict):
        if set(value) in _TIME_FIELDS and all(type(part) is int for part in value.values()):
            return _time(set(value))
        names = [name for name in value if _NAME.fullmatch(name)]
        return Structure("message", lambda: {name: tree_of_value(value[name]) for name in names})
    if isinstance(value, list):
        return ListOf(tree_of_value(value[0]) if value else Anything())
    if isinstance(value, bool):
        return Flag()
    if isinstance(value, int | float):
        return Number("number")
    return Text() if isinstance(value, str) else Opaque("null", "it was null")


def _time(names: set[str]) -> Time:
    return Time("time", seconds_name="sec", nanos_name=next(iter(names - {"sec"})))


class _Schema:
    """One document with its references."""

    def __init__(self, name: str, document: dict[str, Any]) -> None:
        self._name = name
        self._document = document

    def type_of(self, schema: Any, name: str) -> Type:
        schema = self._plain(schema)
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next((entry for entry in kind if entry != "null"), None)
        if kind == "object" or (kind is None and isinstance(schema.get("properties"), dict)):
            return self._object(schema, name)
        if kind == "array":
            items = schema.get("items")
            return ListOf(self.type_of(items, f"{name} element") if isinstance(items, dict) else Anything())
        simple: dict[Any, Type] = {
            "number": Number("number"),
            "integer": Number("integer"),
            "boolean": Flag(),
            "string": Text(),
            "null": Opaque("null", "it is always null"),
        }
        return simple.get(kind, Anything())

    def _object(self, schema: Mapping[str, Any], name: str) -> Type:
        properties = schema.get("properties")
        if not isinstance(properties, dict):
            return Structure(name, dict, is_open=True)
        if set(properties) in _TIME_FIELDS:
            return _time(set(properties))
        title = schema.get("title")
        shown = title if isinstance(title, str) and title else name
        return Structure(
            shown,
            lambda: {field: self.type_of(inner, field) for field, inner in properties.items()},
            is_open=bool(schema.get("additionalProperties", False)),
        )

    def _plain(self, schema: Any) -> Mapping[str, Any]:
        """Follow references and choices with null."""
        for _ in range(_MAX_REFERENCES):
            if not isinstance(schema, dict):
                return {}
            reference = schema.get("$ref")
            choices = schema.get("anyOf") or schema.get("oneOf")
            if isinstance(reference, str):
                schema = self._target(reference)
            elif isinstance(choices, list):
                real = [
                    choice
                    for choice in choices
                    if not (isinstance(choice, dict) and choice.get("type") == "null")
                ]
                if len(real) != 1:
                    return {}
                schema = real[0]
            else:
                return schema
        raise FieldError(f"The JSON schema of {self._name} refers in a circle; its fields cannot be read.")

    def _target(self, reference: str) -> Any:
        found: Any = self._document
        if reference.startswith("#"):
            for part in filter(None, reference[1:].split("/")):
                key = part.replace("~1", "/").replace("~0", "~")
                found = found.get(key) if isinstance(found, dict) else None
            if found is not None:
                return found
        raise FieldError(
            f"The JSON schema of {self._name} refers to {reference[:80]!r}, which it does not contain; its fields "
            "cannot be read."
        )
