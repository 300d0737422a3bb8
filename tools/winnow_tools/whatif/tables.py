"""What ``winnow what-if`` prints for people."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from winnow_schemas.priority import Priority
from winnow_tools.console import bytes_text, print_table
from winnow_tools.report.formats import duration_text, time_text
from winnow_tools.whatif.comparing import Change
from winnow_tools.whatif.gate import Comparison
from winnow_tools.whatif.summing import Sums, TriggerSum, changes, changes_by_trigger, fullest_budgets

_MOST_DIFFERENCES = 40
"""Lines of the list of differences; the page and the JSON have all of them."""


def show(console: Console, sums: Sequence[Sums], comparisons: Sequence[Comparison]) -> None:
    """Triggers, totals, budgets, and every difference."""
    if comparisons:
        for pair in comparisons:
            _difference_table(pair)
            _differences(console, pair)
    else:
        _trigger_table(sums[0])
    _totals(sums)
    _budgets(sums)
    for one in sums:
        if one.inactive:
            names = ", ".join(sorted(one.inactive))
            console.print(f"{one.name}: not running: {names}.", style="dim", highlight=False)


def _trigger_table(sums: Sums) -> None:
    table = _table(
        f"What {sums.name} does",
        "",
        "trigger",
        "fired",
        "muted",
        "held back",
        "clips",
        "length",
        "payload",
        "charged",
    )
    for name, one in sums.triggers.items():
        if _said(one):
            held = sum(one.held.values()) - one.muted
            refused = f" (+{one.over_budget} over budget)" if one.over_budget else ""
            table.add_row(
                one.priority.name,
                name,
                str(one.fired),
                str(one.muted),
                str(held),
                f"{one.cut.clips}{refused}",
                duration_text(one.cut.length_ns),
                bytes_text(one.cut.payload_bytes),
                bytes_text(one.cut.charged_bytes),
            )
    print_table(table)


def _difference_table(pair: Comparison) -> None:
    base, other = pair.base, pair.other
    table = _table(
        f"{base.name} → {other.name}",
        "",
        "trigger",
        "fired",
        "muted",
        "gained",
        "lost",
        "changed",
        "merged",
        "split",
        "length",
        "payload",
    )
    by_trigger = changes_by_trigger(pair.differences)
    names = dict.fromkeys([*base.triggers, *other.triggers, *by_trigger])
    for name in sorted(names, key=lambda name: (_priority(name, pair), name)):
        one = base.triggers.get(name, TriggerSum(_priority(name, pair)))
        two = other.triggers.get(name, TriggerSum(_priority(name, pair)))
        if not (_said(one) or _said(two)):
            continue
        counts = by_trigger.get(name, dict.fromkeys(Change, 0))
        table.add_row(
            _priority(name, pair).name,
            name,
            _step(one.fired, two.fired),
            _step(one.muted, two.muted),
            *(
                _count(counts[change])
                for change in (Change.GAINED, Change.LOST, Change.CHANGED, Change.MERGED, Change.SPLIT)
            ),
            _step_text(duration_text(one.cut.length_ns), duration_text(two.cut.length_ns)),
            _step_text(bytes_text(one.cut.payload_bytes), bytes_text(two.cut.payload_bytes)),
        )
    print_table(table)


def _priority(name: str, pair: Comparison) -> Priority:
    found = pair.other.triggers.get(name) or pair.base.triggers.get(name)
    return found.priority if found else Priority.P5


def _said(one: TriggerSum) -> bool:
    """Triggers that neither fired nor were held back would fill the screen."""
    return bool(one.fired or one.held or one.cut.clips)


def _differences(console: Console, pair: Comparison) -> None:
    told = [one for one in pair.differences if one.change is not Change.SAME]
    for one in told[:_MOST_DIFFERENCES]:
        clip = one.lead
        reason = f": {one.reason}" if one.reason else ""
        console.print(
            f"{one.change.value:8} {clip.plan.priority.name} {clip.name} "
            f"{time_text(clip.plan.start_ns, fine=True)} to {time_text(clip.plan.end_ns, fine=True)}{reason}",
            highlight=False,
            soft_wrap=True,
            markup=False,
        )
    if len(told) > _MOST_DIFFERENCES:
        console.print(f"... and {len(told) - _MOST_DIFFERENCES} more; --json and --page have all of them.")
    counts = changes(pair.differences)
    console.print(
        ", ".join(f"{count} {change.value}" for change, count in counts.items()) + ".", highlight=False
    )


def _totals(sums: Iterable[Sums]) -> None:
    table = _table(
        "In all",
        "settings",
        "clips",
        "length",
        "payload",
        "charged",
        "over budget",
        *(one.name for one in Priority),
    )
    for one in sums:
        table.add_row(
            one.name,
            str(one.total.clips),
            duration_text(one.total.length_ns),
            bytes_text(one.total.payload_bytes),
            bytes_text(one.total.charged_bytes),
            str(one.over_budget),
            *(str(one.by_priority[priority].clips) for priority in Priority),
        )
    print_table(table)


def _budgets(sums: Iterable[Sums]) -> None:
    table = _table("Extraction budget", "settings", "", "charged", "limit per day", "used", "refused")
    for one in sums:
        for fullest in fullest_budgets(one):
            limit = fullest.limit_bytes
            used = f"{fullest.charged_bytes / limit * 100:.1f} %" if limit else ""
            table.add_row(
                one.name,
                fullest.priority.name,
                bytes_text(fullest.charged_bytes),
                "none" if limit is None else bytes_text(limit),
                used,
                str(fullest.refused),
            )
    if table.row_count:
        table.caption = "of the fullest day of a recording"
        print_table(table)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", caption_justify="left")
    for column in columns:
        is_text = column in ("", "trigger", "settings")
        table.add_column(
            column,
            justify="left" if is_text else "right",
            overflow="fold" if is_text else "ellipsis",
            no_wrap=not is_text,
        )
    return table


def _step(before: int, after: int) -> str:
    return str(after) if before == after else f"{before} → {after}"


def _step_text(before: str, after: str) -> str:
    return after if before == after else f"{before} → {after}"


def _count(count: int) -> str:
    return str(count) if count else ""
