"""``winnow what-if RECORDING ... --settings A [--settings B]``."""

import sys
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer
from rich.console import Console

from winnow_runtime.allocator import keep_large_blocks
from winnow_schemas.errors import BadInputError
from winnow_tools.console import print_json, progress_bar, sentences
from winnow_tools.pages.writing import write_whole
from winnow_tools.whatif.gate import CONDITIONS, failures, parse_gates
from winnow_tools.whatif.json_form import compared, to_json
from winnow_tools.whatif.ledger_file import write_decisions
from winnow_tools.whatif.page import render_page
from winnow_tools.whatif.replaying import Replayed, replay_all
from winnow_tools.whatif.summing import sum_up
from winnow_tools.whatif.tables import show
from winnow_tools.whatif.variant import load_variants

_MOST_SETTINGS = 8
"""Each has windows of its own in memory."""


def what_if_command(
    recordings: Annotated[
        list[Path],
        typer.Argument(
            metavar="RECORDING...", help="MCAP files, ROS 1 bags, ROS 2 bags; each is a run of its own."
        ),
    ],
    settings: Annotated[
        list[Path],
        typer.Option(
            "--settings", "-s", help="A settings file; give two to see the difference, the first is the base."
        ),
    ],
    page: Annotated[
        Path | None, typer.Option("--page", "-p", help="Write a timeline page, FILE.html.")
    ] = None,
    ledger: Annotated[
        Path | None,
        typer.Option(
            "--ledger", help="Folder for the decisions, per recording and settings, as a run's ledger."
        ),
    ] = None,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-on",
            metavar="NAME[=LIMIT]",
            help=f"Exit code 1 when there is more than LIMIT of: {', '.join(CONDITIONS)}.",
        ),
    ] = None,
    thorough: Annotated[
        bool,
        typer.Option(
            "--thorough",
            help="Open also chunks whose index tells the sizes: slower, and their damage counts.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say what settings would decide on recordings: triggers, clips, seconds, bytes, budgets; without dora.

    The decisions are those of a graph that loses nothing. Only topics that signals need are read and decoded.
    Exit code 0: done; 1: a --fail-on condition is met; 2: bad input.
    """
    with sentences():
        if len(settings) > _MOST_SETTINGS:
            raise BadInputError(
                f"{len(settings)} settings files were given, the limit is {_MOST_SETTINGS}; nothing was read."
            )
        gates = parse_gates(fail_on or (), compares=len(settings) > 1)
        variants = load_variants(settings)
        keep_large_blocks()
        begun = perf_counter()
        with progress_bar("Reading", hidden=as_json) as progress:
            replayed = list(replay_all(recordings, variants, progress, checked=thorough))
        wall_s = perf_counter() - begun
        sums = [sum_up(replayed, place) for place in range(len(variants))]
        comparisons = compared(replayed, sums)
        failed = failures(gates, sums, comparisons)
        if ledger is not None:
            write_decisions(ledger, replayed)
        if page is not None:
            write_whole(page, render_page(replayed, sums, comparisons))
    if as_json:
        print_json(to_json(replayed, sums, comparisons, failed))
    else:
        show(Console(), sums, comparisons)
    _say(replayed, wall_s)
    for sentence in failed:
        print(sentence, file=sys.stderr)
    if failed:
        raise typer.Exit(1)


def _say(replayed: list[Replayed], wall_s: float) -> None:
    for one in replayed:
        for problem in one.problems:
            print(problem, file=sys.stderr)
    span_s = sum(one.end_ns - one.start_ns for one in replayed) / 1e9
    messages = sum(one.messages for one in replayed)
    print(
        f"{span_s:.1f} s of recording in {wall_s:.2f} s ({span_s / max(wall_s, 1e-9):.0f} x real time), "
        f"{messages:,} messages decoded.",
        file=sys.stderr,
    )
