"""What is wrong with a text that is no YAML, in words for whoever wrote it: where, what stands there, what was expected."""

import re
from collections.abc import Callable
from typing import NamedTuple

import yaml

_LONGEST = 40
"""Characters of the text that are quoted back."""
_LINES = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
"""What ends a line for libyaml."""
_LONGEST_KEY = 1024
"""YAML 1.2, section 7.4.2: of a key that stands on one line with its value."""


class Fault(NamedTuple):
    """Line and column count from 1."""

    line: int
    column: int
    message: str


def yaml_fault(text: str, error: yaml.YAMLError) -> Fault:
    """Where and what the mistake is; libyaml's own words only where none of ours fit."""
    if isinstance(error, yaml.reader.ReaderError):
        before = text[: error.position]
        column = error.position - before.rfind("\n")
        code = error.character if isinstance(error.character, int) else ord(str(error.character)[:1] or "\0")
        return Fault(
            before.count("\n") + 1,
            column,
            f"the control character U+{code:04X} cannot stand in YAML; remove it",
        )
    if not isinstance(error, yaml.MarkedYAMLError):
        return Fault(1, 1, str(error))
    mark, context = error.problem_mark or error.context_mark, error.context_mark or error.problem_mark
    if mark is None or context is None:
        return Fault(1, 1, str(error.problem or error.context))
    place = _Place(
        _LINES.split(text), mark.line, mark.column, context.line, context.column, error.context or ""
    )
    say = _WORDS.get(error.problem or "")
    if say is None:
        return Fault(mark.line + 1, mark.column + 1, str(error.problem or error.context))
    return say(place)


class _Place(NamedTuple):
    """Where libyaml stumbled, and where what it was reading began; from 0."""

    lines: list[str]
    line: int
    column: int
    from_line: int
    from_column: int
    context: str

    @property
    def there(self) -> str:
        """What stands where it began."""
        return self.lines[self.from_line][self.from_column :] if self.from_line < len(self.lines) else ""

    @property
    def here(self) -> str:
        return self.lines[self.line] if self.line < len(self.lines) else ""

    @property
    def character(self) -> str:
        return self.here[self.column : self.column + 1]

    @property
    def indent(self) -> int:
        return _indent(self.here)

    @property
    def above(self) -> str:
        """The nearest line above with something on it."""
        return next((line for line in reversed(self.lines[: self.line]) if _has_content(line)), "")

    def fault(self, message: str) -> Fault:
        return Fault(self.line + 1, self.column + 1, message)

    def at_start(self, message: str) -> Fault:
        """A fault at the beginning of what was being read."""
        return Fault(self.from_line + 1, self.from_column + 1, message)


def _colon(place: _Place) -> Fault:
    """A second ``key:`` where a value goes on."""
    before = place.here[: place.column]
    if place.column > _LONGEST_KEY:
        return place.fault(f"a key is longer than YAML allows ({_LONGEST_KEY} characters)")
    if ": " in before:
        value = before.split(": ", 1)[1].strip()
        return place.fault(
            f"expected the end of the value, found another colon after {_quoted(value)}; "
            "put a value with a colon in quotes"
        )
    return place.fault(
        f"expected the indentation of the line above, {_spaces(_indent(place.above))}, or less, found "
        f"{_spaces(place.indent)}: {_quoted(place.above.strip())} has a value already and can have nothing below it"
    )


def _key(place: _Place) -> Fault:
    """A line that fits no key above it."""
    if place.here.lstrip().startswith("- "):
        return place.fault(
            f"expected 'key: value' like the lines above, found a list item {_quoted(place.here)}"
        )
    known = sorted({place.from_column, _indent(place.above)})
    return place.fault(
        f"expected an indentation of {' or '.join(map(str, known))} spaces, as the keys above have, "
        f"found {_spaces(place.indent)}"
    )


def _item(place: _Place) -> Fault:
    return place.fault(
        f"expected another item of the list, which begins with '- ' after {_spaces(place.from_column)}, or a key of "
        f"the item above after {_spaces(place.from_column + 2)}, found {_quoted(place.here)} after "
        f"{_spaces(place.indent)}"
    )


def _no_colon(place: _Place) -> Fault:
    word = place.there
    return place.at_start(f"expected 'key: value', found {_quoted(word)} without a colon and a space")


def _start(place: _Place) -> Fault:
    if place.character == "\t":
        return place.fault("expected spaces, found a tab; YAML is indented with spaces only")
    return place.fault(f"a text that begins with {_quoted(place.character)} must stand in quotes")


def _bracket(opening: str, closing: str) -> Callable[[_Place], Fault]:
    def say(place: _Place) -> Fault:
        return place.fault(
            f"expected ',' or {closing!r}: the {opening!r} at line {place.from_line + 1}, column "
            f"{place.from_column + 1} is not closed"
        )

    return say


def _end(place: _Place) -> Fault:
    quote = place.there[:1]
    return place.at_start(f"expected a closing {quote}, found the end of the file")


def _escape(place: _Place) -> Fault:
    return place.fault(
        f"{_quoted(place.here[place.column : place.column + 2])} is nothing in double quotes; "
        "write \\\\ for a backslash, or use single quotes"
    )


def _reference(place: _Place) -> Fault:
    word = place.there.split(" ")[0]
    return place.at_start(f"{_quoted(word)} begins a reference in YAML; put a text that begins so in quotes")


def _block_text(place: _Place) -> Fault:
    sign = place.there[:1]
    return place.at_start(f"{_quoted(sign)} begins a text of several lines in YAML; put this value in quotes")


_WORDS: dict[str, Callable[[_Place], Fault]] = {
    "mapping values are not allowed in this context": _colon,
    "did not find expected key": _key,
    "did not find expected '-' indicator": _item,
    "could not find expected ':'": _no_colon,
    "found character that cannot start any token": _start,
    "did not find expected ',' or ']'": _bracket("[", "]"),
    "did not find expected ',' or '}'": _bracket("{", "}"),
    "found unexpected end of stream": _end,
    "found unknown escape character": _escape,
    "found undefined alias": _reference,
    "did not find expected alphabetic or numeric character": _reference,
    "did not find expected comment or line break": _block_text,
    "block sequence entries are not allowed in this context": lambda place: place.fault(
        "expected a value, found a list item; write the list on the lines below its key"
    ),
    "but found another document": lambda place: place.fault(
        "expected one document, found '---', which begins another; remove it"
    ),
}
"""libyaml's words (1.1, ``parser.c`` and ``scanner.c``) -> ours."""


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _has_content(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _spaces(count: int) -> str:
    return "1 space" if count == 1 else f"{count or 'no'} spaces"


def _quoted(text: str) -> str:
    words = text.strip()
    words = words if len(words) <= _LONGEST else f"{words[:_LONGEST]}..."
    return f"'{words}'" if words.isprintable() else repr(words)
