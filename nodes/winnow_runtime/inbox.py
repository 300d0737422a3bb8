"""A journaled input: every record once, in order, whatever the edge did with it."""

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Generic, TypeVar

from winnow_runtime.journal import JournalReader
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
        self._state = state / source_node
        self._reader = JournalReader(self._state / output, position)
        self.position = position
        """Number of the last record that :meth:`take` gave out: what a checkpoint saves."""
        self._known = position
        self._queued: deque[tuple[int, R]] = deque()
        self._dirty = True
        self.unjournaled = 0
        """Messages that came without a number."""

    def offer(self, event: Input) -> None:
        """A message came: keep it if it is the next one, otherwise remember to look into the journal."""
        number = event.metadata.get("n")
        if number is None:
            self._queued.append((self._known, self._record.from_arrow(event.value)))
            self.unjournaled += 1
        elif number == self._known + 1 and not self._dirty:
            self._queued.append((number, self._record.from_arrow(event.value)))
            self._known = number
        elif number > self._known:
            self._dirty = True

    def take(self, *, look: bool = False) -> Iterator[R]:
        """Everything new, in order; ``look`` reads the journal even when no message hinted at it.

        While a record is being handled, ``position`` is its number: a checkpoint may be saved after each.
        """
        while self._queued:
            self.position, record = self._queued.popleft()
            yield record
        if self._dirty or look:
            self._dirty = False
            self._reader.position = self._known
            for line in self._reader.read():
                self._known = self.position = line.number
                try:
                    yield self._record.from_builtins(line.record)
                except BadInputError:
                    continue  # a record of another version: the producer's journal outlives an update

    def ended(self, run_id: str) -> bool:
        """Whether the producer has completed this run, as far as has been read."""
        return self._reader.ended(run_id)

    @property
    def producer_lives(self) -> bool:
        """Whether the producer's process runs at this moment."""
        return is_held(self._state / "lock")
