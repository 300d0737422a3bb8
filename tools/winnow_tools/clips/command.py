"""``winnow clips ls|show|verify|export``; the others of the group are in :mod:`winnow_tools.clips.looking`."""

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from winnow_operators.clips.rates import NO_PACE, Pace, pace
from winnow_runtime.recordings import open_recording
from winnow_schemas.errors import BadInputError, LostDataError
from winnow_tools.clips.collection import Clip, clips_of, one_clip
from winnow_tools.clips.export import Format, export
from winnow_tools.clips.looking import Name, open_command, plot_command, thumbs_command
from winnow_tools.clips.repack_command import packing_lines, repack_command
from winnow_tools.clips.times import message_times
from winnow_tools.clips.verify import ClipCheck, totals, verify
from winnow_tools.console import bytes_text, print_json, print_table, sentences

clips_app = typer.Typer(
    name="clips", help="List, show, verify, repack, draw, open and export clips.", no_args_is_help=True
)

clips_app.command("plot")(plot_command)
clips_app.command("thumbs")(thumbs_command)
clips_app.command("open")(open_command)

Where = Annotated[Path, typer.Argument(metavar="DIR", help="A run's folder, a folder of clips, or one clip.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@clips_app.command("ls")
def list_command(where: Where, as_json: AsJson = False) -> None:
    """List clips in the order of time."""
    problems: list[str] = []
    with sentences():
        clips = list(clips_of(where, problems))
    if as_json:
        print_json({"clips": [_summary(clip) for clip in clips], "problems": problems})
        return
    table = Table("time (UTC)", "P", "name", "seconds", "messages", "size", "scenario", "missing")
    for clip in clips:
        sidecar = clip.sidecar
        table.add_row(
            sidecar.timestamp_utc,
            str(sidecar.priority),
            sidecar.name,
            f"{sidecar.clip_duration_sec:.1f}",
            f"{sidecar.messages:,}",
            bytes_text(sidecar.size_bytes or 0),
            (clip.verdict or {}).get("scenario_class", ""),
            str(len(sidecar.missing) or ""),
        )
    print_table(table)
    for problem in problems:
        print(problem)
    print(f"{len(clips)} clips.")


@clips_app.command("show")
def show_command(
    where: Where,
    name: Name = "",
    as_json: AsJson = False,
) -> None:
    """Show one clip: triggers, topics with their rates and gaps, what is missing, verdict."""
    with sentences():
        clip = one_clip(where, name)
        paces = {topic: pace(_inside(clip, times)) for topic, times in message_times(clip.path).items()}
    if as_json:
        topics = {topic: asdict(found) for topic, found in sorted(paces.items())}
        said = {"sidecar": clip.sidecar.to_json(), "verdict": clip.verdict, "path": str(clip.path)}
        print_json({**said, "pace": topics})
        return
    _show(clip, paces)


def _inside(clip: Clip, times_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Without latched messages from before the window."""
    return times_ns[(times_ns >= clip.sidecar.start_ns) & (times_ns < clip.sidecar.end_ns)]


@clips_app.command("verify")
def verify_command(
    where: Where,
    against: Annotated[
        Path | None, typer.Option("--against", help="The recording that was played: compare every message.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Prove that clips are whole, and that they hold exactly what the recording holds in their windows.

    Exit code 0 only when there is at least one clip and nothing is missing, extra, changed, reordered or
    damaged; 1 otherwise; 2 when there is no such folder, or the recording cannot be read at all. Without a
    recording, what is missing is known only of clips that say so of themselves; they are counted apart.
    """
    unreadable: tuple[str, ...] = ()
    with sentences():
        if against is None:
            checks = verify(where, None)
        else:
            with open_recording(against) as recording:
                checks = verify(where, recording.messages())
                unreadable = tuple(recording.problems)
    if as_json:
        print_json(
            {
                **totals(checks),
                "bad": [_bad(check) for check in checks if not check.good],
                "unreadable": unreadable,
            }
        )
    else:
        _say(checks, where, unreadable)
    if not checks or any(not check.good for check in checks):
        raise typer.Exit(1)


def _bad(check: ClipCheck) -> dict[str, Any]:
    return {
        "name": check.name,
        "missing": check.missing,
        "extra": check.extra,
        "changed": check.changed,
        "reordered": check.reordered,
        "problems": check.problems,
    }


def _say(checks: list[ClipCheck], where: Path, unreadable: tuple[str, ...]) -> None:
    for problem in unreadable:
        print(f"The recording is damaged: {problem}")
    for check in checks:
        for problem in check.problems:
            print(problem)
        counts = {word: getattr(check, word) for word in ("missing", "extra", "changed", "reordered")}
        if any(counts.values()):
            print(f"{check.name}: {', '.join(f'{count} {word}' for word, count in counts.items())}")
    if not checks:
        print(f"There is no clip in {where}; nothing was verified.")
        return
    sums = totals(checks)
    said = f"{sums['clips']} clip{'s' * (sums['clips'] != 1)}: {sums['missing']} missing, {sums['extra']} extra, {sums['changed']} changed"
    said += f", {sums['reordered']} reordered" if sums["reordered"] else ""
    latched = f"; {sums['latched']} latched from before their windows" if sums["latched"] else ""
    own = ""
    if holes := sums["clips_with_missing_messages"]:
        who = "1 clip says of itself" if holes == 1 else f"{holes} clips say of themselves"
        own = f"; {who} that messages are missing (`winnow clips ls` counts, `winnow clips show` names them)"
    print(f"{said}{latched}{own}.")


clips_app.command("repack")(repack_command)


@clips_app.command("export")
def export_command(
    where: Where,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="FILE.mcap, FILE.bag, or a folder for csv and arrow.")
    ],
    name: Name = "",
    form: Annotated[
        Format,
        typer.Option(
            "--format",
            help="mcap: messages as they are; bag: a ROS 1 bag; ros2: MCAP of CDR messages, for rosbags and "
            "ROS 2; csv: a table of numbers per topic; arrow: the Arrow values of nodes as they sent them.",
        ),
    ] = Format.MCAP,
    topic: Annotated[list[str] | None, typer.Option(help="Only this topic; may be repeated.")] = None,
) -> None:
    """Take a clip, or part of it, elsewhere.

    Exit code 3 when it was written, but the form had no place for some of it: that is said on stderr.
    """
    with sentences():
        clip = one_clip(where, name)
        has = {*clip.sidecar.topics, *(item.topic for item in clip.sidecar.latched)}
        if topic and (unknown := set(topic) - has):
            raise BadInputError(
                f"{clip.sidecar.name} has no topic {min(unknown)!r}; nothing was written. It has: {', '.join(sorted(has))}."
            )
        exported = export(clip, output, form, set(topic or []))
    for path in exported.written:
        print(path)
    for sentence in exported.left_out:
        print(sentence, file=sys.stderr)
    if exported.left_out:
        raise typer.Exit(LostDataError.exit_code)


def _summary(clip: Clip) -> dict[str, Any]:
    sidecar = clip.sidecar
    return {
        "name": sidecar.name,
        "clip_id": sidecar.clip_id,
        "path": str(clip.path),
        "priority": sidecar.priority,
        "triggers": [trigger.type for trigger in sidecar.triggers],
        "start_ns": sidecar.start_ns,
        "end_ns": sidecar.end_ns,
        "messages": sidecar.messages,
        "size_bytes": sidecar.size_bytes,
        "missing": len(sidecar.missing),
        "truncated": sidecar.truncated,
        "scenario": (clip.verdict or {}).get("scenario_class"),
        "annotation_priority": (clip.verdict or {}).get("annotation_priority"),
    }


def _show(clip: Clip, paces: dict[str, Pace]) -> None:
    sidecar, console = clip.sidecar, Console()
    console.print(
        f"[bold]{sidecar.name}[/bold]  P{sidecar.priority}, {sidecar.clip_duration_sec:.1f} s from {_utc(sidecar.start_ns)}",
        highlight=False,
    )
    console.print(
        f"{clip.path}, {bytes_text(sidecar.size_bytes or 0)}, {sidecar.messages:,} messages", highlight=False
    )
    triggers = Table("trigger", "P", "time (UTC)", "value", "threshold", "condition")
    for trigger in sidecar.triggers:
        value = "" if trigger.value is None else f"{trigger.value:.6g}"
        threshold = "" if trigger.threshold is None else f"{trigger.threshold:.6g}"
        triggers.add_row(
            trigger.type, str(trigger.priority), _utc(trigger.t_ns), value, threshold, trigger.condition
        )
    console.print(triggers)
    topics = Table("topic", "type", "messages", "Hz", "payload", "gaps", "longest pause")
    for topic, content in sorted(sidecar.topic_contents.items()):
        found = paces.get(topic, NO_PACE)
        topics.add_row(
            topic,
            content.schema_name,
            f"{content.messages:,}",
            "" if found.rate_hz is None else f"{found.rate_hz:.1f}",
            bytes_text(content.payload_bytes),
            str(found.gaps or ""),
            _pause(found, sidecar.start_ns) if found.gaps else "",
        )
    console.print(topics)
    for line in packing_lines(sidecar):
        print(line)
    if sidecar.latched:
        print(
            f"Latched from before the window: {', '.join(sorted({item.topic for item in sidecar.latched}))}."
        )
    for hole in sidecar.missing:
        print(
            f"Missing: {hole.count if hole.count is not None else 'unknown number'} of {hole.topic}: {hole.reason}."
        )
    if sidecar.left_out:
        print(f"Left out because of the size cap: {', '.join(sidecar.left_out)}.")
    if sidecar.withheld_topics:
        print(f"Withheld because they may show people: {', '.join(sidecar.withheld_topics)}.")
    if sidecar.truncated:
        print("The stream ended before the window did.")
    if clip.verdict:
        verdict = clip.verdict
        print(
            f"{verdict.get('scenario_class')}: {'; '.join(verdict.get('reasons', []))}. {verdict.get('action')}."
        )


def _pause(found: Pace, start_ns: int) -> str:
    """``2.1 s at +3.4 s`` of the clip."""
    if found.longest_s is None or found.longest_at_ns is None:
        return ""
    return f"{found.longest_s:.3g} s at +{(found.longest_at_ns - start_ns) / 1e9:.1f} s"


def _utc(t_ns: int) -> str:
    try:
        return datetime.fromtimestamp(t_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    except (OverflowError, ValueError, OSError):
        return f"{t_ns} ns"
