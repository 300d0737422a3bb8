"""``winnow video``."""

import signal
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from winnow_runtime.dashcam.job import Job, PausedError, videos_in
from winnow_runtime.dashcam.paths import anchored
from winnow_runtime.video.file import Video
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings import load_settings
from winnow_schemas.settings.dashcam import DashcamSettings
from winnow_tools.console import fail, print_json, print_table, sentences
from winnow_tools.video.going import Watcher, go_through, open_stages
from winnow_tools.video.graphs import through_graphs


def video_command(
    paths: Annotated[
        list[Path], typer.Argument(metavar="FILE|FOLDER...", help="Videos, or folders of them.")
    ],
    out: Annotated[
        Path, typer.Option("--out", help="Folder for the results; the same again goes on where it stopped.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")] = False,
    settings_file: Annotated[
        Path | None, typer.Option("--settings", help="Settings of the dashcam graphs (YAML).")
    ] = None,
    gps: Annotated[
        Path | None, typer.Option(help="GPS log, instead of the one beside or inside each video.")
    ] = None,
    archive: Annotated[
        bool, typer.Option("--archive/--no-archive", help="Keep a small copy of each video with its records.")
    ] = True,
    dora: Annotated[
        bool,
        typer.Option(
            "--dora", help="Run the two graphs under dora, rather than their stages in one process."
        ),
    ] = False,
    graphs: Annotated[
        Path, typer.Option(envvar="WINNOW_GRAPHS", help="With --dora: folder of jetson.yml and rtx4090.yml.")
    ] = Path("dataflows"),
) -> None:
    """Find the plates that a drive passed: filter frames, read plates, vote, place, archive.

    Exit code 0 when every video was gone through; 2 when one was parked (its reason is in DIR/parked and on
    stderr). Ctrl-C pauses: the same command goes on from the last checkpoint.
    """
    with sentences():
        settings = _settings(settings_file, gps, archive=archive)
        videos = videos_in(paths)
        with _Shown(hidden=as_json) as shown:
            try:
                if dora:
                    summary = through_graphs(videos, out, settings, graphs, shown)
                else:
                    summary = go_through(videos, out, settings, lambda: open_stages(settings), shown)
            except PausedError:
                fail(f"Paused. The same command goes on from here; what is done is in {out}.", 1)
            except OSError as error:
                fail(
                    f"{out} cannot be written ({error.strerror or error}); what is done is kept, and the same command "
                    "goes on from there once there is room.",
                    4,
                )
    if as_json:
        print_json(summary)
    else:
        _say(summary, out)
    if summary["parked"]:
        raise typer.Exit(2)


def _settings(path: Path | None, gps: Path | None, *, archive: bool) -> DashcamSettings:
    settings = anchored(load_settings(path)[0].dashcam, path.parent) if path else DashcamSettings()
    if gps is not None and not gps.is_file():
        raise BadInputError(f"The GPS log {gps} does not exist; nothing was looked at.")
    changes: dict[str, Any] = {"archive": archive and settings.archive}
    if gps is not None:
        changes["gps"] = str(gps.absolute())
    return settings.model_copy(update=changes)


class _Shown(Watcher):
    """Progress on the terminal, and Ctrl-C."""

    def __init__(self, *, hidden: bool) -> None:
        console = Console(stderr=True)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[told]}"),
            TimeRemainingColumn(),
        )
        self._bar = Progress(
            *columns, console=console, transient=True, disable=hidden or not console.is_terminal
        )
        self._task = self._bar.add_task("", total=None, told="")
        self._paused = False
        self._stage = ""

    def __enter__(self) -> Self:
        self._before = {each: signal.signal(each, self._pause) for each in (signal.SIGINT, signal.SIGTERM)}
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        for each, handler in self._before.items():
            signal.signal(each, handler)

    def _pause(self, _number: int, _frame: FrameType | None) -> None:
        self._paused = True

    def stage(self, job: Job, name: str) -> None:
        self._stage = name
        total: int | None = None
        if name != "reading" and not self._bar.disable:
            with Video(job.video) as video:
                total = video.expected_frames or None
        self._bar.reset(self._task, total=total, description=f"{job.video.name}: {name}", told="")

    def frames(self, done: int, count: int) -> bool:
        what = {"filtering": "kept", "reading": "readings"}.get(self._stage, "")
        told = f"{done} frames, {count} {what}" if what else f"{done} frames"
        self._bar.update(self._task, completed=done, told=told)
        return not self._paused

    def said(self, sentence: str) -> None:
        typer.echo(sentence, err=True)


def _say(summary: dict[str, Any], out: Path) -> None:
    table = Table("plate", "confidence", "frames", "at", "position", "video")
    for plate in summary["plates"]:
        place = plate["position"]
        where = (
            f"{place['latitude_deg']:.5f}, {place['longitude_deg']:.5f} ± {place['uncertainty_m']:.0f} m"
            if place
            else ""
        )
        seconds = f"{plate['first_ns'] / 1e9:.1f}-{plate['last_ns'] / 1e9:.1f} s"
        table.add_row(
            plate["text"],
            f"{plate['confidence']:.2f}",
            str(plate["frames"]),
            seconds,
            where,
            Path(plate["video"]).name,
        )
    if summary["plates"]:
        print_table(table)
    dropped = 1 - summary["kept"] / summary["frames"] if summary["frames"] else 0.0
    videos = f"{summary['videos']} video{'s' * (summary['videos'] != 1)}"
    plates = f"{len(summary['plates'])} plate{'s' * (len(summary['plates']) != 1)}"
    print(
        f"{videos}, {summary['frames']} frames, {summary['kept']} kept ({dropped:.0%} dropped), {plates}; results in {out}."
    )
