"""One trigger over one recording, as a page that works offline."""

from winnow_operators.triggers.explanation import explain
from winnow_tools.pages.assets import read_asset
from winnow_tools.pages.document import html_document
from winnow_tools.pages.markup import text
from winnow_tools.report.formats import date_text, duration_text, time_text
from winnow_tools.triggers.chart import MOST_MARKS, Span, axis_svg, marks_svg, numbers_svg, steps_svg
from winnow_tools.triggers.device import Device
from winnow_tools.triggers.trace import Trace

_MOST_ROWS = 500
"""Rows of the table; the rest is counted."""


def render_trigger(trace: Trace, device: Device) -> str:
    """The page."""
    sentences = explain(
        trace.name, trace.settings, device.bare.inputs, device.bare.rules, device.settings.signals
    )
    said = f'<div class="said">{"".join(f"<p>{text(sentence)}</p>" for sentence in sentences)}</div>'
    body = (
        f"{_header(trace)}<main>{_headline(trace)}"
        f"{_part('what', 'What it does', said)}"
        f"{_part('seen', 'What it saw', _charts(trace))}"
        f"{_part('said', 'What came of it', _table(trace))}</main>"
        '<footer class="muted">Winnow · times are message time, UTC · values are SI unless a unit is given</footer>'
        '<div id="tip" class="tip" role="status" hidden></div>'
    )
    return html_document(
        f"{trace.name} on {trace.recording} · Winnow",
        body,
        styles=("tokens.css", "base.css", "report.css", "trigger.css"),
        scripts=("theme.js", "report.js"),
    )


def _part(key: str, title: str, content: str) -> str:
    return (
        f'<section id="{key}" class="part" aria-labelledby="{key}-title"><h2 id="{key}-title">{text(title)}</h2>'
        f"{content}</section>"
    )


def _header(trace: Trace) -> str:
    played = trace.played
    when = f"{date_text(played.start_ns)} {time_text(played.start_ns)} – {time_text(played.end_ns)} UTC"  # noqa: RUF001
    parts = [trace.recording, when, duration_text(played.end_ns - played.start_ns)]
    return (
        f'<header class="bar"><div class="bar-title">{read_asset("mark.svg")}<h1>{text(trace.name)} '
        f'<span class="prio p{int(trace.settings.priority)}">{trace.settings.priority.name}</span></h1>'
        f'<p class="muted">{text(" · ".join(filter(None, parts)))}</p></div>'
        '<div class="tools"><button type="button" id="theme" class="icon" '
        'aria-label="Switch between light and dark" title="Light or dark">'
        f"{read_asset('theme.svg')}</button></div></header>"
    )


def _headline(trace: Trace) -> str:
    events, possible = trace.events, trace.last_possible_ns
    held = len(trace.decisions)
    cards = [
        ("Events", f"{len(events):,}", "times that it fired"),
        (
            "Last fired",
            time_text(max(event.t_ns for event in events)) if events else "never",
            "on this recording",
        ),
        (
            "Last could have fired",
            time_text(possible) if possible is not None else "never",
            "its condition was true, whatever held it back",
        ),
        ("Did not fire", f"{held:,}", "times that it says why, below"),
    ]
    shown = "".join(
        f'<div class="card"><h2>{text(name)}</h2><p class="figure">{text(figure)}</p><p class="muted">{text(what)}</p></div>'
        for name, figure, what in cards
    )
    notes = "".join(f'<p class="note">{text(problem)}</p>' for problem in trace.problems[:20])
    return f'<section class="headline" aria-label="Headline figures"><div class="cards">{shown}</div>{notes}</section>'


def _charts(trace: Trace) -> str:
    span = Span(trace.played.start_ns, trace.played.end_ns)
    end_ns = trace.played.end_ns
    panels = [axis_svg(span)]
    for words, (left, right) in trace.compared.items():
        lines = [("value", left), ("threshold", right)]
        chart = numbers_svg(span, lines, words, events=trace.events)
        panels.append(_panel(words, "left and right side", chart))
    band = steps_svg(span, trace.truth, end_ns, "Condition", pulses_ns=trace.true_ns)
    panels.append(_panel("Condition", "whether it was true", band))
    panels.append(_panel("Outcome", "", marks_svg(span, trace.events, trace.decisions, "Outcome")))
    for name, line in trace.numbers.items():
        unit = trace.units.get(name, "")
        if line.is_empty:
            panels.append(_panel(name, "no message brought a value", ""))
        else:
            panels.append(
                _panel(
                    name,
                    f"in {unit}" if unit else "",
                    numbers_svg(span, [("signal", line)], name, height=96.0),
                )
            )
    for name, steps in trace.words.items():
        more = f"{steps.left_out:,} more changes are not drawn" if steps.left_out else ""
        empty = "" if steps.changes else "no message brought a value"
        panels.append(
            _panel(name, more or empty, steps_svg(span, steps, end_ns, name) if steps.changes else "")
        )
    keys = (
        '<ul class="keys muted">'
        + _key('<path class="value" d="M0 6H26"/>', "left side, signal")
        + _key('<path class="threshold" d="M0 6H26"/>', "right side")
        + _key('<rect class="step yes" width="26" height="12"/>', "true")
        + _key('<rect class="step no" width="26" height="12"/>', "false")
        + _key('<rect class="step unknown" width="26" height="12"/>', "unknown")
        + "</ul>"
    )
    return f'<div class="scroll" tabindex="0" role="region" aria-label="Charts">{"".join(panels)}</div>{keys}'


def _key(shape: str, word: str) -> str:
    return f'<li><svg class="chart swatch" viewBox="0 0 26 12" aria-hidden="true">{shape}</svg>{word}</li>'


def _panel(title: str, more: str, chart: str) -> str:
    also = f' <span class="muted">{text(more)}</span>' if more else ""
    return f'<div class="panel"><h3>{text(title)}{also}</h3>{chart}</div>'


def _table(trace: Trace) -> str:
    rows = [(each.t_ns, "fired", int(each.priority), each.reason) for each in trace.firings]
    rows += [(each.t_ns, str(each.verdict), int(each.priority), each.reason) for each in trace.decisions]
    if not rows:
        return '<p class="muted">It never fired, and there was nothing to say.</p>'
    rows.sort()
    shown = "".join(
        f'<tr><td class="num">{text(time_text(t_ns, fine=True))}</td><td>{text(outcome.replace("_", " "))}</td>'
        f'<td><span class="prio p{priority}">P{priority}</span></td><td class="reason">{text(reason)}</td></tr>'
        for t_ns, outcome, priority, reason in rows[:_MOST_ROWS]
    )
    more = (
        f'<p class="muted">{len(rows) - _MOST_ROWS:,} more rows; {MOST_MARKS:,} marks are drawn at most.</p>'
        if len(rows) > _MOST_ROWS
        else ""
    )
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="What came of it"><table><thead><tr>'
        '<th class="num">Time</th><th>Outcome</th><th>Priority</th><th>Why</th></tr></thead>'
        f"<tbody>{shown}</tbody></table></div>{more}"
    )
