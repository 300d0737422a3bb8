"""Message time across a drawing: the scale, and the grid with its times."""

from dataclasses import dataclass

from winnow_operators.graphs.layout.text import text_width
from winnow_tools.pages.markup import text
from winnow_tools.report.formats import date_text, time_text

WIDTH = 1120.0
LEFT, RIGHT = 44.0, 16.0
"""Room for lane names, and for the last tick's text."""
TICK_PX = 10.5
"""Size of the times' letters."""
_STEPS_S = (
    0.1,
    0.2,
    0.5,
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    10800,
    21600,
    43200,
    86400,
)
_NEED = 96.0
"""px from one tick to the next."""


@dataclass(frozen=True, slots=True)
class TimeScale:
    """From message time to px."""

    start_ns: int
    end_ns: int

    def x(self, t_ns: float) -> float:
        span = max(1, self.end_ns - self.start_ns)
        inside = min(max(t_ns, self.start_ns), self.end_ns)
        return LEFT + (inside - self.start_ns) / span * (WIDTH - LEFT - RIGHT)


def axis_svg(scale: TimeScale, top: float, bottom: float) -> str:
    """Grid lines from ``top`` to ``bottom``, and their times above."""
    span_s = max(1e-9, (scale.end_ns - scale.start_ns) / 1e9)
    wanted_s = span_s * _NEED / (WIDTH - LEFT - RIGHT)
    step_s = next((step for step in _STEPS_S if step >= wanted_s), 86400 * max(1, round(wanted_s / 86400)))
    step_ns = round(step_s * 1e9)
    parts = []
    t_ns = -(-scale.start_ns // step_ns) * step_ns
    while t_ns <= scale.end_ns:
        x = scale.x(t_ns)
        label = date_text(t_ns) if step_s >= 86400 else time_text(t_ns, fine=step_s < 1)
        half = text_width(label, TICK_PX) / 2
        shown = min(max(x, half + 2), WIDTH - half - 2)
        parts.append(f'<path class="grid" d="M{x:.1f} {top:g}V{bottom:g}"/>')
        parts.append(
            f'<text class="tick-text" x="{shown:.1f}" y="14" text-anchor="middle">{text(label)}</text>'
        )
        t_ns += step_ns
    return "".join(parts)
