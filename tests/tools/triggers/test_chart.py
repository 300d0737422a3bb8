"""Where the dots of events stand in the plots of `winnow triggers test`."""

import re

from winnow_schemas.messages import TriggerEvent
from winnow_tools.triggers.chart import Span, numbers_svg
from winnow_tools.triggers.trace import COLUMNS, Line, column_of

LENGTH_NS = COLUMNS * 1_000_000


def line(values: dict[int, float | None]) -> Line:
    made = Line()
    for column, value in values.items():
        made.add(column, value)
    return made


def event(t_ns: int, value: float | None) -> TriggerEvent:
    return TriggerEvent(
        event_id="e", type="ood", priority=1, t_ns=t_ns, pre_roll_ns=0, post_roll_ns=0, value=value, threshold=5.0,
        condition="x > 5 and y > 1", values="{}", topics=[], latitude_deg=None, longitude_deg=None,
    )  # fmt: skip


def dots(left: Line, right: Line, *events: TriggerEvent) -> list[float]:
    svg = numbers_svg(Span(0, LENGTH_NS), [("value", left), ("threshold", right)], "x > 5", events=events)
    return [float(y) for y in re.findall(r'<circle cx="[^"]+" cy="([^"]+)"', svg)]


def y_of(value: float, low: float, high: float) -> float:
    """Pixels from above, of 180 with 10 above and 6 below; 6 % of room on either side."""
    room = (high - low) * 0.06
    return 10 + (high + room - value) / (high - low + 2 * room) * 164


def test_a_dot_stands_on_its_own_value_where_the_plot_is_about_it() -> None:
    at = event(700_000_500, 6.4)
    column = column_of(at.t_ns, 0, LENGTH_NS)
    left = line({0: 0.0, column: 6.0})
    left.add(column, 7.0)
    (y,) = dots(left, line({0: 5.0}), at)
    assert abs(y - y_of(6.4, 0.0, 7.0)) < 0.06


def test_a_dot_in_the_plot_of_another_comparison_stands_on_its_line() -> None:
    (y,) = dots(line({0: 0.0, 300: 2.0, 900: 8.0}), line({0: 1.0}), event(600_000_000, 6.4))
    assert abs(y - y_of(2.0, 0.0, 8.0)) < 0.06, "the line is at 2 then, although 6.4 would fit into the plot"


def test_no_dot_where_the_line_is_unknown() -> None:
    assert dots(line({0: 0.0, 300: None, 900: 8.0}), line({0: 1.0}), event(600_000_000, 6.4)) == []
    assert dots(line({900: 8.0}), line({0: 1.0}), event(600_000_000, None)) == []
