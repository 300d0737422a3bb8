"""Text that is safe to put into YAML: names from recordings are hostile."""

import json
import math
import re

_PLAIN = re.compile(r"[A-Za-z/_][A-Za-z0-9_/.-]*", re.ASCII)
_WORDS = frozenset(("true", "false", "yes", "no", "on", "off", "null", "none", "y", "n"))


def scalar(text: str) -> str:
    """A YAML scalar: plain where that is safe, double-quoted otherwise."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return json.dumps(text)


def comment(text: str, limit: int = 160) -> str:
    """One line without anything that ends a comment or confuses a terminal."""
    line = "".join(letter if letter.isprintable() else "?" for letter in text)
    return line if len(line) <= limit else line[: limit - 3] + "..."


def number(value: float, span: float = 0.0) -> str:
    """A number to a hundredth of ``span`` (to four digits without one), without trailing zeros."""
    if span > 0 and math.isfinite(span):
        places = max(0, 2 - math.floor(math.log10(span)))
        if places <= 12 and abs(value) < 1e15:
            text = f"{round(value, places) + 0.0:.{places}f}"  # adding 0.0 makes -0 to 0
            return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:.4g}"


def size(size_bytes: float) -> str:
    """Bytes for people: 40 B, 2.9 MB."""
    for unit in ("B", "kB", "MB", "GB"):
        if size_bytes < 1000 or unit == "GB":
            return f"{size_bytes:.3g} {unit}"
        size_bytes /= 1000
    raise AssertionError
