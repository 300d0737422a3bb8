"""Versions of campaigns: numbers between dots, compared number by number."""

import re

PATTERN = r"^[0-9]{1,12}(\.[0-9]{1,12}){0,7}$"
"""``2026.04.11.001``: at most eight numbers of twelve digits."""


def version_key(version: str) -> tuple[int, ...]:
    """What versions are ordered by. ``2.0`` is ``2``, and ``2.10`` comes after ``2.9``.

    Raises:
        ValueError: it is no version.

    """
    if not re.fullmatch(PATTERN, version):
        raise ValueError(f"{version[:80]!r} is no version; write numbers between dots, like 2026.04.11.001")
    numbers = [int(part) for part in version.split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
