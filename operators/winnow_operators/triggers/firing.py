"""The event that a firing trigger sends: which number crossed, and what everything it read was."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from winnow_operators.condition.expression import Comparison, Const, walk
from winnow_operators.condition.machine import Machine, Program
from winnow_operators.condition.signals import SignalSpec
from winnow_operators.condition.units import Unit
from winnow_operators.triggers.measures import in_unit, unit_of
from winnow_schemas.ids import content_id
from winnow_schemas.messages import TriggerEvent
from winnow_schemas.settings.signals import SignalType
from winnow_schemas.settings.triggers import TriggerSettings


def make_event(
    name: str, settings: TriggerSettings, program: Program, machine: Machine, t_ns: int
) -> TriggerEvent:
    """The event at ``t_ns``, from what the machine knows now."""
    value, threshold = crossing(program)
    return TriggerEvent(
        event_id=content_id("trigger", name, t_ns, settings.when),
        type=name,
        priority=int(settings.priority),
        t_ns=t_ns,
        pre_roll_ns=round(settings.pre_roll_s * 1e9),
        post_roll_ns=round(settings.post_roll_s * 1e9),
        value=value,
        threshold=threshold,
        condition=settings.when,
        values=msgspec.json.encode(_values(program, machine)).decode(),
        topics=list(settings.topics),
        latitude_deg=machine.position.degrees("latitude_deg"),
        longitude_deg=machine.position.degrees("longitude_deg"),
    )


def crossing(program: Program) -> tuple[float | None, float | None]:
    """Value and threshold: both sides of the condition's primary comparison.

    That is the first comparison of numbers, in the order of the text, that holds now; or else the first one. A
    constant on the left is the threshold.
    """
    primary = _primary(program)
    if primary is None:
        return None, None
    left, right = (_finite(program.runs[side.key]()) for side in (primary.left, primary.right))
    if isinstance(primary.left, Const) and not isinstance(primary.right, Const):
        return right, left
    return left, right


def _primary(program: Program) -> Comparison | None:
    """The comparison that an event is told with; None without any of numbers."""
    candidates = [
        part
        for part in walk(program.checked.root)
        if isinstance(part, Comparison) and part.left.type is SignalType.NUMBER
    ]
    if not candidates:
        return None
    return next((part for part in candidates if program.runs[part.key]() is True), candidates[0])


def told_unit(program: Program, signals: Mapping[str, SignalSpec]) -> Unit | None:
    """The unit in which an event's value and threshold are told, see :func:`unit_of`."""
    return unit_of(_primary(program), signals)


class Compared(NamedTuple):
    """One comparison of numbers in a condition, as it stands now."""

    text: str
    left: float | None
    right: float | None


def comparisons(program: Program) -> tuple[Compared, ...]:
    """All comparisons of numbers, in the order of the text."""
    checked = program.checked
    found = {}
    for part in walk(checked.root):
        if isinstance(part, Comparison) and part.left.type is SignalType.NUMBER and part.key not in found:
            words = " ".join(checked.text[part.span.start : part.span.end].split())
            sides = (_finite(program.runs[side.key]()) for side in (part.left, part.right))
            found[part.key] = Compared(words, *sides)
    return tuple(found.values())


def _values(program: Program, machine: Machine) -> dict[str, Any]:
    cells = machine.store.cells
    return {name: _finite(cells[name].value) for name in sorted(program.checked.signals)}


def _finite(value: Any) -> Any:
    """JSON has no infinities."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def fired_reason(event: TriggerEvent, unit: Unit | None, because: str = "") -> str:
    """A sentence for the ledger; ``because`` says what else held."""
    also = f"; {because}" if because else ""
    if event.value is None or event.threshold is None:
        return f"{event.type} fired: its condition came true ({event.condition}){also}."
    value, threshold = in_unit(event.value, unit), in_unit(event.threshold, unit)
    return f"{event.type} fired: {value} against {threshold} ({event.condition}){also}."
