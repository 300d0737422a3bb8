"""``winnow why TIME|CLIP``."""

from pathlib import Path
from typing import Annotated

import typer

from winnow_runtime.ledger import read_ledger
from winnow_schemas.errors import BadInputError
from winnow_tools.console import print_json, sentences
from winnow_tools.running.watch import read_totals
from winnow_tools.why.moment import parse_moment
from winnow_tools.why.rows import Line, Row, values
from winnow_tools.why.story import TOLD_MAX, about_clip, about_time, clip_rows


def why_command(
    what: Annotated[
        str,
        typer.Argument(
            metavar="TIME|CLIP", help="14:32, 14:32:10, 2026-11-20T14:32:10, +35s, or a clip's name or id."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The run's folder.")] = Path(),
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the sentences and their rows as JSON.")
    ] = False,
) -> None:
    """Explain every decision about a moment or a clip: what fired, what did not and why, what became of it."""
    with sentences():
        lines = explain(out, what)
    if as_json:
        print_json([{"sentence": line.text, "row": line.row} for line in lines])
        return
    for line in lines[:TOLD_MAX]:
        print(line.text)
    if len(lines) > TOLD_MAX:
        print(f"... and {len(lines) - TOLD_MAX} more; --json has all.")


def explain(out: Path, what: str) -> list[Line]:
    """The answer.

    Raises:
        BadInputError: there is no ledger, or the question is neither a time nor a clip.

    """
    if not (out / "ledger").is_dir() and not (out / "ledger.parquet").exists():
        raise BadInputError(f"{out} holds no ledger; nothing was looked up. Name a run's folder with --out.")
    if not what.strip():
        raise BadInputError("Neither a time nor a clip was named; nothing was looked up.")
    rows: list[Row] = read_ledger(out).to_pylist()
    clips = [
        row
        for row in clip_rows(rows)
        if row["subject"].startswith(what) or str(values(row).get("name", "")).startswith(what)
    ]
    if clips:
        return [line for clip in clips for line in about_clip(rows, clip)]
    span = run_span(out, rows)
    if span is None:
        raise BadInputError(f"The ledger in {out} has no decision with a time; nothing was looked up.")
    start_ns, end_ns = parse_moment(what, *span)
    return about_time(rows, start_ns, end_ns, span)


def run_span(out: Path, rows: list[Row]) -> tuple[int, int] | None:
    """First and last message; while the ring has not written its totals, first and last decision."""
    totals = read_totals(out)
    topics = [topic for topic in totals.topics.values() if topic["messages"]] if totals else []
    if topics:
        return min(topic["first_ns"] for topic in topics), max(topic["newest_ns"] for topic in topics)
    times = [row["t_ns"] for row in rows if row["t_ns"] > 0]
    return (min(times), max(times)) if times else None
