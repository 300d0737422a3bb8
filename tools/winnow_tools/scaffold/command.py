"""``winnow scaffold RECORDING -o DIR``: a graph and settings for a recording, ready to run."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from winnow_schemas.errors import WinnowError
from winnow_tools.scaffold.make import Scaffold, default_memory_mib, make_scaffold

_SHM = Path("/dev/shm")  # noqa: S108 - shared memory is what is meant


def scaffold_command(
    recording: Annotated[
        Path, typer.Argument(metavar="RECORDING", help="MCAP file, ROS 1 bag, or ROS 2 bag (folder or file).")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for graph.yml and settings.yml.")
    ],
    memory_mib: Annotated[
        float | None,
        typer.Option(
            "--memory-mib", help="Memory for the rings; by default 1024 or a quarter of free shared memory."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was made as JSON.")] = False,
) -> None:
    """Write a graph and settings for a recording: ports, queues and rings from its sizes and rates."""
    memory = default_memory_mib(_SHM) if memory_mib is None else memory_mib
    try:
        with _progress_bar(recording.name, hidden=as_json) as progress:
            made = make_scaffold(recording, output, memory_mib=memory, force=force, progress=progress)
    except WinnowError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(error.exit_code) from None
    if as_json:
        typer.echo(json.dumps(made.to_json(), indent=2))
        return
    for problem in made.problems:
        typer.echo(f"{problem}", err=True)
    typer.echo(_sentence(made))


def _sentence(made: Scaffold) -> str:
    messages = sum(port.survey.statistics.count for port in made.plan.ports)
    return (
        f"{made.graph} and {made.settings}: {len(made.plan.ports)} topics, {messages:,} messages, "
        f"{len(made.plan.signals)} signals, rings of {made.plan.memory_mib:g} MiB. "
        f"Run it: winnow run {made.graph}"
    )


@contextmanager
def _progress_bar(name: str, *, hidden: bool) -> Iterator[Callable[[float], None] | None]:
    """A bar on the terminal while a long recording is read; nothing where nobody looks."""
    console = Console(stderr=True)
    if hidden or not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(f"Reading {name}", total=1.0)
        yield lambda part: bar.update(task, completed=part)
