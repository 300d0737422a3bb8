"""A journaled input: every record once, in order, whatever the edge did with it."""

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Generic, TypeVar

from winnow_runtime.journal import JournalReader, Line
from winnow_runtime.locks import is_held
from winnow_runtime.seam import Input
from winnow_schemas.errors import BadInputError
from winnow_schemas.messages import Record

R = TypeVar("R", bound=Record)


class Inbox(Generic[R]):
    """Joins the messages of one input with the journal of the output behind it.

    A message that carries the next number is taken as it is; a gap, a restart and the time after a stop
    are read from the journal. A producer without a journal (a user's own node, another machine) is taken
    message by message.
    """

    def __init__(self, record: type[R], state: Path, source_node: str, output: str, position: int) -> None:
        self._record = record
        self.source = f"{source_node}/{output}"
        """The output behind the input."""
        self._state = state / source_node
        self._reader = JournalReader(self._state / output, position)
        self.position = position
        """Number of the last record that :meth:`take` gave out: what a checkpoint saves."""
        self._known = position
        self._queued: deque[tuple[int, R]] = deque()
        self._dirty = True
        self.unjournaled = 0
        """Messages that came without a number."""
        self.refused = 0
        """Messages and records that could not be read."""

    def offer(self, event: Input) -> None:
        """A message came: keep it if it is the next one, otherwise remember to look into the journal."""
        number = event.metadata.get("n")
        if not isinstance(number, int):
            number = None
        if number is not None and (self._dirty or number != self._known + 1):
            self._dirty = self._dirty or number > self._known
            return
        try:
            record = self._record.from_arrow(event.value)
        except BadInputError:
            self.refused += 1
            self._dirty = self._dirty or number is not None
            return
        if number is None:
            self.unjournaled += 1
        else:
            self._known = number
        self._queued.append((self._known, record))

    def expect(self, number: int) -> None:
        """The producer says that its records reach up to this number: look for those that did not come."""
        self._dirty = self._dirty or number > self._known

    def take(self, *, look: bool = False) -> Iterator[R]:
        """Everything new, in order; ``look`` reads the journal even when no message hinted at it.

        While a record is being handled, ``position`` is its number: a checkpoint may be saved after each.
        """
        while self._queued:
            self.position, record = self._queued.popleft()
            yield record
        if self._dirty or look:
            self._dirty = False
            self._reader.seek(self._known)
            for line in self._reader.read():
                yield from self._given(line)
            self._known = self._reader.position
            self.position = min(self.position, self._known)

    def take_of(self, run_id: str) -> Iterator[R]:
        """What the journal has of one run of the producer, up to the first record of another."""
        self._rewind()
        for line in self._reader.read():
            if self._reader.run != run_id:
                break
            yield from self._given(line)
        self._rewind()

    def next_run(self) -> str:
        """The run of the next record in the journal; empty when there is none."""
        self._rewind()
        run = next((self._reader.run for _ in self._reader.read()), "")
        self._rewind()
        return run

    def _rewind(self) -> None:
        """Forget what was taken in but not given out; it is read from the journal again."""
        self._queued.clear()
        self._known = self.position
        self._reader.seek(self.position)
        self._dirty = True

    def _given(self, line: Line) -> Iterator[R]:
        self._known = self.position = line.number
        try:
            record = self._record.from_builtins(line.record)
        except BadInputError:
            self.refused += 1  # a record of another version: the producer's journal outlives an update
            return
        yield record

    def ended(self, run_id: str) -> bool:
        """Whether the producer has completed this run, as far as has been read."""
        return self._reader.ended(run_id)

    @property
    def damaged(self) -> int:
        """Lines of the journal that were left out because their checksum is wrong."""
        return self._reader.damaged

    @property
    def producer_lives(self) -> bool:
        """Whether the producer's process runs at this moment."""
        return is_held(self._state / "lock")
