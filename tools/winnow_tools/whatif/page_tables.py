"""The tables of the what-if page."""

from collections.abc import Sequence

from winnow_schemas.priority import Priority
from winnow_tools.pages.markup import attribute, text
from winnow_tools.report.formats import duration_text, size_text, time_text
from winnow_tools.report.tables import MOST_ROWS, badge, number_cell, table
from winnow_tools.whatif.comparing import Change, Difference
from winnow_tools.whatif.gate import Comparison
from winnow_tools.whatif.replaying import Replayed
from winnow_tools.whatif.summing import Sums, TriggerSum, changes_by_trigger
from winnow_tools.whatif.timeline import LETTERS
from winnow_tools.whatif.variant import ClipOutcome

_TOLD = (Change.GAINED, Change.LOST, Change.CHANGED, Change.MERGED, Change.SPLIT)


def differences_table(differences: Sequence[Difference]) -> str:
    """Everything that is not the same; the same in a sentence."""
    told = [one for one in differences if one.change is not Change.SAME]
    same = len(differences) - len(told)
    said = f"{same:,} {'clip is' if same == 1 else 'clips are'} unchanged."
    if not told:
        return f'<p class="muted said">{text("No clip differs; " + said)}</p>'
    rows = [_difference_row(one) for one in told[:MOST_ROWS]]
    heads = ["Change", "Priority", "Clip", "From", "#Length", "#Messages", "#Payload", "Why"]
    return f'<p class="muted said">{text(said)}</p>{table(heads, rows, name="Differences")}{_more(len(told))}'


def _difference_row(one: Difference) -> str:
    clip = one.lead
    sizes = [
        (clip.length_ns, clip.messages, clip.payload_bytes)
        if not side
        else tuple(
            sum(getattr(each, name) for each in side) for name in ("length_ns", "messages", "payload_bytes")
        )
        for side in (one.before, one.after)
    ]
    if not one.before or not one.after:
        sizes = sizes[:1] if one.before else sizes[1:]
    shown = (duration_text, lambda count: f"{count:,}", size_text)
    cells = []
    for column, show in enumerate(shown):
        texts = list(dict.fromkeys(show(size[column]) for size in sizes))
        cells.append(number_cell(" → ".join(texts), sizes[-1][column]))
    return (
        f'<tr data-clip="{attribute(clip.clip_id)}" data-priority="{int(clip.plan.priority)}" tabindex="-1">'
        f'<td><span class="change {one.change.value}">{one.change.value}</span></td>'
        f'<td data-value="{int(clip.plan.priority)}">{badge(int(clip.plan.priority))}</td>'
        f'<td class="name">{text(clip.name)}<span class="fine">{text(_types(clip))}</span></td>'
        f'<td class="mono" data-value="{clip.plan.start_ns}">{text(time_text(clip.plan.start_ns, fine=True))}</td>'
        f'{"".join(cells)}<td class="reason">{text(one.reason)}</td></tr>'
    )


def clips_table(replayed: Sequence[Replayed]) -> str:
    """All windows of one settings file."""
    clips = [clip for one in replayed for clip in one.decided[0].clips]
    if not clips:
        return '<p class="muted">No window came up.</p>'
    rows = [
        f'<tr data-clip="{attribute(clip.clip_id)}" data-priority="{int(clip.plan.priority)}" tabindex="-1">'
        f'<td data-value="{int(clip.plan.priority)}">{badge(int(clip.plan.priority))}</td>'
        f'<td class="name">{text(clip.name)}</td><td>{text(_types(clip))}</td>'
        f'<td class="mono" data-value="{clip.plan.start_ns}">{text(time_text(clip.plan.start_ns, fine=True))}</td>'
        f"{number_cell(duration_text(clip.length_ns), clip.length_ns)}"
        f"{number_cell(f'{clip.messages:,}', clip.messages)}"
        f"{number_cell(size_text(clip.payload_bytes), clip.payload_bytes)}"
        f'<td class="reason">{text(clip.judged.outcome)}'
        f'<span class="fine">{text(clip.judged.reason)}</span></td></tr>'
        for clip in sorted(clips, key=lambda clip: (clip.plan.start_ns, clip.clip_id))[:MOST_ROWS]
    ]
    heads = ["Priority", "Clip", "Triggers", "From", "#Length", "#Messages", "#Payload", "Outcome"]
    return table(heads, rows, name="Clips") + _more(len(clips))


def triggers_table(sums: Sequence[Sums], comparisons: Sequence[Comparison]) -> str:
    """Every trigger that runs under some settings; figures of all settings in a row."""
    names = dict.fromkeys(name for one in sums for name in one.triggers)
    heads = ["Priority", "Trigger", "#Fired", "#Muted", "#Held back"]
    for place, _ in enumerate(comparisons, 1):
        letter = f" {LETTERS[place]}" if len(comparisons) > 1 else ""
        heads += [f"#{change.value.capitalize()}{letter}" for change in _TOLD]
    heads += ["#Clips", "#Length", "#Payload", "#Charged"]
    counts = [changes_by_trigger(pair.differences) for pair in comparisons]
    rows, quiet = [], []
    for name in sorted(names, key=lambda name: (_priority(name, sums), name)):
        priority = _priority(name, sums)
        own = [one.triggers.get(name, TriggerSum(priority)) for one in sums]
        if not any(one.fired or one.held for one in own):
            quiet.append(name)
            continue
        cells = [
            _steps([str(one.fired) for one in own], own[-1].fired),
            _steps([str(one.muted) for one in own], own[-1].muted),
            _steps(
                [str(sum(one.held.values()) - one.muted) for one in own],
                sum(own[-1].held.values()) - own[-1].muted,
            ),
        ]
        for count in counts:
            cells += [
                _steps([str(count.get(name, {}).get(change, 0))], count.get(name, {}).get(change, 0))
                for change in _TOLD
            ]
        cells += [
            _steps([str(one.cut.clips) for one in own], own[-1].cut.clips),
            _steps([duration_text(one.cut.length_ns) for one in own], own[-1].cut.length_ns),
            _steps([size_text(one.cut.payload_bytes) for one in own], own[-1].cut.payload_bytes),
            _steps([size_text(one.cut.charged_bytes) for one in own], own[-1].cut.charged_bytes),
        ]
        rows.append(
            f'<tr><td data-value="{int(priority)}">{badge(int(priority))}</td><td>{text(name)}</td>{"".join(cells)}</tr>'
        )
    note = '<p class="muted said">A clip counts for its most urgent, earliest trigger, so that sums are sums of clips.</p>'
    said = f"{len(quiet)} more run and had nothing to say: {', '.join(sorted(quiet))}." if quiet else ""
    return f'{note}{table(heads, rows, name="Triggers")}<p class="muted said">{text(said)}</p>'


def _priority(name: str, sums: Sequence[Sums]) -> Priority:
    return next(one.triggers[name].priority for one in reversed(sums) if name in one.triggers)


def _steps(texts: Sequence[str], value: float) -> str:
    """``3 → 5``, or ``3`` where nothing differs."""
    shown = texts[-1] if len(set(texts)) == 1 else " → ".join(texts)
    cell = number_cell(shown, value)
    return cell.replace('class="num"', 'class="num zero"', 1) if shown in ("0", "0 s", "0 B") else cell


def _types(clip: ClipOutcome) -> str:
    return ", ".join(dict.fromkeys(event.type for event in clip.plan.events))


def _more(count: int) -> str:
    if count <= MOST_ROWS:
        return ""
    return f'<p class="muted">The first {MOST_ROWS:,} of {count:,} rows; --json has all of them.</p>'
