"""A checked condition: typed, frozen, every number in SI, every time in nanoseconds.

``key`` is the part written in a normal form, without places: equal parts have equal keys, so two triggers that
look at ``median(ood_score, 5 s)`` share one window, and a window whose key is unchanged outlives a reload.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from winnow_operators.condition.failure import Span
from winnow_operators.condition.units import Dimension
from winnow_schemas.settings.signals import SignalType

Value = float | bool | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expr:
    """Any part of a condition."""

    type: SignalType
    dimension: Dimension | None = None
    """Of a number; None where it is not known (no unit given), which fits everything."""
    key: str
    span: Span

    @property
    def parts(self) -> tuple["Expr", ...]:
        """The parts directly below this one, in the order of the text."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Const(Expr):
    """A number, text or boolean that does not change."""

    value: Value
    param: str = ""
    """The parameter's name, when it came from one."""
    shift: float = 0.0
    """Offset of its unit (degC), needed to negate what was written."""

    @property
    def is_plain(self) -> bool:
        """A number written without a unit: fits any unit, and leaves the unit of what it multiplies."""
        return self.type is SignalType.NUMBER and self.dimension is None and not self.param


@dataclass(frozen=True, slots=True, kw_only=True)
class Read(Expr):
    """The newest value of a signal."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Maths(Expr):
    """A pure function of numbers: ``+ - * / % **``, ``neg``, ``abs``, ``min``, ``max``, ``clamp``, ..."""

    function: str
    args: tuple[Expr, ...]

    @property
    def parts(self) -> tuple[Expr, ...]:
        return self.args


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(Expr):
    """``left op right`` with one of ``== != < <= > >=``."""

    op: str
    left: Expr
    right: Expr

    @property
    def parts(self) -> tuple[Expr, ...]:
        return (self.left, self.right)


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership(Expr):
    """``item in (...)`` of literals."""

    item: Expr
    values: tuple[Value, ...]
    negated: bool

    @property
    def parts(self) -> tuple[Expr, ...]:
        return (self.item,)


@dataclass(frozen=True, slots=True, kw_only=True)
class HasWord(Expr):
    """Whether a text contains a word, in any case."""

    item: Expr
    word: str

    @property
    def parts(self) -> tuple[Expr, ...]:
        return (self.item,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Logic(Expr):
    """``and``, ``or`` over two or more parts; ``not`` over one. Kleene's three-valued logic."""

    op: str
    items: tuple[Expr, ...]

    @property
    def parts(self) -> tuple[Expr, ...]:
        return self.items


@dataclass(frozen=True, slots=True, kw_only=True)
class Window(Expr):
    """A function of the samples in ``(now - window, now]``."""

    function: str
    item: Expr
    window_ns: int
    min_samples: int
    fraction: float = 0.5
    """Of a percentile, 0-1."""

    @property
    def parts(self) -> tuple[Expr, ...]:
        return (self.item,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory(Expr):
    """``previous``, ``rising``, ``falling``, ``edge``, ``for_at_least``: remembers what ``item`` was."""

    function: str
    item: Expr
    duration_ns: int = 0

    @property
    def parts(self) -> tuple[Expr, ...]:
        return (self.item,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale(Expr):
    """Whether a signal has not been heard of for a while; never unknown."""

    name: str
    limit_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing(Expr):
    """``every``, ``schedule``, ``time_of_day``, ``hour``: looks at message time only."""

    function: str
    period_ns: int = 0
    from_start: bool = False
    times_s: tuple[int, ...] = ()
    """Seconds after midnight, local time."""
    days: tuple[int, ...] = ()
    """Days of the week on which a schedule holds, Monday = 0; empty = all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place(Expr):
    """``distance_m``, ``in_zone``, ``new_cell``: looks at the vehicle's position."""

    function: str
    since: str = ""
    """``start``, or the name of the trigger since whose last firing distance counts."""
    zone: str = ""
    zone_kind: str = ""
    size_m: float = 0.0


def walk(expr: Expr) -> Iterator[Expr]:
    """The parts in the order of the text, each before what it is made of."""
    yield expr
    for part in expr.parts:
        yield from walk(part)
