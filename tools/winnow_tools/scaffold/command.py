"""``winnow scaffold RECORDING|ros2:DOMAIN -o DIR``: a graph and settings, ready to run."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from winnow_schemas.errors import BadInputError, WinnowError
from winnow_schemas.settings.ros2 import Ros2Settings
from winnow_schemas.validation import validate
from winnow_schemas.yaml_source import FileProblemsError, YamlDocument
from winnow_tools.scaffold.listening import domain_of
from winnow_tools.scaffold.make import Scaffold, default_memory_mib, make_live_scaffold, make_scaffold

_SHM = Path("/dev/shm")  # noqa: S108 - shared memory is what is meant


def scaffold_command(
    recording: Annotated[
        Path,
        typer.Argument(
            metavar="RECORDING",
            help="MCAP file, ROS 1 bag, or ROS 2 bag (folder or file); or ros2:DOMAIN, a live system over Zenoh.",
        ),
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
    seconds: Annotated[float, typer.Option("--seconds", help="ros2: how long to listen.")] = 10.0,
    connect: Annotated[
        list[str] | None,
        typer.Option(
            "--connect", help="ros2: where the Zenoh router listens; by default tcp/localhost:7447."
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option("--exclude", help="ros2: topics or patterns to leave alone.")
    ] = None,
    definitions: Annotated[
        list[str] | None,
        typer.Option(
            "--definitions", help="ros2: folders with .msg files of your own (PACKAGE/msg/NAME.msg)."
        ),
    ] = None,
    distribution: Annotated[
        str, typer.Option("--distribution", help="ros2: whose standard messages are spoken.")
    ] = "jazzy",
) -> None:
    """Write a graph and settings for a recording or a live system: ports, queues, rings from sizes and rates."""
    memory = default_memory_mib(_SHM) if memory_mib is None else memory_mib
    try:
        domain = None if recording.exists() else domain_of(str(recording))
        live = _system(domain, connect, exclude, definitions, distribution) if domain is not None else None
        with _progress_bar(recording.name, hidden=as_json) as progress:
            if live is None:
                made = make_scaffold(recording, output, memory_mib=memory, force=force, progress=progress)
            else:
                made = make_live_scaffold(
                    live, output, seconds=seconds, memory_mib=memory, force=force, progress=progress
                )
    except WinnowError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(error.exit_code) from None
    if as_json:
        typer.echo(json.dumps(made.to_json(), indent=2))
        return
    for problem in made.problems:
        typer.echo(f"{problem}", err=True)
    typer.echo(_sentence(made))


def _system(
    domain: int,
    connect: list[str] | None,
    exclude: list[str] | None,
    definitions: list[str] | None,
    distribution: str,
) -> Ros2Settings:
    """The options as settings; a router elsewhere is joined as a client.

    Raises:
        BadInputError: an option is not allowed.

    """
    here = Ros2Settings().connect
    data = {
        "domain": domain,
        "connect": connect or here,
        "mode": "peer" if all(_is_here(place) for place in connect or here) else "client",
        "exclude": exclude or (),
        "definitions": definitions or (),
        "distribution": distribution,
    }
    document = YamlDocument("the options", data)
    try:
        return validate(Ros2Settings, document)
    except FileProblemsError as error:
        problems = "; ".join(problem.message for problem in error.problems)
        raise BadInputError(f"These options are not allowed: {problems}; nothing was written.") from None


def _is_here(endpoint: str) -> bool:
    return any(f"/{host}:" in endpoint for host in ("localhost", "127.0.0.1", "[::1]"))


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
