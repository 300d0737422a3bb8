"""``winnow sim export`` and ``winnow sim truth``; the group of them."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from winnow_operators.sim import Simulator
from winnow_operators.sim.render.thermal import Codec
from winnow_schemas.errors import WinnowError
from winnow_schemas.simulation import load_script
from winnow_schemas.simulation.triggers import TRIGGER_PRIORITY
from winnow_schemas.simulation.truth import GroundTruth
from winnow_sim.export import Compression, Exported, export
from winnow_sim.export import Progress as ExportProgress
from winnow_tools.sim.matrix_command import sim_matrix_command

ScriptName = Annotated[str, typer.Argument(metavar="SCRIPT", help="demo, all28, quiet, or a YAML file.")]
Seed = Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")]


def sim_export_command(
    script: ScriptName,
    out: Annotated[Path, typer.Option("--out", "-o", help="The MCAP file to write.")],
    seed: Seed = 1,
    scale: Annotated[
        float | None, typer.Option(help="Size of clouds and images, up to 1; by default the script's.")
    ] = None,
    compression: Annotated[Compression, typer.Option(help="Of the file's chunks.")] = Compression.LZ4,
    thermal: Annotated[Codec, typer.Option(help="Codec of the thermal cameras.")] = Codec.H264,
    pool: Annotated[
        bool, typer.Option("--pool", help="Cycle a few clouds and images: for load, not for looking at.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Write a simulated run as an MCAP file, with its ground truth beside it."""
    if out.exists() and not force:
        print(f"{out} exists; nothing was written. Give another name, or --force.", file=sys.stderr)
        raise typer.Exit(2)
    try:
        simulator = Simulator(load_script(script), seed, scale, pool=pool, thermal=thermal)
        done = _export_with_progress(simulator, out, compression)
    except WinnowError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(error.exit_code) from None
    duration_s = simulator.script.duration_s
    print(
        f"{done.path}: {done.messages} messages in {duration_s:g} s, "
        f"{done.payload_bytes / duration_s / 1e6:.1f} MB/s, {done.file_bytes / 1e6:.1f} MB; {done.truth_path}"
    )


def _export_with_progress(simulator: Simulator, out: Path, compression: Compression) -> Exported:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(simulator.script.name, total=1.0)

        def show(progress: ExportProgress) -> None:
            bar.update(task, completed=progress.done)

        return export(simulator, out, compression=compression, on_progress=show)


def sim_truth_command(
    script: ScriptName,
    seed: Seed = 1,
    as_json: Annotated[bool, typer.Option("--json", help="The file that `export` writes.")] = False,
) -> None:
    """Show what must fire in a run, when, and which incident causes it."""
    try:
        truth = Simulator(load_script(script), seed).ground_truth()
    except WinnowError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(error.exit_code) from None
    if as_json:
        print(truth.to_json().decode())
    else:
        Console().print(_table(truth))


def _table(truth: GroundTruth) -> Table:
    kinds = {each.number: each.kind for each in truth.incidents}
    table = Table(title=f"{truth.script}, seed {truth.seed}: what must fire")
    for heading in ("from s", "to s", "priority", "trigger", "incident"):
        table.add_column(heading)
    for each in truth.all_expectations():
        if each.must:
            table.add_row(
                f"{(each.start_ns - truth.start_ns) / 1e9:.1f}",
                f"{(each.end_ns - truth.start_ns) / 1e9:.1f}",
                TRIGGER_PRIORITY[each.type].name,
                each.type,
                kinds.get(each.incident or 0, "-"),
            )
    return table


sim_app = typer.Typer(
    name="sim", help="Recordings from the simulator, and what must fire in them.", no_args_is_help=True
)
sim_app.command("export")(sim_export_command)
sim_app.command("truth")(sim_truth_command)
sim_app.command("matrix")(sim_matrix_command)
