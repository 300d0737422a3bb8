"""``winnow convert IN OUT``."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from winnow_runtime.recordings import open_recording
from winnow_schemas.errors import BadInputError, LostDataError
from winnow_tools.console import bytes_text, print_json, print_table, progress_bar, sentences
from winnow_tools.convert.converting import Compression, Converted, Form, Wanted, check_wanted, convert


def convert_command(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="An MCAP file, a ROS 1 bag, or a ROS 2 bag (its folder).")
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
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Convert a recording: payloads, definitions and times as they were, proven after writing.

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
        with (
            open_recording(source) as recording,
            progress_bar(f"Converting {source.name}", hidden=as_json) as progress,
        ):
            converted = convert(recording, wanted, progress)
            container = str(recording.container)
    if as_json:
        print_json(_json(source, container, wanted, converted))
    else:
        _say(wanted, converted)
    if not converted.is_whole:
        raise typer.Exit(LostDataError.exit_code)


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
