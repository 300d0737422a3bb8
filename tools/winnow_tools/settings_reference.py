"""The reference of all settings, made from the models: every key with its unit, default, limits and meaning."""

import re
from collections.abc import Iterator
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from winnow_schemas.settings import DeviceSettings
from winnow_schemas.settings.triggers import TriggerSettings

_UNITS = {
    "gb_per_day": "GB per day",
    "mb_s": "MB/s",
    "points_per_h": "points per hour",
    "mbps": "Mbit/s",
    "gb": "GB",
    "mib": "MiB",
    "mb": "MB",
    "kb": "kB",
    "bytes": "bytes",
    "days": "days",
    "ms": "ms",
    "ns": "ns",
    "hz": "Hz",
    "px": "px",
    "s": "s",
    "h": "h",
    "fraction": "share",
    "percent": "%",
    "per_minute": "per minute",
    "per_hour": "per hour",
    "per_day": "per day",
}
"""Endings of names -> units; the longest ending counts."""
_INSIDE = {"set": TriggerSettings}
"""Keys whose entries are checked by a model only later: a library trigger may be changed in part."""
_BOUNDS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}


class Section(NamedTuple):
    """The keys at one place of the file."""

    path: str
    """``upload.modes.NAME``; empty for the top."""
    about: str
    model: type[BaseModel]


class Key(NamedTuple):
    """A row of the reference."""

    name: str
    kind: str
    unit: str
    default: str
    limits: str
    meaning: str


def settings_sections() -> list[Section]:
    """All places of a settings file, the top first, then depth first in the order of the models."""
    return list(_sections(Section("", "", DeviceSettings)))


def _sections(section: Section) -> Iterator[Section]:
    yield section
    for name, field in section.model.model_fields.items():
        path = f"{section.path}.{name}" if section.path else name
        for model, ending in _models(field.annotation):
            yield from _sections(Section(f"{path}{ending}", _words(field.description), model))
        if name in _INSIDE and not _models(field.annotation):
            yield Section(f"{path}.NAME", _words(field.description), _INSIDE[name])


def _models(hint: Any, ending: str = "") -> list[tuple[type[BaseModel], str]]:
    """Models within a type, with what follows the key: nothing, ``.NAME`` in a mapping, ``[]`` in a list."""
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return [(hint, ending)]
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _models(inner[0], ending)
    if origin is dict:
        return _models(inner[1], f"{ending}.NAME")
    if origin in (list, tuple):
        return _models(inner[0], f"{ending}[]")
    if origin in (Union, UnionType):
        return [found for each in inner for found in _models(each, ending)]
    return []


def keys_of(section: Section) -> list[Key]:
    """The rows of one section; keys that are sections of their own stand there too, with their meaning."""
    rows = []
    for name, field in section.model.model_fields.items():
        kind = _kind(field.annotation)
        rows.append(
            Key(
                name,
                kind,
                _unit(name, kind),
                _default(field),
                _limits(field, kind),
                _words(field.description),
            )
        )
    return rows


def settings_table() -> str:
    """Markdown: a heading and a table per section."""
    parts, told = [], dict[type[BaseModel], str]()
    for section in settings_sections():
        title = f"`{section.path}`" if section.path else "The top of the file"
        about = f"{section.about}\n\n" if section.about else ""
        if section.model in told:
            parts.append(f"### {title}\n\n{about}The keys are those of `{told[section.model]}`.\n")
            continue
        told[section.model] = section.path
        lines = ["| key | value | unit | default | limits | meaning |", "|---|---|---|---|---|---|"]
        for key in keys_of(section):
            cells = (f"`{key.name}`", key.kind, key.unit, key.default, key.limits, key.meaning)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        parts.append(f"### {title}\n\n{about}" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def _kind(hint: Any) -> str:
    """What one writes there, in a word or two."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _kind(inner[0])
    if origin is Literal:
        return "one of " + ", ".join(f"`{each}`" for each in inner)
    if origin in (Union, UnionType):
        said = [_kind(each) for each in inner if each is not type(None)]
        return " or ".join(dict.fromkeys(said))
    if origin is dict:
        return f"map of {_kind(inner[1])}" if inner[1] is not Any else "map"
    if origin in (list, tuple):
        return f"list of {_kind(inner[0])}"
    if isinstance(hint, type) and issubclass(hint, Enum):
        values = hint.__members__ if issubclass(hint, int) else [each.value for each in hint]
        return "one of " + ", ".join(f"`{value}`" if value else "empty" for value in values)
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return "section"
    names = {bool: "`true` or `false`", int: "whole number", float: "number", str: "text"}
    return names.get(hint, "any value")


def _unit(name: str, kind: str) -> str:
    if "number" not in kind:
        return ""
    endings = sorted((each for each in _UNITS if name.endswith(f"_{each}")), key=len)
    return _UNITS[endings[-1]] if endings else ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    return _shown(field.get_default(call_default_factory=True))


def _shown(value: Any) -> str:
    if isinstance(value, BaseModel):
        return ""
    if value == "":
        return "empty"
    if isinstance(value, Enum):
        return f"`{value.name if isinstance(value, int) else value.value}`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dict):
        pairs = (f"{_plain(key)}: {_plain(item)}" for key, item in value.items())
        return f"`{{{', '.join(pairs)}}}`" if value else "empty"
    if isinstance(value, list | tuple):
        return f"`[{', '.join(map(_plain, value))}]`" if value else "empty"
    if value is None:
        return "none"
    return f"`{value}`" if isinstance(value, str) else str(value)


def _plain(value: Any) -> str:
    return _shown(value).strip("`")


def _limits(field: FieldInfo, kind: str) -> str:
    """Bounds of numbers, lengths and patterns, in words."""
    said = []
    what = "entries" if kind.startswith(("list", "map")) else "characters"
    for each in field.metadata:
        said += [
            f"{sign} {getattr(each, name):,}"
            for name, sign in _BOUNDS.items()
            if getattr(each, name, None) is not None
        ]
        if getattr(each, "min_length", None):
            said.append(f"at least {each.min_length} {what}")
        if getattr(each, "max_length", None):
            said.append(f"at most {each.max_length:,} {what}")
        pattern = getattr(each, "pattern", None)
        if pattern:
            said.append(_pattern(str(pattern)))
    return ", ".join(said)


def _pattern(pattern: str) -> str:
    choice = re.fullmatch(r"\^\(([\w|-]+)\)\$", pattern)
    if choice:
        return "one of " + ", ".join(f"`{each}`" for each in choice[1].split("|"))
    return f"matches `{pattern}`"


def _words(text: str | None) -> str:
    return " ".join((text or "").replace("``", "`").split())
