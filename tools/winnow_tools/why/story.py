"""Turns rows of the ledger into an answer."""

from collections.abc import Iterable, Sequence

from winnow_tools.why.around import CLOSE_NS, Window, hole_lines, is_quiet, own_lines, quiet_lines
from winnow_tools.why.rows import Line, Row, clock, stamp, values

NEAR_NS = 60_000_000_000
"""Decisions within a minute of the moment asked for are told."""
_EXACT_NS = 1_000_000_000
"""A moment said to the second; a longer one is said with its end."""
TOLD_MAX = 40
"""Lines of an answer; more than that nobody reads, `--json` has all."""


def clip_rows(rows: Iterable[Row]) -> list[Row]:
    """Rows that say that a clip was cut."""
    return [row for row in rows if row["kind"] == "clip" and row["outcome"] == "cut"]


def about_clip(rows: Sequence[Row], clip: Row, told: set[int] | None = None) -> list[Line]:
    """The chain of one clip, from its causes to where it is now; without the rows ``told`` before."""
    told = set() if told is None else told
    facts = values(clip)
    start, end, clip_id, name = facts["start_ns"], facts["end_ns"], clip["subject"], facts.get("name", "")
    lines = [Line(f"Clip {name} holds {clock(start)} to {clock(end)} (UTC).", clip)]
    window = Window(start, end)
    types = set(str(facts.get("types", "")).split("+"))
    lines += [
        Line(f"At {clock(row['t_ns'])} {row['reason']}", row)
        for row in rows
        if (row["kind"], row["outcome"]) == ("trigger", "fired")
        and row["subject"] in types
        and start <= row["t_ns"] < end
    ]
    lines += quiet_lines(rows, window, told)
    lines.append(Line(f"The extractor cut it: {clip['reason']}.", clip))
    lines += hole_lines(rows, clip_id)
    for kind, lead in (("classification", "Classified"), ("redaction", "Redactor"), ("upload", "Uploader")):
        lines += [
            Line(f"{lead}: {row['reason']}", row)
            for row in rows
            if row["kind"] == kind and row["subject"] in (clip_id, name)
        ]
    lines += [
        Line(f"Retention: {row['outcome']}; {row['reason']}", row)
        for row in rows
        if row["kind"] == "retention" and row["subject"].endswith(f"/{name}")
    ]
    return lines + own_lines(rows, window, (clip_id, name), told)


def about_time(rows: Sequence[Row], start_ns: int, end_ns: int, span: tuple[int, int]) -> list[Line]:
    """Why there are these clips of a moment, or none; ``span``: first and last message of the run."""
    moment = clock(start_ns) if end_ns - start_ns <= _EXACT_NS else f"{clock(start_ns)} to {clock(end_ns)}"
    clips = clip_rows(rows)
    inside = [row for row in clips if values(row)["start_ns"] < end_ns and values(row)["end_ns"] > start_ns]
    if inside:
        held = "1 clip holds" if len(inside) == 1 else f"{len(inside)} clips hold"
        part = " or a part of it" if end_ns - start_ns > _EXACT_NS else ""
        lines = [Line(f"{held} {moment}{part}.")]
        told: set[int] = set()
        lines += quiet_lines(rows, Window(start_ns, end_ns).wider(CLOSE_NS), told)
        for clip in inside:
            lines += about_clip(rows, clip, told)
        return lines
    if end_ns <= span[0] or start_ns > span[1]:
        lines = [
            Line(
                f"The run has no message of {stamp(start_ns)}: it goes from {stamp(span[0])} to {stamp(span[1])} (UTC)."
            )
        ]
    else:
        lines = [Line(f"No clip holds {moment}."), *_why_none(rows, start_ns, end_ns)]
    lines += _neighbours(clips, start_ns)
    return lines


def _why_none(rows: Sequence[Row], start_ns: int, end_ns: int) -> list[Line]:
    near = [row for row in rows if start_ns - NEAR_NS <= row["t_ns"] < end_ns + NEAR_NS and row["t_ns"] > 0]
    refused = [row for row in near if row["kind"] == "clip" and row["outcome"] != "cut"]
    quiet = [row for row in near if is_quiet(row)]
    lost = [row for row in near if row["kind"] in ("message", "hold")]
    lines = [Line(f"A window was not cut ({row['outcome']}): {row['reason']}.", row) for row in refused]
    lines += [Line(f"At {clock(row['t_ns'])} {row['reason']}", row) for row in quiet]
    lines += [Line(f"At {clock(row['t_ns'])} {row['subject']}: {row['reason']}", row) for row in lost]
    if not lines:
        fired = any((row["kind"], row["outcome"]) == ("trigger", "fired") for row in near)
        lines.append(
            Line("What fired within a minute has its window before or after it.")
            if fired
            else Line("No trigger fired or came near to it within a minute.")
        )
    lines += own_lines(rows, Window(start_ns, end_ns).wider(CLOSE_NS), (), set())
    idle = [row for row in rows if row["kind"] == "trigger" and row["outcome"] == "inactive"]
    if idle:
        names = ", ".join(row["subject"] for row in idle[:6]) + (", ..." if len(idle) > 6 else "")
        lines.append(
            Line(f"{len(idle)} triggers could not fire because their signals are not mapped: {names}.")
        )
    lines += [
        Line(f"{row['subject']}: {row['reason']}", row)
        for row in rows
        if (row["kind"], row["outcome"])
        in (("signal", "undecodable"), ("topic", "not wired"), ("recording", "damaged"))
    ]
    return lines


def _neighbours(clips: Sequence[Row], at_ns: int) -> list[Line]:
    before = [row for row in clips if values(row)["end_ns"] <= at_ns]
    after = [row for row in clips if values(row)["start_ns"] > at_ns]
    lines = []
    if before:
        last = max(before, key=lambda row: values(row)["end_ns"])
        gap = (at_ns - values(last)["end_ns"]) / 1e9
        lines.append(Line(f"The clip before is {values(last)['name']}; it ends {gap:.1f} s earlier.", last))
    if after:
        first = min(after, key=lambda row: values(row)["start_ns"])
        gap = (values(first)["start_ns"] - at_ns) / 1e9
        lines.append(Line(f"The clip after is {values(first)['name']}; it begins {gap:.1f} s later.", first))
    return lines
