"""The timeline page of a what-if run: one HTML file that works offline."""

from collections.abc import Sequence

from winnow_tools.pages.assets import read_asset
from winnow_tools.pages.document import html_document
from winnow_tools.pages.markup import text
from winnow_tools.report.formats import date_text, duration_text, size_text, time_text
from winnow_tools.report.model import BudgetUse
from winnow_tools.report.tables import budget_rows
from winnow_tools.whatif.comparing import Change
from winnow_tools.whatif.gate import Comparison
from winnow_tools.whatif.page_tables import clips_table, differences_table, triggers_table
from winnow_tools.whatif.replaying import Replayed
from winnow_tools.whatif.summing import Sums, changes, fullest_budgets
from winnow_tools.whatif.timeline import LETTERS, MOST_MARKS, sides, timeline_svg


def render_page(replayed: Sequence[Replayed], sums: Sequence[Sums], comparisons: Sequence[Comparison]) -> str:
    """The page: settings beside each other, what is gained, lost and changed, triggers, budgets."""
    sections = [
        ("timeline", "Timeline", _timelines(replayed, sums, comparisons)),
        ("clips", "Differences" if comparisons else "Clips", _clips(replayed, comparisons)),
        ("triggers", "Triggers", triggers_table(sums, comparisons)),
        ("budget", "Extraction budget", _budgets(sums)),
    ]
    idle = _inactive(sums)
    if idle:
        sections.append(("inactive", "Triggers that do not run", idle))
    links = "".join(f'<a href="#{key}">{text(title)}</a>' for key, title, _ in sections)
    body = "".join(
        f'<section id="{key}" class="part" aria-labelledby="{key}-title"><h2 id="{key}-title">{text(title)}</h2>'
        f"{content}</section>"
        for key, title, content in sections
    )
    return html_document(
        "What if · Winnow",
        f"{_header(replayed, links)}<main>{_headline(sums, comparisons)}{body}</main>"
        '<footer class="muted">Winnow · times are message time, UTC · sizes are payloads as recorded, decimal units'
        '</footer><div id="tip" class="tip" role="status" hidden></div>',
        styles=("tokens.css", "base.css", "report.css", "whatif.css"),
        scripts=("theme.js", "report.js"),
    )


def _header(replayed: Sequence[Replayed], links: str) -> str:
    span_ns = sum(one.end_ns - one.start_ns for one in replayed)
    names = ", ".join(one.path.name for one in replayed[:3]) + (" …" if len(replayed) > 3 else "")
    return (
        f'<header class="bar"><div class="bar-title">{read_asset("mark.svg")}<h1>What if</h1>'
        f'<p class="muted">{text(names)} · {text(duration_text(span_ns))}</p></div>'
        f'<nav class="parts" aria-label="Parts of the page">{links}</nav>'
        '<div class="tools"><button type="button" id="theme" class="icon" '
        'aria-label="Switch between light and dark" title="Light or dark">'
        f"{read_asset('theme.svg')}</button></div></header>"
    )


def _headline(sums: Sequence[Sums], comparisons: Sequence[Comparison]) -> str:
    names = "".join(
        f'<dt><span class="letter">{LETTERS[place]}</span></dt><dd>{text(one.name)}'
        f"{' <span class=muted>(base)</span>' if comparisons and place == 0 else ''}</dd>"
        for place, one in enumerate(sums)
    )
    cards = [card for pair in comparisons for card in _pair_cards(pair)] or _cards(sums[0])
    return (
        f'<section class="headline" aria-label="Headline figures"><dl class="settings-names">{names}</dl>'
        f'<div class="cards">{"".join(cards)}</div></section>'
    )


def _pair_cards(pair: Comparison) -> list[str]:
    base, other = pair.base.total, pair.other.total
    counts = changes(pair.differences)
    altered = counts[Change.CHANGED] + counts[Change.MERGED] + counts[Change.SPLIT]
    step = other.payload_bytes - base.payload_bytes
    share = f", {step / base.payload_bytes * 100:+.1f} %" if base.payload_bytes else ""
    return [
        _card("Clips", f"{base.clips:,} → {other.clips:,}", f"{counts[Change.SAME]:,} unchanged", ""),
        _card("Gained", f"{counts[Change.GAINED]:,}", "only under the new settings", ""),
        _card(
            "Lost",
            f"{counts[Change.LOST]:,}",
            "only under the base",
            "bad" if counts[Change.LOST] else "good",
        ),
        _card(
            "Changed",
            f"{altered:,}",
            f"{counts[Change.MERGED]:,} merged, {counts[Change.SPLIT]:,} split",
            "warn" if altered else "",
        ),
        _card(
            "Data in clips",
            size_text(other.payload_bytes),
            f"was {size_text(base.payload_bytes)}{share}; {duration_text(other.length_ns)} of clips, "
            f"was {duration_text(base.length_ns)}",
            "",
        ),
        _card(
            "Over budget",
            f"{pair.other.over_budget:,}",
            f"windows refused, was {pair.base.over_budget:,}",
            "warn" if pair.other.over_budget else "good",
        ),
    ]


def _cards(one: Sums) -> list[str]:
    fired = sum(trigger.fired for trigger in one.triggers.values())
    held = sum(sum(trigger.held.values()) for trigger in one.triggers.values())
    return [
        _card("Triggers", f"{fired:,}", f"fired; {held:,} times held back", ""),
        _card("Clips", f"{one.total.clips:,}", f"{duration_text(one.total.length_ns)} in all", ""),
        _card(
            "Data in clips",
            size_text(one.total.payload_bytes),
            f"charged as {size_text(one.total.charged_bytes)}",
            "",
        ),
        _card(
            "Over budget", f"{one.over_budget:,}", "windows refused", "warn" if one.over_budget else "good"
        ),
    ]


def _card(name: str, figure: str, meaning: str, state: str) -> str:
    return (
        f'<div class="card {state}"><h2>{text(name)}</h2><p class="figure">{text(figure)}</p>'
        f'<p class="muted">{text(meaning)}</p></div>'
    )


def _timelines(replayed: Sequence[Replayed], sums: Sequence[Sums], comparisons: Sequence[Comparison]) -> str:
    parts = []
    for number, one in enumerate(replayed):
        pairs = [[0, place] for place in range(1, len(sums))] or [[0]]
        for which, places in enumerate(pairs):
            differences = comparisons[which].by_recording[number] if comparisons else ()
            title = one.path.name + (
                f": {' and '.join(LETTERS[place] for place in places)}" if len(pairs) > 1 else ""
            )
            if len(replayed) > 1 or len(pairs) > 1:
                parts.append(f"<h3>{text(title)}</h3>")
            when = f"{date_text(one.start_ns)} {time_text(one.start_ns)} – {time_text(one.end_ns)} UTC"  # noqa: RUF001
            parts.append(f'<p class="muted said">{text(when)}</p>')
            drawing = timeline_svg(one, sides(one, places, differences))
            parts.append(
                f'<div class="scroll" tabindex="0" role="region" aria-label="Timeline of {text(title)}">{drawing}</div>'
            )
    most = max((len(decided.clips) for one in replayed for decided in one.decided), default=0)
    more = (
        f'<p class="muted">Only the first {MOST_MARKS:,} clips of a lane are drawn.</p>'
        if most > MOST_MARKS
        else ""
    )
    return "".join(parts) + _keys(compares=bool(comparisons)) + more


def _keys(*, compares: bool) -> str:
    kinds = [("alone p3", "clip", "")]
    if compares:
        kinds = [
            ("unchanged", "unchanged", ""),
            ("gained", "gained", "+"),
            ("lost", "lost", "−"),  # noqa: RUF001
            ("changed", "changed, merged or split", ""),
        ]
    kinds.append(("refused", "not cut: over budget, or empty", "×"))  # noqa: RUF001
    kinds.append(("outside", "before or after the recording", ""))
    items = "".join(
        '<li><svg viewBox="0 0 34 16" width="34" height="16" class="timeline whatif" aria-hidden="true">'
        f"{_sample(kind, sign)}</svg>{text(label)}</li>"
        for kind, label, sign in kinds
    )
    tick = (
        '<li><svg viewBox="0 0 10 18" width="10" height="18" class="timeline whatif" aria-hidden="true">'
        '<g class="fired"><path class="tick" d="M5 1V17"/></g></svg>trigger</li>'
    )
    return f'<ul class="keys muted">{items}{tick}</ul>'


def _sample(kind: str, sign: str) -> str:
    if kind == "outside":
        return '<rect class="outside" x="1" width="32" height="16"/>'
    return (
        f'<g class="clip {kind}"><rect class="bar" x="1" y="1" width="32" height="14" rx="3"/>'
        f'<text class="sign" x="17" y="12.5" text-anchor="middle">{sign}</text></g>'
    )


def _clips(replayed: Sequence[Replayed], comparisons: Sequence[Comparison]) -> str:
    if not comparisons:
        return clips_table(replayed)
    parts = []
    for place, pair in enumerate(comparisons, 1):
        if len(comparisons) > 1:
            parts.append(f"<h3>{text(f'{LETTERS[0]} and {LETTERS[place]}: {pair.other.name}')}</h3>")
        parts.append(differences_table(pair.differences))
    return "".join(parts)


def _budgets(sums: Sequence[Sums]) -> str:
    parts = []
    for place, one in enumerate(sums):
        uses = [
            BudgetUse(
                priority=int(line.priority),
                used_bytes=line.charged_bytes,
                limit_bytes=line.limit_bytes,
                refused=line.refused,
            )
            for line in fullest_budgets(one)
        ]
        title = f'<span class="letter">{LETTERS[place]}</span> {text(one.name)}'
        content = budget_rows(uses) if uses else '<p class="muted">Nothing was charged.</p>'
        parts.append(f"<div><h3>{title}</h3>{content}</div>")
    note = '<p class="muted said">Charged bytes of the fullest UTC day of a recording, against the limit per day.</p>'
    return f'{note}<div class="budget-pair">{"".join(parts)}</div>'


def _inactive(sums: Sequence[Sums]) -> str:
    parts = []
    for place, one in enumerate(sums):
        if one.inactive:
            items = "".join(
                f"<li><b>{text(name)}</b>: {text(why)}</li>" for name, why in sorted(one.inactive.items())
            )
            parts.append(
                f'<details><summary><span class="letter">{LETTERS[place]}</span> {text(one.name)}: '
                f'{len(one.inactive)}</summary><ul class="muted">{items}</ul></details>'
            )
    return "".join(parts)
