"""What all rings of one run share: a folder with the board, the channels, and the readers' cells.

``/dev/shm/winnow-<run id>/``

* ``board``: the ring's newest heartbeat; one writer, read under a sequence lock.
* ``channels.jsonl``: one line per channel, appended before its first message is written.
* ``<port>.ring``: the rings.
* ``<reader>.cell``: each reader's progress; one writer each. Readers never write anywhere else.
"""

import base64
import json
import mmap
import os
import struct
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from winnow_runtime.processes import Process
from winnow_runtime.ring.layout import NO_TIME
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError

CHANNELS = "channels.jsonl"
_BOARD = struct.Struct("@QQqqQQQQ")
_CELL = struct.Struct("@QqqQQQQ")
_BYTES = 4096
_TRIES = 1000
"""A writer that died inside a write leaves the lock closed until it is back: then the last beat stands."""


class End(IntEnum):
    """How the stream of a run stands."""

    RUNNING = 0
    ENDED = 1
    """The source said that this was all, and all of it is here."""
    STOPPED = 2
    """The graph was stopped; what is here is all there will be."""


@dataclass(frozen=True, slots=True)
class Beat:
    """A consistent state of all rings."""

    number: int
    watermark_ns: int
    newest_ns: int
    messages: int
    bytes: int
    lost: int
    end: End


class Board:
    """The newest heartbeat in shared memory; survives its writer."""

    def __init__(self, folder: Path, *, write: bool) -> None:
        path = folder / "board"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT if write else os.O_RDONLY, 0o600)
        try:
            if write:
                os.ftruncate(descriptor, _BYTES)
            access = mmap.PROT_READ | (mmap.PROT_WRITE if write else 0)
            self._map = mmap.mmap(descriptor, _BYTES, mmap.MAP_SHARED, access)
        finally:
            os.close(descriptor)
        self._words = memoryview(self._map).cast("Q")
        self._last = Beat(0, NO_TIME, NO_TIME, 0, 0, 0, End.RUNNING)

    def write(self, beat: Beat) -> None:
        """Publish; readers see either the old or the new one."""
        lock = self._words[0] | 1
        self._words[0] = lock
        _BOARD.pack_into(
            self._map,
            8,
            beat.number,
            beat.messages,
            beat.watermark_ns,
            beat.newest_ns,
            beat.bytes,
            beat.lost,
            beat.end,
            0,
        )
        self._words[0] = lock + 1

    def read(self) -> Beat:
        """The newest beat; number 0 when there was none yet."""
        for _ in range(_TRIES):
            before = self._words[0]
            number, messages, watermark, newest, size, lost, end, _unused = _BOARD.unpack_from(self._map, 8)
            if before & 1 == 0 and self._words[0] == before:
                self._last = Beat(number, watermark, newest, messages, size, lost, End(end))
                break
        return self._last


class Cell:
    """A reader's progress, for the ring to see.

    ``done``: the heartbeat up to which the reader has everything it wanted, durably.
    ``hold_ns``: it still needs messages from this time on in the rings (``FREE``: none).
    ``keep_ns``: it still needs them on disk.
    ``idle``: it has done all it can with what is there, and waits for more.
    ``finished``: it will read no more.
    """

    FREE = 2**63 - 1

    def __init__(self, folder: Path, reader: str) -> None:
        path = folder / f"{reader}.cell"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.ftruncate(descriptor, _CELL.size)
            self._map = mmap.mmap(descriptor, _CELL.size, mmap.MAP_SHARED)
        finally:
            os.close(descriptor)
        self._owner = Process.current()
        done, hold, keep, *_ = _CELL.unpack_from(self._map)
        self.write(done=done, hold_ns=hold, keep_ns=keep)

    def write(
        self,
        *,
        done: int,
        hold_ns: int = FREE,
        keep_ns: int = FREE,
        idle: bool = False,
        finished: bool = False,
    ) -> None:
        """Publish progress."""
        owner = self._owner
        _CELL.pack_into(
            self._map, 0, done, hold_ns, keep_ns, int(idle), int(finished), owner.pid, owner.started_ticks
        )


@dataclass(frozen=True, slots=True)
class CellState:
    """What a reader said last."""

    done: int
    hold_ns: int
    keep_ns: int
    idle: bool
    finished: bool
    owner: Process


def read_cell(folder: Path, reader: str) -> CellState | None:
    """A reader's progress; None when it has not begun."""
    try:
        raw = (folder / f"{reader}.cell").read_bytes()
    except FileNotFoundError:
        return None
    if len(raw) != _CELL.size:
        return None
    done, hold, keep, idle, finished, pid, ticks = _CELL.unpack(raw)
    return CellState(done, hold, keep, bool(idle), bool(finished), Process(pid, ticks))


class Channels:
    """The channels of a run: number -> what is needed to read its payloads."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / CHANNELS
        self._offset = 0
        self._known: dict[int, tuple[str, Channel]] = {}
        self._by_port: dict[str, list[tuple[int, Channel]]] = {}
        self._numbers: dict[tuple[str, Channel], int] = {}
        self.aliases: dict[tuple[str, int], int] = {}
        """(port, the source's own number) -> ours, as announced last; a ring that comes back knows them."""

    def size_bytes(self) -> int:
        """Bytes of the list so far, 0 before it begins; it only grows."""
        try:
            return os.stat(self._path).st_size  # noqa: PTH116 - asked for with each message; a third of the time
        except FileNotFoundError:
            return 0

    def refresh(self) -> None:
        """Read what has been added since."""
        if self.size_bytes() <= self._offset:
            return
        with self._path.open("rb") as file:
            file.seek(self._offset)
            lines = file.read().splitlines(keepends=True)
        for line in lines:
            if not line.endswith(b"\n"):
                break
            self._offset += len(line)
            value = json.loads(line)
            number, port = int(value["number"]), str(value["port"])
            if "topic" in value:
                channel = channel_from_dict(value)
                self._known[number] = (port, channel)
                self._by_port.setdefault(port, []).append((number, channel))
                self._numbers[port, channel] = number
            self.aliases[port, int(value["alias"])] = number

    def announce(self, port: str, alias: int, channel: Channel) -> int:
        """The number of a channel that a source calls ``alias``; a new channel gets one. Only the ring calls this."""
        self.refresh()
        number = self._numbers.get((port, channel))
        if number is not None and self.aliases.get((port, alias)) == number:
            return number
        line: dict[str, object] = {
            "number": len(self._known) if number is None else number,
            "port": port,
            "alias": alias,
        }
        if number is None:
            line |= channel_to_dict(channel)
        with self._path.open("ab") as file:
            file.write(json.dumps(line).encode() + b"\n")
        self.refresh()
        return self.aliases[port, alias]

    def get(self, number: int) -> Channel:
        """The channel of an entry.

        Raises:
            BadInputError: no such channel was announced.

        """
        if number not in self._known:
            self.refresh()
        try:
            return self._known[number][1]
        except KeyError:
            raise BadInputError(
                f"Channel {number} was never announced; its messages cannot be named."
            ) from None

    def by_port(self) -> dict[str, list[tuple[int, Channel]]]:
        """All channels known, per port; not to be changed."""
        self.refresh()
        return self._by_port


def channel_to_dict(channel: Channel) -> dict[str, object]:
    """A channel as JSON values; the schema text in base64, since protobuf schemas are binary."""
    return {
        "topic": channel.topic,
        "encoding": channel.encoding,
        "schema_name": channel.schema_name,
        "schema_encoding": channel.schema_encoding,
        "schema_data": base64.b64encode(channel.schema_data).decode("ascii"),
        "metadata": [list(pair) for pair in channel.metadata],
    }


def channel_from_dict(value: dict[str, object]) -> Channel:
    """The inverse of :func:`channel_to_dict`.

    Raises:
        BadInputError: a field is missing or of the wrong type.

    """
    try:
        metadata = value["metadata"]
        assert isinstance(metadata, list)
        return Channel(
            topic=str(value["topic"]),
            encoding=str(value["encoding"]),
            schema_name=str(value["schema_name"]),
            schema_encoding=str(value["schema_encoding"]),
            schema_data=base64.b64decode(str(value["schema_data"])),
            metadata=tuple((str(key), str(item)) for key, item in metadata),
        )
    except (KeyError, TypeError, ValueError, AssertionError) as error:
        raise BadInputError(f"Not the description of a channel ({error!r}); it was ignored.") from None
