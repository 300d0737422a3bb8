"""Reads fields of JSON payloads."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from winnow_operators.fields.object_reader import Getter, compile_getters
from winnow_operators.fields.path import Name
from winnow_operators.fields.resolution import Leaf
from winnow_operators.fields.tree import Flag, Number, Text, Time

NS = 1_000_000_000
_decode = msgspec.json.Decoder().decode


class NotJsonError(Exception):
    """A payload is not JSON; caught inside this package."""


def json_reader(leaves: Sequence[Leaf]) -> Callable[[bytes | memoryview], tuple[Any, ...]]:
    """A function from payload to the leaves' values; it raises NotJsonError."""
    read = compile_getters(leaves, _field, _elements, _convert)
    return lambda data: read(decode_json(data))


def decode_json(data: bytes | memoryview) -> Any:
    """One JSON value, with Python's NaN and Infinity; raises NotJsonError."""
    try:
        return _decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        return _lenient(bytes(data), error)


def _lenient(data: bytes, error: Exception) -> Any:
    """Python's json writes NaN and Infinity, which JSON does not know; Python's json reads them too."""
    if b"NaN" not in data and b"Infinity" not in data:
        raise NotJsonError(str(error))
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as second:
        raise NotJsonError(str(second)) from None


def _field(step: Name) -> Getter:
    name = step.name
    return lambda found: found.get(name) if type(found) is dict else None


def _elements(found: Any) -> Sequence[Any] | None:
    return found if type(found) is list else None


def _convert(leaf: Leaf) -> Getter:
    if isinstance(leaf.type, Number):
        return _number
    if isinstance(leaf.type, Flag):
        return lambda found: found if type(found) is bool else None
    if isinstance(leaf.type, Text):
        return lambda found: found if type(found) is str else None
    if isinstance(leaf.type, Time):
        names = (leaf.type.seconds_name, leaf.type.nanos_name)
        return lambda found: _nanoseconds(found, *names)
    return _anything


def _number(found: Any) -> float | None:
    if type(found) is float:
        return found
    if type(found) is int:
        try:
            return float(found)
        except OverflowError:  # more than 308 digits
            return None
    return None


def _anything(found: Any) -> Any:
    return found if type(found) in (bool, str) else _number(found)


def _nanoseconds(found: Any, seconds_name: str, nanos_name: str) -> int | None:
    if type(found) is not dict:
        return None
    seconds, nanos = found.get(seconds_name), found.get(nanos_name)
    if type(seconds) is not int or type(nanos) is not int:
        return None
    total = seconds * NS + nanos
    return total if -(1 << 63) <= total < 1 << 63 else None
