"""``--fail-on``: what makes a what-if run end with exit code 1."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from winnow_schemas.errors import BadInputError
from winnow_schemas.priority import Priority
from winnow_tools.whatif.comparing import Change, Difference
from winnow_tools.whatif.summing import Sums, changes

_LIMIT = re.compile(r"(?P<number>\d{1,12}(\.\d{1,6})?)(?P<unit>%|[kMGT]?B)?")
_BYTES = {"B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}

LOST, GAINED, CHANGED, LOST_P0 = "lost-clips", "gained-clips", "changed-clips", "lost-p0"
MORE_BYTES, MORE_CLIPS, OVER_BUDGET = "more-bytes", "more-clips", "over-budget"
CONDITIONS = {
    LOST: "clips that only the first settings cut",
    LOST_P0: "such clips of priority P0",
    GAINED: "clips that only the other settings cut",
    CHANGED: "clips that were changed, merged or split",
    MORE_CLIPS: "clips more than before (a count, or %)",
    MORE_BYTES: "payload bytes more than before (kB, MB, GB, or %)",
    OVER_BUDGET: "windows that the extraction budget refuses, under the last settings",
}
_COMPARING = frozenset(CONDITIONS) - {OVER_BUDGET}


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition with its limit: more than that fails."""

    text: str
    name: str
    limit: float
    unit: str
    """Empty (a count), ``%``, or ``B``."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One settings file beside the first."""

    base: Sums
    other: Sums
    by_recording: Sequence[Sequence[Difference]]

    @property
    def differences(self) -> list[Difference]:
        """Of all recordings."""
        return [one for part in self.by_recording for one in part]


def parse_gates(texts: Sequence[str], *, compares: bool) -> list[Gate]:
    """Read ``NAME`` or ``NAME=LIMIT``.

    Raises:
        BadInputError: there is no such condition, the limit is not one, or nothing to compare with.

    """
    return [_parse(text, compares=compares) for text in texts]


def _parse(text: str, *, compares: bool) -> Gate:
    name, equals, limit = text.partition("=")
    if name not in CONDITIONS:
        raise BadInputError(
            f"--fail-on {text}: there is no condition {name!r}, nothing was read; there are: {', '.join(CONDITIONS)}."
        )
    if name in _COMPARING and not compares:
        raise BadInputError(
            f"--fail-on {text} compares two settings files and only one was given; nothing was read."
        )
    if not equals:
        return Gate(text, name, 0.0, "")
    found = _LIMIT.fullmatch(limit)
    unit = (found["unit"] or "") if found else ""
    allowed = {MORE_BYTES: ("%", *_BYTES), MORE_CLIPS: ("%", "")}.get(name, ("",))
    if found is None or unit not in allowed:
        shown = " or ".join(repr(f"5{one}") for one in allowed[:3])
        raise BadInputError(
            f"--fail-on {text}: {limit!r} is no limit for {name} (for example {shown}); nothing was read."
        )
    number = float(found["number"])
    return Gate(text, name, number * _BYTES.get(unit, 1.0), "B" if unit in _BYTES else unit)


def failures(gates: Sequence[Gate], sums: Sequence[Sums], comparisons: Sequence[Comparison]) -> list[str]:
    """A sentence for every condition that is met; none when all is well."""
    sentences = []
    for gate in gates:
        if gate.name == OVER_BUDGET:
            refused = sums[-1].over_budget
            if refused > gate.limit:
                sentences.append(
                    f"{gate.text}: under {sums[-1].name} the budget refuses {_windows(refused)}, allowed: {gate.limit:g}."
                )
            continue
        for pair in comparisons:
            value, before = _measure(gate, pair)
            if value > gate.limit:
                sentences.append(_sentence(gate, pair, value, before))
    return sentences


def _measure(gate: Gate, pair: Comparison) -> tuple[float, str]:
    """The value in the gate's unit, and what it is relative to."""
    if gate.name in (MORE_BYTES, MORE_CLIPS):
        get: Callable[[Sums], int] = (
            (lambda sums: sums.total.payload_bytes)
            if gate.name == MORE_BYTES
            else lambda sums: sums.total.clips
        )
        before, after = get(pair.base), get(pair.other)
        if gate.unit == "%":
            return _percent(before, after), f" ({before:,} became {after:,})"
        return float(after - before), f" ({before:,} became {after:,})"
    if gate.name == LOST_P0:
        lost = [one for one in pair.differences if one.change is Change.LOST]
        return float(sum(one.lead.plan.priority is Priority.P0 for one in lost)), ""
    counts = changes(pair.differences)
    kinds = {
        LOST: (Change.LOST,),
        GAINED: (Change.GAINED,),
        CHANGED: (Change.CHANGED, Change.MERGED, Change.SPLIT),
    }[gate.name]
    return float(sum(counts[kind] for kind in kinds)), ""


def _percent(before: int, after: int) -> float:
    if before:
        return (after - before) / before * 100
    return float("inf") if after else 0.0


def _sentence(gate: Gate, pair: Comparison, value: float, before: str) -> str:
    if gate.unit == "%":
        shown, allowed = f"{value:.1f} %", f"{gate.limit:g} %"
    elif gate.name == MORE_BYTES:
        shown, allowed = f"{value:,.0f} B", f"{gate.limit:,.0f} B"
    else:
        shown, allowed = f"{value:g}", f"{gate.limit:g}"
    return (
        f"{gate.text}: {pair.other.name} against {pair.base.name}: {shown}{before}, allowed: {allowed} "
        f"({CONDITIONS[gate.name].partition(' (')[0]})."
    )


def _windows(count: int) -> str:
    return "1 window" if count == 1 else f"{count} windows"
