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


@dataclass(frozen=True, slots=True)
class Height:
    """From a value to px."""

    top: float
    root: bool

    def y(self, value: float) -> float:
        part = value / self.top
        return TOP + HEIGHT * (1 - (part**0.5 if self.root else part))


def stack_svg(
    scale: TimeScale,
    times: Sequence[int],
    layers: Sequence[Layer],
    lines: Sequence[Line] = (),
    *,
    label: str,
    unit: str,
    root: bool = False,
) -> str:
    """Layers one on the other; each value holds for the time since the sample before.

    ``root``: heights are square roots, for values of which the largest would press the others flat.
    """
    sums = [sum(layer.values[place] for layer in layers) for place in range(len(times))]
    height = Height(max([1.0, *sums, *(value for line in lines for value in line.values)]) * 1.06, root)
    parts = []
    below = [0.0] * len(times)
    for layer in layers:
        above = [low + value for low, value in zip(below, layer.values, strict=True)]
        if any(layer.values):
            parts.append(f'<path class="area {layer.css}" d="{_area(scale, times, below, above, height)}"/>')
        below = above
    for line in lines:
        parts.append(f'<path class="limit {line.css}" d="{_steps(scale, times, line.values, height)}"/>')
        y = height.y(line.values[-1])
        parts.append(
            f'<text class="limit-name" x="{WIDTH - RIGHT - 4:g}" y="{y - 4:.1f}" text-anchor="end">{text(line.label)}</text>'
        )
    most = height.top / 1.06
    scale_marks = "".join(_mark(value, height, unit) for value in (0.0, most / (4 if root else 2), most))
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


def _mark(value: float, height: Height, unit: str) -> str:
    y = height.y(value)
    name = "0" if value == 0 else f"{size_text(value)}{unit}"
    return (
        f'<path class="level" d="M{LEFT:g} {y:.1f}H{WIDTH - RIGHT:g}"/>'
        f'<text class="tick-text" x="{LEFT + 3:g}" y="{y - 3:.1f}">{text(name)}</text>'
    )


def _steps(scale: TimeScale, times: Sequence[int], values: Sequence[float], height: Height) -> str:
    """A step function forward in time."""
    parts = [f"M{scale.x(scale.start_ns):.1f} {height.y(values[0]):.1f}"]
    for t_ns, value in zip(times, values, strict=True):
        parts.append(f"V{height.y(value):.1f}H{scale.x(t_ns):.1f}")
    return "".join(parts)


def _area(
    scale: TimeScale, times: Sequence[int], below: Sequence[float], above: Sequence[float], height: Height
) -> str:
    forward = _steps(scale, times, above, height)
    edges = [scale.start_ns, *times[:-1]]
    back = [
        f"V{height.y(value):.1f}H{scale.x(start):.1f}"
        for start, value in zip(reversed(edges), reversed(below), strict=True)
    ]
    return f"{forward}{''.join(back)}Z"
