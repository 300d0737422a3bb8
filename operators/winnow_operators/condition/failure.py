"""What is wrong with a condition, and where: one sentence, the line, and a caret below it."""

import difflib
from collections.abc import Iterable
from typing import NamedTuple

from winnow_schemas.errors import BadInputError

_SHOWN = 160
"""Characters of a line that an error shows, around the place."""


class Span(NamedTuple):
    """Half-open range of characters ``[start, end)`` in the text as the user wrote it."""

    start: int
    end: int

    def to(self, other: "Span") -> "Span":
        return Span(min(self.start, other.start), max(self.end, other.end))


class ConditionError(BadInputError):
    """A condition was refused. ``line`` and ``column`` are 1-based, within the condition's own text."""

    def __init__(self, sentence: str, text: str, span: Span, file: str = "") -> None:
        self.sentence = sentence
        self.text = text
        self.span = span
        self.file = file
        start = min(max(span.start, 0), len(text))
        line_start = text.rfind("\n", 0, start) + 1
        self.line = text.count("\n", 0, start) + 1
        self.column = start - line_start + 1
        super().__init__(f"{self.place}: {sentence}\n{self.picture()}")

    @property
    def place(self) -> str:
        """``file:line:column``, without the file when there is none."""
        return f"{self.file or 'condition'}:{self.line}:{self.column}"

    def picture(self) -> str:
        """The line in question and carets below the part that is meant."""
        line_start = self.span.start - self.column + 1 if self.text else 0
        line_end = self.text.find("\n", line_start)
        line = self.text[line_start : None if line_end < 0 else line_end]
        offset = self.column - 1
        cut = max(0, offset - _SHOWN // 2)
        shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)[
            cut : cut + _SHOWN
        ]
        width = max(1, min(self.span.end - self.span.start, len(shown) - (offset - cut)))
        return f"    {shown}\n    {' ' * (offset - cut)}{'^' * width}"


def suggestion(word: str, known: Iterable[str]) -> str:
    """The end of a sentence: ``; did you mean 'speed'?`` or, without a near one, the first few that are known."""
    names = sorted(set(known))
    folded = {name.casefold(): name for name in names}
    close = difflib.get_close_matches(word, names, n=1) or [
        folded[name] for name in difflib.get_close_matches(word.casefold(), folded, n=1)
    ]
    if close:
        return f"; did you mean {close[0]!r}?"
    if not names:
        return "."
    few = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return f"; known: {few}."
