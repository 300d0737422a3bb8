"""Function calls: arguments bound to the table of functions, checked, and turned into expressions."""

import ast
from collections.abc import Callable
from typing import Protocol

from winnow_operators.condition.arguments import Arguments, bind
from winnow_operators.condition.expression import (
    Const,
    Expr,
    HasWord,
    Maths,
    Memory,
    Place,
    Read,
    Stale,
    Timing,
    Window,
    walk,
)
from winnow_operators.condition.failure import Span, suggestion
from winnow_operators.condition.functions import ALL, MATHS, MEMORIES, PLACES, TEXTS, TIMES, WINDOWS, Function
from winnow_operators.condition.limits import ConditionLimits
from winnow_operators.condition.scope import Scope
from winnow_operators.condition.syntax import Tree
from winnow_operators.condition.typing_rules import (
    BOOL,
    NUMBER,
    TEXT,
    RuleError,
    arithmetic,
    need,
    same_dimension,
)
from winnow_operators.condition.units import FREQUENCY, LENGTH, NONE, TIME, Dimension

_ARITY = Function("max(x, y)", ("x", "y"), (), "")
_MIN_SAMPLES = {"std": 2, "slope": 2, "delta": 2}
_MAX_ARGS = 16


class Checking(Protocol):
    """What a call needs from the checker."""

    tree: Tree
    scope: Scope
    limits: ConditionLimits

    def expr(self, node: ast.expr) -> Expr: ...

    def boolean(self, node: ast.expr, where: str) -> Expr: ...

    def lookup(self, word: str, span: Span) -> Expr | None: ...


def check_call(checker: Checking, node: ast.Call) -> Expr:
    """Check a call.

    Raises:
        ConditionError: there is no such function, or its arguments do not fit.
        RuleError: the same, where the whole call is the place.

    """
    assert isinstance(node.func, ast.Name)
    token = checker.tree.token(node.func)
    name = token.text
    if name not in ALL or node.func.id[0] != "n":
        checker.tree.fail(f"There is no function {name!r}{suggestion(name, ALL)}", token.span)
    if name in ("min", "max") and not _is_window(checker, node):
        return _extreme(checker, node, name)
    bound = bind(checker.tree, node, name, ALL[name])
    span = checker.tree.span(node)
    makers: list[tuple[dict[str, Function], Callable[..., Expr]]] = [
        (WINDOWS, _window),
        (MEMORIES, _memory),
        (TIMES, _timing),
        (PLACES, _place),
        (TEXTS, _has_word),
        (MATHS, _maths),
    ]
    make = next(make for table, make in makers if name in table)
    return make(checker, name, bound, span)


def signals_of(root: Expr) -> set[str]:
    """Names of all signals that an expression reads."""
    return {part.name for part in walk(root) if isinstance(part, Read | Stale)}


def _is_window(checker: Checking, node: ast.Call) -> bool:
    """``max(x, 10 s)`` looks back 10 s, ``max(x, 10)`` takes the larger: a time with its unit decides."""
    names = {
        checker.tree.token(ast.Name(keyword.arg or "n0")).text for keyword in node.keywords if keyword.arg
    }
    if names & {"window", "min_samples"}:
        return True
    if len(node.args) != 2 or node.keywords:
        return False
    second = checker.expr(node.args[1])
    return isinstance(second, Const) and second.dimension == TIME and not second.param


def _extreme(checker: Checking, node: ast.Call, name: str) -> Expr:
    if node.keywords or not 2 <= len(node.args) <= _MAX_ARGS:
        raise RuleError(
            f"{name} takes a value and a window, {name}(x, 10 s), or 2 to {_MAX_ARGS} values, {name}(x, y)."
        )
    return _function_of(name, tuple(checker.expr(arg) for arg in node.args), checker.tree.span(node))


def _function_of(name: str, args: tuple[Expr, ...], span: Span) -> Expr:
    for arg in args:
        need(arg, NUMBER, name)
    key = f"{name}({','.join(arg.key for arg in args)})"
    if name == "sqrt":
        dimension: Dimension | None = args[0].dimension.root() if args[0].dimension else None
    else:
        dimension = same_dimension(args, name)
    return Maths(type=NUMBER, dimension=dimension, key=key, span=span, function=name, args=args)


def _maths(checker: Checking, name: str, bound: Arguments, span: Span) -> Expr:
    return _function_of(name, tuple(checker.expr(node) for node in bound.in_order), span)


def _item(checker: Checking, name: str, bound: Arguments) -> Expr:
    item = checker.expr(bound["value"])
    if not signals_of(item):
        checker.tree.fail(f"{name} needs a value that comes from a signal.", bound["value"])
    return item


def _has_word(checker: Checking, name: str, bound: Arguments, span: Span) -> Expr:
    item = _item(checker, name, bound)
    need(item, TEXT, name)
    word = bound.text(checker, "word").casefold()
    if len(word.split()) != 1:
        checker.tree.fail("has_word looks for one word.", bound["word"])
    return HasWord(type=BOOL, key=f"has_word({item.key},{word!r})", span=span, item=item, word=word.strip())


def _window(checker: Checking, name: str, bound: Arguments, span: Span) -> Expr:
    item = _item(checker, name, bound)
    if "window" not in bound:
        return _delta(item, span)
    window_ns = bound.duration_ns(checker, "window", checker.limits.max_window_s)
    if name in ("count", "rate"):
        dimension = FREQUENCY if name == "rate" else NONE
        key = f"{name}({item.key},{window_ns})"
        return Window(
            type=NUMBER,
            dimension=dimension,
            key=key,
            span=span,
            function=name,
            item=item,
            window_ns=window_ns,
            min_samples=0,
        )
    need(item, NUMBER, name)
    fraction = 0.5
    if name == "percentile":
        fraction = bound.number(checker, "percent", 0, 100) / 100
    capacity = checker.limits.samples(window_ns)
    least = bound.whole(checker, "min_samples", _MIN_SAMPLES.get(name, 1), capacity)
    return Window(
        type=NUMBER,
        dimension=item.dimension.times(TIME, -1) if name == "slope" and item.dimension else item.dimension,
        key=f"{name}({item.key},{window_ns},{least},{fraction!r})",
        span=span,
        function=name,
        item=item,
        window_ns=window_ns,
        min_samples=least,
        fraction=fraction,
    )


def _delta(item: Expr, span: Span) -> Expr:
    need(item, NUMBER, "delta")
    return arithmetic("-", item, _previous(item, span), span)


def _previous(item: Expr, span: Span) -> Memory:
    key = f"previous({item.key})"
    return Memory(
        type=item.type, dimension=item.dimension, key=key, span=span, function="previous", item=item
    )


def _memory(checker: Checking, name: str, bound: Arguments, span: Span) -> Expr:
    if name == "previous":
        return _previous(_item(checker, name, bound), span)
    if name == "stale":
        return _stale(checker, bound, span)
    if name == "edge" and checker.expr(bound["value"]).type is TEXT:
        item = checker.expr(bound["value"])
    else:
        item = checker.boolean(bound["value"], name)
    if isinstance(item, Const):
        checker.tree.fail(f"{name} needs a value that can change.", bound["value"])
    duration_ns = 0
    if name == "for_at_least":
        duration_ns = bound.duration_ns(checker, "duration", checker.limits.max_window_s)
    key = f"{name}({item.key},{duration_ns})"
    return Memory(type=BOOL, key=key, span=span, function=name, item=item, duration_ns=duration_ns)


def _stale(checker: Checking, bound: Arguments, span: Span) -> Expr:
    item = checker.expr(bound["value"])
    if not isinstance(item, Read):
        checker.tree.fail("stale needs the name of a signal.", bound["value"])
    limit_ns = checker.scope.signals[item.name].stale_ns
    if "limit" in bound:
        limit_ns = bound.duration_ns(checker, "limit", checker.limits.max_window_s)
    return Stale(
        type=BOOL, key=f"stale({item.name},{limit_ns})", span=span, name=item.name, limit_ns=limit_ns
    )


def _timing(checker: Checking, name: str, bound: Arguments, span: Span) -> Expr:
    if name == "hour":
        return Timing(type=NUMBER, dimension=NONE, key="hour", span=span, function=name)
    if name == "every":
        limits = checker.limits
        period_ns = bound.duration_ns(checker, "period", limits.max_window_s, limits.min_period_s)
        from_start = bound.flag(checker, "from_start")
        key = f"every({period_ns},{from_start})"
        return Timing(
            type=BOOL, key=key, span=span, function=name, period_ns=period_ns, from_start=from_start
        )
    days = bound.days(checker) if name == "schedule" else ()
    times = bound.times_of_day(checker)
    key = f"{name}({times},{days})"
    return Timing(type=BOOL, key=key, span=span, function=name, times_s=times, days=days)


def _place(checker: Checking, name: str, bound: Arguments, span: Span) -> Expr:
    scope = checker.scope
    if not scope.has_position:
        checker.tree.fail(f"{name} needs the vehicle's position; name its signals under 'position'.", span)
    if name == "distance_m":
        since = bound.word(checker, "since", ("fired", "start")) if "since" in bound else "fired"
        since = scope.trigger if since == "fired" else ""
        key = f"distance_m({since})"
        return Place(type=NUMBER, dimension=LENGTH, key=key, span=span, function=name, since=since)
    if name == "new_cell":
        size = bound.length_m(checker, "size")
        return Place(type=BOOL, key=f"new_cell({size!r})", span=span, function=name, size_m=size)
    if not scope.has_map_position:
        checker.tree.fail(
            "in_zone needs the position on the map; name 'x_m' and 'y_m' under 'position'.", span
        )
    if not scope.has_zones:
        checker.tree.fail("in_zone needs the map's zones; name their topic under 'zones'.", span)
    zone, zone_kind = (bound.text(checker, key) if key in bound else "" for key in ("name", "kind"))
    if bool(zone) == bool(zone_kind):
        raise RuleError('in_zone needs one of a name, in_zone("apron_3"), and a kind, in_zone(kind="apron").')
    key = f"in_zone({zone!r},{zone_kind!r})"
    return Place(type=BOOL, key=key, span=span, function=name, zone=zone, zone_kind=zone_kind)
