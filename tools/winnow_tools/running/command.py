"""``winnow run GRAPH``."""

import itertools
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from winnow_tools.checking.command import require_fit
from winnow_tools.console import bytes_text, print_json, sentences
from winnow_tools.running.launch import RunRequest, recording_of
from winnow_tools.running.run import Outcome, fresh_folder, run
from winnow_tools.running.watch import Watch


def run_command(
    graph: Annotated[Path, typer.Argument(metavar="GRAPH", help="A dora dataflow (YAML).")],
    recording: Annotated[
        Path | None,
        typer.Option("--recording", "-r", help="Play this recording instead of what the graph names."),
    ] = None,
    speed: Annotated[str, typer.Option(help="'max', or a factor of message time such as 1 or 4.")] = "",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder of the results; by default runs/GRAPH-N.")
    ] = None,
    go_on: Annotated[
        bool, typer.Option("--continue", help="Go on in a folder that holds earlier results.")
    ] = False,
    stop_after_s: Annotated[
        float | None, typer.Option("--stop-after", help="Stop cleanly after so many seconds.")
    ] = None,
    settings: Annotated[
        Path | None, typer.Option("--settings", help="Another settings file than the graph names.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Run a graph under dora to its end, with progress, and sum up what came of it.

    Ctrl-C stops it cleanly: open clips are finished, nothing stays half-written. Exit code 0: all is well;
    2: the recording, the graph or its settings cannot be used; 3: messages were lost or are missing in a
    clip; 4: something needed is not there; 5: a node gave up.
    """
    with sentences():
        _require_recording(recording or recording_of(graph))
        if speed:
            from winnow_runtime.playback import parse_speed

            parse_speed(speed)
        report = require_fit(graph, settings, recording)
        folder = out or _next_folder(graph)
        environment = (("WINNOW_SETTINGS", str(settings.resolve())),) if settings else ()
        request = RunRequest(graph, folder, recording, speed, environment)
        fresh_folder(folder, again=go_on)
        shm = report.shm_dir
        if as_json or not Console(stderr=True).is_terminal:
            outcome = run(request, shm, lambda _: None, stop_after_s=stop_after_s)
        else:
            with Live(console=Console(stderr=True), transient=True) as live:
                outcome = run(
                    request, shm, lambda watch: live.update(progress_table(watch)), stop_after_s=stop_after_s
                )
    if as_json:
        print_json(outcome.summary)
    else:
        _show(outcome)
    if outcome.exit_code:
        raise typer.Exit(outcome.exit_code)


def _require_recording(path: Path | None) -> None:
    """A recording that cannot be opened stops the run before it starts."""
    from winnow_runtime.recordings import open_recording

    if path is not None:
        open_recording(path).close()


def _next_folder(graph: Path) -> Path:
    name = graph.stem if graph.stem != "graph" else graph.resolve().parent.name
    return next(
        folder for number in itertools.count(1) if not (folder := Path("runs") / f"{name}-{number}").exists()
    )


def progress_table(watch: Watch) -> Table:
    """What the run has done so far, for a terminal."""
    table = Table.grid(padding=(0, 2))
    beat = watch.beat
    if beat is None:
        table.add_row("starting ...")
        return table
    table.add_row("messages", f"{beat.messages:,}", "bytes", bytes_text(beat.bytes), "lost", f"{beat.lost:,}")
    table.add_row(
        "triggers", str(watch.triggers.total), "clips", str(watch.clips.total), "uploads", str(watch.uploads)
    )
    return table


def _show(outcome: Outcome) -> None:
    summary = outcome.summary
    table = Table(show_header=False)
    table.add_row(
        "messages", f"{summary['messages']:,} ({bytes_text(summary['bytes'])}), {summary['lost']:,} lost"
    )
    table.add_row(
        "speed",
        f"{summary['messages_per_s']:,} messages/s, {summary['mb_per_s']:g} MB/s while they came, {summary['wall_s']:.1f} s with start and end",
    )
    table.add_row("triggers", _by_priority(summary["triggers"]))
    table.add_row("clips", f"{_by_priority(summary['clips'])} ({bytes_text(summary['clip_bytes'])})")
    table.add_row("uploads", str(summary["uploads"]))
    table.add_row("results", summary["out"])
    Console().print(table)
    for sentence in (*summary["problems"], *summary["notes"]):
        print(sentence)
    if summary["restarts"]:
        counts = ", ".join(f"{node} ({count})" for node, count in summary["restarts"].items())
        print(f"Nodes that were started again: {counts}; {summary['out']}/dora/log.txt says why.")
    if summary["clips_with_missing_messages"]:
        print(
            f"{summary['clips_with_missing_messages']} clips miss messages; `winnow why CLIP --out {summary['out']}` says which and why."
        )


def _by_priority(counts: dict[str, int]) -> str:
    total = sum(counts.values())
    return f"{total}" + (
        f" ({', '.join(f'{name}: {count}' for name, count in counts.items())})" if total else ""
    )
