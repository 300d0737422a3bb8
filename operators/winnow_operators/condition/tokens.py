"""The text of a condition, cut into tokens. Quantities (`3 m`, `250 ms`) become one token with an SI value."""

import contextlib
import math
import re
import unicodedata
from enum import Enum, auto
from typing import NamedTuple, NoReturn

from winnow_operators.condition.failure import ConditionError, Span, suggestion
from winnow_operators.condition.limits import ConditionLimits
from winnow_operators.condition.units import ATOMS, UNIT_PATTERN, Unit, parse_unit
from winnow_schemas.errors import BadInputError


class Kind(Enum):
    """What a token is."""

    NAME = auto()
    NUMBER = auto()
    TEXT = auto()
    WORD = auto()
    """``and or not in``, any case; ``true false``."""
    SIGN = auto()


class Token(NamedTuple):
    """A piece of the text."""

    kind: Kind
    text: str
    """As written; a word in lower case; a text without its quotes."""
    span: Span
    value: float = 0.0
    """Of a number, as written."""
    unit: Unit | None = None
    """Of a number with a unit."""


_MEANT = {
    "\u2265": ">=",
    "\u2264": "<=",
    "\u2260": "!=",
    "\u2212": "-",
    "\u2013": "-",
    "\u00d7": "*",
    "\u00f7": "/",
    "\u2215": "/",
    "\u03bc": "\u00b5",
}
"""What word processors and keyboards write for signs of the language; the last is the Greek letter for the prefix."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
_NUMBER = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_UNIT = re.compile(UNIT_PATTERN)
_TEXT = re.compile(r"\"[^\"\\\n]*\"|'[^'\\\n]*'")
_SIGN = re.compile(r"==|!=|<=|>=|\*\*|//|:=|->|&&|\|\||[-+*/%<>(),=]")
_WORDS = frozenset({"and", "or", "not", "in", "true", "false"})
_KEYWORDS = frozenset(
    "as assert async await break class continue def del elif else except finally for from global if import is "  # noqa: SIM905 - one word a line helps nobody
    "lambda match nonlocal none pass raise return try while with yield".split()
)
_HINTS = {
    "&&": "write 'and'",
    "||": "write 'or'",
    ":=": "a condition only looks, it stores nothing",
    "->": "it has no meaning here",
    "!": "write 'not' or '!='",
    "&": "write 'and'",
    "|": "write 'or'",
    "~": "write 'not'",
    "^": "write '**' for a power",
    "#": "a condition has no comments",
    "\\": "texts have no escapes",
    "[": "write lists in parentheses",
    "]": "write lists in parentheses",
    "{": "there are no sets or mappings",
    "}": "there are no sets or mappings",
    ";": "a condition is one expression",
    ":": "there are no slices and no lambda",
    "@": "it has no meaning here",
    "`": "it has no meaning here",
    "$": "it has no meaning here",
    "?": "it has no meaning here",
    ".": "a signal's parts are named in the settings, not here",
}
_MAX_DIGITS = 40
_MAX_WORD = 128


def tokenise(text: str, limits: ConditionLimits, file: str = "") -> list[Token]:
    """Cut the text.

    Raises:
        ConditionError: it is too long, or holds a character, number or unit that a condition cannot have.

    """
    if len(text) > limits.max_chars:
        sentence = (
            f"The condition has {len(text)} characters, the limit is {limits.max_chars}; it was not read."
        )
        raise ConditionError(sentence, text[: limits.max_chars], Span(0, 1), file)
    return _Cutter(text, limits, file).run()


class _Cutter:
    def __init__(self, text: str, limits: ConditionLimits, file: str) -> None:
        self.text = text
        self.limits = limits
        self.file = file
        self.at = 0

    def run(self) -> list[Token]:
        tokens: list[Token] = []
        while True:
            while self.at < len(self.text) and self.text[self.at] in " \t\r\n":
                self.at += 1
            if self.at == len(self.text):
                return tokens
            if len(tokens) == self.limits.max_tokens:
                self.fail(f"The condition has more than {self.limits.max_tokens} words and signs.", 1)
            tokens.append(self.token())

    def token(self) -> Token:
        if match := _NUMBER.match(self.text, self.at):
            return self.number(match.group())
        if match := _NAME.match(self.text, self.at):
            return self.name(match.group())
        if match := _TEXT.match(self.text, self.at):
            return self.take(Kind.TEXT, match.group()[1:-1], match.end())
        if (match := _SIGN.match(self.text, self.at)) and match.group() not in _HINTS:
            return self.take(Kind.SIGN, match.group(), match.end())
        return self.bad_character(match.group() if match else self.text[self.at])

    def take(self, kind: Kind, shown: str, end: int) -> Token:
        token = Token(kind, shown, Span(self.at, end))
        if len(shown) > _MAX_WORD:
            self.fail(f"A word or text has {len(shown)} characters, the limit is {_MAX_WORD}.", len(shown))
        self.at = end
        return token

    def name(self, word: str) -> Token:
        end = self.at + len(word)
        folded = word.casefold()
        if folded in _WORDS:
            return self.take(Kind.WORD, folded, end)
        if folded in _KEYWORDS:
            self.fail(f"{word!r} has no meaning in a condition; there are and, or, not, in.", len(word))
        if self.text[end : end + 1] in ("'", '"') and end < len(self.text):
            self.fail(f"A text cannot have the prefix {word!r}; write it in plain quotes.", len(word))
        return self.take(Kind.NAME, word, end)

    def number(self, digits: str) -> Token:
        start, end = self.at, self.at + len(digits)
        if len(digits) > _MAX_DIGITS:
            self.fail(f"A number has {len(digits)} characters, the limit is {_MAX_DIGITS}.", len(digits))
        value = float(digits)
        if not math.isfinite(value):
            self.fail(f"The number {digits} is too large.", len(digits))
        unit, end = self.unit(digits, end)
        self.at = end
        return Token(Kind.NUMBER, self.text[start:end], Span(start, end), value, unit)

    def unit(self, digits: str, end: int) -> tuple[Unit | None, int]:
        """The unit behind a number, and where it ends. No name may stand there, so an unknown one is a slip."""
        attached = end < len(self.text) and self.text[end] not in " \t\r\n"
        at = end
        while at < len(self.text) and self.text[at] in " \t\r\n":
            at += 1
        match = _UNIT.match(self.text, at)
        if not match:
            if attached and self.text[end] == "_":
                self.fail("Numbers are written without '_'.", len(digits) + 1)
            return None, end
        word = _NAME.match(self.text, at)
        if word and not attached and word.group().casefold() in _WORDS:
            return None, end
        written = match.group()
        if written not in ATOMS and "/" in written and written.partition("/")[0] in ATOMS:
            # `3 m/speed` is a quotient of a quantity and a signal.
            parts = written.split("/")
            known = 1
            while known < len(parts) and parts[known].rstrip("^23456789²³") in ATOMS:
                known += 1
            written = "/".join(parts[:known])
        behind = at + len(written)
        if not re.match(r"\w", self.text[behind:]):
            with contextlib.suppress(BadInputError):
                return parse_unit(written), behind
        shown = word.group() if word else written
        self.at = at
        hint = "; write m/s2 for an acceleration." if shown == "g" else suggestion(shown, ATOMS)
        return self.fail(f"{shown!r} behind a number is not a unit{hint}", len(shown))

    def bad_character(self, sign: str) -> NoReturn:
        if sign in ("'", '"'):
            self.fail("A text is not closed, or holds a backslash or a line break.", 1)
        if sign in _HINTS:
            self.fail(f"{sign!r} cannot stand in a condition; {_HINTS[sign]}.", len(sign))
        name = unicodedata.name(sign, "an unnamed character")
        plain = _MEANT.get(sign) or unicodedata.normalize("NFKC", sign)
        hint = (
            f"; did you mean {plain!r}?"
            if sign in _MEANT or (plain != sign and plain.isascii() and plain.isprintable())
            else "."
        )
        self.fail(f"The character U+{ord(sign):04X} ({name}) cannot stand in a condition{hint}", 1)

    def fail(self, sentence: str, width: int) -> NoReturn:
        raise ConditionError(sentence, self.text, Span(self.at, self.at + width), self.file)
