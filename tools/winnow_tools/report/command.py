"""``winnow report DIR``."""

from pathlib import Path
from typing import Annotated

import typer

from winnow_schemas.errors import UnavailableError
from winnow_tools.console import sentences
from winnow_tools.pages.writing import write_whole
from winnow_tools.report.collect import collect
from winnow_tools.report.page import render_report


def report_command(
    out: Annotated[Path, typer.Argument(metavar="DIR", help="A run's folder.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="FILE.html; by default report.html in DIR.")
    ] = None,
    graph: Annotated[
        Path | None, typer.Option("--graph", help="The graph to show; by default the one that ran.")
    ] = None,
) -> None:
    """Write a page about a finished run: timeline, clips, budgets, what was dropped and why."""
    target = output or out / "report.html"
    with sentences():
        page = render_report(collect(out, graph=graph))
        try:
            write_whole(target, page)
        except OSError as error:
            raise UnavailableError(
                f"{target} cannot be written ({error.strerror}); there is no report."
            ) from None
    print(target)
