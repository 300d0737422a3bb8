"""The arguments of a call, by name, and the constants among them."""

import ast
import re
from collections.abc import Iterator
from typing import Protocol

from winnow_operators.condition.expression import Const, Expr
from winnow_operators.condition.failure import Span, suggestion
from winnow_operators.condition.functions import Function
from winnow_operators.condition.syntax import Tree
from winnow_operators.condition.typing_rules import BOOL, NUMBER, TEXT, kind
from winnow_operators.condition.units import LENGTH, TIME, Dimension

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?")
_MAX_TIMES = 48
_CELL_M = (1.0, 100_000.0)
"""Smaller cells than a metre are below any position's accuracy, larger ones than 100 km are no area."""


class Expressions(Protocol):
    """What turns a node into a checked expression."""

    tree: Tree

    def expr(self, node: ast.expr) -> Expr: ...

    def lookup(self, word: str, span: Span) -> Expr | None: ...


class Arguments:
    """Arguments bound to their names."""

    def __init__(self, tree: Tree, function: str, nodes: dict[str, ast.expr], more: list[ast.expr]) -> None:
        self.tree = tree
        self.function = function
        self.nodes = nodes
        self.more = more
        """Further positional arguments of a function that takes any number of times of day."""

    def __contains__(self, name: str) -> bool:
        return name in self.nodes

    def __getitem__(self, name: str) -> ast.expr:
        return self.nodes[name]

    @property
    def in_order(self) -> Iterator[ast.expr]:
        yield from self.nodes.values()

    def constant(self, checker: Expressions, name: str) -> Const:
        """An argument that must not change while the condition runs."""
        value = checker.expr(self.nodes[name])
        if not isinstance(value, Const):
            self.tree.fail(
                f"{name!r} of {self.function} must be a constant or a parameter.", self.nodes[name]
            )
        return value

    def quantity(self, checker: Expressions, name: str, dimension: Dimension, example: str) -> float:
        """A number of the dimension, or a plain one in its SI unit."""
        value = self.constant(checker, name)
        if value.type is not NUMBER or value.dimension not in (None, dimension):
            found = f"this is {kind(value)}"
            self.tree.fail(
                f"{name!r} of {self.function} must be in {dimension}, like {example}; {found}.",
                self.nodes[name],
            )
        assert isinstance(value.value, float)
        return value.value

    def duration_ns(self, checker: Expressions, name: str, most_s: float, least_s: float = 1e-3) -> int:
        seconds = self.quantity(checker, name, TIME, "10 s")
        if not least_s <= seconds <= most_s:
            self.tree.fail(
                f"{name!r} of {self.function} is {seconds:g} s, the limits are {least_s:g} s and {most_s:g} s.",
                self.nodes[name],
            )
        return round(seconds * 1e9)

    def length_m(self, checker: Expressions, name: str) -> float:
        metres = self.quantity(checker, name, LENGTH, "50 m")
        if not _CELL_M[0] <= metres <= _CELL_M[1]:
            self.tree.fail(
                f"{name!r} of {self.function} is {metres:g} m, the limits are {_CELL_M[0]:g} m and {_CELL_M[1]:g} m.",
                self.nodes[name],
            )
        return metres

    def number(self, checker: Expressions, name: str, least: float, most: float) -> float:
        value = self.constant(checker, name)
        if value.type is not NUMBER or value.dimension is not None:
            self.tree.fail(
                f"{name!r} of {self.function} must be a plain number from {least:g} to {most:g}; "
                f"this is {kind(value)}.",
                self.nodes[name],
            )
        assert isinstance(value.value, float)
        if not least <= value.value <= most:
            self.tree.fail(
                f"{name!r} of {self.function} is {value.value:g}, the limits are {least:g} and {most:g}.",
                self.nodes[name],
            )
        return value.value

    def whole(self, checker: Expressions, name: str, least: int, most: int) -> int:
        """A whole number; ``least`` when it is not given."""
        if name not in self.nodes:
            return least
        value = self.number(checker, name, least, most)
        if not value.is_integer():
            self.tree.fail(f"{name!r} of {self.function} must be a whole number.", self.nodes[name])
        return int(value)

    def flag(self, checker: Expressions, name: str) -> bool:
        if name not in self.nodes:
            return False
        value = self.constant(checker, name)
        if value.type is not BOOL:
            self.tree.fail(f"{name!r} of {self.function} is True or False.", self.nodes[name])
        return bool(value.value)

    def word(self, checker: Expressions, name: str, allowed: tuple[str, ...]) -> str:
        """One of a few words, with or without quotes."""
        value = self.text(checker, name)
        if value not in allowed:
            hint = suggestion(value, allowed)
            self.tree.fail(f"{name!r} of {self.function} cannot be {value!r}{hint}", self.nodes[name])
        return value

    def text(self, checker: Expressions, name: str, node: ast.expr | None = None) -> str:
        """A text, or a bare word that names nothing."""
        node = node or self.nodes[name]
        if isinstance(node, ast.Name) and node.id[0] == "n":
            token = self.tree.token(node)
            if "." not in token.text and checker.lookup(token.text, token.span) is None:
                return token.text
        value = checker.expr(node)
        if not isinstance(value, Const) or value.type is not TEXT:
            self.tree.fail(f"{name!r} of {self.function} must be a text.", node)
        return str(value.value)

    def times_of_day(self, checker: Expressions) -> tuple[int, ...]:
        """Seconds after midnight of all arguments that are times of day."""
        nodes = [node for key, node in self.nodes.items() if key != "days"] + self.more
        if len(nodes) > _MAX_TIMES:
            self.tree.fail(
                f"{self.function} takes up to {_MAX_TIMES} times, here are {len(nodes)}.", nodes[-1]
            )
        return tuple(self._clock(checker, node) for node in nodes)

    def _clock(self, checker: Expressions, node: ast.expr) -> int:
        text = self.text(checker, "time", node)
        match = _CLOCK.fullmatch(text)
        if not match:
            self.tree.fail(f'{text!r} is no time of day; write "22:00" or "22:00:30".', node)
        hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return hours * 3600 + minutes * 60 + seconds

    def days(self, checker: Expressions) -> tuple[int, ...]:
        """Days of the week, Monday = 0; empty = all."""
        if "days" not in self.nodes:
            return ()
        words = [word.strip().casefold() for word in self.text(checker, "days").split(",")]
        for word in words:
            if word not in _DAYS:
                self.tree.fail(f"{word!r} is no day{suggestion(word, _DAYS)}", self.nodes["days"])
        return tuple(sorted({_DAYS.index(word) for word in words}))


def bind(tree: Tree, node: ast.Call, name: str, function: Function) -> Arguments:
    """Give every argument its name.

    Raises:
        ConditionError: too many, too few, unknown or doubled.

    """
    names = [*function.required, *function.optional]
    positional = names[:-1] if name == "schedule" else names
    takes_more = name == "schedule"
    if len(node.args) > len(positional) and not takes_more:
        tree.fail(f"{name} takes {_amount(len(positional))}, like {function.signature}.", node)
    nodes = dict(zip(positional, node.args, strict=False))
    for keyword in node.keywords:
        if keyword.arg is None:
            tree.fail("'**' cannot stand in a call.", keyword)
        word = tree.token(ast.Name(keyword.arg)).text
        if word not in names:
            tree.fail(f"{name} has no argument {word!r}{suggestion(word, names)}", keyword)
        if word in nodes:
            tree.fail(f"{word!r} of {name} is given twice.", keyword)
        nodes[word] = keyword.value
    missing = [each for each in function.required if each not in nodes]
    if missing:
        tree.fail(
            f"{name} lacks {' and '.join(map(repr, missing))}; write it like {function.signature}.", node
        )
    ordered = {each: nodes[each] for each in names if each in nodes}
    return Arguments(tree, name, ordered, list(node.args[len(positional) :]))


def _amount(count: int) -> str:
    return {0: "no arguments", 1: "1 argument"}.get(count, f"at most {count} arguments")
