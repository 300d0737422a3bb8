"""``winnow clips plot|open|thumbs``: looking into a clip."""

import threading
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_tools.clips.as_plain import as_plain
from winnow_tools.clips.collection import one_clip
from winnow_tools.clips.plot import curves_of, render_plot
from winnow_tools.clips.serving import served
from winnow_tools.clips.thumbs import COLUMNS_MAX, make_sheet
from winnow_tools.console import print_json, sentences
from winnow_tools.pages.writing import write_whole

Where = Annotated[Path, typer.Argument(metavar="DIR", help="A run's folder, a folder of clips, or one clip.")]
Name = Annotated[str, typer.Argument(help="Beginning of a clip's name or id; of one clip, nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def plot_command(
    where: Where,
    name: Name = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="FILE.html; by default NAME.html in this folder.")
    ] = None,
    fields: Annotated[
        list[str] | None, typer.Option("--field", help="TOPIC:PATH to draw; may be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Draw signals over time with the marks of the triggers, into one page that works offline.

    Without --field: the signals of the settings that the clip carries, those that its triggers looked at first;
    where there are none, the first numbers of its topics.
    """
    with sentences():
        clip = one_clip(where, name)
        target = output or Path(f"{clip.sidecar.name}.html")
        if target.suffix != ".html":
            raise BadInputError(f"{target} does not end in .html; nothing was written.")
        with as_plain(clip) as plain:
            curves = curves_of(plain, fields or [])
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            write_whole(target, render_plot(clip, curves))
        except OSError as error:
            raise UnavailableError(
                f"{target} cannot be written ({error.strerror}); there is no plot."
            ) from None
    if as_json:
        drawn = [{"topic": curve.topic, "field": curve.path, "name": curve.name} for curve in curves]
        print_json({"path": str(target), "curves": drawn})
    else:
        print(target)


def thumbs_command(
    where: Where,
    name: Name = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="FILE.png; by default NAME.png in this folder.")
    ] = None,
    columns: Annotated[int, typer.Option(min=1, max=COLUMNS_MAX, help="Pictures per topic.")] = 6,
    topic: Annotated[list[str] | None, typer.Option(help="Only this topic; may be repeated.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a contact sheet: a row per camera (JPEG, PNG, raw, H.264, H.265) and per cloud, seen from above."""
    with sentences():
        clip = one_clip(where, name)
        target = output or Path(f"{clip.sidecar.name}.png")
        if target.suffix != ".png":
            raise BadInputError(f"{target} does not end in .png; nothing was written.")
        with as_plain(clip) as plain:
            sheet = make_sheet(plain, target, columns, set(topic or []))
    if as_json:
        print_json({"path": str(target), "topics": sheet.topics, "notes": sheet.notes})
        return
    for note in sheet.notes:
        print(note)
    print(target)


def open_command(
    where: Where,
    name: Name = "",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port on loopback; 0: any that is free.")] = 0,
    browser: Annotated[
        bool, typer.Option("--browser", help="Open the first link in the browser of this machine.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Serve a clip on loopback and print the links by which Lichtblick, Foxglove and Rerun open it. Ctrl-C ends it.

    The file is read in ranges, so a viewer does not wait for all of it. Nothing leaves this machine: the link's
    page runs in your browser and asks this machine for the clip.
    """
    with sentences():
        clip = one_clip(where, name)
        with served(clip.path, port) as place:
            links = place.viewers()
            if as_json:
                print_json({"url": place.url, "viewers": links})
            else:
                print(f"{clip.sidecar.name} is at {place.url} until Ctrl-C.")
                for viewer, link in links.items():
                    print(f"  {viewer}: {link}")
            if browser and not webbrowser.open(next(iter(links.values()))):
                print("No browser could be opened here; use the link.")
            wait_for_the_end()


def wait_for_the_end() -> None:
    """Until Ctrl-C."""
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        print()
