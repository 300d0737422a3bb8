"""What is wrong with a recording: the one error that stops reading, and the list of problems that do not."""

import datetime as dt

from winnow_schemas.errors import BadInputError


class RecordingError(BadInputError):
    """A recording cannot be read at all; the sentence says what was found and what would be read."""


class DamageError(Exception):
    """Bytes do not have the form they should have; caught inside this package and turned into a problem."""


class Faults:
    """Sentences about damage, in the order it was found, each once, at most ``limit`` of them."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._sentences: dict[str, None] = {}
        self._unlisted = 0

    def add(self, sentence: str) -> None:
        """Note a problem; playing the same recording twice notes it once."""
        if sentence in self._sentences:
            return
        if len(self._sentences) < self.limit:
            self._sentences[sentence] = None
        else:
            self._unlisted += 1

    def sentences(self) -> tuple[str, ...]:
        """Everything noted so far."""
        listed = tuple(self._sentences)
        return (
            (*listed, f"There is more damage than the {self.limit} places listed.")
            if self._unlisted
            else listed
        )


def when(t_ns: int) -> str:
    """A time for people, to the millisecond: ``2018-08-02T15:35:02.123Z``."""
    seconds, rest = divmod(t_ns, 1_000_000_000)
    try:
        text = dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return f"{t_ns} ns"
    return f"{text}.{rest // 1_000_000:03d}Z"


def count(number: int, noun: str) -> str:
    """``1 message``, ``12,000 messages``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
