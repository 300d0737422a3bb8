"""What recovery saved, what it could not, and why: as values, as JSON, as sentences."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from winnow_runtime.recordings.faults import count, when

LISTED_MAX = 1000
"""Losses listed one by one; more are counted."""
_SAID_MAX = 20
"""Losses said as sentences; the JSON has the others."""


class Outcome(StrEnum):
    """How it went; the command's exit code follows from it."""

    CLEAN = "clean"
    """Everything that the file holds is in the output."""
    LOSSY = "lossy"
    """Something is lost, left out, or given out without proof that it is right."""
    HOPELESS = "hopeless"
    """Nothing could be saved; there is no output."""


NO_CHECKSUM = "no checksum covers them"
IN_DAMAGE = "they were saved from a damaged part"
NO_DEFINITION = "no checksum covers the record that says which topic they belong to"


@dataclass(frozen=True, slots=True)
class SkippedBytes:
    """A stretch of the input that is not in the output."""

    offset: int
    length: int
    reason: str
    after_ns: int | None
    """Time of the last message before it; None when there is none."""
    before_ns: int | None = None
    """Time of the first message behind it."""

    def sentence(self) -> str:
        between = ""
        if self.after_ns is not None and self.before_ns is not None:
            between = f", between the messages of {when(self.after_ns)} and {when(self.before_ns)}"
        elif self.after_ns is not None:
            between = f", behind the last message ({when(self.after_ns)})"
        elif self.before_ns is not None:
            between = f", before the first message ({when(self.before_ns)})"
        return f"{count(self.length, 'byte')} at byte {self.offset:,} were skipped{between}: {self.reason}."


@dataclass(frozen=True, slots=True)
class LostRange:
    """Messages that are known to be lost."""

    topic: str | None
    """None: of which topics is not known."""
    start_ns: int
    end_ns: int
    """Half-open."""
    messages: int | None
    """None: how many is not known."""
    offset: int
    """Of the chunk that held them."""
    reason: str

    def sentence(self) -> str:
        what = (
            "messages (how many is not known)" if self.messages is None else count(self.messages, "message")
        )
        topic = f" of {self.topic}" if self.topic is not None else ""
        return (
            f"Lost: {what}{topic} from {when(self.start_ns)} to {when(self.end_ns)} in the chunk at byte "
            f"{self.offset:,}: {self.reason}."
        )


@dataclass(slots=True)
class TopicResult:
    """What became of a topic."""

    topic: str
    messages: int = 0
    """In the output."""
    payload_bytes: int = 0
    unverified: int = 0
    """Of these; the output does not prove that they are right."""
    left_out: int = 0
    """Unverified ones that are not in the output (``strict``)."""
    stated: int | None = None
    """How many the file says that it holds; None when it does not say."""
    first_ns: int = 0
    last_ns: int = 0


@dataclass(slots=True)
class Report:
    """Filled while a file is recovered."""

    path: str
    size_bytes: int
    container: str = "MCAP file"
    output: str | None = None
    output_bytes: int = 0
    strict: bool = False
    is_finished: bool = False
    """The file has its end mark: its writer had nothing more to write."""
    sections: int = 0
    """Files that were glued together; 1 as a rule."""
    topics: dict[str, TopicResult] = field(default_factory=dict)
    attachments: int = 0
    metadata: int = 0
    skipped: list[SkippedBytes] = field(default_factory=list)
    skipped_bytes: int = 0
    lost: list[LostRange] = field(default_factory=list)
    unlisted: int = 0
    """Losses beyond the thousand that are listed."""
    unverified: dict[str, int] = field(default_factory=dict)
    """Reason -> messages."""
    notes: list[str] = field(default_factory=list)
    """What was repaired or is worth knowing, without loss."""
    is_damaged: bool = False
    """Something of the data themselves was lost or cannot be trusted."""
    _last_ns: int | None = None
    _open: int = 0
    """First of the skipped stretches that wait for the message behind them."""

    # --- filling ------------------------------------------------------------------------------------------

    def skip(self, offset: int, length: int, reason: str, *, harmless: bool = False) -> None:
        """Bytes that are not in the output; ``harmless``: they can only have been index."""
        self.is_damaged = self.is_damaged or not harmless
        self.skipped_bytes += length
        if len(self.skipped) < LISTED_MAX:
            self.skipped.append(SkippedBytes(offset, length, reason, self._last_ns))
        else:
            self.unlisted += 1

    def lose(self, lost: LostRange) -> None:
        """Messages that are known to be lost."""
        self.is_damaged = True
        if len(self.lost) < LISTED_MAX:
            self.lost.append(lost)
        else:
            self.unlisted += 1

    def note(self, sentence: str) -> None:
        if sentence not in self.notes and len(self.notes) < LISTED_MAX:
            self.notes.append(sentence)

    def topic(self, name: str) -> TopicResult:
        return self.topics.setdefault(name, TopicResult(name))

    def passed(self, first_ns: int, last_ns: int) -> None:
        """Messages of this time were saved: now it is known what lies behind the last skipped stretch."""
        for place in range(self._open, len(self.skipped)):
            item = self.skipped[place]
            self.skipped[place] = SkippedBytes(item.offset, item.length, item.reason, item.after_ns, first_ns)
        self._open = len(self.skipped)
        self._last_ns = last_ns

    # --- reading ------------------------------------------------------------------------------------------

    @property
    def messages(self) -> int:
        return sum(topic.messages for topic in self.topics.values())

    @property
    def left_out(self) -> int:
        return sum(topic.left_out for topic in self.topics.values())

    @property
    def missing(self) -> int:
        """Messages that the file says it holds and the output does not have."""
        return sum(
            max(0, topic.stated - topic.messages)
            for topic in self.topics.values()
            if topic.stated is not None
        )

    @property
    def is_empty(self) -> bool:
        return not (self.messages or self.attachments or self.metadata)

    @property
    def outcome(self) -> Outcome:
        # A good file may be empty; of a bad one nothing is left.
        if self.is_empty and (self.is_damaged or not self.is_finished):
            return Outcome.HOPELESS
        return Outcome.LOSSY if self.is_damaged or self.left_out or self.missing else Outcome.CLEAN

    def to_json(self) -> dict[str, Any]:
        """Plain values; times in nanoseconds UTC, ranges half-open."""
        return {
            "input": self.path,
            "container": self.container,
            "input_bytes": self.size_bytes,
            "output": self.output,
            "output_bytes": self.output_bytes,
            "outcome": str(self.outcome),
            "strict": self.strict,
            "finished": self.is_finished,
            "sections": self.sections,
            "messages": self.messages,
            "unverified": sum(topic.unverified for topic in self.topics.values()),
            "left_out": self.left_out,
            "attachments": self.attachments,
            "metadata": self.metadata,
            "topics": [
                {
                    "topic": topic.topic,
                    "messages": topic.messages,
                    "payload_bytes": topic.payload_bytes,
                    "unverified": topic.unverified,
                    "left_out": topic.left_out,
                    "stated": topic.stated,
                    "first_ns": topic.first_ns,
                    "last_ns": topic.last_ns,
                }
                for _, topic in sorted(self.topics.items())
            ],
            "unverified_reasons": self.unverified,
            "skipped_bytes": self.skipped_bytes,
            "skipped": [
                {
                    "offset": item.offset,
                    "length": item.length,
                    "reason": item.reason,
                    "after_ns": item.after_ns,
                    "before_ns": item.before_ns,
                }
                for item in self.skipped
            ],
            "lost": [
                {
                    "topic": item.topic,
                    "start_ns": item.start_ns,
                    "end_ns": item.end_ns,
                    "messages": item.messages,
                    "chunk_offset": item.offset,
                    "reason": item.reason,
                }
                for item in self.lost
            ],
            "unlisted_losses": self.unlisted,
            "notes": self.notes,
        }

    def sentences(self) -> list[str]:
        """The same for people, the most important first."""
        if self.outcome is Outcome.HOPELESS:
            return [f"{self.path}: nothing could be saved.", *self._details()]
        size = f"{count(self.messages, 'message')} of {count(len(self.topics), 'topic')}"
        extra = "".join(
            f", {count(number, noun)}"
            for number, noun in ((self.attachments, "attachment"), (self.metadata, "metadata record"))
            if number
        )
        first = {
            Outcome.CLEAN: f"{self.path}: everything in it was recovered ({size}{extra}).",
            Outcome.LOSSY: f"{self.path}: recovered with losses ({size}{extra} saved).",
        }[self.outcome]
        return [first, *self._details()]

    def _details(self) -> list[str]:
        lines = [
            f"{count(number, 'message')} cannot be proven right: {reason}."
            for reason, number in self.unverified.items()
        ]
        if self.left_out:
            lines.append(f"{count(self.left_out, 'unverified message')} left out, as --strict asks.")
        if self.missing:
            lines.append(f"{count(self.missing, 'message')} that the file says it holds could not be saved.")
        losses = [*(item.sentence() for item in self.lost), *(item.sentence() for item in self.skipped)]
        lines += losses[:_SAID_MAX]
        rest = len(losses) - len(losses[:_SAID_MAX]) + self.unlisted
        if rest:
            lines.append(f"{rest:,} more {'loss is' if rest == 1 else 'losses are'} in the report.")
        return [*lines, *self.notes]
