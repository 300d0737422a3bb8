"""Whether a changed condition is true at least whenever it was before: what a campaign must show for P0.

Both forms are compared part by part, each with the way in which its value went. What cannot be shown counts as
weakening, so the answer is safe and sometimes too careful.
"""

from enum import Enum

from winnow_operators.condition.expression import Comparison, Const, Expr, Logic, Maths, Memory, Window
from winnow_schemas.settings.signals import SignalType


class Went(Enum):
    """How a part compares with what it was, on the same messages; of a truth, true is more than false."""

    NOWHERE = 0
    UP = 1
    DOWN = -1
    UNKNOWN = 9

    def flipped(self) -> "Went":
        return {Went.UP: Went.DOWN, Went.DOWN: Went.UP}.get(self, self)


_MONOTONE = ("median", "mean", "min", "max", "sum", "percentile")
"""Functions of a window that grow when all its samples grow."""


def holds_no_less(before: Expr, after: Expr) -> bool:
    """Whether ``after`` can be shown to be true whenever ``before`` is."""
    return went(before, after) in (Went.NOWHERE, Went.UP)


def went(before: Expr, after: Expr) -> Went:
    """How a part compares with what it was."""
    if before.key == after.key:
        return Went.NOWHERE
    if isinstance(before, Const) and isinstance(after, Const) and before.type is after.type:
        return _constant(before, after)
    if isinstance(before, Logic) and isinstance(after, Logic) and before.op == after.op:
        joint = _joint(before.items, after.items)
        return joint.flipped() if before.op == "not" else joint
    if isinstance(before, Comparison) and isinstance(after, Comparison) and before.op == after.op:
        return _comparison(before, after)
    if isinstance(before, Maths) and isinstance(after, Maths) and before.function == after.function:
        return _maths(before, after)
    if isinstance(before, Window) and isinstance(after, Window):
        return _window(before, after)
    if isinstance(before, Memory) and isinstance(after, Memory):
        return _memory(before, after)
    return Went.UNKNOWN


def _constant(before: Const, after: Const) -> Went:
    if before.type is SignalType.TEXT or before.dimension != after.dimension:
        return Went.UNKNOWN
    return Went.UP if after.value > before.value else Went.DOWN  # type: ignore[operator]


def _joint(before: tuple[Expr, ...], after: tuple[Expr, ...]) -> Went:
    """Of something that grows with each of its parts."""
    if len(before) != len(after):
        return Went.UNKNOWN
    return _together([went(old, new) for old, new in zip(before, after, strict=True)])


def _together(parts: list[Went]) -> Went:
    found = {part for part in parts if part is not Went.NOWHERE}
    if len(found) > 1:
        return Went.UNKNOWN
    return found.pop() if found else Went.NOWHERE


def _comparison(before: Comparison, after: Comparison) -> Went:
    left, right = went(before.left, after.left), went(before.right, after.right)
    if before.op in (">", ">="):
        return _together([left, right.flipped()])
    if before.op in ("<", "<="):
        return _together([left.flipped(), right])
    return Went.UNKNOWN


def _maths(before: Maths, after: Maths) -> Went:
    if before.function in ("+", "min", "max"):
        return _joint(before.args, after.args)
    parts = [went(old, new) for old, new in zip(before.args, after.args, strict=False)]
    if before.function == "-" and len(parts) == 2:
        return _together([parts[0], parts[1].flipped()])
    if before.function == "neg":
        return parts[0].flipped()
    if before.function in ("*", "/") and parts[1] is Went.NOWHERE:
        return _scaled(parts[0], before.args[1])
    if before.function == "*" and parts[0] is Went.NOWHERE:
        return _scaled(parts[1], before.args[0])
    return Went.UNKNOWN


def _scaled(part: Went, factor: Expr) -> Went:
    if not isinstance(factor, Const) or not isinstance(factor.value, float) or factor.value == 0:
        return Went.UNKNOWN
    return part if factor.value > 0 else part.flipped()


def _window(before: Window, after: Window) -> Went:
    same = (before.function, before.window_ns, before.min_samples, before.fraction) == (
        after.function,
        after.window_ns,
        after.min_samples,
        after.fraction,
    )
    return went(before.item, after.item) if same and before.function in _MONOTONE else Went.UNKNOWN


def _memory(before: Memory, after: Memory) -> Went:
    """A condition that must hold for less long is true more often."""
    if before.function != after.function or before.function != "for_at_least":
        return Went.UNKNOWN
    longer = after.duration_ns - before.duration_ns
    own = Went.NOWHERE if not longer else Went.DOWN if longer > 0 else Went.UP
    return _together([own, went(before.item, after.item)])
