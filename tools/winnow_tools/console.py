"""What all commands share: errors as sentences with exit codes, JSON, progress on a terminal."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.measure import Measurement
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from winnow_schemas.errors import WinnowError

EXIT_CODES = """\
Exit codes: 0 all is well; 1 a check or comparison failed; 2 bad input (a file, a graph, settings, an
option), or a recording of which nothing can be saved; 3 something that should have been kept is missing
(also: recovered, with losses); 4 something needed is not there (a server, a port, space, a program);
5 a node of a graph gave up."""

_WIDEST = 500
"""Columns of a terminal beyond which the cells of a table are folded after all."""


@contextmanager
def sentences() -> Iterator[None]:
    """Turn errors that a user can mend into one line on stderr and an exit code."""
    try:
        yield
    except WinnowError as error:
        fail(str(error), error.exit_code)


def fail(sentence: str, exit_code: int) -> NoReturn:
    """Say why, on stderr, and leave."""
    print(sentence, file=sys.stderr)
    raise typer.Exit(exit_code)


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(table: Table) -> None:
    """Print a table with whole words; a terminal that is narrower wraps its lines, a file or pipe does not."""
    console = Console()
    whole = Measurement.get(console, console.options.update(max_width=_WIDEST), table).maximum
    Console(width=max(console.width, whole)).print(table)


@contextmanager
def progress_bar(what: str, *, hidden: bool = False) -> Iterator[Callable[[float], None] | None]:
    """A bar on the terminal for the part done, 0 to 1; None where nobody looks."""
    console = Console(stderr=True)
    if hidden or not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=1.0)
        yield lambda part: bar.update(task, completed=part)


def bytes_text(size: float) -> str:
    """``1.5 GB``: decimal units, three figures."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}" if unit != "B" else f"{size:.0f} B"
        size /= 1000
    return f"{size:.3g} TB"
