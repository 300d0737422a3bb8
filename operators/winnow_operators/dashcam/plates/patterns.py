"""Plate patterns taken apart into the characters that each place may hold.

A pattern is a small part of regular expressions without repetition that has no end, so that it stands for
a known number of *templates*, each a tuple of character sets. Templates, unlike compiled expressions, say
which reading of a doubtful character a format wants.
"""

import math
from typing import NamedTuple

from winnow_schemas.errors import BadInputError

Template = tuple[frozenset[str], ...]

MOST_TEMPLATES = 2000
"""Of one pattern; the library's largest has some hundred."""
LONGEST = 12
"""Characters of a plate: no country has more."""


def templates_of(pattern: str) -> list[Template]:
    """All templates that a pattern stands for.

    Raises:
        BadInputError: the pattern is none, or stands for too much.

    """
    parser = _Parser(pattern)
    found = parser.alternatives()
    if parser.place != len(pattern):
        raise parser.fault("this was not expected")
    return sorted(found, key=lambda template: (len(template), [sorted(each) for each in template]))


def log_size(template: Template) -> float:
    """Natural logarithm of how many texts a template stands for."""
    return sum(math.log(len(each)) for each in template)


class _Times(NamedTuple):
    least: int
    most: int


class _Parser:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.place = 0

    def fault(self, what: str) -> BadInputError:
        return BadInputError(
            f"The plate pattern {self.pattern!r} cannot be used: {what} at character {self.place + 1}; "
            "patterns have characters, [classes], (one|another), {m}, {m,n} and ?. It was left out."
        )

    def _peek(self) -> str:
        return self.pattern[self.place : self.place + 1]

    def _take(self, wanted: str = "") -> str:
        found = self._peek()
        if not found or (wanted and found != wanted):
            raise self.fault(f"{wanted!r} is missing" if wanted else "it ends too early")
        self.place += 1
        return found

    def alternatives(self) -> set[Template]:
        found = self._sequence()
        while self._peek() == "|":
            self._take()
            found |= self._sequence()
        return found

    def _sequence(self) -> set[Template]:
        found: set[Template] = {()}
        while self._peek() not in {"", "|", ")"}:
            part = self._part()
            times = self._times()
            repeated: set[Template] = {()} if times.least == 0 else set()
            chain: set[Template] = {()}
            for count in range(1, times.most + 1):
                chain = self._joined(chain, part)
                if count >= times.least:
                    repeated |= chain
            found = self._joined(found, repeated)
        return found

    def _joined(self, left: set[Template], right: set[Template]) -> set[Template]:
        if len(left) * len(right) > MOST_TEMPLATES:
            raise self.fault(f"it stands for more than {MOST_TEMPLATES} templates")
        joined = {one + other for one in left for other in right}
        if any(len(each) > LONGEST for each in joined):
            raise self.fault(f"it stands for texts of more than {LONGEST} characters")
        return joined

    def _part(self) -> set[Template]:
        first = self._take()
        if first == "(":
            inner = self.alternatives()
            self._take(")")
            return inner
        if first == "[":
            return {(self._class(),)}
        if not first.isalnum():
            self.place -= 1
            raise self.fault(f"{first!r} means nothing")
        return {(frozenset(first),)}

    def _class(self) -> frozenset[str]:
        found: set[str] = set()
        while self._peek() != "]":
            first = self._take()
            last = first
            if self._peek() == "-":
                self._take()
                last = self._take()
            if (
                not (first.isalnum() and last.isalnum())
                or not 0 <= ord(last) - ord(first) < len("A-Z0-9") ** 2
            ):
                raise self.fault(f"{first}-{last} is no range")
            found |= {chr(code) for code in range(ord(first), ord(last) + 1)}
        self._take("]")
        if not found:
            raise self.fault("a class is empty")
        return frozenset(found)

    def _times(self) -> _Times:
        if self._peek() == "?":
            self._take()
            return _Times(0, 1)
        if self._peek() != "{":
            return _Times(1, 1)
        self._take()
        least = most = self._number()
        if self._peek() == ",":
            self._take()
            most = self._number()
        self._take("}")
        if not least <= most <= LONGEST:
            raise self.fault(f"{{{least},{most}}} is no range up to {LONGEST}")
        return _Times(least, most)

    def _number(self) -> int:
        digits = ""
        while self._peek().isdecimal() and len(digits) < 3:
            digits += self._take()
        if not digits:
            raise self.fault("a number is missing")
        return int(digits)
