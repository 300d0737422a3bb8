"""Reads a recording once and lets several settings decide on it."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from winnow_operators.clips.judging import Amount
from winnow_operators.stream.ties import in_decision_order
from winnow_operators.triggers.feeding import feed
from winnow_operators.triggers.signals import SignalReader
from winnow_runtime.recordings import Recording, open_recording
from winnow_schemas.channel import Channel, Message
from winnow_tools.whatif.variant import Decided, Variant, VariantRun

_CLOSE_EVERY_NS = 1_000_000_000
"""Message time between two looks at which windows have closed, and at which sizes may be forgotten."""
_WEIGHED_KEPT = 256
"""Windows whose content is remembered: other settings usually ask for the same ones."""
_LAST_SPAN_NS = 10_000_000
"""How far from its end a recording is first searched for its last message."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """One recording under all settings."""

    path: Path
    start_ns: int
    """Time of the first message; 0 without any."""
    end_ns: int
    """One after the last message."""
    messages: int
    """Read and decoded for signals."""
    topics: tuple[str, ...]
    """Read for signals, of those that the recording has."""
    problems: tuple[str, ...]
    decided: tuple[Decided, ...]
    """By settings, in the order given."""


class _Group:
    """Settings with the same signals share what is decoded for them."""

    def __init__(self, reader: SignalReader, runs: list[VariantRun]) -> None:
        self.reader = reader
        self.runs = runs

    def take(self, message: Message, number: int) -> None:
        """Decode once, decide for each."""
        signals, zones = self.reader.read(message.channel.topic, number, message.t_ns, bytes(message.data))
        for run in self.runs:
            outcomes = list(feed(run.engine, message.t_ns, signals, zones))
            if outcomes:
                run.take(outcomes)
        if self.reader.problems:
            for topic, sentence in self.reader.problems:
                for run in self.runs:
                    run.undecodable(topic, sentence)
            self.reader.problems.clear()


class Replay:
    """One pass over one recording."""

    def __init__(self, recording: Recording, variants: Sequence[Variant], *, checked: bool = False) -> None:
        """Check the settings. ``checked``: open also what an index describes (see ``Recording.amounts``).

        Raises:
            BadInputError: settings do not fit.

        """
        self._recording = recording
        self._checked = checked
        self._weighed: dict[tuple[int, int], dict[str, Amount]] = {}
        self._runs = [VariantRun(variant, self._weigh) for variant in variants]
        self._channels: list[Channel] = []
        self._numbers: dict[int, int] = {}
        """``id`` of a channel (the recording keeps it alive) -> number."""
        self._groups = self._grouped()
        self._pre_roll_ns = max(run.longest_pre_roll_ns for run in self._runs)

    def _grouped(self) -> list[_Group]:
        groups: list[tuple[object, _Group]] = []
        for run in self._runs:
            zones = run.variant.settings.zones
            key = (run.signals, zones)
            same = next((group for known, group in groups if known == key), None)
            if same is None:
                reader = SignalReader(run.signals, zones, self._channels.__getitem__)
                groups.append((key, _Group(reader, [run])))
            else:
                same.runs.append(run)
        return [group for _, group in groups]

    @property
    def topics(self) -> frozenset[str]:
        """What is read and decoded."""
        return frozenset[str]().union(*(group.reader.topics for group in self._groups))

    def run(self, tell: Callable[[int], None]) -> Replayed:
        """Read everything; ``tell`` hears the message time reached, about once per second of it."""
        first_ns, last_ns = first_and_last(self._recording)
        messages = 0
        if first_ns is not None and last_ns is not None:
            for run in self._runs:
                run.engine.start(first_ns)
            messages = self._read(first_ns, tell)
            for run in self._runs:
                run.take(run.engine.advance(last_ns))
                run.take(run.engine.finish(last_ns))
                run.finish(last_ns)
        there = {channel.topic for channel in self._recording.channels}
        return Replayed(
            self._recording.path,
            first_ns or 0,
            0 if last_ns is None else last_ns + 1,
            messages,
            tuple(sorted(self.topics & there)),
            self._recording.problems,
            tuple(run.result() for run in self._runs),
        )

    def _read(self, first_ns: int, tell: Callable[[int], None]) -> int:
        recording, topics = self._recording, self.topics
        by_topic = {
            topic: [group for group in self._groups if topic in group.reader.topics] for topic in topics
        }
        recording.keep_sizes(first_ns - self._pre_roll_ns)
        due_ns, count = first_ns, 0
        for message in in_decision_order(recording.messages(topics=topics)):
            count += 1
            if message.t_ns >= due_ns:
                due_ns = message.t_ns + _CLOSE_EVERY_NS
                self._close(message.t_ns)
                tell(message.t_ns)
            number = self._numbers.get(id(message.channel))
            if number is None:
                number = self._number(message.channel)
            for group in by_topic[message.channel.topic]:
                group.take(message, number)
        return count

    def _number(self, channel: Channel) -> int:
        """Equal channels of several files are one, as they are in the rings."""
        if channel not in self._channels:
            self._channels.append(channel)
        number = self._numbers[id(channel)] = self._channels.index(channel)
        return number

    def _close(self, t_ns: int) -> None:
        """Judge what has closed, and forget sizes that no window can want any more."""
        for run in self._runs:
            run.take(run.engine.advance(t_ns))
            run.advance(t_ns)
        needed_ns = min(run.needed_from_ns for run in self._runs)
        self._recording.keep_sizes(min(needed_ns, t_ns - self._pre_roll_ns))

    def _weigh(self, start_ns: int, end_ns: int) -> dict[str, Amount]:
        amounts = self._weighed.get((start_ns, end_ns))
        if amounts is None:
            amounts = self._weighed[start_ns, end_ns] = self._recording.amounts(
                start_ns, end_ns, checked=self._checked
            )
            if len(self._weighed) > _WEIGHED_KEPT:
                del self._weighed[next(iter(self._weighed))]
        return amounts


def first_and_last(recording: Recording) -> tuple[int | None, int | None]:
    """Times of the first and the last message that can be played, of any topic; None without any.

    What a file says of its extent may be wrong, or belong to a damaged chunk: both ends are read.
    """
    first = next(recording.messages(), None)
    if first is None:
        return None, None
    last_ns = first.t_ns
    span_ns = _LAST_SPAN_NS
    while True:
        start_ns = max(first.t_ns, recording.end_ns - span_ns)
        found = [message.t_ns for message in recording.messages(start_ns=start_ns)]
        if found:
            return first.t_ns, max(last_ns, *found)
        if start_ns <= first.t_ns:
            return first.t_ns, last_ns
        span_ns *= 16


def replay_all(
    paths: Collection[Path],
    variants: Sequence[Variant],
    progress: Callable[[float], None] | None = None,
    *,
    checked: bool = False,
) -> Iterator[Replayed]:
    """Each recording is a run of its own, as it is under dora: windows, cooldowns and budgets begin anew.

    Raises:
        BadInputError: a recording cannot be read, or settings do not fit.

    """
    for number, path in enumerate(paths):
        with open_recording(path) as recording:
            span_ns = max(1, recording.end_ns - recording.start_ns)
            start_ns, done = recording.start_ns, number / len(paths)

            def tell(
                t_ns: int, *, start_ns: int = start_ns, span_ns: int = span_ns, done: float = done
            ) -> None:
                if progress is not None:
                    progress(done + min(1.0, (t_ns - start_ns) / span_ns) / len(paths))

            yield Replay(recording, variants, checked=checked).run(tell)
