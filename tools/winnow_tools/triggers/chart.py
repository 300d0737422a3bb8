"""Traces as SVG: numbers as lines with their thresholds, truths and words as bands, events as marks."""

import math
from collections.abc import Callable, Iterator, Sequence

from winnow_operators.triggers.outcomes import TriggerDecision
from winnow_schemas.messages import TriggerEvent
from winnow_tools.pages.markup import attribute, text
from winnow_tools.report.formats import time_text
from winnow_tools.triggers.trace import COLUMNS, Line, Steps, column_of

WIDTH = 1120.0
LEFT, RIGHT = 64.0, 14.0
TOP, BOTTOM = 10.0, 6.0
PLOT = WIDTH - LEFT - RIGHT
MOST_MARKS = 2000
"""Events, and decisions, that are drawn."""
_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
_TICK_PX = 110.0


class Span:
    """Message time to pixels."""

    def __init__(self, start_ns: int, end_ns: int) -> None:
        self.start_ns = start_ns
        self.length_ns = max(1, end_ns - start_ns)

    def x(self, t_ns: float) -> float:
        return LEFT + min(1.0, max(0.0, (t_ns - self.start_ns) / self.length_ns)) * PLOT


def axis_svg(span: Span) -> str:
    """The scale of time, once above all charts."""
    parts = []
    for t_ns, step_s in _ticks(span):
        x = min(max(span.x(t_ns), 34.0), WIDTH - 34.0)
        parts.append(
            f'<text class="tick-text" x="{x:.1f}" y="14" text-anchor="middle">'
            f"{text(time_text(t_ns, fine=step_s < 1))}</text>"
        )
    return _svg(20.0, "".join(parts), "Message time, UTC")


def numbers_svg(
    span: Span,
    lines: Sequence[tuple[str, Line]],
    label: str,
    *,
    events: Sequence[TriggerEvent] = (),
    height: float = 180.0,
) -> str:
    """Lines of numbers in one frame, with a scale of their own; each with the class that colours it."""
    low, high = _extent([line for _, line in lines])
    inner = height - TOP - BOTTOM

    def y(value: float) -> float:
        return TOP + (high - value) / (high - low) * inner

    parts = [_grid(span, height), *_scale(low, high, y)]
    parts += [f'<path class="{kind}" d="{_path(line, y)}"/>' for kind, line in lines if not line.is_empty]
    for event in events[:MOST_MARKS]:
        x = span.x(event.t_ns)
        what = _event_text(event)
        value = _value_at(span, lines, event)
        dot = "" if value is None else f'<circle cx="{x:.1f}" cy="{y(value):.1f}" r="4.5"/>'
        parts.append(
            f'<g class="event p{event.priority}" data-tip="{attribute(what)}"><path class="stem" '
            f'd="M{x:.1f} {TOP:g}V{height - BOTTOM:g}"/>{dot}</g>'
        )
    return _svg(height, "".join(parts), label)


def steps_svg(span: Span, steps: Steps, end_ns: int, label: str, *, pulses_ns: Sequence[int] = ()) -> str:
    """A band with the values that hold: true is strong, false pale; ``pulses_ns`` are true for one message only."""
    parts = [_grid(span, 34.0)]
    following = [*(t_ns for t_ns, _ in steps.changes[1:]), end_ns]
    for (t_ns, value), until_ns in zip(steps.changes, following, strict=True):
        left, right = span.x(t_ns), span.x(until_ns)
        width = max(1.5 if value == "True" else 0.5, right - left)
        kind = "unknown" if not value else "yes" if value == "True" else "no" if value == "False" else "word"
        shown = {"unknown": "unknown", "yes": "true", "no": "false"}.get(kind, value)
        tip = f"{shown} from {time_text(t_ns, fine=True)} to {time_text(until_ns, fine=True)}"
        parts.append(
            f'<rect class="step {kind}" data-tip="{attribute(tip)}" x="{left:.1f}" y="8" width="{width:.1f}" height="18"/>'
        )
        if kind == "word" and width > 7 * len(value) + 10:
            parts.append(f'<text class="word-text" x="{left + 6:.1f}" y="21">{text(value)}</text>')
    for t_ns in pulses_ns[:MOST_MARKS]:
        tip = f"true at {time_text(t_ns, fine=True)}"
        parts.append(
            f'<rect class="step yes" data-tip="{tip}" x="{span.x(t_ns) - 0.75:.1f}" y="8" width="1.5" height="18"/>'
        )
    return _svg(34.0, "".join(parts), label)


def marks_svg(
    span: Span, events: Sequence[TriggerEvent], decisions: Sequence[TriggerDecision], label: str
) -> str:
    """What came of it: the wanted windows with their events, and below the times at which it did not fire."""
    parts = [_grid(span, 58.0)]
    for event in events[:MOST_MARKS]:
        left, right = span.x(event.t_ns - event.pre_roll_ns), span.x(event.t_ns + event.post_roll_ns)
        x, what = span.x(event.t_ns), _event_text(event)
        parts.append(
            f'<g class="event p{event.priority}" data-tip="{attribute(what)}">'
            f'<rect class="window" x="{left:.1f}" y="8" width="{max(2.0, right - left):.1f}" height="18" rx="3"/>'
            f'<path class="fired" d="M{x:.1f} 5V29"/></g>'
        )
    for decision in decisions[:MOST_MARKS]:
        x = span.x(decision.t_ns)
        what = f"{decision.verdict} at {time_text(decision.t_ns, fine=True)}\n{decision.reason}"
        parts.append(
            f'<path class="held {decision.verdict}" data-tip="{attribute(what)}" d="M{x:.1f} 36l5 8h-10z"/>'
        )
    for y, word in ((21, "fired"), (45, "did not")):
        parts.append(f'<text class="tick-text" x="{LEFT - 8:g}" y="{y}" text-anchor="end">{word}</text>')
    return _svg(58.0, "".join(parts), label)


def _value_at(span: Span, lines: Sequence[tuple[str, Line]], event: TriggerEvent) -> float | None:
    """Where an event's dot belongs among these lines.

    An event carries the value of one comparison only: that where it is one of theirs, otherwise what the first has.
    """
    column = column_of(event.t_ns, span.start_ns, span.length_ns)
    for _, line in lines:
        low, high = line.low[column], line.high[column]
        if event.value is not None and low is not None and high is not None and low <= event.value <= high:
            return event.value
    return lines[0][1].at(column) if lines else None


def _event_text(event: TriggerEvent) -> str:
    value = "" if event.value is None else f"\nvalue {event.value:.6g}"
    value += "" if event.threshold is None else f", threshold {event.threshold:.6g}"
    return f"{event.type} fired, P{event.priority}, at {time_text(event.t_ns, fine=True)}{value}"


def _svg(height: float, inner: str, label: str) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH:g} {height:g}" width="{WIDTH:g}" height="{height:g}" role="img" '
        f'aria-label="{attribute(label)}">{inner}</svg>'
    )


def _ticks(span: Span) -> Iterator[tuple[int, float]]:
    wanted_s = span.length_ns / 1e9 * _TICK_PX / PLOT
    step_s = next((step for step in _STEPS_S if step >= wanted_s), 86_400 * math.ceil(wanted_s / 86_400))
    step_ns = round(step_s * 1e9)
    t_ns = -(-span.start_ns // step_ns) * step_ns
    while t_ns <= span.start_ns + span.length_ns:
        yield t_ns, step_s
        t_ns += step_ns


def _grid(span: Span, height: float) -> str:
    lines = "".join(f"M{span.x(t_ns):.1f} 0V{height:g}" for t_ns, _ in _ticks(span))
    return f'<path class="grid" d="{lines}"/>' if lines else ""


def _extent(lines: Sequence[Line]) -> tuple[float, float]:
    lows = [value for line in lines for value in line.low if value is not None]
    highs = [value for line in lines for value in line.high if value is not None]
    if not lows:
        return 0.0, 1.0
    low, high = min(lows), max(highs)
    room = (high - low) * 0.06 or max(abs(high) * 0.1, 0.5)
    return low - room, high + room


def _scale(low: float, high: float, y: Callable[[float], float]) -> Iterator[str]:
    raw = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw)
    place = math.ceil(low / step)
    while place * step <= high:
        value = place * step
        at = y(value)
        yield f'<path class="rule" d="M{LEFT:g} {at:.1f}H{WIDTH - RIGHT:g}"/>'
        shown = f"{0.0 if abs(value) < step * 1e-6 else value:.6g}"
        yield f'<text class="tick-text" x="{LEFT - 8:g}" y="{at + 3.5:.1f}" text-anchor="end">{shown}</text>'
        place += 1


def _path(line: Line, y: Callable[[float], float]) -> str:
    """Per column a stroke from the smallest to the largest value, joined by steps; broken where it is unknown."""
    parts, before = [], None
    for column in range(COLUMNS):
        low, high, last = line.low[column], line.high[column], line.last[column]
        x = LEFT + (column + 0.5) / COLUMNS * PLOT
        if last is not None and low is not None and high is not None:
            lead = f"M{x:.1f} {y(low):.1f}" if before is None else f"H{x:.1f}V{y(low):.1f}"
            parts.append(lead + (f"V{y(high):.1f}V{y(last):.1f}" if high > low else ""))
            before = last
        if column in line.gaps:
            if before is not None:
                parts.append(f"H{x:.1f}")
            before = None
    if before is not None:
        parts.append(f"H{LEFT + PLOT:.1f}")
    return "".join(parts)
