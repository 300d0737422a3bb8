"""A node: its place in the graph, its settings, its folder, and lossless sending and receiving."""

import contextlib
import json
import logging
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from winnow_operators.decisions import DecisionRow, decision
from winnow_runtime import atomic
from winnow_runtime.allocator import return_large_blocks
from winnow_runtime.clock import Clock, SystemClock
from winnow_runtime.inbox import Inbox
from winnow_runtime.journal import FOREVER, JournalWriter
from winnow_runtime.locks import FolderLock
from winnow_runtime.priority import come_first, give_way
from winnow_runtime.seam import Closed, DoraSeam, Event, Input, Seam
from winnow_runtime.wiring import Wiring
from winnow_schemas.errors import BadInputError, UnavailableError, WinnowError
from winnow_schemas.messages import (
    ClipReady,
    Decision,
    Health,
    Outgoing,
    Receipt,
    Record,
    TriggerEvent,
    Verdict,
    VideoOutcome,
    VideoTask,
)
from winnow_schemas.settings import DeviceSettings, load_settings
from winnow_schemas.yaml_source import YamlDocument

R = TypeVar("R", bound=Record)
T = TypeVar("T")

GRACE_S = 8.0
"""After a stop: dora asks again with SIGTERM after 10 s; everything must be closed before that."""
ORPHANED_S = 15.0
"""After the inputs closed: how long a producer may be dead before its consumer stops waiting for it.
A restart takes 0.7 s (measured); dora gives up on a node after its `max_restarts`."""
JOURNALED = frozenset(
    record.URN
    for record in (
        TriggerEvent,
        ClipReady,
        Verdict,
        Outgoing,
        Receipt,
        VideoTask,
        VideoOutcome,
        Decision,
    )
)
"""Outputs of these types have a journal, and an end, even when nothing was ever sent on them."""
_ANSWERS_WITHIN_S = 0.02
"""While draining, how often journals and shared memory are looked at."""
RETRY_S = 2.0
"""After the disk refused a record or a checkpoint: how long until it is tried again."""
HEALTH_EVERY_NS = 1_000_000_000
_POSITIONS = "journals"
"""Key of a checkpoint: output -> number of the last record of its journal that is dealt with."""


class Node:
    """What a node's loop works with."""

    def __init__(
        self, seam: Seam, settings: DeviceSettings, document: YamlDocument, out: Path, clock: Clock
    ) -> None:
        self.seam = seam
        self.id = seam.node_id
        self.run_id = seam.run_id
        self.settings = settings
        self.document = document
        self.out = out
        self.clock = clock
        self.wiring = Wiring(seam.descriptor)
        self.state = out / "state" / self.id
        self.lock = FolderLock(self.state, clock)
        with contextlib.suppress(OSError):
            atomic.remove_temporary(self.state)
        self._outputs = set(self.wiring.outputs(self.id))
        self._journals: dict[str, JournalWriter] = {}
        self._inboxes: dict[str, Inbox[Any]] = {}
        self.closed: Closed | None = None
        self._closed_at_ns = 0
        self._alive_at_ns = 0
        self._health_ns = 0
        self._postponed: deque[Event] = deque()
        self._saved = b""
        self.refused = ""
        """What the disk said when it last refused; empty when all is well."""

    # --- receiving ----------------------------------------------------------------------------------------

    def next(self, timeout_s: float) -> Event | None:
        """The next event that is not for an inbox; None when nothing came in time.

        Once the stream is closed this only waits a moment: the node goes on looking at its upstream's
        journals and shared memory until they have ended (see :meth:`must_leave`).
        """
        if self.closed is not None and not self._postponed:
            self.clock.sleep_s(min(timeout_s, _ANSWERS_WITHIN_S))
            return None
        event = self._postponed.popleft() if self._postponed else self.seam.next(timeout_s)
        if isinstance(event, Closed):
            self.closed = event
            self._closed_at_ns = self._alive_at_ns = self.clock.monotonic_ns()
            return event
        if isinstance(event, Input) and event.id in self._inboxes:
            self._inboxes[event.id].offer(event)
            return None
        return event

    def postpone(self, events: Iterable[Event]) -> None:
        """Hand events out again later: what came before the node could use it."""
        self._postponed.extend(events)

    def inbox(self, input_id: str, record: type[R], position: int = 0) -> Inbox[R]:
        """Join an input with the journal behind it; ``position`` comes from the node's checkpoint.

        Raises:
            BadInputError: the graph does not wire this input.

        """
        edge = self.wiring.input(self.id, input_id)
        if edge is None:
            raise BadInputError(
                f"Node {self.id} needs the input {input_id!r}, which the graph does not wire; it did not start."
            )
        inbox = Inbox(record, self.out / "state", edge.source_node, edge.output, position)
        self._inboxes[input_id] = inbox
        return inbox

    def must_leave(self, *, producers_live: bool) -> bool:
        """Whether waiting for the upstream's end has lasted too long.

        That is when the grace time after a stop is over, or when the inputs closed and the producers have
        been dead for a while.
        """
        if self.closed is None:
            return False
        now = self.clock.monotonic_ns()
        if self.closed.stopped:
            return now - self._closed_at_ns > GRACE_S * 1e9
        if producers_live:
            self._alive_at_ns = now
        return now - self._alive_at_ns > ORPHANED_S * 1e9

    # --- sending ------------------------------------------------------------------------------------------

    def journal(self, output: str) -> JournalWriter:
        """The journal of an output; P0 events and everything else that decides is synced to disk.

        Raises:
            OSError: the disk refuses.

        """
        if output not in self._journals:
            self._journals[output] = JournalWriter(
                self.state / output,
                self.run_id,
                durable=output != "decisions",
                passed=lambda: self._passed(output),
            )
        return self._journals[output]

    def _passed(self, output: str) -> int:
        """Number up to which nobody needs the journal of an output any more.

        Its consumers are the nodes whose checkpoints speak of it, in this graph or not, and the wired ones
        that have a folder here: a node of another kind, without one, takes the messages alone.
        """
        source = f"{self.id}/{output}"
        states = self.out / "state"
        wired = {edge.node for edge in self.wiring.consumers(self.id, output)}
        floors = [0 for node in wired if (states / node).is_dir()]
        saved = {path.parent.name: atomic.read_json(path) for path in states.glob("*/checkpoint.json")}
        for node, value in saved.items():
            positions = value.get(_POSITIONS) if isinstance(value, dict) else None
            if isinstance(positions, dict) and isinstance(positions.get(source), int):
                floors.append(positions[source])
                if node in wired:
                    floors.remove(0)
        return min(floors, default=FOREVER)

    def emit(self, output: str, record: Record, id_: str, *, wait: bool = True) -> bool:
        """Write a record to the output's journal and send it; False when it was there already.

        ``wait``: when the disk refuses, try again until it does not.

        Raises:
            OSError: the disk refuses, and ``wait`` is off.
            UnavailableError: it still refused when the node had to leave.

        """
        value = json.loads(record.to_json())
        write = partial(self._append, output, id_, value)
        number = self.insist(f"a record for {output}", write) if wait else write()
        if number is None:
            return False
        self.send(output, record, {"n": number})
        return True

    def _append(self, output: str, id_: str, value: Any) -> int | None:
        return self.journal(output).append(id_, value)

    def insist(self, what: str, write: Callable[[], T]) -> T:
        """Write to disk, again and again while it refuses: nothing that was decided is dropped.

        Raises:
            UnavailableError: the disk still refused when the node had to leave.

        """
        while True:
            try:
                result = write()
            except OSError as error:
                self._refuse(what, error)
                continue
            self.refused = ""
            return result

    def _refuse(self, what: str, error: OSError) -> None:
        if self.must_leave(producers_live=True):
            raise UnavailableError(
                f"The disk of {self.out} refused {what} of {self.id} ({error.strerror}) until the grace time was "
                "over; what was decided since its last checkpoint is decided again in the next run."
            ) from None
        if self.refused != str(error):
            self.refused = str(error)
            self.seam.log(
                "error",
                f"The disk refused {what} ({error}); {self.id} tries again every {RETRY_S:.0f} s, nothing is dropped.",
            )
        self.health(2, f"The disk refuses: {error.strerror}", {})
        self.clock.sleep_s(RETRY_S)

    def send(self, output: str, record: Record, metadata: dict[str, Any] | None = None) -> None:
        """Send a cumulative record: one that may be lost, because the next one says it all again."""
        if output in self._outputs:
            self.seam.send(output, record.to_arrow(), metadata or {})

    def decide(
        self,
        kind: str,
        *,
        t_ns: int,
        subject: str,
        outcome: str,
        reason: str,
        values: Mapping[str, Any] | None = None,
        wait: bool = True,
    ) -> None:
        """Add a row to the ledger. The same decision twice is one row; ``wait`` as with :meth:`emit`."""
        row = DecisionRow(kind, t_ns, subject, outcome, reason, values or {})
        record = decision(row, node=self.id, run_id=self.run_id, wall_ns=self.clock.wall_ns())
        self.emit("decisions", record, record.decision_id, wait=wait)

    def health(self, level: int, message: str, values: Mapping[str, Any]) -> None:
        """Say how this node is."""
        text = json.dumps(dict(values), ensure_ascii=False)
        self.send("health", Health(name=self.id, level=level, message=message, values=text))

    def report(self, describe: Callable[[], tuple[int, str, Mapping[str, Any]]]) -> None:
        """Say how this node is, once a second; ``describe`` gives level, message and values."""
        now = self.clock.monotonic_ns()
        if now - self._health_ns < HEALTH_EVERY_NS:
            return
        self._health_ns = now
        level, message, values = describe()
        inboxes = self._inboxes.values()
        unread = sum(inbox.refused + inbox.damaged for inbox in inboxes)
        if unread:
            level, message = max(level, 1), f"{unread} records from upstream could not be read; {message}"
        self.health(level, message, {**values, "unreadable": unread} if inboxes else values)

    # --- state --------------------------------------------------------------------------------------------

    def load_checkpoint(self) -> dict[str, Any] | None:
        """What :meth:`save_checkpoint` saved last, in this run or an earlier one."""
        value = atomic.read_json(self.state / "checkpoint.json")
        return value if isinstance(value, dict) else None

    def save_checkpoint(self, value: dict[str, Any], *, durable: bool = False) -> None:
        """Save state and cursors together; what a killed process comes back to. Unchanged: nothing is written."""
        positions = {inbox.source: inbox.position for inbox in self._inboxes.values()}
        data = json.dumps({**value, _POSITIONS: positions}, separators=(",", ":")).encode()
        if data == self._saved:
            return
        path = self.state / "checkpoint.json"
        self.insist("a checkpoint", partial(atomic.write_bytes, path, data, durable=durable))
        self._saved = data

    def finish(self) -> None:
        """Say in every journal of this node's outputs that its part of the run is complete."""
        journaled = {output for output in self._outputs if self.wiring.urn(self.id, output) in JOURNALED}
        for output in sorted({*self._journals, *journaled}):
            self.insist(f"the end of {output}", partial(self._end, output))

    def _end(self, output: str) -> None:
        self.journal(output).end()


def connect() -> Node:
    """Connect to the dataflow that started this process.

    ``WINNOW_SETTINGS`` names the settings file, relative to the graph; ``WINNOW_OUT`` the run's folder,
    otherwise ``out`` in the settings, relative to the settings file.
    """
    seam = DoraSeam()
    settings_path = Path(os.environ.get("WINNOW_SETTINGS", "settings.yml"))
    settings, document = load_settings(settings_path)
    out = os.environ.get("WINNOW_OUT", "")
    folder = Path(out) if out else settings_path.resolve().parent / (settings.out or "out")
    folder.mkdir(parents=True, exist_ok=True)
    return Node(seam, settings, document, folder.resolve(), SystemClock())


def run_as_process(
    loop: Callable[[Node], None], *, gives_way: bool = False, comes_first: bool = False
) -> None:
    """Body of a node's ``main()``: errors that a user can mend are one sentence, not a traceback.

    ``gives_way``: the node has time; where processors are short, those that record come first.
    ``comes_first``: it is one of those; raising its priority is a privilege, without it everything else holds.
    """
    logging.basicConfig(level=os.environ.get("WINNOW_LOG", "INFO"), format="%(message)s", stream=sys.stderr)
    try:
        node = connect()
        if gives_way:
            give_way(node.settings.clips.nice)
        if comes_first:
            come_first(node.settings.recorder.priority)
            return_large_blocks()
        loop(node)
    except WinnowError as error:
        print(f"winnow: {error}", file=sys.stderr, flush=True)
        raise SystemExit(error.exit_code) from None
