"""Escaping: every text that comes from outside passes through here before it becomes markup."""

import html
import json
import re
from typing import Any

_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
"""Characters that XML 1.0 forbids or discourages, lone surrogates among them."""
_REORDERING = re.compile("[\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
"""Characters that hide, reorder or break what a reader sees."""


def clean(text: str) -> str:
    """The text with characters that no document may hold, or that deceive, made visible as U+FFFD."""
    return _REORDERING.sub("�", _ILLEGAL.sub("�", text))


def text(value: str) -> str:
    """For use between tags."""
    return html.escape(clean(value), quote=False)


def attribute(value: str) -> str:
    """For use inside double quotes."""
    return html.escape(clean(value)).replace("\n", "&#10;").replace("\t", "&#9;")


def script_data(value: Any) -> str:
    """JSON that may stand in a ``<script type="application/json">``: nothing in it can end the element."""
    packed = json.dumps(_cleaned(value), ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return packed.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(key): _cleaned(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(inner) for inner in value]
    return value
