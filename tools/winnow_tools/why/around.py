"""What else was decided around a moment or within a clip: triggers that did not fire, holes, the user's nodes."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from winnow_tools.why.rows import Line, Row, clock, values

CLOSE_NS = 5_000_000_000
"""Decisions so near to a moment belong to it, whatever clip holds it."""
_GROUPS_MAX = 12
"""Lines of one sort; more than that hides the rest of the answer."""
KNOWN_KINDS = frozenset(
    [
        "campaign",
        "classification",
        "clip",
        "file",
        "hold",
        "link",
        "message",
        "monitor",
        "parameter",
        "reader",
        "recording",
        "redaction",
        "retention",
        "signal",
        "source",
        "stream",
        "topic",
        "trigger",
        "triggers",
        "upload",
        "video",
    ]
)
"""Kinds of rows that Winnow's nodes write; every other one is of a node of the user's own."""


class Window(NamedTuple):
    """A half-open span of message time."""

    start_ns: int
    end_ns: int

    def holds(self, t_ns: int) -> bool:
        """Whether a decision with a time lies in it."""
        return t_ns > 0 and self.start_ns <= t_ns < self.end_ns

    def wider(self, by_ns: int) -> "Window":
        """It and what is near to it."""
        return Window(self.start_ns - by_ns, self.end_ns + by_ns)


def is_quiet(row: Row) -> bool:
    """Whether it says that a trigger did not fire, although it might have."""
    return row["kind"] == "trigger" and row["outcome"] not in ("fired", "inactive")


def quiet_lines(rows: Iterable[Row], window: Window, told: set[int]) -> list[Line]:
    """Triggers that did not fire within the window, a line for each trigger and outcome.

    ``told`` holds the identities of rows that the answer has already; it grows.
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if is_quiet(row) and window.holds(row["t_ns"]) and id(row) not in told:
            told.add(id(row))
            groups.setdefault((row["subject"], row["outcome"]), []).append(row)
    lines = [_group_line(group) for group in groups.values()]
    return _few(lines, "other triggers did not fire")


def _group_line(group: Sequence[Row]) -> Line:
    first, last = group[0], group[-1]
    text = f"At {clock(first['t_ns'])} {first['reason']}"
    if len(group) > 1:
        text += f" The same outcome ({first['outcome']}) stands {len(group)} times, last at {clock(last['t_ns'])}."
    return Line(text, first)


def own_lines(rows: Iterable[Row], window: Window, subjects: Iterable[str], told: set[int]) -> list[Line]:
    """Rows of kinds that are not Winnow's: the user's own nodes, about the clip or within the window."""
    named = {*subjects} - {""}
    lines = []
    for row in rows:
        if row["kind"] in KNOWN_KINDS or id(row) in told:
            continue
        if row["subject"] in named or window.holds(row["t_ns"]):
            told.add(id(row))
            at = f" at {clock(row['t_ns'])}" if row["t_ns"] > 0 else ""
            lines.append(Line(f"{row['node']}{at}: {row['kind']} {row['outcome']}; {row['reason']}", row))
    return _few(lines, "other rows of nodes of your own")


def hole_lines(rows: Sequence[Row], clip_id: str) -> list[Line]:
    """Messages that a clip lacks: topic, number and cause, and what the ring said of these topics."""
    holes = [
        row
        for row in rows
        if (row["kind"], row["outcome"]) == ("message", "missing") and values(row).get("clip_id") == clip_id
    ]
    topics = {row["subject"] for row in holes}
    holds = [row for row in rows if row["kind"] == "hold" and row["subject"] in topics]
    return [Line(f"{row['subject']}: {row['reason'].removesuffix('.')}.", row) for row in holes] + [
        Line(f"Ring: {row['reason']}", row) for row in holds
    ]


def _few(lines: list[Line], rest: str) -> list[Line]:
    more = len(lines) - _GROUPS_MAX
    return (
        [*lines[:_GROUPS_MAX], Line(f"... and {more} {rest}; `winnow why` of a shorter moment tells them.")]
        if more > 0
        else lines
    )
