"""A recording: one or many files, played as one stream in time order."""

import heapq
import weakref
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from winnow_operators.clips.judging import Amount
from winnow_runtime.recordings.bag_folder import BagFolder, read_folder
from winnow_runtime.recordings.container import Container, open_file
from winnow_runtime.recordings.faults import Faults, RecordingError
from winnow_runtime.recordings.limits import DEFAULT_LIMITS, Limits
from winnow_runtime.recordings.sizes import window_amounts
from winnow_runtime.recordings.source import SourceFile
from winnow_runtime.recordings.statistics import TopicStatistics, topic_statistics
from winnow_runtime.recordings.unpacking import UnpackedFiles, UnpackedMessages
from winnow_schemas.channel import Channel, Message

Progress = Callable[[float], None]
"""Called with the part done, 0 to 1, from time to time."""
_PROGRESS_EVERY = 4096


class Recording:
    """Original payloads, times and schemas of a recording. Use it as a context manager, or close it.

    Memory while playing: per file, the chunks that overlap in time at the current moment (usually one to
    three) up to ``limits.cache_bytes`` and 16 bytes per message in them; files of a bag are opened together
    only where they overlap. Payloads of 4 KiB and more are views into their chunk: whoever keeps one keeps
    the chunk.
    """

    def __init__(self, path: Path, container: Container, files: Sequence[SourceFile], faults: Faults) -> None:
        self.path = path
        self.container = container
        self._files = list(files)
        self._faults = faults
        played = [file for file in files if file.end_ns > file.start_ns or file.message_count != 0]
        self.channels: tuple[Channel, ...] = tuple(
            sorted({channel for file in files for channel in file.channels.values()}, key=_channel_key)
        )
        """Every channel, sorted by topic; a topic has several where its publishers differ."""
        self.start_ns: int = min((file.start_ns for file in played), default=0)
        """Log time of the first message; 0 without messages."""
        self.end_ns: int = max((file.end_ns for file in played), default=0)
        """One after the log time of the last message, so that ``[start_ns, end_ns)`` is everything."""
        counts = [file.message_count for file in files]
        self.message_count: int | None = (
            None if None in counts else sum(number for number in counts if number is not None)
        )
        """As the files say or as counted; messages in damaged chunks are included where an index counts them."""
        self._statistics: dict[str, TopicStatistics] | None = None

    @property
    def problems(self) -> tuple[str, ...]:
        """What is missing or damaged, and how much: sentences. Complete once everything was played."""
        return self._faults.sentences()

    @property
    def size_bytes(self) -> int:
        """Of the files on disk."""
        paths = self.path.iterdir() if self.path.is_dir() else [self.path]
        return sum(path.stat().st_size for path in paths if path.is_file())

    def messages(
        self,
        topics: Collection[str] | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
    ) -> Iterator[Message]:
        """Messages in log time order, equal times in the order of the files, of ``[start_ns, end_ns)``.

        Topics that the recording does not have give nothing. Damage ends nothing: it is added to
        ``problems``, and the rest goes on.

        Raises:
            RecordingError: the file changed on disk while it was played, or was closed.

        """
        wanted = None if topics is None else frozenset(topics)
        files = [file for file in self._files if file.end_ns > file.start_ns or file.message_count != 0]
        if len(files) == 1:
            return files[0].messages(wanted, start_ns, end_ns)
        return _merged(files, lambda file: file.messages(wanted, start_ns, end_ns))

    def keep_sizes(self, from_ns: int) -> None:
        """Remember sizes while playing, for :meth:`amounts` of windows that begin at ``from_ns`` or later."""
        for file in self._files:
            file.keep_sizes(from_ns)

    def amounts(self, start_ns: int, end_ns: int, *, checked: bool = False) -> dict[str, Amount]:
        """What each topic holds in ``[start_ns, end_ns)``: exact, and without payloads where they are not needed.

        Costs little for what is being played at that time (see :meth:`keep_sizes`). For the rest an index is
        believed where it tells sizes, unless ``checked``: then all is read, and damaged chunks count as nothing.
        """
        totals: dict[str, Amount] = {}
        for file in self._files:
            if file.end_ns > start_ns and file.start_ns < end_ns:
                for number, amount in window_amounts(
                    file.sizes(start_ns, end_ns, checked=checked), start_ns, end_ns
                ).items():
                    topic = file.channels[number].topic
                    before = totals.get(topic, Amount(0, 0))
                    totals[topic] = Amount(
                        before.messages + amount.messages, before.payload_bytes + amount.payload_bytes
                    )
        return dict(sorted(totals.items()))

    def topics(self, progress: Progress | None = None) -> dict[str, TopicStatistics]:
        """Count, bytes and rate per topic: one pass over everything, remembered."""
        if self._statistics is None:
            self._statistics = topic_statistics(self.channels, self._watched(progress))
        return self._statistics

    def _watched(self, progress: Progress | None) -> Iterator[Message]:
        if progress is None:
            return self.messages()
        return with_progress(self.messages(), self.start_ns, self.end_ns, progress)

    def close(self) -> None:
        """Give descriptors and temporary files back; idempotent."""
        for file in self._files:
            file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_recording(path: Path | str, limits: Limits = DEFAULT_LIMITS) -> Recording:
    """Open an MCAP file, a ROS 1 bag, or a ROS 2 bag (its folder or one of its files).

    Raises:
        RecordingError: it is missing, empty, of an unknown kind, encrypted, or beyond a limit.

    """
    path = Path(path)
    faults = Faults(limits.problems)
    if path.is_dir():
        return _open_folder(path, limits, faults)
    container, file = open_file(path, limits, faults)
    return Recording(path, container, [file], faults)


def _open_folder(path: Path, limits: Limits, faults: Faults) -> Recording:
    folder = read_folder(path, limits, faults)
    unpacked = UnpackedFiles(limits, faults) if folder.compresses_files else None
    files: list[SourceFile] = []
    refused: list[RecordingError] = []
    try:
        for part in folder.files:
            try:
                files.append(_open_part(part, folder, unpacked, limits, faults))
            except RecordingError as error:
                refused.append(error)
                faults.add(f"{error} The other files of {path.name} were read.")
        if not files:
            raise refused[0]  # noqa: TRY301 - the same clean-up as for any other failure
    except BaseException:
        for file in files:
            file.close()
        if unpacked is not None:
            unpacked.close()
        raise
    recording = Recording(path, Container.ROS2, files, faults)
    if unpacked is not None:
        weakref.finalize(recording, unpacked.close)
    return recording


def _open_part(
    part: Path, folder: BagFolder, unpacked: UnpackedFiles | None, limits: Limits, faults: Faults
) -> SourceFile:
    if unpacked is not None and part.suffix == ".zstd":
        part = unpacked.unpack(part)
    _, file = open_file(part, limits, faults)
    for number, channel in file.channels.items():
        qos = folder.qos.get(channel.topic)
        if qos and "offered_qos_profiles" not in dict(channel.metadata):
            pairs = (*channel.metadata, ("offered_qos_profiles", qos))
            file.channels[number] = replace(channel, metadata=tuple(sorted(pairs)))
    return UnpackedMessages(file, limits, faults) if folder.compresses_messages else file


def with_progress(
    messages: Iterator[Message], start_ns: int, end_ns: int, progress: Progress
) -> Iterator[Message]:
    """Pass messages on, and now and then tell how far they are in ``[start_ns, end_ns)``."""
    span_ns = max(1, end_ns - start_ns)
    for number, message in enumerate(messages):
        if number % _PROGRESS_EVERY == 0:
            progress(min(1.0, max(0.0, (message.t_ns - start_ns) / span_ns)))
        yield message
    progress(1.0)


def _merged(
    files: Sequence[SourceFile], play: Callable[[SourceFile], Iterator[Message]]
) -> Iterator[Message]:
    """Merge files by time, opening each only when its first message may be due; ties by place in the bag."""
    waiting = sorted(enumerate(files), key=lambda item: (item[1].start_ns, item[0]), reverse=True)
    open_streams: list[tuple[int, int, Message, Iterator[Message]]] = []
    while open_streams or waiting:
        while waiting and (not open_streams or waiting[-1][1].start_ns <= open_streams[0][0]):
            place, file = waiting.pop()
            stream = play(file)
            first = next(stream, None)
            if first is not None:
                heapq.heappush(open_streams, (first.t_ns, place, first, stream))
        if not open_streams:
            continue
        _, place, message, stream = open_streams[0]
        yield message
        following = next(stream, None)
        if following is None:
            heapq.heappop(open_streams)
        else:
            heapq.heapreplace(open_streams, (following.t_ns, place, following, stream))


def _channel_key(channel: Channel) -> tuple[str, str, str, tuple[tuple[str, str], ...], bytes]:
    return channel.topic, channel.encoding, channel.schema_name, channel.metadata, channel.schema_data
