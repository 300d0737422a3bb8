"""Types and physical dimensions of what is built from parts, and the folding of constants."""

import math
from collections.abc import Callable
from dataclasses import replace

from winnow_operators.condition.expression import Comparison, Const, Expr, Logic, Maths, Value
from winnow_operators.condition.failure import Span
from winnow_operators.condition.units import NONE, Dimension
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.signals import SignalType

MAX_POWER = 4
"""Largest exponent of ``**``: squares and cubes occur in physics, ``10**100`` does not."""

NUMBER, BOOL, TEXT = SignalType.NUMBER, SignalType.BOOL, SignalType.TEXT
_KINDS = {NUMBER: "a number", BOOL: "true or false", TEXT: "a text"}


class RuleError(BadInputError):
    """Parts do not fit together; the caller knows the place."""


def kind(expr: Expr) -> str:
    """The type, for a sentence."""
    if expr.type is NUMBER and expr.dimension is not None and expr.dimension != NONE:
        return f"a number in {expr.dimension}"
    return _KINDS[expr.type]


def constant(value: Value, span: Span, dimension: Dimension | None = None, shift: float = 0.0) -> Const:
    """A constant of the value's own type."""
    if isinstance(value, bool):
        return Const(type=BOOL, key=str(value), span=span, value=value)
    if isinstance(value, str):
        return Const(type=TEXT, key=repr(value), span=span, value=value)
    return Const(
        type=NUMBER, key=repr(float(value)), span=span, value=float(value), dimension=dimension, shift=shift
    )


def need(expr: Expr, wanted: SignalType, where: str) -> None:
    """Refuse a part of another type.

    Raises:
        RuleError: it is of another type.

    """
    if expr.type is wanted:
        return
    hints = {
        (NUMBER, BOOL): "; compare it with something (x > 3)",
        (TEXT, BOOL): "; compare it with a text (x == 'breach')",
        (BOOL, NUMBER): "; it cannot be calculated with",
    }
    hint = hints.get((expr.type, wanted), "")
    raise RuleError(f"{where} needs {_KINDS[wanted]}, this is {_KINDS[expr.type]}{hint}.")


def same_dimension(parts: tuple[Expr, ...], what: str) -> Dimension | None:
    """The one dimension that all parts with a known one have.

    Raises:
        RuleError: two of them differ.

    """
    known = [part for part in parts if part.dimension is not None]
    for part in known[1:]:
        if part.dimension != known[0].dimension:
            raise RuleError(
                f"{what} needs one unit, but the first part is in {known[0].dimension} and this one in {part.dimension}."
            )
    return known[0].dimension if known else None


def negative(item: Expr, span: Span) -> Expr:
    """``-item``."""
    need(item, NUMBER, "'-'")
    if isinstance(item, Const):
        assert isinstance(item.value, float)
        value = 2 * item.shift - item.value
        return replace(item, value=value, key=repr(value), span=span, param="")
    return Maths(
        type=NUMBER, dimension=item.dimension, key=f"(-{item.key})", span=span, function="neg", args=(item,)
    )


def arithmetic(op: str, left: Expr, right: Expr, span: Span) -> Expr:
    """``left op right`` for ``+ - * / % **``.

    Raises:
        RuleError: types or units do not fit, or a constant result is not finite.

    """
    need(left, NUMBER, f"{op!r}")
    need(right, NUMBER, f"{op!r}")
    dimension = _dimension_of(op, left, right)
    if isinstance(left, Const) and isinstance(right, Const):
        assert isinstance(left.value, float)
        assert isinstance(right.value, float)
        value = FOLD[op](left.value, right.value)
        if value is None or not math.isfinite(value):
            raise RuleError(f"The result of {left.value:g} {op} {right.value:g} is not a finite number.")
        folded = constant(value, span, dimension)
        named = [side.param or f"{side.value:g}" for side in (left, right)]
        return replace(folded, param=f" {op} ".join(named) if left.param or right.param else "")
    key = f"({left.key}{op}{right.key})"
    return Maths(type=NUMBER, dimension=dimension, key=key, span=span, function=op, args=(left, right))


def _dimension_of(op: str, left: Expr, right: Expr) -> Dimension | None:
    if op in ("+", "-", "%"):
        return same_dimension((left, right), f"{op!r}")
    if op == "**":
        return _dimension_of_power(left, right)
    one, two = _as_factor(left), _as_factor(right)
    if one is None or two is None:
        return None
    if _is_plain(left) and _is_plain(right):
        return None
    dimension = one.times(two, 1 if op == "*" else -1)
    if not dimension.is_sane:
        raise RuleError(f"The unit {dimension} is no physical quantity.")
    return dimension


def _dimension_of_power(base: Expr, exponent: Expr) -> Dimension | None:
    if not (isinstance(exponent, Const) and exponent.is_plain and exponent.value in range(MAX_POWER + 1)):
        raise RuleError(f"The exponent of '**' must be a whole number from 0 to {MAX_POWER}.")
    assert isinstance(exponent.value, float)
    dimension = base.dimension.power(int(exponent.value)) if base.dimension else None
    if dimension and not dimension.is_sane:
        raise RuleError(f"The unit {dimension} is no physical quantity.")
    return dimension


def _is_plain(expr: Expr) -> bool:
    return isinstance(expr, Const) and expr.is_plain


def _as_factor(expr: Expr) -> Dimension | None:
    """A plain number scales without changing the unit; a value of unknown unit makes the product unknown."""
    return NONE if _is_plain(expr) else expr.dimension


def comparison(op: str, left: Expr, right: Expr, span: Span) -> Comparison:
    """``left op right``.

    Raises:
        RuleError: they cannot be compared so.

    """
    if left.type is not right.type:
        pair = {left.type, right.type}
        hint = " (write true or false)" if pair == {BOOL, NUMBER} else ""
        raise RuleError(f"{_capital(kind(left))} cannot be compared with {kind(right)}{hint}.")
    if left.type is not NUMBER and op not in ("==", "!="):
        raise RuleError(f"{_capital(_KINDS[left.type])} can only be compared with == and !=.")
    if left.dimension and right.dimension and left.dimension != right.dimension:
        raise RuleError(f"A value in {left.dimension} cannot be compared with one in {right.dimension}.")
    return Comparison(type=BOOL, key=f"({left.key}{op}{right.key})", span=span, op=op, left=left, right=right)


def logic(op: str, items: tuple[Expr, ...], span: Span) -> Logic:
    """``and``/``or`` of two or more, ``not`` of one.

    Raises:
        RuleError: an item is neither true nor false.

    """
    for item in items:
        need(item, BOOL, f"{op!r}")
    key = f"({f' {op} '.join(item.key for item in items)})" if op != "not" else f"(not {items[0].key})"
    return Logic(type=BOOL, key=key, span=span, op=op, items=items)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _divide(a: float, b: float) -> float | None:
    return a / b if b else None


def _modulo(a: float, b: float) -> float | None:
    return a % b if b else None


def _power(a: float, b: float) -> float | None:
    try:
        return float(a**b)
    except OverflowError:
        return None


FOLD: dict[str, Callable[[float, float], float | None]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _divide,
    "%": _modulo,
    "**": _power,
}
"""What the operators compute; None where there is no result."""
