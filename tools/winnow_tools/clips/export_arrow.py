"""Takes the values that nodes sent out of a clip again, as they were: an Arrow file per topic."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, Self

import pyarrow as pa
from mcap.reader import make_reader

from winnow_operators.native.faults import NativeError
from winnow_operators.native.keeping import is_native, restore
from winnow_runtime.mcapfile.records import channel_of
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError
from winnow_schemas.ids import port_of
from winnow_tools.clips.collection import Clip


class Restored(NamedTuple):
    """What came back."""

    written: list[Path]
    left_out: list[str]
    """Sentences."""


def as_arrow(clip: Clip, output: Path, topics: set[str]) -> Restored:
    """Write each topic's values with their times and metadata, every one checked against its checksum.

    Raises:
        BadInputError: the output is no empty folder, or the clip has no such topic.
        OSError: the disk refuses.

    """
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise BadInputError(f"{output} exists and is not an empty folder; nothing was written.")
    channels: dict[int, Channel] = {}
    files: dict[int, _File] = {}
    refused: dict[str, tuple[int, str]] = {}
    names: set[str] = set()
    with clip.path.open("rb") as source, ExitStack() as open_files:
        for schema, record, message in make_reader(source).iter_messages(topics=topics or None):
            channel = channels.setdefault(record.id, channel_of(schema, record))
            if not is_native(channel):
                continue
            try:
                value, metadata = restore(channel, message.data)
            except NativeError as error:
                count, sentence = refused.get(channel.topic, (0, str(error)))
                refused[channel.topic] = count + 1, sentence
                continue
            if record.id not in files:
                output.mkdir(parents=True, exist_ok=True)
                path = _free(output, port_of(channel.topic), names)
                files[record.id] = open_files.enter_context(_File(path, value.type))
            files[record.id].write(message.log_time, json.dumps(metadata), value)
    left_out = [
        f"{count} messages of {topic} were not restored. The first: {first}"
        for topic, (count, first) in refused.items()
    ]
    if not files:
        raise BadInputError(
            " ".join(left_out) or f"No topic of {clip.sidecar.name} was an Arrow value; nothing was written."
        )
    return Restored(sorted(file.path for file in files.values()), left_out)


class _File:
    """An Arrow IPC file: a row per message, the value as a list of the rows that it had."""

    def __init__(self, path: Path, kind: pa.DataType) -> None:
        self.path = path
        self._schema = pa.schema(
            [("t_ns", pa.int64()), ("metadata", pa.string()), ("value", pa.large_list(kind))]
        )
        self._writer = pa.ipc.new_file(path, self._schema)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def write(self, t_ns: int, metadata: str, value: pa.Array) -> None:
        listed = pa.LargeListArray.from_arrays(pa.array([0, len(value)], pa.int64()), value)
        self._writer.write_batch(
            pa.record_batch([pa.array([t_ns]), pa.array([metadata]), listed], schema=self._schema)
        )


def _free(folder: Path, port: str, names: set[str]) -> Path:
    """A topic whose values changed their type has a file for each."""
    name, number = port, 1
    while name in names:
        number += 1
        name = f"{port}_{number}"
    names.add(name)
    return folder / f"{name}.arrow"
