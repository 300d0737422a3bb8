"""What a trigger saw over a recording, kept small: one pixel's worth at a time."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from winnow_operators.condition.expression import Place, walk
from winnow_operators.triggers.checking import check_trigger
from winnow_operators.triggers.engine import TriggerEngine
from winnow_operators.triggers.notes import SUMMED_UP
from winnow_operators.triggers.outcomes import TriggerDecision, Verdict
from winnow_runtime.recordings import open_recording
from winnow_schemas.errors import BadInputError
from winnow_schemas.messages import TriggerEvent
from winnow_schemas.settings.triggers import TriggerSettings
from winnow_tools.triggers.device import Device
from winnow_tools.triggers.playing import Played, play

COLUMNS = 1200
"""Columns of a trace: more than a page is wide in pixels."""
MOST_COMPARED = 6
"""Comparisons of a condition that are written down."""
_COULD_FIRE = frozenset(
    {
        Verdict.FIRED,
        Verdict.COOLING_DOWN,
        Verdict.NOT_CLEAR,
        Verdict.MUTED,
        Verdict.STORM,
        Verdict.OVER_LIMIT,
        Verdict.THINNED,
    }
)
"""Verdicts on a condition that was true."""


def could_fire(verdict: str, reason: str) -> bool:
    """Whether a decision says that the condition was true at its very time."""
    return verdict in _COULD_FIRE and not reason.endswith(f"{SUMMED_UP}.")


@dataclass(slots=True)
class Line:
    """A number over time: per column the smallest, the largest and the last value."""

    low: list[float | None] = field(default_factory=lambda: [None] * COLUMNS)
    high: list[float | None] = field(default_factory=lambda: [None] * COLUMNS)
    last: list[float | None] = field(default_factory=lambda: [None] * COLUMNS)
    gaps: set[int] = field(default_factory=set)
    """Columns at whose end the value was unknown."""

    def add(self, column: int, value: float | None) -> None:
        if value is None:
            self.gaps.add(column)
            return
        self.gaps.discard(column)
        low, high = self.low[column], self.high[column]
        self.low[column] = value if low is None else min(low, value)
        self.high[column] = value if high is None else max(high, value)
        self.last[column] = value

    def at(self, column: int) -> float | None:
        """The value that is drawn at a column: the last one up to it; None while it is unknown."""
        for here in range(column, -1, -1):
            if self.last[here] is not None:
                return self.last[here]
            if here in self.gaps:
                return None
        return None

    @property
    def is_empty(self) -> bool:
        return all(value is None for value in self.last)


@dataclass(slots=True)
class Steps:
    """A yes, no or text over time: where it became what. At most so many changes as there are columns."""

    changes: list[tuple[int, str]] = field(default_factory=list)
    """(time, value); empty text for unknown."""
    left_out: int = 0

    def add(self, t_ns: int, value: str) -> None:
        if self.changes and self.changes[-1][1] == value:
            return
        if len(self.changes) >= COLUMNS:
            self.left_out += 1
            return
        self.changes.append((t_ns, value))


@dataclass(slots=True)
class Trace:
    """One trigger over one recording."""

    name: str
    settings: TriggerSettings
    recording: str
    played: Played
    compared: dict[str, tuple[Line, Line]]
    """Comparison as written -> both sides."""
    truth: Steps
    numbers: dict[str, Line]
    """Signals, in the units that they have in the recording."""
    words: dict[str, Steps]
    problems: list[str]
    units: dict[str, str]
    last_true_ns: int | None = None
    """The last message at which the condition was true."""

    @property
    def events(self) -> list[TriggerEvent]:
        return [event for event in self.played.events if event.type == self.name]

    @property
    def decisions(self) -> list[TriggerDecision]:
        """Those of this trigger, firing left out."""
        return [
            each
            for each in self.played.decisions
            if each.trigger == self.name and each.verdict is not Verdict.FIRED
        ]

    @property
    def firings(self) -> list[TriggerDecision]:
        """Those that say with which values it fired, in the units of its signals."""
        return [
            each
            for each in self.played.decisions
            if each.trigger == self.name and each.verdict is Verdict.FIRED
        ]

    @property
    def true_ns(self) -> list[int]:
        """When its condition came true, as far as it was told: also what was true for one message only."""
        held = [each.t_ns for each in self.decisions if could_fire(str(each.verdict), each.reason)]
        return sorted({*(event.t_ns for event in self.events), *held})

    @property
    def last_possible_ns(self) -> int | None:
        """When it last could have fired: its condition was true, whatever else held it back."""
        times = self.true_ns if self.last_true_ns is None else [*self.true_ns, self.last_true_ns]
        return max(times, default=None)


class _Watch:
    """Called at each message; writes everything down by columns."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.span_ns = max(1, trace.played.end_ns - trace.played.start_ns)

    def __call__(self, t_ns: int, signals: dict[str, Any], engines: list[TriggerEngine]) -> None:
        trace = self.trace
        column = column_of(t_ns, trace.played.start_ns, self.span_ns)
        for name, value in signals.items():
            if name in trace.numbers:
                trace.numbers[name].add(column, _number(value))
            elif name in trace.words:
                trace.words[name].add(t_ns, "" if value is None else str(value))
        reading = engines[0].reading(trace.name)
        for words, left, right in reading.compared[:MOST_COMPARED]:
            sides = trace.compared.setdefault(words, (Line(), Line()))
            sides[0].add(column, left)
            sides[1].add(column, right)
        trace.truth.add(t_ns, "" if reading.truth is None else str(reading.truth))
        if reading.truth is True:
            trace.last_true_ns = t_ns


def column_of(t_ns: int, start_ns: int, length_ns: int) -> int:
    """Where a time is drawn."""
    return min(COLUMNS - 1, max(0, (t_ns - start_ns) * COLUMNS // length_ns))


def _number(value: Any) -> float | None:
    number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    return number if number is not None and abs(number) < float("inf") else None


def trace_trigger(device: Device, name: str, path: Path, progress: Any = None) -> Trace:
    """Play a recording through one trigger and write down what it saw.

    Raises:
        BadInputError: there is no such trigger, it does not run, or the recording cannot be read.

    """
    settings = require_trigger(device, name)
    with open_recording(path) as recording:
        trace = _empty(device, name, settings, path, Played(recording.start_ns, recording.end_ns))
        (trace.played,), trace.problems = play(
            recording, device.settings, device.bare, [device.merged], watch=_Watch(trace), progress=progress
        )
    return trace


def require_trigger(device: Device, name: str) -> TriggerSettings:
    """The settings of a trigger that runs.

    Raises:
        BadInputError: there is none, or it does not run.

    """
    settings = device.merged.triggers.get(name)
    if settings is not None and settings.enabled:
        return settings
    if settings is not None:
        raise BadInputError(f"{name} does not run: the campaign switches it off.")
    reason = device.bare.resolution.inactive.get(name)
    if reason is not None:
        raise BadInputError(f"{name} does not run: {reason}.")
    raise BadInputError(
        f"There is no trigger {name!r}; `winnow triggers list` names them: {', '.join(device.merged.triggers)}."
    )


def read_by(device: Device, name: str) -> list[str]:
    """The signals that a trigger looks at, the position among them where it does."""
    settings, covers = device.merged.triggers[name], device.merged.tuning.covers.get(name, ())
    checked = check_trigger(name, settings, device.bare.inputs, device.bare.rules, covers)
    names = {signal for condition in checked.conditions for signal in condition.signals}
    if any(isinstance(part, Place) for condition in checked.conditions for part in walk(condition.root)):
        names |= set(device.bare.inputs.position.values())
    return sorted(names)


def _empty(device: Device, name: str, settings: TriggerSettings, path: Path, played: Played) -> Trace:
    signals = {signal: device.settings.signals[signal] for signal in read_by(device, name)}
    return Trace(
        name,
        settings,
        path.name,
        played,
        {},
        Steps(),
        {key: Line() for key, signal in signals.items() if signal.type == "number"},
        {key: Steps() for key, signal in signals.items() if signal.type != "number"},
        [],
        {key: signal.unit for key, signal in signals.items() if signal.unit not in ("", "1")},
    )
