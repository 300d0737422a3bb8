"""Two settings beside each other over message time, as SVG: a lane per priority, a row for each."""

from collections.abc import Sequence
from dataclasses import dataclass

from winnow_schemas.messages import TriggerEvent
from winnow_schemas.priority import Priority
from winnow_tools.pages.markup import attribute
from winnow_tools.report.formats import duration_text, size_text, time_text
from winnow_tools.report.time_axis import WIDTH, TimeScale, axis_svg
from winnow_tools.whatif.comparing import Change, Difference
from winnow_tools.whatif.replaying import Replayed
from winnow_tools.whatif.variant import ClipOutcome, Decided

ROW, BAR = 21.0, 14.0
"""Heights of a row and of a clip's bar, px."""
HEAD = 24.0
MOST_ROWS = 4
"""Rows of one side of a lane; clips that overlap more often share the last."""
MOST_MARKS = 3000
"""Clips, and events, of one side that are drawn; the tables and the JSON have all."""
LETTERS = "ABCDEFGH"
"""What the settings are called in drawings, in the order given."""


@dataclass(frozen=True, slots=True)
class Side:
    """One settings file in the drawing."""

    letter: str
    decided: Decided
    changes: dict[str, Change]
    """Clip id -> what became of it; empty without a comparison."""
    compares: bool


def sides(one: Replayed, places: Sequence[int], differences: Sequence[Difference]) -> list[Side]:
    """The settings at these places; what became of each clip."""
    changes = {
        clip.clip_id: difference.change
        for difference in differences
        for clip in (*difference.before, *difference.after)
    }
    return [Side(LETTERS[place], one.decided[place], changes, len(places) > 1) for place in places]


def timeline_svg(one: Replayed, shown: Sequence[Side]) -> str:
    """The drawing; priorities without clip and event are left out."""
    scale = _scale(one, shown)
    parts, y = [], HEAD
    for priority in Priority:
        rows = [_placed(side, priority) for side in shown]
        events = [_events(side, priority) for side in shown]
        if not any(rows) and not any(events):
            continue
        heights = [ROW * max(1, max((row for _, row in own), default=0) + 1) for own in rows]
        parts.append(_lane(priority, y, sum(heights) + 10.0))
        top = y + 5.0
        for side, own, fired, height in zip(shown, rows, events, heights, strict=True):
            parts.append(
                f'<text class="side" x="34" y="{top + 11:g}" text-anchor="middle">{side.letter}</text>'
            )
            parts += [_clip(clip, side, scale, top + row * ROW) for clip, row in own]
            places = {event.event_id: row for clip, row in own for event in clip.plan.events}
            parts += [_tick(event, scale, top + places.get(event.event_id, 0) * ROW) for event in fired]
            top += height
        y += sum(heights) + 10.0
    total = y + 4.0
    outside = _outside(one, scale, y)
    label = attribute(f"Clips and triggers of {one.path.name} over message time")
    return (
        f'<svg class="timeline whatif" viewBox="0 0 {WIDTH:g} {total:g}" width="{WIDTH:g}" height="{total:g}" '
        f'role="group" aria-label="{label}">{outside}{axis_svg(scale, HEAD - 4, y)}{"".join(parts)}</svg>'
    )


def _outside(one: Replayed, scale: TimeScale, bottom: float) -> str:
    """Where windows reach to and the recording does not."""
    spans = ((scale.start_ns, one.start_ns), (one.end_ns, scale.end_ns))
    return "".join(
        f'<rect class="outside" x="{scale.x(first):.1f}" y="{HEAD:g}" width="{scale.x(last) - scale.x(first):.1f}" '
        f'height="{bottom - HEAD:g}"/>'
        for first, last in spans
        if last > first
    )


def _scale(one: Replayed, shown: Sequence[Side]) -> TimeScale:
    clips = [clip.plan for side in shown for clip in side.decided.clips]
    return TimeScale(
        min([one.start_ns, *(plan.start_ns for plan in clips)]),
        max([one.end_ns, one.start_ns + 1, *(plan.end_ns for plan in clips)]),
    )


def _placed(side: Side, priority: Priority) -> list[tuple[ClipOutcome, int]]:
    """Each clip of a lane with the first row in which it meets no other."""
    ends: list[int] = []
    placed = []
    own = [clip for clip in side.decided.clips if clip.plan.priority is priority]
    for clip in sorted(own, key=lambda clip: (clip.plan.start_ns, clip.plan.end_ns, clip.clip_id))[
        :MOST_MARKS
    ]:
        start_ns, end_ns = clip.plan.start_ns, clip.plan.end_ns
        row = next((index for index, end in enumerate(ends) if end <= start_ns), len(ends))
        row = min(row, MOST_ROWS - 1)
        ends[row:] = [max([end_ns, *ends[row : row + 1]]), *ends[row + 1 :]]
        placed.append((clip, row))
    return placed


def _events(side: Side, priority: Priority) -> list[TriggerEvent]:
    """Events of a lane: those of its clips, and those of its own priority that are in none."""
    of_clips = {
        event.event_id: clip.plan.priority for clip in side.decided.clips for event in clip.plan.events
    }
    found = [
        event
        for event in side.decided.events
        if of_clips.get(event.event_id, Priority(event.priority)) is priority
    ]
    return found[:MOST_MARKS]


def _lane(priority: Priority, y: float, height: float) -> str:
    return (
        f'<rect class="lane {"odd" if priority % 2 else ""}" x="0" y="{y:g}" width="{WIDTH:g}" height="{height:g}"/>'
        f'<text class="lane-name p{int(priority)}" x="4" y="{y + height / 2 + 4:g}">{priority.name}</text>'
    )


def kind_of(clip: ClipOutcome, side: Side) -> str:
    """What a bar looks like: refused, alone, or what became of the clip."""
    if not clip.judged.cut:
        return "refused"
    if not side.compares:
        return f"alone p{int(clip.plan.priority)}"
    return side.changes.get(clip.clip_id, Change.SAME).value


def _clip(clip: ClipOutcome, side: Side, scale: TimeScale, y: float) -> str:
    plan = clip.plan
    left = scale.x(plan.start_ns)
    right = max(scale.x(plan.end_ns), left + 3.0)
    kind = kind_of(clip, side)
    said = f" ({kind})" if side.compares or kind == "refused" else ""
    what = "\n".join(
        [
            f"{side.letter}: {plan.priority.name} {', '.join(dict.fromkeys(event.type for event in plan.events))}{said}",
            (
                f"{time_text(plan.start_ns, fine=True)} – {time_text(plan.end_ns, fine=True)}, "  # noqa: RUF001
                f"{duration_text(clip.length_ns)}"
            ),
            f"{clip.messages:,} messages, {size_text(clip.payload_bytes)}{', truncated' if plan.truncated else ''}",
            *([clip.judged.reason] if clip.judged.reason else []),
        ]
    )
    sign = {"gained": "+", "lost": "−", "refused": "×"}.get(kind, "")  # noqa: RUF001 - the signs as they are set
    mark = (
        f'<text class="sign" x="{(left + right) / 2:.1f}" y="{y + 11.5:g}" text-anchor="middle">{sign}</text>'
        if sign and right - left >= 12
        else ""
    )
    return (
        f'<g class="clip {kind}" data-clip="{attribute(clip.clip_id)}" tabindex="0" role="button" '
        f'aria-label="{attribute(what)}" data-tip="{attribute(what)}">'
        f'<rect class="bar" x="{left:.1f}" y="{y:g}" width="{right - left:.1f}" height="{BAR:g}" rx="3"/>{mark}</g>'
    )


def _tick(event: TriggerEvent, scale: TimeScale, y: float) -> str:
    x = scale.x(event.t_ns)
    value = "" if event.value is None else f", value {event.value:.6g}"
    value += "" if event.threshold is None else f", threshold {event.threshold:.6g}"
    what = f"{event.type} (P{event.priority}) at {time_text(event.t_ns, fine=True)}{value}"
    top, bottom = y - 2.0, y + BAR + 2.0
    return (
        f'<g class="fired" data-tip="{attribute(what)}"><path class="reach" d="M{x:.1f} {top:g}V{bottom:g}"/>'
        f'<path class="tick" d="M{x:.1f} {top:g}V{bottom:g}"/></g>'
    )
