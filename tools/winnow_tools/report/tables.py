"""The report's tables."""

from collections.abc import Iterable, Sequence
from urllib.parse import quote

from winnow_tools.pages.markup import attribute, text
from winnow_tools.report.formats import duration_text, number_text, percent_text, size_text, time_text
from winnow_tools.report.model import BudgetUse, ClipRow, DecisionGroup, Incident, ReportData, TopicRow

MOST_ROWS = 2000
"""Rows of a table; a page with more is slow, and the ledger has them all."""


def table(heads: Sequence[str], rows: Iterable[str], *, sortable: bool = True, name: str = "") -> str:
    """A table; a head that begins with ``#`` stands over numbers. A row is a ``<tr>``."""
    cells = []
    for head in heads:
        title = head.removeprefix("#")
        inner = (
            f'<button type="button" class="sort">{text(title)}</button>'
            if sortable and title
            else text(title)
        )
        cells.append(f'<th{" class=num" if head.startswith("#") else ""} scope="col">{inner}</th>')
    label = f' aria-label="{attribute(name)}"' if name else ""
    return (
        f'<div class="scroll"><table{label}><thead><tr>{"".join(cells)}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def number_cell(shown: str, value: float | None) -> str:
    """A cell with a number: what is shown, and what sorts."""
    order = "" if value is None else f' data-value="{value!r}"'
    return f'<td class="num"{order}>{text(shown)}</td>'


def badge(priority: int) -> str:
    """The priority as a coloured mark."""
    return f'<span class="prio p{priority}">P{priority}</span>'


def link(path: str, label: str) -> str:
    """A link to a file beside the report; a path that leads elsewhere is only text."""
    parts = path.replace("\\", "/").split("/")
    if not path or path.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\0" in path:
        return text(label)
    return f'<a href="{attribute("./" + quote("/".join(parts)))}">{text(label)}</a>'


def clips_table(clips: Sequence[ClipRow]) -> str:
    """All clips, in message time."""
    ordered = sorted(clips, key=lambda clip: (clip.start_ns, clip.priority, clip.clip_id))
    heads = [
        "Priority",
        "Clip",
        "Triggers",
        "From",
        "#Length",
        "#Messages",
        "#Size",
        "Scenario",
        "#Annotate",
        "Upload",
    ]
    rows = [_clip_row(clip) for clip in ordered[:MOST_ROWS]]
    return table(heads, rows, name="Clips") + _more(len(clips))


def _clip_row(clip: ClipRow) -> str:
    notes = ["truncated"] if clip.truncated else []
    notes += [f"missing: {part}" for part in clip.missing]
    fine = f'<span class="fine warn">{text("; ".join(notes))}</span>' if notes else ""
    length_ns = clip.end_ns - clip.start_ns
    state = clip.upload_state or "unknown"
    return (
        f'<tr data-clip="{attribute(clip.clip_id)}" data-priority="{clip.priority}" tabindex="-1">'
        f'<td data-value="{clip.priority}">{badge(clip.priority)}</td>'
        f'<td class="name">{link(clip.path, clip.name)}{fine}</td><td>{text(", ".join(clip.types))}</td>'
        f'<td class="mono" data-value="{clip.start_ns}">{text(time_text(clip.start_ns))}</td>'
        f"{number_cell(duration_text(length_ns), length_ns)}{number_cell(f'{clip.messages:,}', clip.messages)}"
        f"{number_cell(size_text(clip.size_bytes), clip.size_bytes)}<td>{text(clip.scenario)}</td>"
        f"{number_cell('' if clip.annotation_priority is None else f'{clip.annotation_priority:.2f}', clip.annotation_priority)}"
        f'<td><span class="state {"good" if state == "uploaded" else ""}">{text(state)}</span></td></tr>'
    )


def budget_rows(budgets: Sequence[BudgetUse]) -> str:
    """Bars of what was used."""
    most = max((one.limit_bytes or one.used_bytes for one in budgets), default=0)
    rows = []
    for one in sorted(budgets, key=lambda budget: budget.priority):
        whole = one.limit_bytes if one.limit_bytes is not None else most
        share = min(1.0, one.used_bytes / whole) if whole else 0.0
        limit = "no limit" if one.limit_bytes is None else f"of {size_text(one.limit_bytes)}"
        used = percent_text(one.used_bytes, one.limit_bytes) if one.limit_bytes else ""
        refused = f' · <b class="warn">{one.refused:,} refused</b>' if one.refused else ""
        classes = f"p{one.priority}{' open' if one.limit_bytes is None else ''}"
        rows.append(
            f'<li>{badge(one.priority)}<svg class="meter {classes}" viewBox="0 0 200 10" preserveAspectRatio="none" '
            f'aria-hidden="true"><rect class="track" width="200" height="10" rx="3"/>'
            f'<rect class="fill" width="{max(share * 200, 1.5 if one.used_bytes else 0):.1f}" height="10" rx="3"/></svg>'
            f"<span><b>{text(size_text(one.used_bytes))}</b> {text(limit)}{f' · {used}' if used else ''}{refused}</span></li>"
        )
    return f'<ul class="budgets">{"".join(rows)}</ul>'


def decisions_table(decisions: Sequence[DecisionGroup]) -> str:
    """Grouped decisions, the most frequent first."""
    ordered = sorted(decisions, key=lambda one: (-one.count, one.node, one.kind, one.outcome, one.reason))
    rows = []
    for one in ordered[:MOST_ROWS]:
        when = "" if one.first_ns is None else time_text(one.first_ns)
        if one.last_ns is not None and one.last_ns != one.first_ns:
            when += f" – {time_text(one.last_ns)}"  # noqa: RUF001
        rows.append(
            f"<tr>{number_cell(f'{one.count:,}', one.count)}<td>{text(one.outcome)}</td><td>{text(one.kind)}</td>"
            f'<td class="reason">{text(one.reason)}</td><td>{text(one.node)}</td><td class="mono">{text(when)}</td></tr>'
        )
    return table(["#Count", "Outcome", "What", "Why", "Node", "When"], rows, name="Decisions") + _more(
        len(decisions)
    )


def topics_table(topics: Sequence[TopicRow], seen: int) -> str:
    """All topics, the largest first."""
    ordered = sorted(topics, key=lambda row: (-row.size_bytes, row.topic))
    rows = []
    for row in ordered[:MOST_ROWS]:
        share = row.size_bytes / seen if seen > 0 else 0.0
        kept = "" if row.kept_bytes is None else percent_text(row.kept_bytes, row.size_bytes)
        kept_value = (
            row.kept_bytes / row.size_bytes if row.kept_bytes is not None and row.size_bytes else None
        )
        lost = f'<td class="num{" warn" if row.lost else ""}" data-value="{row.lost}">{row.lost:,}</td>'
        rows.append(
            f'<tr><td class="name"><code>{text(row.topic)}</code><span class="fine">{text(row.type)}</span></td>'
            f"<td>{text(row.kind)}</td>{number_cell(f'{row.messages:,}', row.messages)}"
            f"{number_cell(number_text(row.rate_hz), row.rate_hz)}{number_cell(size_text(row.size_bytes), row.size_bytes)}"
            f'<td class="share" data-value="{share!r}"><svg viewBox="0 0 60 8" width="60" height="8" aria-hidden="true">'
            f'<rect class="track" width="60" height="8" rx="2"/><rect class="fill" width="{60 * min(1.0, share):.1f}" '
            f'height="8" rx="2"/></svg></td>{number_cell(kept, kept_value)}{lost}</tr>'
        )
    heads = ["Topic", "Kind", "#Messages", "#Hz", "#Size", "Share", "#In clips", "#Lost"]
    return table(heads, rows, name="Topics") + _more(len(topics))


def incidents_table(data: ReportData) -> str:
    """Ground truth against what was found."""
    rows = [
        _incident_row(one) for one in sorted(data.incidents, key=lambda one: (one.t_ns, one.name))[:MOST_ROWS]
    ]
    heads = ["Incident", "Priority", "At", "Found", "By", "#After", "Clip"]
    return table(heads, rows, name="Ground truth") + _more(len(data.incidents))


def _incident_row(one: Incident) -> str:
    after_ns = None if one.found_t_ns is None else one.found_t_ns - one.t_ns
    after = "" if after_ns is None else f"{after_ns / 1e9:+.2f} s"
    kind, said = {"found": ("good", "found"), "missed": ("bad", "missed")}.get(
        one.state, ("", "nothing expected")
    )
    found = f'<span class="state {kind}">{said}</span>'
    wanted = (
        f'<span class="fine">expected: {text(", ".join(one.expected_types))}</span>'
        if one.expected_types
        else ""
    )
    note = f'<span class="fine">{text(one.note)}</span>' if one.note else ""
    clip = (
        f'<a href="#clips" class="to-clip" data-clip="{attribute(one.clip_id)}">{text(one.clip_id)}</a>'
        if one.clip_id
        else "none"
    )
    return (
        f'<tr><td>{text(one.name)}{note}</td><td data-value="{one.priority}">{badge(one.priority)}</td>'
        f'<td class="mono" data-value="{one.t_ns}">{text(time_text(one.t_ns, fine=True))}</td><td>{found}</td>'
        f"<td>{text(one.found_type)}{wanted}</td>{number_cell(after, after_ns)}<td>{clip}</td></tr>"
    )


def _more(count: int) -> str:
    if count <= MOST_ROWS:
        return ""
    return f'<p class="muted">The first {MOST_ROWS:,} of {count:,} rows; the ledger has all of them.</p>'
