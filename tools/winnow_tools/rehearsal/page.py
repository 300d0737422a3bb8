"""The picture of a rehearsal: mode, rate, queue and disk over the days, in one HTML file that works offline."""

from collections.abc import Callable

from winnow_operators.rehearsal.links import make_links
from winnow_operators.rehearsal.script import Rehearsal
from winnow_schemas.priority import UploadClass
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.settings.upload import LinkMode
from winnow_tools.pages.assets import read_asset
from winnow_tools.pages.document import html_document
from winnow_tools.pages.markup import text
from winnow_tools.rehearsal.plot import Layer, Line, band_svg, stack_svg
from winnow_tools.rehearsal.summary import Summary
from winnow_tools.report.formats import date_text, size_text, time_text
from winnow_tools.report.tables import number_cell, table
from winnow_tools.report.time_axis import TimeScale

_MODES = {
    LinkMode.DISCONNECTED: "no link",
    LinkMode.CELLULAR_5G: "cellular",
    LinkMode.WIFI_DEPOT: "depot Wi-Fi",
    LinkMode.ETHERNET_DEPOT: "depot Ethernet",
}
_CLASSES = tuple(UploadClass)
_CLASS_NAMES = ("P0", "P1 and P4", "P2", "P3", "P5")


def render_rehearsal(result: Rehearsal, summary: Summary, device: DeviceSettings) -> str:
    """The page."""
    scale = TimeScale(result.script.start_ns, result.script.end_ns)
    sections = [
        ("mode", "Link", _modes(result, scale)),
        ("rate", "Rate", _rates(result, scale, device)),
        ("queue", "Queue", _queue(result, scale)),
        ("disk", "Disk", _disk(result, scale, device)),
        ("days", "UTC days", _days(summary)),
        ("clips", "Priorities", _classes(summary)),
    ]
    links = "".join(f'<a href="#{key}">{text(title)}</a>' for key, title, _ in sections)
    body = "".join(
        f'<section id="{key}" class="part" aria-labelledby="{key}-title"><h2 id="{key}-title">{text(title)}</h2>'
        f"{content}</section>"
        for key, title, content in sections
    )
    return html_document(
        "Simulated days · Winnow",
        f"{_header(result, links)}<main>{_headline(summary)}{body}</main>"
        '<footer class="muted">Winnow · simulated with the scheduler and the retention of the nodes · times are UTC'
        "</footer>",
        styles=("tokens.css", "base.css", "report.css", "week.css"),
        scripts=("theme.js",),
    )


def _header(result: Rehearsal, links: str) -> str:
    script = result.script
    when = f"{script.days} days from {date_text(script.start_ns)}, seed {script.seed}"
    return (
        f'<header class="bar"><div class="bar-title">{read_asset("mark.svg")}<h1>Simulated days</h1>'
        f'<p class="muted">{text(when)}</p></div>'
        f'<nav class="parts" aria-label="Parts of the page">{links}</nav>'
        '<div class="tools"><button type="button" id="theme" class="icon" '
        'aria-label="Switch between light and dark" title="Light or dark">'
        f"{read_asset('theme.svg')}</button></div></header>"
    )


def _headline(summary: Summary) -> str:
    broken = len(summary.violations)
    everything = summary.safety_uploaded == summary.safety_cut
    cards = [
        _card(
            "Promises",
            "kept" if not broken else f"{broken} broken",
            f"checked at {summary.steps:,} decisions",
            "good" if not broken else "bad",
        ),
        _card(
            "P0 uploaded",
            f"{summary.safety_uploaded} of {summary.safety_cut}",
            "verified, with sidecar",
            "good" if everything else "bad",
        ),
        _card(
            "Fullest disk",
            size_text(summary.peak_disk_bytes),
            f"of {size_text(summary.room_bytes)}",
            "good" if summary.peak_disk_bytes <= summary.room_bytes else "bad",
        ),
        _card(
            "Fullest day",
            size_text(max((day.other_bytes for day in summary.days), default=0)),
            f"beside P0, of {size_text(summary.budget_bytes)} per UTC day",
            "",
        ),
    ]
    told = "".join(f'<p class="note">{text(sentence)}</p>' for sentence in summary.violations[:10])
    return f'<section class="headline" aria-label="Headline figures"><div class="cards">{"".join(cards)}</div>{told}</section>'


def _card(name: str, figure: str, meaning: str, state: str) -> str:
    return (
        f'<div class="card {state}"><h2>{text(name)}</h2><p class="figure">{text(figure)}</p>'
        f'<p class="muted">{text(meaning)}</p></div>'
    )


def _scroll(drawing: str, label: str) -> str:
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{text(label)}">{drawing}</div>'


def _modes(result: Rehearsal, scale: TimeScale) -> str:
    spans = [
        (
            one.start_ns,
            one.end_ns,
            f"m{int(one.mode)}",
            (
                f"{_MODES[one.mode]}, {one.capacity_bytes_per_s * 8 / 1e6:.0f} Mbit/s, "
                f"{time_text(one.start_ns)} to {time_text(one.end_ns)}"
            ),
        )
        for one in make_links(result.script).stretches
    ]
    keys = _keys([(f"m{int(mode)}", name) for mode, name in _MODES.items()], "mode")
    return _scroll(band_svg(scale, spans, label="Link over time"), "Link over time") + keys


def _rates(result: Rehearsal, scale: TimeScale, device: DeviceSettings) -> str:
    link = device.upload.link
    limits = {
        LinkMode.DISCONNECTED: 0.0,
        LinkMode.CELLULAR_5G: link.cellular_max_mbps,
        LinkMode.WIFI_DEPOT: link.wifi_max_mbps,
        LinkMode.ETHERNET_DEPOT: link.ethernet_max_mbps,
    }
    limit = Line("most", "", [limits[LinkMode(one.mode)] * 1e6 / 8 for one in result.samples])
    said = '<p class="muted said">Mean of ten minutes, per class; heights are square roots. The line is the limit of the link.</p>'
    return said + _classes_over_time(
        result,
        scale,
        lambda place: [one.rate_bytes_per_s[place] for one in result.samples],
        (limit,),
        "Rate",
        "/s",
        root=True,
    )


def _queue(result: Rehearsal, scale: TimeScale) -> str:
    return _classes_over_time(
        result,
        scale,
        lambda place: [float(one.queue_bytes[place]) for one in result.samples],
        (),
        "Bytes waiting",
        "",
    )


def _classes_over_time(
    result: Rehearsal,
    scale: TimeScale,
    values: Callable[[int], list[float]],
    lines: tuple[Line, ...],
    label: str,
    unit: str,
    *,
    root: bool = False,
) -> str:
    times = [one.t_ns for one in result.samples]
    layers = [Layer(f"p{int(one)}", values(place)) for place, one in enumerate(_CLASSES)]
    drawing = stack_svg(
        scale, times, layers, lines, label=f"{label} over time, per class", unit=unit, root=root
    )
    names = zip(_CLASSES, _CLASS_NAMES, strict=True)
    return _scroll(drawing, f"{label} over time") + _keys(
        [(f"p{int(one)}", name) for one, name in names], "area"
    )


def _disk(result: Rehearsal, scale: TimeScale, device: DeviceSettings) -> str:
    times = [one.t_ns for one in result.samples]
    layers = [
        Layer("unproven", [float(one.unverified_bytes) for one in result.samples]),
        Layer("proven", [float(one.verified_bytes) for one in result.samples]),
    ]
    room, count = float(result.room_bytes), len(times)
    high = room * device.retention.high_fraction
    lines = [
        Line("most", f"limit {size_text(room)}", [room] * count),
        Line("high", f"upper watermark {size_text(high)}", [high] * count),
    ]
    if result.peak_disk_bytes < room / 4:  # the limit would press the picture flat
        lines = []
    drawing = stack_svg(scale, times, layers, lines, label="Clips on the disk over time", unit="")
    said = "" if lines else f'<p class="muted said">The limit of {text(size_text(room))} is far above.</p>'
    keys = _keys([("unproven", "nowhere else yet"), ("proven", "verified in the store, too")], "area")
    return said + _scroll(drawing, "Clips on the disk over time") + keys


def _keys(items: list[tuple[str, str]], kind: str) -> str:
    parts = "".join(
        f'<li><svg viewBox="0 0 16 12" width="16" height="12" class="week" aria-hidden="true">'
        f'<rect class="{kind} {css}" width="16" height="12" rx="2"/></svg>{text(name)}</li>'
        for css, name in items
    )
    return f'<ul class="keys muted">{parts}</ul>'


def _days(summary: Summary) -> str:
    rows = [
        f'<tr><td class="mono">{text(day.date)}</td>'
        + number_cell(size_text(day.cut_bytes), day.cut_bytes)
        + number_cell(size_text(day.safety_bytes), day.safety_bytes)
        + number_cell(size_text(day.other_bytes), day.other_bytes)
        + number_cell(f"{day.linked_h:.1f} h", day.linked_h)
        + "</tr>"
        for day in summary.days
    ]
    return table(
        ["Day", "#Cut", "#P0 sent", "#Others sent", "#With a link"], rows, sortable=False, name="UTC days"
    )


def _classes(summary: Summary) -> str:
    rows = []
    for row in summary.classes:
        slowest = row.slowest_first_byte_h
        rows.append(
            f'<tr><td><span class="prio p{row.name[1]}">{row.name}</span></td>'
            + number_cell(f"{row.cut}", row.cut)
            + number_cell(f"{row.over_extraction_budget}", row.over_extraction_budget)
            + number_cell(f"{row.uploaded}", row.uploaded)
            + number_cell(size_text(row.waiting_bytes), row.waiting_bytes)
            + number_cell("" if slowest is None else f"{slowest:.1f} h", slowest)
            + "</tr>"
        )
    heads = [
        "Priority",
        "#Cut",
        "#Over extraction budget",
        "#Uploaded",
        "#Waiting",
        "#Longest wait with a link",
    ]
    return table(heads, rows, sortable=False, name="Priorities")
