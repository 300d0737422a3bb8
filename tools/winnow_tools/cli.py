"""The `winnow` command line."""

from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from winnow_tools.bench.command import bench_command
from winnow_tools.campaign.command import campaign_app
from winnow_tools.checking.command import check_command
from winnow_tools.classifier.command import classifier_app
from winnow_tools.clips.command import clips_app
from winnow_tools.console import EXIT_CODES
from winnow_tools.convert.command import convert_command
from winnow_tools.dashcam.command import demo_dashcam_command
from winnow_tools.demo.command import demo_command
from winnow_tools.faultproxy_command import faultproxy_command
from winnow_tools.graphpage.command import graph_command
from winnow_tools.hold.command import hold_app
from winnow_tools.plates.command import plates_app
from winnow_tools.recover.command import recover_command
from winnow_tools.redaction.command import redactor_app
from winnow_tools.report.command import report_command
from winnow_tools.retention.command import retention_app
from winnow_tools.ring.command import ring_command
from winnow_tools.running.command import run_command
from winnow_tools.scaffold.command import scaffold_command
from winnow_tools.server.command import server_app
from winnow_tools.sim.command import sim_app
from winnow_tools.store.command import store_app
from winnow_tools.tasks.command import tasks_app
from winnow_tools.triggers.command import triggers_app
from winnow_tools.types_command import types_command
from winnow_tools.upload.command import upload_app
from winnow_tools.video.command import video_command
from winnow_tools.whatif.command import what_if_command
from winnow_tools.why.command import why_command

app = typer.Typer(
    name="winnow",
    help=f"Decide on the vehicle what is worth keeping.\n\n{EXIT_CODES}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("scaffold")(scaffold_command)
app.command("check")(check_command)
app.command("run")(run_command)
app.command("ring")(ring_command)
app.command("graph")(graph_command)
app.command("what-if")(what_if_command)
app.command("why")(why_command)
app.command("report")(report_command)
app.command("recover")(recover_command)
app.command("video")(video_command)
app.command("convert")(convert_command)
app.command("demo")(demo_command)
app.command("demo-dashcam")(demo_dashcam_command)
app.command("bench")(bench_command)
app.command("faultproxy")(faultproxy_command)
app.add_typer(campaign_app)
app.add_typer(classifier_app)
app.add_typer(clips_app)
app.add_typer(redactor_app)
app.add_typer(plates_app)
app.add_typer(hold_app)
app.add_typer(retention_app)
app.add_typer(server_app)
app.add_typer(sim_app)
app.add_typer(store_app)
app.add_typer(tasks_app)
app.add_typer(triggers_app)
app.add_typer(upload_app)
app.command("types", hidden=True)(types_command)


def _version(wanted: bool) -> None:
    if wanted:
        try:
            print(version("winnow-dora"))
        except PackageNotFoundError:
            print("not installed")
        raise typer.Exit


@app.callback()
def root(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of all commands."""


def main() -> None:
    """Console script."""
    app()
