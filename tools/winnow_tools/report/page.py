"""The report page, put together."""

from winnow_operators.graphs import parse_graph
from winnow_operators.graphs.layout import lay_out
from winnow_schemas.yaml_source import load_text
from winnow_tools.graphpage.legend import legend
from winnow_tools.graphpage.svg import svg_element
from winnow_tools.pages.assets import read_asset
from winnow_tools.pages.document import html_document
from winnow_tools.pages.markup import text
from winnow_tools.report.formats import date_text, duration_text, percent_text, size_text, time_text
from winnow_tools.report.model import GraphFiles, ReportData
from winnow_tools.report.reading import check_report
from winnow_tools.report.tables import (
    budget_rows,
    clips_table,
    decisions_table,
    incidents_table,
    topics_table,
)
from winnow_tools.report.timeline import MOST_INCIDENTS, MOST_MARKS, timeline_svg

WANTED_DISCARD = 0.825
"""Vehicle document 1.3: 50 GB of 286 GB a day."""


def render_report(data: ReportData) -> str:
    """The report as one HTML file that works offline.

    Raises:
        BadInputError: times or priorities that cannot be drawn, or a graph that is none.

    """
    check_report(data)
    sections = [("timeline", "Timeline", _timeline(data))]
    if data.incidents:
        sections.append(("truth", "Ground truth", _truth(data)))
    sections.append(("clips", "Clips", _clips(data)))
    if data.budgets:
        sections.append(("budget", "Extraction budget", budget_rows(data.budgets)))
    if data.decisions:
        sections.append(("decisions", "Dropped, suppressed, withheld", decisions_table(data.decisions)))
    if data.topics:
        sections.append(("topics", "Topics", topics_table(data.topics, data.bytes_seen)))
    if data.graph:
        sections.append(("graph", "Graph", _graph(data.graph)))
    links = "".join(f'<a href="#{key}">{text(title.partition(",")[0])}</a>' for key, title, _ in sections)
    body = "".join(
        f'<section id="{key}" class="part" aria-labelledby="{key}-title"><h2 id="{key}-title">{text(title)}</h2>'
        f"{content}</section>"
        for key, title, content in sections
    )
    return html_document(
        f"{data.title} · Winnow report",
        f"{_header(data, links)}<main>{_headline(data)}{body}</main>{_foot(data)}"
        '<div id="tip" class="tip" role="status" hidden></div>',
        styles=("tokens.css", "base.css", "drawing.css", "report.css"),
        scripts=("theme.js", "report.js"),
    )


def _header(data: ReportData, links: str) -> str:
    when = f"{date_text(data.start_ns)} {time_text(data.start_ns)} – {time_text(data.end_ns)} UTC"  # noqa: RUF001
    parts = [data.vehicle, when, duration_text(data.end_ns - data.start_ns)]
    return (
        f'<header class="bar"><div class="bar-title">{read_asset("mark.svg")}<h1>{text(data.title)}</h1>'
        f'<p class="muted">{text(" · ".join(filter(None, parts)))}</p></div>'
        f'<nav class="parts" aria-label="Parts of the report">{links}</nav>'
        '<div class="tools"><button type="button" id="theme" class="icon" '
        'aria-label="Switch between light and dark" title="Light or dark">'
        f"{read_asset('theme.svg')}</button></div></header>"
    )


def _headline(data: ReportData) -> str:
    discarded = data.bytes_seen - data.bytes_kept
    share = percent_text(discarded, data.bytes_seen) or "–"  # noqa: RUF001
    enough = data.bytes_seen > 0 and discarded / data.bytes_seen >= WANTED_DISCARD
    kept = percent_text(data.p0_kept, data.p0_events) or "none"
    whole = data.p0_kept >= data.p0_events
    suppressed = sum(1 for one in data.triggers if one.suppressed)
    lost = sum(row.lost for row in data.topics)
    cards = [
        _card(
            "Data discarded",
            share,
            f"{size_text(data.bytes_kept)} kept of {size_text(data.bytes_seen)}; on a quiet shift {WANTED_DISCARD * 100:g} % or more is the aim of the design",
            "good" if enough else "warn",
        ),
        _card(
            "P0 events kept",
            kept,
            f"{data.p0_kept:,} of {data.p0_events:,} safety events lie whole in a clip; wanted: all"
            if data.p0_events
            else "no safety event occurred",
            "good" if whole else "bad",
        ),
        _card("Clips", f"{len(data.clips):,}", f"{size_text(data.bytes_kept)}, {_uploaded(data)}", ""),
        _card("Triggers", f"{len(data.triggers):,}", f"{suppressed:,} of them suppressed", ""),
    ]
    if data.incidents:
        watched = [one for one in data.incidents if one.state != "unwatched"]
        found = sum(one.state == "found" for one in watched)
        state = "good" if found == len(watched) else "warn"
        cards.append(_card("Incidents found", f"{found} of {len(watched)}", _unexplained(data), state))
    if data.topics:
        sent = sum(row.messages for row in data.topics)
        cards.append(
            _card(
                "Messages lost",
                f"{lost:,}",
                f"of {sent:,} on {len(data.topics)} topics",
                "good" if not lost else "bad",
            )
        )
    note = f'<p class="note">{text(data.note)}</p>' if data.note else ""
    return f'<section class="headline" aria-label="Headline figures"><div class="cards">{"".join(cards)}</div>{note}</section>'


def _card(name: str, figure: str, meaning: str, state: str) -> str:
    return (
        f'<div class="card {state}"><h2>{text(name)}</h2><p class="figure">{text(figure)}</p>'
        f'<p class="muted">{text(meaning)}</p></div>'
    )


def _uploaded(data: ReportData) -> str:
    count = sum(1 for clip in data.clips if clip.upload_state == "uploaded")
    return f"{count:,} uploaded"


def _unexplained(data: ReportData) -> str:
    if data.unexplained is None:
        return "against ground truth"
    return f"{data.unexplained:,} triggers that no incident explains"


def _timeline(data: ReportData) -> str:
    more = ""
    if max(len(data.clips), len(data.triggers)) > MOST_MARKS or len(data.incidents) > MOST_INCIDENTS:
        more = (
            f'<p class="muted">Only the first {MOST_MARKS:,} clips, {MOST_MARKS:,} triggers and '
            f"{MOST_INCIDENTS} incidents are drawn.</p>"
        )
    kinds = [
        (
            '<li><svg viewBox="0 0 34 14" width="34" height="14" class="timeline" aria-hidden="true"><g class="clip p1">'
            '<rect class="bar" width="34" height="14" rx="3"/><rect class="core" x="13" width="9" height="14"/></g></svg>'
            "clip: pre-roll, first to last trigger, post-roll</li>"
        ),
        (
            '<li><svg viewBox="0 0 10 18" width="10" height="18" class="timeline" aria-hidden="true"><g class="fired p1">'
            '<path class="tick" d="M5 1V17"/></g></svg>trigger</li>'
        ),
    ]
    if any(one.suppressed for one in data.triggers):
        kinds.append(
            '<li><svg viewBox="0 0 10 18" width="10" height="18" class="timeline" aria-hidden="true">'
            '<g class="fired p1 off"><path class="tick" d="M5 1V17"/></g></svg>trigger without a clip</li>'
        )
    if data.incidents:
        kinds.append("<li>✓ ✕ - incident that really happened: found, missed, nothing had to fire</li>")
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="Timeline">{timeline_svg(data)}</div>'
        f'<ul class="keys muted">{"".join(kinds)}</ul>{more}'
    )


def _truth(data: ReportData) -> str:
    states = [one.state for one in data.incidents]
    said = f"{states.count('found')} of {len(states) - states.count('unwatched')} incidents were found; {_unexplained(data)}."
    return f'<p class="muted said">{text(said)}</p>{incidents_table(data)}'


def _clips(data: ReportData) -> str:
    if not data.clips:
        return '<p class="muted">No clip was cut.</p>'
    used = sorted({clip.priority for clip in data.clips})
    chips = "".join(
        f'<button type="button" class="filter p{priority}" data-priority="{priority}" aria-pressed="true">P{priority}</button>'
        for priority in used
    )
    return (
        f'<div class="filters"><div role="group" aria-label="Priorities shown">{chips}</div>'
        '<input type="search" id="filter" placeholder="Filter clips" aria-label="Filter clips">'
        f'<output id="shown" class="muted" for="filter"></output></div>{clips_table(data.clips)}'
    )


def _graph(files: GraphFiles) -> str:
    modules = {key: load_text(value, key) for key, value in files.modules.items()}
    graph = parse_graph(load_text(files.text, files.name), modules)
    drawing = lay_out(graph)
    return (
        f'<div class="graph-part"><div class="scroll graph-scroll" tabindex="0" role="region" aria-label="Graph">'
        f"{svg_element(drawing, f'Graph {files.name}')}</div>{legend(graph, drawing)}</div>"
    )


def _foot(data: ReportData) -> str:
    made = f"Winnow {data.software}" if data.software else "Winnow"
    return (
        f'<footer class="muted">{text(made)} · times are message time, UTC · sizes in decimal units</footer>'
    )
