"""``winnow bench [NAME ...]``."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from winnow_schemas.errors import BadInputError, WinnowError
from winnow_tools.bench.catalogue import BENCHES, Bench, named
from winnow_tools.bench.document import with_results
from winnow_tools.bench.load import Load
from winnow_tools.console import fail, print_json, sentences
from winnow_tools.pages.writing import write_whole


def bench_command(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help=f"Which: {', '.join(BENCHES)}.")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Run all of them.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per benchmark (a list with --all).")
    ] = False,
    write: Annotated[
        Path | None, typer.Option(help="Put the figures into this Markdown file, beside what is there.")
    ] = None,
    recordings: Annotated[
        Path | None,
        typer.Option(
            envvar="WINNOW_RECORDINGS",
            help="Folder of real recordings; without it generated ones are used where that makes sense.",
        ),
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Say what there is, and measure nothing.")] = False,
) -> None:
    """Measure, beside a peer or a physical limit in the same run.

    Exit code 0: measured, whether or not a wanted figure was met; the rows say that. 4: something that a
    benchmark needs is not there.
    """
    if list_:
        for bench in BENCHES.values():
            print(f"{bench.name:12} {bench.about}")
        return
    with sentences():
        chosen = list(BENCHES.values()) if all_ else [named(name) for name in names or ()]
        if not chosen:
            raise BadInputError(
                f"No benchmark was named, nothing was measured; name one of {', '.join(BENCHES)}, or --all."
            )
        if recordings is not None and not recordings.is_dir():
            raise BadInputError(f"--recordings {recordings} is not a folder; nothing was measured.")
    results, failures = [], []
    for bench in chosen:
        try:
            results.append(_run(bench, recordings))
        except WinnowError as error:
            failures.append((f"{bench.name}: {error}", error.exit_code))
            continue
        if write is not None:
            write_whole(write, with_results(_text(write), results[-1:]))
        if not as_json:
            _show(results[-1])
    if as_json:
        print_json(results if all_ or len(chosen) > 1 else results[0] if results else {})
    if failures:
        fail("\n".join(sentence for sentence, _ in failures), failures[0][1])


def _run(bench: Bench, recordings: Path | None) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="winnow-bench-", ignore_cleanup_errors=True) as folder:
        load = Load(
            Path(folder),
            recordings,
            lambda line: print(f"{bench.name}: {line}", file=sys.stderr, flush=True),
        )
        return bench.run(load)


def _text(path: Path) -> str:
    return path.read_text("utf-8") if path.exists() else "# Benchmarks\n"


def _show(result: dict[str, Any]) -> None:
    console = Console(width=None if Console().is_terminal else int(os.environ.get("COLUMNS", "160")))
    table = Table(title=f"{result['bench']}: {result['machine']['load']}", title_justify="left")
    for column in ("measure", "value", "wanted", "met", "beside"):
        table.add_column(column, overflow="fold")
    for row in result["rows"]:
        value = "-" if row["value"] is None else f"{row['value']:g} {row['unit']}"
        met = {True: "yes", False: "no", None: ""}[row["met"]]
        said = [*(f"{key}: {item}" for key, item in row["beside"].items()), row.get("note", "")]
        table.add_row(row["measure"], value, row["wanted"] or "", met, "\n".join(filter(None, said)))
    console.print(table)
