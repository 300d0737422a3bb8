"""Why a condition has no answer: the first input, in the order of the text, that it lacks."""

from winnow_operators.condition.expression import Expr, Logic, Memory, Place, Read, Window
from winnow_operators.condition.machine import Machine, Program
from winnow_operators.condition.nodes import Cell
from winnow_schemas.settings.signals import SignalType


def why_unknown(machine: Machine, program: Program) -> str:
    """A clause for a sentence: ``ood_score is stale (last message 5.2 s ago)``."""
    return _search(machine, program, program.checked.root) or "a part of it has no value"


def _search(machine: Machine, program: Program, expr: Expr) -> str:
    run = program.runs.get(expr.key)
    if run is None or run() is not None:
        return ""
    if isinstance(expr, Logic):
        return next((clause for item in expr.items if (clause := _search(machine, program, item))), "")
    own = _own_reason(machine, program, expr)
    return own or next((clause for part in expr.parts if (clause := _search(machine, program, part))), "")


def _own_reason(machine: Machine, program: Program, expr: Expr) -> str:
    if isinstance(expr, Read):
        return _of_cell(machine, machine.store.cells[expr.name])
    if isinstance(expr, Window):
        return _of_window(machine, expr)
    if isinstance(expr, Place):
        if expr.function == "in_zone" and machine.position.zones is None:
            return "the map's zones have not been received yet"
        return "the vehicle's position is not known"
    if isinstance(expr, Memory) and expr.function == "previous" and not _search(machine, program, expr.item):
        return f"{expr.item.key} has no earlier value"
    return ""


def _of_cell(machine: Machine, cell: Cell) -> str:
    if cell.t_ns is None:
        return f"{cell.key} has not been received yet"
    if cell.is_stale:
        age_s = (machine.clock.now_ns - cell.t_ns) / 1e9
        return f"{cell.key} is stale (last message {age_s:.1f} s ago)"
    return f"the newest {cell.key} has no usable value"


def _of_window(machine: Machine, expr: Window) -> str:
    for part in (expr.item, *expr.item.parts):
        if isinstance(part, Read) and machine.store.cells[part.name].is_stale:
            return _of_cell(machine, machine.store.cells[part.name])
    name = f"{expr.function}({expr.item.key}, {expr.window_ns / 1e9:g} s)"
    if expr.function == "rate":
        return f"{name} has not seen a whole window yet"
    item_is_number = isinstance(expr.item, Read) and expr.item.type is SignalType.NUMBER
    key = expr.item.key if item_is_number else f"samples({expr.item.key})"
    history = machine.store.histories.get(key)
    capacity = machine.store.limits.samples(expr.window_ns)
    count = history.end - history.first_in(machine.clock.now_ns, expr.window_ns, capacity) if history else 0
    if count < expr.min_samples:
        return f"{name} has {count} of at least {expr.min_samples} samples"
    return f"{name} has no finite result"
