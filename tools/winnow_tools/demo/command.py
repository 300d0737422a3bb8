"""``winnow demo``."""

import shutil
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from winnow_schemas.errors import BadInputError
from winnow_tools.console import sentences
from winnow_tools.demo.demo import DemoResult, demo
from winnow_tools.running.command import progress_table

_HOW = """
Your own recording (MCAP, ROS 1 or ROS 2 bag):
  winnow scaffold RECORDING -o my-run        writes my-run/graph.yml and my-run/settings.yml
  winnow run my-run/graph.yml --speed max --out my-run/out
  winnow clips verify my-run/out --against RECORDING
  winnow why +35s --out my-run/out"""


def demo_command(
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder of the results; an earlier demo's is replaced.")
    ] = Path("demo-out"),
    graph: Annotated[Path, typer.Option(help="The vehicle graph.")] = Path("dataflows/vehicle.yml"),
    settings: Annotated[Path, typer.Option(help="The demo's settings.")] = Path(
        "dataflows/settings/demo.yml"
    ),
    script: Annotated[
        str, typer.Option(help="What happens in the shift: demo, all28, quiet, or a YAML file.")
    ] = "demo",
    scale: Annotated[
        str, typer.Option(help="Size of clouds and images, up to 1; by default the script's.")
    ] = "",
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same shift.")] = 1,
) -> None:
    """A simulated shift: sensors, ring, triggers, clips, classification, upload to a real S3 server, report.

    Exit code 0 when everything that was promised was kept, 1 otherwise.
    """
    begun = time.monotonic()
    environment = {"WINNOW_SCRIPT": script, "WINNOW_SEED": str(seed)} | (
        {"WINNOW_SCALE": scale} if scale else {}
    )
    with sentences():
        _clear(out)
        if Console(stderr=True).is_terminal:
            with Live(console=Console(stderr=True), transient=True) as live:
                result = demo(
                    graph, settings, out, print, lambda watch: live.update(progress_table(watch)), environment
                )
        else:
            result = demo(graph, settings, out, print, lambda _: None, environment)
    _show(result, time.monotonic() - begun)
    if result.problems:
        raise typer.Exit(1)


def _clear(out: Path) -> None:
    """Remove an earlier demo, and nothing else."""
    if out.exists() and any(out.iterdir()):
        if not (out / "store").is_dir():
            raise BadInputError(
                f"{out} is not empty and not an earlier demo; nothing was removed or started. Name another folder with --out."
            )
        from winnow_tools.store.store import Store

        Store(out / "store").stop()
        shutil.rmtree(out)


def _show(result: DemoResult, wall_s: float) -> None:
    summary = result.outcome.summary
    print(f"\n{result.headline}.")
    print(
        f"{summary['messages']:,} messages, {summary['lost']} lost; triggers {summary['triggers']}; clips {summary['clips']}; {summary['uploads']} uploads; {wall_s:.0f} s."
    )
    for problem in result.problems:
        print(f"NOT KEPT: {problem}")
    print(f"Report: {result.report}\nGraph:  {result.graph}\n{_HOW}")
