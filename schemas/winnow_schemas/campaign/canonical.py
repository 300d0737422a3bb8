"""The bytes that are signed: JSON in one form only, whatever the file looked like.

RFC 8785 (JSON Canonicalization Scheme): keys sorted by their UTF-16 code units, no spaces, numbers as ECMAScript
writes them. So a campaign may be turned from YAML into JSON and back, and any library for that RFC can sign one.
"""

import json
from typing import Any

CONTEXT = b"winnow campaign v1\n"
"""Goes before the document: a signature made for something else never fits a campaign."""
_EXACT = 2**53
"""Whole numbers up to here are the same in every language."""


def signed_bytes(data: dict[str, Any]) -> bytes:
    """What the signature of a campaign's plain values covers: everything but ``signature`` itself."""
    rest = {key: value for key, value in data.items() if key != "signature"}
    return CONTEXT + canonical(rest).encode()


def canonical(value: Any) -> str:
    """RFC 8785. Values: dict with text keys, list, str, finite numbers, bool, None."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{_text(key)}:{canonical(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, int | float):
        return _number(value)
    return _text(value)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _number(value: float) -> str:
    """As ECMAScript's Number::toString gives it."""
    if isinstance(value, int) and abs(value) <= _EXACT:
        return str(value)
    value = float(value)
    if value == 0:
        return "0"
    mantissa, _, exponent = f"{value!r}".partition("e")
    sign, mantissa = ("-", mantissa[1:]) if mantissa[0] == "-" else ("", mantissa)
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction.rstrip("0")).lstrip("0") if fraction.strip("0") else whole.lstrip("0")
    place = int(exponent or 0) - (len(fraction.rstrip("0")) if fraction.strip("0") else 0)
    while digits.endswith("0"):
        digits, place = digits[:-1], place + 1
    point = len(digits) + place
    if place >= 0 and point <= 21:
        return sign + digits + "0" * place
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    power = f"e{point - 1:+d}"
    return f"{sign}{digits[0]}{'.' + digits[1:] if len(digits) > 1 else ''}{power}"
