"""A cursor over a YAML document: typed access that collects problems instead of stopping at the first."""

import difflib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from winnow_operators.graphs.model import Place
from winnow_schemas.yaml_source import Path_, Problem, YamlDocument

MAX_TEXT = 65_536
"""Characters of one value; a build script is a few lines."""
MAX_ENTRIES = 500
"""Entries of an environment, of parameters, of labels."""
MAX_SHOWN = 60
"""Characters of a bad value that a message repeats."""


@dataclass(slots=True)
class Findings:
    """What was found wrong, in all files of one graph."""

    problems: list[Problem] = field(default_factory=list)
    """The graph cannot be drawn as it is meant."""
    warnings: list[Problem] = field(default_factory=list)
    """dora will refuse or ignore this, but it can be drawn."""


@dataclass(frozen=True, slots=True)
class Spot:
    """One value of a document, with the way to it."""

    document: YamlDocument
    findings: Findings
    value: Any
    path: Path_ = ()

    @property
    def place(self) -> Place:
        """Where the value (or its key) stands."""
        problem = self.document.problem(self.path, "")
        return Place(problem.file, problem.line, problem.column)

    @property
    def name(self) -> str:
        """The way to the value, for messages."""
        return ".".join(map(str, self.path)) or "the file"

    def error(self, message: str) -> None:
        self.findings.problems.append(self.document.problem(self.path, message))

    def warn(self, message: str) -> None:
        self.findings.warnings.append(self.document.problem(self.path, message))

    def wrong(self, wanted: str) -> None:
        """Report that the value is not what is allowed here."""
        written = self.document.texts.get(self.path)
        kind = {dict: "a mapping", list: "a list", type(None): "nothing"}.get(type(self.value))
        self.error(f"{self.name}: {kind or shown(written or str(self.value))} is not allowed; {wanted}")

    def get(self, key: str) -> "Spot | None":
        """The value of ``key``; None when it is absent or null, or this is no mapping."""
        if not isinstance(self.value, dict) or self.value.get(key) is None:
            return None
        return self._child(key, self.value[key])

    def items(self, limit: int, what: str) -> "Iterator[tuple[str, Spot]]":
        """Keys and values of a mapping with at most ``limit`` entries."""
        if not isinstance(self.value, dict):
            self.wrong(f"it must be a mapping of {what}")
        elif len(self.value) > limit:
            self.error(f"{self.name} has {len(self.value)} {what}, the limit is {limit}")
        else:
            for key, value in self.value.items():
                yield key, self._child(key, value)

    def elements(self, limit: int, what: str) -> "Iterator[Spot]":
        """Elements of a list with at most ``limit`` of them."""
        if not isinstance(self.value, list):
            self.wrong(f"it must be a list of {what}")
        elif len(self.value) > limit:
            self.error(f"{self.name} has {len(self.value)} {what}, the limit is {limit}")
        else:
            for index, value in enumerate(self.value):
                yield self._child(index, value)

    def text(self) -> str:
        """A scalar as it is written: dora takes ``1`` and ``on`` for names too."""
        written = self.document.texts.get(self.path)
        if written is None or isinstance(self.value, dict | list):
            self.wrong("it must be text")
            return ""
        if len(written) > MAX_TEXT:
            self.error(f"{self.name} has {len(written)} characters, the limit is {MAX_TEXT}")
            return ""
        return written

    def text_of(self, key: str) -> str:
        """The text under ``key``, or empty."""
        spot = self.get(key)
        return spot.text() if spot else ""

    def seconds(self) -> float | None:
        """A number >= 0."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float) or not self.value >= 0:
            self.wrong("it must be a number of seconds, 0 or more")
            return None
        return float(self.value)

    def count(self) -> int | None:
        """A whole number >= 0 that fits dora's 64 bits."""
        if isinstance(self.value, bool) or not isinstance(self.value, int) or not 0 <= self.value < 2**63:
            self.wrong("it must be a whole number, 0 or more")
            return None
        return self.value

    def plain(self) -> str:
        """Any value as text; lists and mappings in flow style."""
        if isinstance(self.value, list):
            return "[" + ", ".join(item.plain() for item in self.elements(MAX_ENTRIES, "values")) + "]"
        if isinstance(self.value, dict):
            parts = (f"{key}: {value.plain()}" for key, value in self.items(MAX_ENTRIES, "values"))
            return "{" + ", ".join(parts) + "}"
        return self.document.texts.get(self.path, "")

    def warn_unknown(self, allowed: Collection[str], what: str) -> None:
        """Warn about keys that dora would refuse."""
        for key in self.value if isinstance(self.value, dict) else ():
            if key not in allowed:
                close = difflib.get_close_matches(key, sorted(allowed), n=1)
                hint = f"did you mean {close[0]!r}?" if close else "dora 1.1 refuses it"
                self._child(key, None).warn(f"{shown(key)}: no such field of {what}; {hint}")

    def _child(self, key: str | int, value: Any) -> "Spot":
        return Spot(self.document, self.findings, value, (*self.path, key))


def pairs(spot: Spot | None) -> tuple[tuple[str, str], ...]:
    """Names and values of an environment or the like, sorted by name."""
    if spot is None:
        return ()
    return tuple(sorted((key, value.plain()) for key, value in spot.items(MAX_ENTRIES, "entries")))


def shown(text: str) -> str:
    """A value as a message repeats it: quoted, control characters escaped, shortened."""
    return repr(text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…")
