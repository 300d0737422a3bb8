"""Search for plates: wildcards, and texts that are a few letters off.

A text is cut into pairs of letters, with its ends marked. One changed, added or missing letter destroys at
most two pairs of the text that is looked for, so a text within ``k`` letters shares all but ``2k`` of them:
an index by pair finds few candidates, and only those are compared letter by letter (Ukkonen 1992).
"""

import re
from enum import StrEnum
from typing import NamedTuple

QUERY_MAX = 32
_KEPT = re.compile(r"[^\w*?]|_")


class How(StrEnum):
    """What a query asks for."""

    ALL = "all"
    PATTERN = "pattern"
    NEAR = "near"


class PlateQuery(NamedTuple):
    """A query as the database takes it."""

    how: How
    text: str
    """Upper case, without blanks and dashes."""
    most_off: int = 0
    """Letters that may differ."""


def parse(said: str, *, near: bool = True) -> PlateQuery:
    """A person's words: ``RK*`` and ``RK?91AU`` are patterns, anything else is looked for with its near matches."""
    text = normal(said)
    if not text:
        return PlateQuery(How.ALL, "")
    if "*" in text or "?" in text:
        return PlateQuery(How.PATTERN, re.sub(r"\*+", "*", text))
    return PlateQuery(How.NEAR, text, most_off(len(text)) if near else 0)


def normal(said: str) -> str:
    """As plates are kept."""
    return _KEPT.sub("", said[: 4 * QUERY_MAX].upper())[:QUERY_MAX]


def most_off(length: int) -> int:
    """Letters that may differ: with more, half of all plates of a country would be near each other."""
    return 0 if length < 3 else 1 if length < 6 else 2


def like(pattern: str) -> str:
    r"""A pattern for SQL's ``LIKE`` with ``\`` as escape."""
    escaped = pattern.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    return escaped.replace("*", "%").replace("?", "_")


def grams(text: str) -> list[str]:
    """The different pairs of a text, ends marked with a space."""
    marked = f" {text} "
    return sorted({marked[at : at + 2] for at in range(len(marked) - 1)})


def least_shared(text: str, off: int) -> int:
    """How many of a text's different pairs another one must share to be within ``off`` letters."""
    return max(1, len(grams(text)) - 2 * off)
