"""Writes a simulated run as an MCAP file, and its ground truth as JSON beside it."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from mcap.writer import CompressionType, Writer

from winnow_operators.sim import Simulator
from winnow_schemas.channel import Channel, Message
from winnow_schemas.errors import BadInputError, UnavailableError

CHUNK_BYTES = 1024 * 1024
"""MCAP's usual chunk; a merged cloud of 2.9 MB gets one of its own."""
PROGRESS_NS = 1_000_000_000
"""Message time between two reports of progress."""
TEMPORARY = ".part"


class Compression(StrEnum):
    """How chunks are compressed."""

    NONE = "none"
    LZ4 = "lz4"
    ZSTD = "zstd"


_MCAP = {
    Compression.NONE: CompressionType.NONE,
    Compression.LZ4: CompressionType.LZ4,
    Compression.ZSTD: CompressionType.ZSTD,
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an export has got."""

    done: float
    """0-1, in message time."""
    messages: int
    payload_bytes: int


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    path: Path
    truth_path: Path
    messages: int
    payload_bytes: int
    file_bytes: int


def export(
    simulator: Simulator,
    path: Path,
    *,
    compression: Compression = Compression.LZ4,
    on_progress: Callable[[Progress], None] | None = None,
) -> Exported:
    """Write ``path`` and ``NAME.truth.json``; both appear whole or not at all.

    Raises:
        BadInputError: the path does not end in ``.mcap`` or its folder does not exist.
        UnavailableError: the files cannot be written.

    """
    if path.suffix != ".mcap":
        raise BadInputError(f"{path} does not end in .mcap; nothing was written. Give a name that does.")
    if not path.parent.is_dir():
        raise BadInputError(f"There is no folder {path.parent}; nothing was written. Make it first.")
    truth_path = path.with_suffix(".truth.json")
    temporary = path.with_name(path.name + TEMPORARY)
    try:
        with temporary.open("wb") as file:
            messages, payload_bytes = _write(file, simulator, compression, on_progress)
            _sync(file)
        truth_temporary = truth_path.with_name(truth_path.name + TEMPORARY)
        with truth_temporary.open("wb") as file:
            file.write(simulator.ground_truth().to_json())
            _sync(file)
        truth_temporary.replace(truth_path)
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UnavailableError(
            f"{path} cannot be written ({error.strerror}); the export was stopped and nothing was left behind."
        ) from None
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return Exported(path, truth_path, messages, payload_bytes, path.stat().st_size)


def _write(
    file: BinaryIO,
    simulator: Simulator,
    compression: Compression,
    on_progress: Callable[[Progress], None] | None,
) -> tuple[int, int]:
    writer = Writer(file, chunk_size=CHUNK_BYTES, compression=_MCAP[compression])
    writer.start(profile="ros2", library="winnow-sim")
    channels = _register(writer, simulator.channels)
    writer.add_metadata("winnow_sim", _about(simulator))
    messages = payload_bytes = 0
    report_ns = simulator.start_ns + PROGRESS_NS
    for message in simulator.messages():
        messages += 1
        payload_bytes += len(message.data)
        _add(writer, channels, message, messages)
        if on_progress is not None and message.t_ns >= report_ns:
            share = (message.t_ns - simulator.start_ns) / (simulator.end_ns - simulator.start_ns)
            on_progress(Progress(share, messages, payload_bytes))
            report_ns += PROGRESS_NS
    writer.finish()  # type: ignore[no-untyped-call]
    if on_progress is not None:
        on_progress(Progress(1.0, messages, payload_bytes))
    return messages, payload_bytes


def _register(writer: Writer, channels: tuple[Channel, ...]) -> dict[str, int]:
    schemas: dict[str, int] = {}
    numbers: dict[str, int] = {}
    for channel in channels:
        if channel.schema_name not in schemas:
            schemas[channel.schema_name] = writer.register_schema(
                channel.schema_name, channel.schema_encoding, channel.schema_data
            )
        numbers[channel.topic] = writer.register_channel(
            channel.topic, channel.encoding, schemas[channel.schema_name], dict(channel.metadata)
        )
    return numbers


def _add(writer: Writer, channels: dict[str, int], message: Message, sequence: int) -> None:
    writer.add_message(
        channels[message.channel.topic], message.t_ns, bytes(message.data), message.pub_ns, sequence
    )


def _about(simulator: Simulator) -> dict[str, str]:
    """Says that this was never measured, and how to make it again."""
    return {
        "script": simulator.script.name,
        "seed": str(simulator.seed),
        "scale": repr(simulator.scale),
        "sensors": "pooled: clouds and images are cycled and do not show the vehicle's place"
        if simulator.pool
        else "rendered",
    }


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
