"""Expressions without memory, as closures. Three-valued: None is unknown, and a NaN never gets out."""

import math
import operator
import re
from collections.abc import Callable
from typing import Any

from winnow_operators.condition.expression import Value
from winnow_operators.condition.nodes import Cell, Run

_WORD = re.compile(r"\w+")

Compare = Callable[[Any, Any], bool]


def read(cell: Cell) -> Run:
    """The newest value of a signal."""
    return lambda: cell.value


def fixed(value: Value) -> Run:
    """A constant."""
    return lambda: value


def compare_cell(op: str, cell: Cell, limit: Value) -> Run:
    """``signal op constant``, the commonest comparison, with one call less."""

    def above() -> bool | None:
        value = cell.value
        return None if value is None else value > limit

    def below() -> bool | None:
        value = cell.value
        return None if value is None else value < limit

    def at_least() -> bool | None:
        value = cell.value
        return None if value is None else value >= limit

    def at_most() -> bool | None:
        value = cell.value
        return None if value is None else value <= limit

    def same() -> bool | None:
        value = cell.value
        return None if value is None else value == limit

    def other() -> bool | None:
        value = cell.value
        return None if value is None else value != limit

    return {">": above, "<": below, ">=": at_least, "<=": at_most, "==": same, "!=": other}[op]


OPERATORS: dict[str, Compare] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


def compare(op: str, left: Run, right: Run) -> Run:
    """``left op right``."""
    holds = OPERATORS[op]

    def run() -> bool | None:
        a = left()
        if a is None:
            return None
        b = right()
        return None if b is None else holds(a, b)

    return run


def member(item: Run, values: tuple[Value, ...], negated: bool) -> Run:
    """``item in values``."""
    allowed = frozenset(values)

    def run() -> bool | None:
        value = item()
        return None if value is None else (value in allowed) is not negated

    return run


def has_word(item: Run, word: str) -> Run:
    """Whether a text contains a word; ``word`` is casefolded."""

    def run() -> bool | None:
        text = item()
        return None if text is None else word in _WORD.findall(text.casefold())

    return run


def conjunction(items: tuple[Run, ...]) -> Run:
    """Kleene's ``and``: false wins over unknown, unknown over true."""
    if len(items) == 2:
        first, second = items

        def both() -> bool | None:
            a = first()
            if a is False:
                return False
            b = second()
            return b if a is True or b is False else None

        return both

    def run() -> bool | None:
        result: bool | None = True
        for item in items:
            value = item()
            if value is False:
                return False
            if value is None:
                result = None
        return result

    return run


def disjunction(items: tuple[Run, ...]) -> Run:
    """Kleene's ``or``: true wins over unknown, unknown over false."""

    def run() -> bool | None:
        result: bool | None = False
        for item in items:
            value = item()
            if value is True:
                return True
            if value is None:
                result = None
        return result

    return run


def negation(item: Run) -> Run:
    """Kleene's ``not``: unknown stays unknown."""

    def run() -> bool | None:
        value = item()
        return None if value is None else not value

    return run


def scaled(factor: float, item: Run) -> Run:
    """``constant * item``."""

    def run() -> float | None:
        value = item()
        if value is None:
            return None
        result: float = factor * value
        return result if result == result else None  # noqa: PLR0124 - only NaN differs from itself

    return run


def function(name: str, args: tuple[Run, ...]) -> Run:
    """Any pure function; unknown where an argument is, or where the result is not a number."""
    compute = _FUNCTIONS[name]

    def run() -> float | None:
        values = []
        for arg in args:
            value = arg()
            if value is None:
                return None
            values.append(value)
        try:
            result = compute(*values)
        except (OverflowError, ZeroDivisionError, ValueError):
            return None
        return None if math.isnan(result) else result

    return run


def _clamp(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


_FUNCTIONS: dict[str, Callable[..., float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "%": lambda a, b: a % b,
    "**": lambda a, b: float(a**b),
    "neg": lambda a: -a,
    "abs": abs,
    "min": min,
    "max": max,
    "clamp": _clamp,
    "sqrt": math.sqrt,
    "hypot": math.hypot,
}
