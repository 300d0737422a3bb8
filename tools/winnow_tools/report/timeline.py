"""Triggers, clips and incidents over message time, as SVG."""

from collections.abc import Sequence

from winnow_operators.graphs.layout.text import text_width
from winnow_tools.pages.markup import attribute, text
from winnow_tools.report.formats import duration_text, size_text, time_text
from winnow_tools.report.model import ClipRow, Incident, ReportData, TriggerMark
from winnow_tools.report.time_axis import TICK_PX, WIDTH, TimeScale, axis_svg

ROW, BAR = 22.0, 14.0
"""Heights of a row of a lane and of a clip's bar, px."""
MOST_ROWS = 6
"""Rows of a lane; clips that overlap more often share the last."""
MOST_MARKS = 4000
"""Clips, and triggers, that are drawn; the tables have all."""
MOST_INCIDENTS = 200
"""Incidents that are drawn."""
_LABEL_GAP = 6.0


def timeline_svg(data: ReportData) -> str:
    """The timeline. Lanes from P0 to P5, those without an event too: nothing is a finding as well."""
    scale = _scale(data)
    incidents = data.incidents[:MOST_INCIDENTS]
    head = 26.0 + _incident_rows(incidents, scale)[1] * 18.0
    lanes = [[clip for clip in data.clips[:MOST_MARKS] if clip.priority == priority] for priority in range(6)]
    rows = [_rows(lane) for lane in lanes]
    fired: dict[str, list[int]] = {}
    for mark in data.triggers:
        fired.setdefault(mark.clip_id, []).append(mark.t_ns)
    parts, y = [], head
    for priority, placed in enumerate(rows):
        height = ROW * max(1, max((row for _, row in placed), default=0) + 1) + 8.0
        parts.append(_lane(priority, y, height))
        parts += [
            _clip(clip, fired.get(clip.clip_id, []), scale, y + 4.0 + row * ROW) for clip, row in placed
        ]
        own = [mark for mark in data.triggers[:MOST_MARKS] if mark.priority == priority]
        where = {clip.clip_id: row for clip, row in placed}
        parts += [_trigger(mark, scale, y + 4.0 + where.get(mark.clip_id, 0) * ROW) for mark in own]
        y += height
    total = y + 6.0
    axis = axis_svg(scale, head - 4.0, y)
    marks = _incidents(incidents, scale, head, y)
    return (
        f'<svg class="timeline" viewBox="0 0 {WIDTH:g} {total:g}" width="{WIDTH:g}" height="{total:g}" role="group" '
        f'aria-label="Triggers and clips over message time">{axis}{"".join(parts)}{marks}</svg>'
    )


def _scale(data: ReportData) -> TimeScale:
    """From the first message to the last, and a little more where windows reach further."""
    starts = [data.start_ns, *(clip.start_ns for clip in data.clips), *(mark.t_ns for mark in data.incidents)]
    ends = [data.end_ns, *(clip.end_ns for clip in data.clips), *(mark.t_ns for mark in data.incidents)]
    return TimeScale(min(starts), max(ends))


def _rows(clips: Sequence[ClipRow]) -> list[tuple[ClipRow, int]]:
    """Each clip with the first row in which it meets no other."""
    ends: list[int] = []
    placed = []
    for clip in sorted(clips, key=lambda one: (one.start_ns, one.end_ns, one.clip_id)):
        row = next((index for index, end in enumerate(ends) if end <= clip.start_ns), len(ends))
        row = min(row, MOST_ROWS - 1)
        if row == len(ends):
            ends.append(clip.end_ns)
        else:
            ends[row] = max(ends[row], clip.end_ns)
        placed.append((clip, row))
    return placed


def _lane(priority: int, y: float, height: float) -> str:
    return (
        f'<rect class="lane {"odd" if priority % 2 else ""}" x="0" y="{y:g}" width="{WIDTH:g}" height="{height:g}"/>'
        f'<text class="lane-name p{priority}" x="14" y="{y + height / 2 + 4:g}">P{priority}</text>'
    )


def _clip(clip: ClipRow, times: Sequence[int], scale: TimeScale, y: float) -> str:
    """A bar; where the window only rolls before the first and after the last trigger, it is paler."""
    left, right = scale.x(clip.start_ns), scale.x(clip.end_ns)
    right = max(right, left + 3.0)
    core = ""
    if clip.clip_id and times:
        first, last = scale.x(min(times)), scale.x(max(times))
        core = f'<rect class="core" x="{first:.1f}" y="{y:g}" width="{max(last - first, 1.5):.1f}" height="{BAR:g}"/>'
    what = "\n".join(
        [
            f"P{clip.priority} {', '.join(clip.types)}",
            (
                f"{time_text(clip.start_ns, fine=True)} – {time_text(clip.end_ns, fine=True)}, "  # noqa: RUF001
                f"{duration_text(clip.end_ns - clip.start_ns)}"
            ),
            f"{clip.messages:,} messages, {size_text(clip.size_bytes)}"
            + (", truncated" if clip.truncated else "")
            + (f", {clip.upload_state}" if clip.upload_state else ""),
            clip.name,
        ]
    )
    return (
        f'<g class="clip p{clip.priority}" data-clip="{attribute(clip.clip_id)}" tabindex="0" role="button" '
        f'aria-label="{attribute(what)}" data-tip="{attribute(what)}">'
        f'<rect class="bar" x="{left:.1f}" y="{y:g}" width="{right - left:.1f}" height="{BAR:g}" rx="3"/>{core}</g>'
    )


def _trigger(mark: TriggerMark, scale: TimeScale, y: float) -> str:
    x = scale.x(mark.t_ns)
    value = "" if mark.value is None else f", value {mark.value:.6g}"
    value += "" if mark.threshold is None else f", threshold {mark.threshold:.6g}"
    state = f"\nno clip: {mark.suppressed}" if mark.suppressed else ""
    what = f"{mark.type} (P{mark.priority}) at {time_text(mark.t_ns, fine=True)}{value}{state}"
    classes = f"fired p{mark.priority}{' off' if mark.suppressed else ''}"
    top, bottom = y - 2.5, y + BAR + 2.5
    return (
        f'<g class="{classes}" data-tip="{attribute(what)}"><path class="reach" d="M{x:.1f} {top:g}V{bottom:g}"/>'
        f'<path class="tick" d="M{x:.1f} {top:g}V{bottom:g}"/></g>'
    )


def _incident_rows(incidents: Sequence[Incident], scale: TimeScale) -> tuple[list[int], int]:
    """On which row each incident's name stands, in order of time, so that names do not overlap; and how many rows."""
    ends: list[float] = []
    rows = []
    for one in sorted(incidents, key=lambda mark: mark.t_ns):
        left, right = _label_span(one, scale)
        row = next((index for index, end in enumerate(ends) if end + _LABEL_GAP <= left), len(ends))
        ends[row:] = [right, *ends[row + 1 :]]
        rows.append(row)
    return rows, len(ends)


_SIGNS = {"found": "M-3.5 0.3L-1 3L3.8-3", "missed": "M-3-3L3 3M3-3L-3 3", "unwatched": "M-3 0H3"}


def _label_span(one: Incident, scale: TimeScale) -> tuple[float, float]:
    width = text_width(_short(one.name), TICK_PX) + 18.0
    left = min(scale.x(one.t_ns) - 6.0, WIDTH - width - 2.0)
    return left, left + width


def _short(name: str) -> str:
    return name if len(name) <= 32 else name[:31] + "…"


def _incidents(incidents: Sequence[Incident], scale: TimeScale, head: float, bottom: float) -> str:
    """Lines first, then names, so that no line runs over a name."""
    rows, _ = _incident_rows(incidents, scale)
    lines, names = [], []
    for one, row in zip(sorted(incidents, key=lambda mark: mark.t_ns), rows, strict=True):
        x, y = scale.x(one.t_ns), 24.0 + row * 18.0
        left, _right = _label_span(one, scale)
        state = {"found": f"found by {one.found_type}", "missed": "missed"}.get(
            one.state, "nothing had to fire"
        )
        what = f"{one.name} (P{one.priority}) at {time_text(one.t_ns, fine=True)}: {state}"
        group = f'<g class="incident {one.state}" data-tip="{attribute(what)}">'
        width = 0.0 if one.end_ns is None else max(0.0, scale.x(one.end_ns) - x)
        span = f'<rect class="span" x="{x:.1f}" y="{head:g}" width="{width:.1f}" height="{bottom - head:g}"/>'
        stem = f'<path class="stem" d="M{x:.1f} {y + 8:g}V{bottom:g}"/>'
        lines.append(f"{group}{span if width else ''}{stem}</g>")
        sign = _SIGNS[one.state]
        names.append(
            f'{group}<g transform="translate({left + 6:.1f} {y + 5:g})"><circle r="6"/><path class="sign" d="{sign}"/></g>'
            f'<text x="{left + 15:.1f}" y="{y + 9:g}">{text(_short(one.name))}</text></g>'
        )
    return "".join(lines + names)
