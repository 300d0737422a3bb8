"""Numbers of conditions as people write them: SI inside, the signal's own unit in sentences."""

from collections.abc import Mapping

from winnow_operators.condition.expression import Comparison, Const, Expr, Memory, Read, Window, walk
from winnow_operators.condition.signals import SignalSpec
from winnow_operators.condition.units import NONE, Unit

_PLACES = frozenset({"median", "mean", "min", "max", "percentile"})
"""Windows whose result lies on the scale of their samples; a spread or a change of degC is one of K."""


def unit_of(compared: Comparison | None, signals: Mapping[str, SignalSpec]) -> Unit | None:
    """The unit in which both sides are told: that of the first signal of the same dimension, or else SI.

    None without a dimension: a count, a score, or a number whose signal declares no unit.
    """
    if compared is None:
        return None
    sides = (compared.left, compared.right)
    dimension = next((side.dimension for side in sides if side.dimension not in (None, NONE)), None)
    if dimension is None:
        return None
    on_scale = all(_is_on_scale(side) for side in sides)
    for part in (part for side in sides for part in walk(side) if isinstance(part, Read)):
        spec = signals.get(part.name)
        unit = spec.unit if spec else None
        if unit and unit.dimension == dimension and (on_scale or not unit.offset):
            return unit
    return Unit(str(dimension), 1.0, dimension)


def _is_on_scale(side: Expr) -> bool:
    """Whether a side is a reading or between readings, so that the zero of its unit means something."""
    if isinstance(side, Window):
        return side.function in _PLACES and _is_on_scale(side.item)
    if isinstance(side, Memory):
        return side.function == "previous"
    return isinstance(side, Const | Read)


def in_unit(value: float, unit: Unit | None) -> str:
    """``2.43 m/s``: an SI value in a unit, six figures at most."""
    if unit is None:
        return f"{value:.6g}"
    return f"{(value - unit.offset) / unit.factor:.6g} {unit.name}"
