"""Conditions in words, for `winnow triggers explain`."""

from winnow_operators.condition.expression import (
    Comparison,
    Const,
    Expr,
    HasWord,
    Logic,
    Maths,
    Membership,
    Memory,
    Place,
    Read,
    Stale,
    Timing,
    Window,
)
from winnow_operators.condition.units import NONE
from winnow_schemas.settings.signals import SignalType

_COMPARE = {
    ">": "is above",
    ">=": "is at least",
    "<": "is below",
    "<=": "is at most",
    "==": "is",
    "!=": "is not",
}
_BINARY = {"+": "plus", "-": "minus", "*": "times", "/": "divided by", "%": "modulo", "**": "to the power of"}
_WINDOW = {
    "median": "the median of",
    "mean": "the mean of",
    "std": "the standard deviation of",
    "min": "the smallest value of",
    "max": "the largest value of",
    "sum": "the sum of",
    "slope": "the slope per second of",
    "delta": "the change of",
}
_CHANGE = {"rising": "has just become true", "falling": "has just become false", "edge": "has just changed"}
_DAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")


def say(expr: Expr) -> str:
    """A condition, or a part of one, in words."""
    if isinstance(expr, Const):
        return _constant(expr)
    if isinstance(expr, Read):
        return expr.name
    if isinstance(expr, Comparison):
        return f"{say(expr.left)} {_COMPARE[expr.op]} {say(expr.right)}"
    if isinstance(expr, Membership):
        values = " or ".join(str(value) if isinstance(value, str) else f"{value:g}" for value in expr.values)
        return f"{say(expr.item)} is {'not ' if expr.negated else ''}{values}"
    if isinstance(expr, HasWord):
        return f"{say(expr.item)} contains the word {expr.word!r}"
    if isinstance(expr, Logic):
        return _logic(expr)
    if isinstance(expr, Maths):
        return _maths(expr)
    if isinstance(expr, Window):
        return _window(expr)
    if isinstance(expr, Memory):
        return _memory(expr)
    if isinstance(expr, Stale):
        return f"{expr.name} has not been heard of for {duration(expr.limit_ns)}"
    if isinstance(expr, Timing):
        return _timing(expr)
    assert isinstance(expr, Place)
    return _place(expr)


def duration(ns: int) -> str:
    """``10 s``, ``30 min``, ``2 h``."""
    seconds = ns / 1e9
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def _constant(expr: Const) -> str:
    if expr.type is not SignalType.NUMBER:
        text = str(expr.value).lower() if isinstance(expr.value, bool) else str(expr.value)
    else:
        unit = f" {expr.dimension}" if expr.dimension not in (None, NONE) else ""
        text = f"{expr.value:g}{unit}"
    return f"{expr.param} ({text})" if expr.param else text


def clause(expr: Expr) -> str:
    """A part that must be true, as a clause of its own."""
    if isinstance(expr, Const):
        return f"{_constant(expr)} is true"
    return f"{expr.name} is true" if isinstance(expr, Read) else say(expr)


def _logic(expr: Logic) -> str:
    if expr.op == "not":
        item = expr.items[0]
        return (
            f"{item.name} is not true"
            if isinstance(item, Read)
            else f"it is not the case that {clause(item)}"
        )
    clauses = [
        f"({clause(item)})" if isinstance(item, Logic) and item.op not in (expr.op, "not") else clause(item)
        for item in expr.items
    ]
    return f" {expr.op} ".join(clauses)


def _maths(expr: Maths) -> str:
    args = [
        f"({say(arg)})" if isinstance(arg, Maths) and arg.function in _BINARY else say(arg)
        for arg in expr.args
    ]
    if expr.function in _BINARY:
        return f"{args[0]} {_BINARY[expr.function]} {args[1]}"
    forms = {
        "neg": "minus {0}",
        "abs": "the magnitude of {0}",
        "sqrt": "the square root of {0}",
        "clamp": "{0} kept between {1} and {2}",
    }
    if expr.function in forms:
        return forms[expr.function].format(*args)
    lead = {"min": "the smallest of", "max": "the largest of", "hypot": "the length of"}[expr.function]
    return f"{lead} {' and '.join(args)}"


def _window(expr: Window) -> str:
    span = f"over the last {duration(expr.window_ns)}"
    if expr.function == "count":
        what = (
            "messages of"
            if isinstance(expr.item, Read) and expr.item.type is not SignalType.BOOL
            else "messages with"
        )
        return f"the number of {what} {clause(expr.item) if what.endswith('with') else say(expr.item)} {span}"
    if expr.function == "rate":
        return f"the rate of {say(expr.item)} in messages per second {span}"
    if expr.function == "percentile":
        lead = f"the value that {expr.fraction * 100:g} % stay below, of"
    else:
        lead = _WINDOW[expr.function]
    least = f" (from {expr.min_samples} messages on)" if expr.min_samples > 2 else ""
    return f"{lead} {say(expr.item)} {span}{least}"


def _memory(expr: Memory) -> str:
    if expr.function == "previous":
        return f"the previous {say(expr.item)}"
    if expr.function == "for_at_least":
        return f"for at least {duration(expr.duration_ns)} without a break, {clause(expr.item)}"
    is_value = isinstance(expr.item, Read) and expr.item.type is SignalType.TEXT
    subject = say(expr.item) if is_value else f"that {clause(expr.item)}"
    return f"{subject} {_CHANGE[expr.function]}"


def _timing(expr: Timing) -> str:
    if expr.function == "hour":
        return "the hour of the day"
    if expr.function == "every":
        start = ", beginning with the first message" if expr.from_start else ""
        return f"another {duration(expr.period_ns)} of message time have passed{start}"
    times = [f"{second // 3600:02}:{second // 60 % 60:02}" for second in expr.times_s]
    if expr.function == "time_of_day":
        return f"it is between {times[0]} and {times[1]}"
    days = f" on {', '.join(_DAYS[day] for day in expr.days)}" if expr.days else " every day"
    return f"it is {' or '.join(times)}{days}"


def _place(expr: Place) -> str:
    if expr.function == "distance_m":
        since = "since the start" if not expr.since else "since it last fired"
        return f"the distance travelled {since}"
    if expr.function == "new_cell":
        return f"the vehicle enters a square of {expr.size_m:g} m for the first time"
    which = f"the zone {expr.zone!r}" if expr.zone else f"a zone of the kind {expr.zone_kind!r}"
    return f"the vehicle is in {which}"
