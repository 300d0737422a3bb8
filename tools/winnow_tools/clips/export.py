"""Takes clips elsewhere: as MCAP, whole or in part, in ROS's own forms, as tables of numbers, or as Arrow."""

import csv
import re
import shutil
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mcap.reader import McapReader, make_reader

from winnow_operators.fields import FieldDecoder, FieldError, list_fields
from winnow_runtime.atomic import TEMPORARY, publish
from winnow_runtime.mcapfile.profile import profile_of
from winnow_runtime.mcapfile.records import channel_of, channels_of
from winnow_runtime.mcapfile.writer import McapWriter, Sink
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_schemas.ids import port_of
from winnow_tools.clips.as_plain import as_plain
from winnow_tools.clips.collection import Clip
from winnow_tools.clips.export_arrow import as_arrow
from winnow_tools.clips.export_ros import as_bag, as_ros2_mcap

_FRACTION = re.compile(r"float\d*|double|time|duration")
"""Types whose values are written as they are; of others (integers, enumerations, numbers of JSON) whole ones as such."""
_EXACT = 2**53
"""Up to here a float holds every whole number."""
COLUMNS_MAX = 200
"""Columns of one table: a spreadsheet with more is read by nobody."""


class Format(StrEnum):
    """What an export is."""

    MCAP = "mcap"
    BAG = "bag"
    ROS2 = "ros2"
    CSV = "csv"
    ARROW = "arrow"


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export came to."""

    written: list[Path]
    left_out: list[str]
    """What the form had no place for: sentences."""


def export(clip: Clip, output: Path, form: Format, topics: set[str]) -> Exported:
    """Write the clip, or the topics named, to ``output``; parts of a packed clip with their original payloads.

    Raises:
        BadInputError: the output exists, or has the wrong form.
        UnavailableError: it cannot be written.

    """
    if form is Format.MCAP and not topics:
        return _export(clip, output, form, topics)
    with as_plain(clip) as plain:
        return _export(plain, output, form, topics)


def _export(clip: Clip, output: Path, form: Format, topics: set[str]) -> Exported:
    try:
        if form is Format.ARROW:
            return Exported(*as_arrow(clip, output, topics))
        if form is Format.CSV:
            return Exported(_as_tables(clip, output, topics), [])
        _check_target(output, ".bag" if form is Format.BAG else ".mcap")
        if form is Format.MCAP:
            return Exported(_as_mcap(clip, output, topics), [])
        write = as_bag if form is Format.BAG else as_ros2_mcap
        return Exported([output], write(clip, output, topics).left_out)
    except OSError as error:
        raise UnavailableError(
            f"{output} cannot be written ({error.strerror}); the export is not complete."
        ) from None


def _check_target(output: Path, suffix: str) -> None:
    if output.suffix != suffix:
        raise BadInputError(f"{output} does not end in {suffix}; nothing was written.")
    if output.exists():
        raise BadInputError(f"{output} exists; nothing was written.")
    output.parent.mkdir(parents=True, exist_ok=True)


def _as_mcap(clip: Clip, output: Path, topics: set[str]) -> list[Path]:
    temporary = output.with_name(output.name + TEMPORARY)
    if not topics:
        shutil.copyfile(clip.path, temporary)
    else:
        with clip.path.open("rb") as whole, temporary.open("wb") as file:
            _copy_topics(make_reader(whole), lambda data: _ignore(file.write(data)), topics)
    publish(temporary, output)
    written = [output]
    for suffix in (".json", ".verdict.json"):
        source = clip.path.with_suffix(suffix)
        if not topics and source.exists():
            shutil.copyfile(source, output.with_suffix(suffix))
            written.append(output.with_suffix(suffix))
    return written


def _ignore(_: int) -> None:
    return None


def _copy_topics(reader: McapReader, sink: Sink, topics: set[str]) -> None:
    kept = [channel for channel in channels_of(reader) if channel.topic in topics]
    writer = McapWriter(sink, profile=profile_of(kept))
    numbers: dict[int, int] = {}
    writer.stream("lz4", "lz4")
    for schema, channel, message in reader.iter_messages(topics=topics):
        number = numbers.get(channel.id)
        if number is None:
            number = numbers[channel.id] = writer.channel(channel_of(schema, channel), "lz4")
        writer.message(number, message.log_time, message.publish_time, message.sequence, message.data)
    writer.finish()


def _as_tables(clip: Clip, output: Path, topics: set[str]) -> list[Path]:
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise BadInputError(f"{output} exists and is not an empty folder; nothing was written.")
    output.mkdir(parents=True, exist_ok=True)
    decoders: dict[int, _RowDecoder | None] = {}
    files = {}
    tables = {}
    try:
        with clip.path.open("rb") as file:
            for schema, channel, message in make_reader(file).iter_messages(topics=topics or None):
                if channel.id not in decoders:
                    decoders[channel.id] = _decoder(channel_of(schema, channel), message.data)
                decoder = decoders[channel.id]
                if decoder is None:
                    continue
                if channel.topic not in tables:
                    path = output / f"{port_of(channel.topic)}.csv"
                    files[path] = handle = path.open("w", newline="", encoding="utf-8")
                    tables[channel.topic] = csv.writer(handle)
                    tables[channel.topic].writerow(["t_ns", *decoder.paths])
                try:
                    tables[channel.topic].writerow([message.log_time, *decoder.row(message.data)])
                except FieldError:
                    continue  # a damaged payload; the MCAP has it as it is
    finally:
        for handle in files.values():
            handle.close()
    if not files:
        raise BadInputError(
            f"No topic of {clip.sidecar.name} has fields that can be decoded to numbers or texts; nothing was written."
        )
    return sorted(files)


class _RowDecoder:
    """The cells of a table's row: whole numbers as such, although decoders give floats."""

    def __init__(self, channel: Channel, fields: list[tuple[str, str]]) -> None:
        self.paths = [path for path, _ in fields]
        self._decoder = FieldDecoder(channel, self.paths)
        self._are_whole = [_FRACTION.fullmatch(name) is None for _, name in fields]

    def row(self, data: bytes) -> list[object]:
        """One cell per path.

        Raises:
            FieldError: the payload is damaged.

        """
        values = self._decoder.decode(data)
        return [
            int(value) if may and _is_whole(value) else value
            for value, may in zip(values, self._are_whole, strict=True)
        ]


def _is_whole(value: object) -> bool:
    """A larger one may have lost its last digits on the way, and stays a float so that nobody takes it for exact."""
    return isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT


def _decoder(channel: Channel, sample: bytes) -> _RowDecoder | None:
    try:
        fields = [field for field in list_fields(channel, sample) if "[" not in field[0]][:COLUMNS_MAX]
        return _RowDecoder(channel, fields) if fields else None
    except FieldError:
        return None
