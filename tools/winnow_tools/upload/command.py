"""``winnow upload status|pause|resume|now``."""

from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace
from rich.console import Console
from rich.live import Live as Screen
from rich.table import Table
from rich.text import Text

from winnow_runtime.clock import SystemClock
from winnow_tools.console import bytes_text, print_json, print_table, sentences
from winnow_tools.rehearsal.command import simulate_command
from winnow_tools.upload.overview import Overview, chosen, read_overview, state_folder
from winnow_tools.upload.telling import as_json as json_of
from winnow_tools.upload.telling import sentences_of
from winnow_uploader.control import Control, change_control
from winnow_uploader.orders import Pause

upload_app = typer.Typer(
    name="upload", help="See what is uploaded when; pause, resume, send a clip now.", no_args_is_help=True
)

upload_app.command("simulate")(simulate_command)

Run = Annotated[Path, typer.Argument(metavar="DIR", help="The run's folder, as given to `winnow run --out`.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
WATCH_EVERY_S = 1.0


@upload_app.command("status")
def status_command(
    run: Run,
    as_json: AsJson = False,
    clips: Annotated[bool, typer.Option("--clips", help="List every clip that is not done.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show it again each second until Ctrl-C.")] = False,
) -> None:
    """Say what is being sent, what waits and why, and when each class will have gone.

    Works beside a running uploader and after it; of one that does not run it says what it left.
    """
    clock = SystemClock()
    with sentences():
        overview = read_overview(run, clock.wall_ns())
        if as_json:
            print_json(json_of(overview))
        elif watch:
            _watch(run, clock)
        else:
            print("\n".join(sentences_of(overview)))
            if clips:
                _list(overview)


@upload_app.command("pause")
def pause_command(
    run: Run,
    all_: Annotated[bool, typer.Option("--all", help="P0, too, which otherwise goes on.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send no further part until `resume`, also after a restart; P0 goes on."""
    pause = Pause.ALL if all_ else Pause.ALL_BUT_SAFETY
    _change(run, pause, as_json)


@upload_app.command("resume")
def resume_command(run: Run, as_json: AsJson = False) -> None:
    """Go on after `pause`."""
    _change(run, Pause.NOTHING, as_json)


@upload_app.command("now")
def now_command(
    run: Run,
    clip: Annotated[str, typer.Argument(help="Beginning of a clip's name or id.")],
    as_json: AsJson = False,
) -> None:
    """Send a clip before all but P0, wherever P1 may go, held or not; only the whole day's budget limits it."""
    with sentences():
        overview = read_overview(run, SystemClock().wall_ns())
        found = chosen(overview.queued, clip)
        waiting = {one.clip_id for one in overview.queued}

        def urge(control: Control) -> Control:
            still = [one for one in control.urgent if one in waiting and one != found.clip_id]
            return replace(control, urgent=(*still, found.clip_id))

        control = change_control(state_folder(run), urge)
    if as_json:
        print_json({"clip_id": found.clip_id, "name": found.name, "urgent": list(control.urgent)})
        return
    what = "goes now" if overview.live else "goes first when the uploader runs"
    print(f"{found.name} (P{found.priority}, {bytes_text(found.left_bytes)} to send) {what}.")


def _change(run: Path, pause: Pause, as_json: bool) -> None:
    with sentences():
        control = change_control(state_folder(run), lambda one: replace(one, paused=pause))
    if as_json:
        print_json({"paused": str(control.paused)})
    else:
        print(f"Uploading is paused: {pause}." if pause else "Uploading goes on.")


def _watch(run: Path, clock: SystemClock) -> None:
    with Screen(console=Console(), auto_refresh=False) as screen:
        try:
            while True:
                overview = read_overview(run, clock.wall_ns())
                screen.update(Text("\n".join(sentences_of(overview))), refresh=True)
                clock.sleep_s(WATCH_EVERY_S)
        except KeyboardInterrupt:
            return


def _list(overview: Overview) -> None:
    table = Table("P", "name", "state", "sent", "size", "why")
    for clip in overview.clips:
        sent = clip.size_bytes - clip.left_bytes if clip.is_open else clip.sent_bytes
        why = "; ".join(
            filter(
                None,
                ("now" if clip.urgent else "", clip.hold_reason and f"held: {clip.hold_reason}", clip.reason),
            )
        )
        table.add_row(
            str(clip.priority), clip.name, clip.state, bytes_text(sent), bytes_text(clip.size_bytes), why
        )
    print_table(table)
