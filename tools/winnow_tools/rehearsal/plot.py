"""Bands, stacked areas and lines over the days of a rehearsal, as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from winnow_tools.pages.markup import attribute, text
from winnow_tools.report.formats import size_text
from winnow_tools.report.time_axis import LEFT, RIGHT, WIDTH, TimeScale, axis_svg

HEIGHT = 150.0
TOP = 26.0
"""Room for the times above a drawing."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One part of a stack: a value per sample."""

    css: str
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Line:
    """A limit, as a step function over the samples."""

    css: str
    label: str
    values: Sequence[float]


def stack_svg(
    scale: TimeScale,
    times: Sequence[int],
    layers: Sequence[Layer],
    lines: Sequence[Line] = (),
    *,
    label: str,
    unit: str,
) -> str:
    """Layers one on the other; each value holds for the time since the sample before."""
    sums = [sum(layer.values[place] for layer in layers) for place in range(len(times))]
    top = max([1.0, *sums, *(value for line in lines for value in line.values)]) * 1.06
    parts = []
    below = [0.0] * len(times)
    for layer in layers:
        above = [low + value for low, value in zip(below, layer.values, strict=True)]
        if any(layer.values):
            parts.append(f'<path class="area {layer.css}" d="{_area(scale, times, below, above, top)}"/>')
        below = above
    for line in lines:
        parts.append(f'<path class="limit {line.css}" d="{_steps(scale, times, line.values, top)}"/>')
        y = _y(line.values[-1], top)
        parts.append(
            f'<text class="limit-name" x="{WIDTH - RIGHT - 4:g}" y="{y - 4:.1f}" text-anchor="end">{text(line.label)}</text>'
        )
    scale_marks = "".join(_mark(value, top, unit) for value in (0.0, top / 1.06 / 2, top / 1.06))
    total = TOP + HEIGHT + 6
    return (
        f'<svg class="timeline week" viewBox="0 0 {WIDTH:g} {total:g}" width="{WIDTH:g}" height="{total:g}" role="img" '
        f'aria-label="{attribute(label)}">{axis_svg(scale, TOP - 4, TOP + HEIGHT)}{scale_marks}{"".join(parts)}</svg>'
    )


def band_svg(scale: TimeScale, spans: Sequence[tuple[int, int, str, str]], *, label: str) -> str:
    """Coloured spans: start, end, class, and what to say of it."""
    parts = [
        f'<rect class="mode {css}" x="{scale.x(start):.2f}" y="{TOP:g}" '
        f'width="{max(scale.x(end) - scale.x(start), 0.4):.2f}" height="26"><title>{text(told)}</title></rect>'
        for start, end, css, told in spans
    ]
    total = TOP + 32
    return (
        f'<svg class="timeline week" viewBox="0 0 {WIDTH:g} {total:g}" width="{WIDTH:g}" height="{total:g}" role="img" '
        f'aria-label="{attribute(label)}">{axis_svg(scale, TOP - 4, TOP + 26)}{"".join(parts)}</svg>'
    )


def _y(value: float, top: float) -> float:
    return TOP + HEIGHT * (1 - value / top)


def _mark(value: float, top: float, unit: str) -> str:
    y = _y(value, top)
    name = "0" if value == 0 else f"{size_text(value)}{unit}"
    return (
        f'<path class="level" d="M{LEFT:g} {y:.1f}H{WIDTH - RIGHT:g}"/>'
        f'<text class="tick-text" x="{LEFT + 3:g}" y="{y - 3:.1f}">{text(name)}</text>'
    )


def _steps(scale: TimeScale, times: Sequence[int], values: Sequence[float], top: float) -> str:
    """A step function forward in time."""
    parts = [f"M{scale.x(scale.start_ns):.1f} {_y(values[0], top):.1f}"]
    for t_ns, value in zip(times, values, strict=True):
        parts.append(f"V{_y(value, top):.1f}H{scale.x(t_ns):.1f}")
    return "".join(parts)


def _area(
    scale: TimeScale, times: Sequence[int], below: Sequence[float], above: Sequence[float], top: float
) -> str:
    forward = _steps(scale, times, above, top)
    edges = [scale.start_ns, *times[:-1]]
    back = [
        f"V{_y(value, top):.1f}H{scale.x(start):.1f}"
        for start, value in zip(reversed(edges), reversed(below), strict=True)
    ]
    return f"{forward}{''.join(back)}Z"
