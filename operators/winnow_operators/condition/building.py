"""From a checked expression to something that runs: closures over the cells and nodes of a machine."""

from collections.abc import Callable
from typing import Protocol

from winnow_operators.condition import closures
from winnow_operators.condition.brackets import Bracket, compare_bracketed, compare_own
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
    walk,
)
from winnow_operators.condition.history import History
from winnow_operators.condition.limits import ConditionLimits
from winnow_operators.condition.moments import SlidingMoments
from winnow_operators.condition.nodes import (
    Cell,
    Change,
    Clock,
    Expiry,
    Hold,
    Node,
    Previous,
    Run,
    Sampler,
    Staleness,
)
from winnow_operators.condition.places import FIX, ZONES, Distance, InZone, NewCell, Position
from winnow_operators.condition.timing import Every, Hour, Schedule, TimeOfDay
from winnow_operators.condition.views import ExtremeView, RankedView
from winnow_operators.condition.windows import (
    Moved,
    Windowed,
    counted,
    delta_of,
    extreme_of,
    moments_of,
    quantile_of,
    rated,
)
from winnow_schemas.settings.signals import SignalType

_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
"""``a < b`` is ``b > a``."""

_PLACE_SOURCES = {
    "distance_m": frozenset({FIX}),
    "new_cell": frozenset({FIX}),
    "in_zone": frozenset({FIX, ZONES}),
}

View = RankedView | ExtremeView


class Parts(Protocol):
    """Where a builder finds and keeps what remembers; equal keys give the same part."""

    clock: Clock
    position: Position
    limits: ConditionLimits
    utc_offset_ns: int

    def cell(self, name: str) -> Cell: ...

    def node(self, key: str, make: Callable[[], Node]) -> Node: ...

    def history(self, key: str) -> History: ...

    def view(self, key: str, make: Callable[[], View]) -> View: ...


class Builder:
    """Builds one condition. ``runs`` keeps the closure of every part, for explanations."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.runs: dict[str, Run] = {}
        self.brackets: dict[str, Bracket] = {}

    def build(self, expr: Expr) -> Run:
        """The closure that gives the part's value now."""
        run = self.runs.get(expr.key)
        if run is None:
            run = self.runs[expr.key] = self._make(expr)
        return run

    def sources(self, expr: Expr) -> frozenset[str]:
        """Everything whose change can change the part: signals, fixes, the map, and timers by their keys."""
        found: set[str] = set()
        for part in walk(expr):
            if isinstance(part, Read | Stale):
                found.add(part.name)
            if isinstance(part, Place):
                found |= _PLACE_SOURCES[part.function]
            if isinstance(part, Stale | Timing | Memory | Place):
                found.add(part.key)
            if isinstance(part, Window) and part.function in ("count", "rate"):
                found.add(part.key)
        return frozenset(found)

    def _make(self, expr: Expr) -> Run:
        if isinstance(expr, Const):
            return closures.fixed(expr.value)
        if isinstance(expr, Read):
            return closures.read(self.parts.cell(expr.name))
        if isinstance(expr, Comparison):
            return self._comparison(expr)
        if isinstance(expr, Logic):
            return self._logic(expr)
        if isinstance(expr, Membership):
            return closures.member(self.build(expr.item), expr.values, expr.negated)
        if isinstance(expr, HasWord):
            return closures.has_word(self.build(expr.item), expr.word)
        if isinstance(expr, Maths):
            return self._maths(expr)
        if isinstance(expr, Window):
            return self._window(expr)
        if isinstance(expr, Memory):
            return self._memory(expr)
        if isinstance(expr, Stale):
            return self._stale(expr)
        if isinstance(expr, Timing):
            return self._timing(expr)
        assert isinstance(expr, Place)
        return self._place(expr)

    def _comparison(self, expr: Comparison) -> Run:
        if isinstance(expr.left, Read) and isinstance(expr.right, Const):
            self.build(expr.left)
            self.build(expr.right)
            return closures.compare_cell(expr.op, self.parts.cell(expr.left.name), expr.right.value)
        left, right = self.build(expr.left), self.build(expr.right)
        if expr.op in _FLIPPED:
            if bracket := self._bracket(expr.right):
                cell = self.parts.cell(expr.left.name) if isinstance(expr.left, Read) else None
                if cell is not None and bracket.window.cells == (cell,):
                    return compare_own(expr.op, cell, right, bracket)
                return compare_bracketed(expr.op, left, right, bracket)
            if bracket := self._bracket(expr.left):
                return compare_bracketed(_FLIPPED[expr.op], right, left, bracket)
        return closures.compare(expr.op, left, right)

    def _bracket(self, expr: Expr) -> Bracket | None:
        """Of a quantile, or of what grows with one: a positive multiple, the larger of it and a constant."""
        if expr.key in self.brackets:
            return self.brackets[expr.key]
        if not isinstance(expr, Maths) or len(expr.args) != 2:
            return None
        first, second = expr.args
        if isinstance(second, Const) and expr.function in ("*", "max", "min"):
            first, second = second, first
        inner = self._bracket(second) if isinstance(first, Const) else None
        if inner is None or not isinstance(first, Const):
            return None
        number = float(first.value)
        if expr.function == "*" and number > 0:
            return inner.grown(lambda value: number * value)
        if expr.function in ("max", "min"):
            pick = max if expr.function == "max" else min
            return inner.grown(lambda value: pick(number, value))
        return None

    def _logic(self, expr: Logic) -> Run:
        items = tuple(self.build(item) for item in expr.items)
        if expr.op == "not":
            return closures.negation(items[0])
        return closures.conjunction(items) if expr.op == "and" else closures.disjunction(items)

    def _maths(self, expr: Maths) -> Run:
        args = tuple(self.build(arg) for arg in expr.args)
        first = expr.args[0]
        if expr.function == "*" and isinstance(first, Const):
            return closures.scaled(float(first.value), args[1])
        return closures.function(expr.function, args)

    def _cells(self, expr: Expr) -> tuple[Cell, ...]:
        names = sorted({part.name for part in walk(expr) if isinstance(part, Read)})
        return tuple(self.parts.cell(name) for name in names)

    def _window(self, expr: Window) -> Run:
        parts = self.parts
        history = self._history(expr)
        capacity = parts.limits.samples(expr.window_ns)
        history.widen(expr.window_ns, capacity)
        cells = self._cells(expr.item)
        window = Windowed(history, parts.clock, expr.window_ns, capacity, expr.min_samples, cells)
        if expr.function in ("count", "rate"):
            sources = self.sources(expr.item)
            parts.node(
                expr.key, lambda: Expiry(expr.key, parts.clock, sources, (history, expr.window_ns, capacity))
            )
            return counted(window) if expr.function == "count" else rated(window)
        if expr.function in ("median", "percentile"):
            return self._quantile(expr, window)
        if expr.function in ("min", "max"):
            return self._extreme(expr, window)
        if expr.function == "delta":
            return delta_of(window)
        return self._moments(expr, window)

    def _history(self, expr: Window) -> History:
        """Where the samples are: fed by the signal itself, or by a sampler of the expression."""
        parts, item = self.parts, expr.item
        run = self.build(item)
        whole = item.type is not SignalType.NUMBER
        if isinstance(item, Read) and not whole:
            return parts.history(item.key)
        name = f"samples({item.key})"
        history, sources = parts.history(name), self.sources(item)
        parts.node(name, lambda: Sampler(name, parts.clock, sources, item=run, history=history, whole=whole))
        return history

    def _quantile(self, expr: Window, window: Windowed) -> Run:
        view = self.parts.view(
            f"ranked({expr.item.key},{expr.window_ns})",
            lambda: RankedView(window.history, window.window_ns, window.capacity),
        )
        assert isinstance(view, RankedView)
        self.brackets[expr.key] = Bracket(window, view, expr.fraction, float)
        return quantile_of(window, view, expr.fraction)

    def _extreme(self, expr: Window, window: Windowed) -> Run:
        sign = 1 if expr.function == "min" else -1
        view = self.parts.view(
            f"{expr.function}({expr.item.key},{expr.window_ns})",
            lambda: ExtremeView(window.history, window.window_ns, window.capacity, sign),
        )
        assert isinstance(view, ExtremeView)
        return extreme_of(window, view)

    def _moments(self, expr: Window, window: Windowed) -> Run:
        name = f"moments({expr.item.key},{expr.window_ns})"
        clock, sources = self.parts.clock, self.sources(expr.item)
        moments = SlidingMoments(window.history, window.window_ns, window.capacity)
        moved = self.parts.node(name, lambda: Moved(name, clock, sources, moments))
        assert isinstance(moved, Moved)
        return moments_of(window, moved.moments, expr.function)

    def _memory(self, expr: Memory) -> Run:
        clock, sources = self.parts.clock, self.sources(expr.item)
        item = self.build(expr.item)
        if expr.function == "previous":
            node = self.parts.node(expr.key, lambda: Previous(expr.key, clock, sources, item))
            assert isinstance(node, Previous)
            cells = self._cells(expr.item)
            return lambda: None if any(cell.is_stale for cell in cells) else node.before
        if expr.function == "for_at_least":
            hold = self.parts.node(expr.key, lambda: Hold(expr.key, clock, sources, item, expr.duration_ns))
            assert isinstance(hold, Hold)
            return hold.value
        change = self.parts.node(expr.key, lambda: Change(expr.key, clock, sources, item, expr.function))
        assert isinstance(change, Change)
        return change.value

    def _stale(self, expr: Stale) -> Run:
        cell = self.parts.cell(expr.name)
        node = self.parts.node(expr.key, lambda: Staleness(expr.key, cell, expr.limit_ns))
        assert isinstance(node, Staleness)
        return node.value

    def _timing(self, expr: Timing) -> Run:
        clock, offset_ns = self.parts.clock, self.parts.utc_offset_ns

        def make() -> Node:
            if expr.function == "every":
                return Every(expr.key, clock, expr.period_ns, expr.from_start)
            if expr.function == "schedule":
                return Schedule(expr.key, clock, offset_ns, expr.times_s, expr.days)
            if expr.function == "time_of_day":
                return TimeOfDay(expr.key, clock, offset_ns, expr.times_s)
            return Hour(expr.key, clock, offset_ns)

        node = self.parts.node(expr.key, make)
        assert isinstance(node, Every | Schedule | TimeOfDay | Hour)
        return node.value

    def _place(self, expr: Place) -> Run:
        position, sources = self.parts.position, _PLACE_SOURCES[expr.function]

        def make() -> Node:
            if expr.function == "distance_m":
                return Distance(expr.key, position, sources)
            if expr.function == "new_cell":
                return NewCell(expr.key, position, sources, expr.size_m, self.parts.limits.max_cells)
            return InZone(expr.key, position, sources, expr.zone, expr.zone_kind)

        node = self.parts.node(expr.key, make)
        assert isinstance(node, Distance | NewCell | InZone)
        return node.value
