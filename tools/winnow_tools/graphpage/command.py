"""``winnow graph GRAPH -o FILE.html|.svg``."""

import json
from pathlib import Path
from typing import Annotated

import typer

from winnow_operators.graphs.model import Graph
from winnow_operators.graphs.overlay import Overlay, read_overlay
from winnow_schemas.errors import BadInputError, UnavailableError, WinnowError
from winnow_schemas.yaml_source import MAX_BYTES, load_file
from winnow_tools.graphpage.files import load_graph
from winnow_tools.graphpage.page import render_html, render_svg
from winnow_tools.pages.writing import write_whole

MAX_OVERLAY_BYTES = 16 * 1024 * 1024
"""50,000 inputs with a handful of figures each."""


def graph_command(
    path: Annotated[Path, typer.Argument(metavar="GRAPH", help="A dora dataflow (YAML).")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="FILE.html or FILE.svg; by default GRAPH.html in this folder."),
    ] = None,
    settings: Annotated[
        Path | None, typer.Option("--settings", "-s", help="The device's settings, shown with the nodes.")
    ] = None,
    overlay: Annotated[
        Path | None, typer.Option("--overlay", help="JSON with live figures: rates, drops, queues.")
    ] = None,
) -> None:
    """Draw a dataflow graph as one file that works offline."""
    try:
        target = output or Path(f"{path.stem or 'graph'}.html")
        graph = draw_graph(path, target, settings, overlay)
    except WinnowError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(error.exit_code) from None
    for warning in graph.warnings:
        typer.echo(f"{warning} (drawn all the same)", err=True)
    typer.echo(f"{target}: {len(graph.nodes)} nodes, {len(graph.connections)} connections")


def draw_graph(path: Path, target: Path, settings: Path | None = None, overlay: Path | None = None) -> Graph:
    """Draw the graph at ``path`` into ``target``, which appears whole or not at all.

    Raises:
        BadInputError: the graph, settings or overlay cannot be used, or the target's ending is unknown.
        UnavailableError: the target cannot be written.

    """
    ending = target.suffix.lower()
    if ending not in (".html", ".htm", ".svg"):
        raise BadInputError(
            f"{target} ends in {ending!r}; nothing was drawn, name a file that ends in .html or .svg."
        )
    graph = load_graph(path)
    figures = load_overlay(overlay) if overlay else None
    strangers = figures.unknown(graph) if figures else []
    if strangers:
        raise BadInputError(
            f"{overlay}: the graph has no {strangers[0]!r}"
            f"{f' (and {len(strangers) - 1} more)' if len(strangers) > 1 else ''}; nothing was drawn."
        )
    if ending == ".svg":
        content = render_svg(graph, figures)
    else:
        content = render_html(graph, _settings_text(settings) if settings else None, figures)
    try:
        write_whole(target, content)
    except OSError as error:
        raise UnavailableError(f"{target} cannot be written ({error.strerror}); nothing was drawn.") from None
    return graph


def load_overlay(path: Path) -> Overlay:
    """Read figures from a JSON file.

    Raises:
        BadInputError: it cannot be read, is too large, or is not of the form that ``read_overlay`` takes.

    """
    try:
        size = path.stat().st_size
        if size > MAX_OVERLAY_BYTES:
            raise BadInputError(
                f"{path} has {size} bytes, the limit is {MAX_OVERLAY_BYTES}; nothing was drawn."
            )
        value = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadInputError(f"{path} cannot be read ({error.strerror}); nothing was drawn.") from None
    except (ValueError, RecursionError):
        raise BadInputError(f"{path} is not JSON; nothing was drawn.") from None
    return read_overlay(value, str(path))


def _settings_text(path: Path) -> str:
    load_file(path)  # refuses what is too large or not YAML
    text = path.read_text("utf-8")
    if len(text) > MAX_BYTES:
        raise BadInputError(f"{path} has {len(text)} characters, the limit is {MAX_BYTES}; it was not read.")
    return text
