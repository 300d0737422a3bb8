"""``winnow convert IN OUT``."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from winnow_runtime.recordings import open_recording
from winnow_schemas.errors import BadInputError, LostDataError
from winnow_tools.clips.as_plain import with_plain_payloads
from winnow_tools.console import bytes_text, print_json, print_table, progress_bar, sentences
from winnow_tools.convert.converting import Compression, Converted, Form, Wanted, check_wanted, convert
from winnow_tools.convert.video import convert_video, is_video_file


def convert_command(
    source: Annotated[
        Path,
        typer.Argument(metavar="IN", help="An MCAP file, a ROS 1 bag, a ROS 2 bag (its folder), or a video."),
    ],
    output: Annotated[
        Path,
        typer.Argument(
            metavar="OUT", help="What its name says: FILE.mcap, FILE.bag (ROS 1), or a folder (ROS 2 bag)."
        ),
    ],
    cdr: Annotated[
        bool,
        typer.Option("--cdr", help="Into FILE.mcap: transcode ROS 1 messages to CDR, as ROS 2 has them."),
    ] = False,
    storage: Annotated[
        str, typer.Option("--storage", help="Of a ROS 2 bag: mcap, or sqlite3 (through rosbags).")
    ] = "mcap",
    compression: Annotated[
        Compression | None,
        typer.Option("--compression", help="Of the chunks: none, lz4 (default), zstd (MCAP), bz2 (bag)."),
    ] = None,
    topic: Annotated[list[str] | None, typer.Option(help="Only this topic; may be repeated.")] = None,
    gps: Annotated[
        Path | None, typer.Option("--gps", help="Of a video: the positions beside it (CSV, GPX, NMEA).")
    ] = None,
    start: Annotated[
        str, typer.Option("--start", help="Of a video: when it began, as 2026-11-20T14:32:07.250Z.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Convert a recording: payloads, definitions and times as they were, proven after writing.

    A video (H.264, H.265) becomes an MCAP file of foxglove.CompressedVideo, its frames not coded anew, and with
    --gps of foxglove.LocationFix. Topics are /camera/video and /gps/fix.

    What was written is read back and compared: number and checksum of the messages of each topic; and `mcap` or
    `rosbags` must open it and find as many. Only then it gets its name; until then it ends in `.part`.

    Exit code 0: everything is in OUT; 3: OUT is whole, but messages or topics are not in it (damage of IN, or what
    OUT has no place for), which is said on stderr; 1: what was read back differs, nothing remains; 2: IN or an
    option cannot be used; 4: the disk is full or refuses.
    """
    with sentences():
        form = _form(output, storage)
        if cdr and form is Form.BAG:
            raise BadInputError("A ROS 1 bag holds no CDR; leave --cdr out. Nothing was written.")
        wanted = Wanted(output, form, cdr, compression, frozenset(topic or ()))
        check_wanted(wanted)
        if is_video_file(source):
            converted, container = _video(source, gps, start, wanted, quiet=as_json)
        elif gps is not None or start:
            raise BadInputError(
                f"--gps and --start belong to a video, and {source} is none; nothing was written."
            )
        else:
            converted, container = _recording(source, wanted, quiet=as_json)
    if as_json:
        print_json(_json(source, container, wanted, converted))
    else:
        _say(wanted, converted)
    if not converted.is_whole:
        raise typer.Exit(LostDataError.exit_code)


def _recording(source: Path, wanted: Wanted, *, quiet: bool) -> tuple[Converted, str]:
    with (
        with_plain_payloads(source) as plain,
        open_recording(plain) as recording,
        progress_bar(f"Converting {source.name}", hidden=quiet) as progress,
    ):
        return convert(recording, wanted, progress), str(recording.container)


def _video(
    source: Path, gps: Path | None, start: str, wanted: Wanted, *, quiet: bool
) -> tuple[Converted, str]:
    if wanted.form is not Form.MCAP or wanted.to_cdr or wanted.topics:
        raise BadInputError(
            f"{source} is a video, which becomes FILE.mcap, whole and without --cdr; nothing was written."
        )
    carried, begin = convert_video(source, gps, start, wanted)
    if not quiet:
        at = datetime.fromtimestamp(begin.t_ns / 1e9, UTC).isoformat(timespec="milliseconds")
        print(f"The video began at {at}, says {begin.said_by}.")
    return Converted(carried, ()), "video"


def _form(output: Path, storage: str) -> Form:
    if storage not in ("mcap", "sqlite3"):
        raise BadInputError(f"The storage {storage!r} is neither mcap nor sqlite3; nothing was written.")
    if output.suffix in (".mcap", ".bag"):
        if storage != "mcap":
            raise BadInputError(f"{output} is a file, and only a folder has a storage; nothing was written.")
        return Form.MCAP if output.suffix == ".mcap" else Form.BAG
    if output.suffix in (".db3", ".active"):
        raise BadInputError(
            f"{output} would be part of a bag; name FILE.mcap, FILE.bag or a folder. Nothing was written."
        )
    return Form.ROS2_SQLITE if storage == "sqlite3" else Form.ROS2_MCAP


def _json(source: Path, container: str, wanted: Wanted, converted: Converted) -> dict[str, Any]:
    carried = converted.carried
    return {
        "input": str(source),
        "input_container": container,
        "output": str(wanted.output),
        "output_container": str(wanted.form),
        "messages": carried.tally.messages,
        "payload_bytes": carried.tally.payload_bytes,
        "topics": carried.tally.to_json(),
        "verified": True,
        "problems": list(converted.problems),
        "left_out": carried.left_out,
        "altered": carried.altered,
    }


def _say(wanted: Wanted, converted: Converted) -> None:
    tally = converted.carried.tally
    table = Table("topic", "messages", "payload")
    for name, topic in sorted(tally.topics.items()):
        table.add_row(name, f"{topic.messages:,}", bytes_text(topic.payload_bytes))
    print_table(table)
    for sentence in converted.carried.altered:
        print(sentence)
    for problem in converted.problems:
        print(f"The input is damaged: {problem}", file=sys.stderr)
    for sentence in converted.carried.left_out:
        print(sentence, file=sys.stderr)
    print(
        f"Written and read back: {wanted.output} ({wanted.form}), {tally.messages:,} messages, "
        f"{bytes_text(tally.payload_bytes)}."
    )
