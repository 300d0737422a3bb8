"""What others want of clips: the fleet approves and suppresses, an operator holds, releases, or wants one now."""

import threading
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import Any

import msgspec

from winnow_runtime.clock import Clock
from winnow_schemas.errors import BadInputError
from winnow_schemas.messages import UploadOrder
from winnow_uploader.item import Item
from winnow_uploader.outbox import Outbox
from winnow_uploader.queue import UploadQueue

MAX_KEPT = 10_000
"""Orders for clips that are not queued yet: a fleet's manifest has hundreds."""
AWAITS_APPROVAL = "waits for the fleet's approval"


class Pause(StrEnum):
    """What an operator has paused."""

    NOTHING = ""
    ALL_BUT_SAFETY = "all but P0"
    ALL = "all"


class Order(StrEnum):
    """What the fleet may want."""

    APPROVE = "approve"
    SUPPRESS = "suppress"
    RELEASE = "release"


class Orders:
    """Methods may be called from any thread; what they ask is done when the worker calls ``carry_out``."""

    def __init__(self, queue: UploadQueue, outbox: Outbox, clock: Clock, approval_wait_s: float) -> None:
        self._queue = queue
        self._outbox = outbox
        self._clock = clock
        self._approval_wait_ns = int(approval_wait_s * 1e9)
        self._lock = threading.Lock()
        self._requests: list[Callable[[], None]] = []
        self.pause = Pause.NOTHING

    def ask(self, request: Callable[[], None]) -> None:
        """Do something before the next step, on the thread that steps."""
        with self._lock:
            self._requests.append(request)

    def carry_out(self) -> None:
        """Do everything that was asked for since the last step."""
        with self._lock:
            requests, self._requests = self._requests, []
        for request in requests:
            request()

    def hold(self, clip_id: str, reason: str, until_wall_ns: int | None) -> None:
        """Do not send a clip for now."""
        since_ns = self._clock.wall_ns()
        until_ns = -1 if until_wall_ns is None else until_wall_ns
        self._change(clip_id, hold_reason=reason, hold_until_ns=until_ns, hold_since_ns=since_ns)

    def release(self, clip_id: str) -> None:
        """Take back a hold."""
        self._change(clip_id, hold_reason="", hold_until_ns=-1, hold_since_ns=0)

    def urge(self, clip_id: str) -> None:
        """Send a clip before all but P0; a failure that it waits after is forgotten."""

        def change() -> None:
            item = self._queue.items.get(clip_id)
            if item is not None and not item.urgent:
                self._queue.save(replace(item, urgent=True, next_try_wall_ns=0))
                self._outbox.tell(item, "urged", f"{item.path} goes now: somebody asked for it.")

        self.ask(change)

    def set_pause(self, pause: Pause) -> None:
        """Pause from the next part on, or go on."""

        def change() -> None:
            if pause is not self.pause:
                self.pause = pause
                reason = f"Uploading is paused: {pause}." if pause else "Uploading goes on."
                outcome = "paused" if pause else "resumed"
                self._outbox.tell(None, outcome, reason, at_wall_ns=self._clock.wall_ns())

        self.ask(change)

    def take(self, message: UploadOrder) -> None:
        """An order of the fleet; one for a clip that is not queued yet waits for it.

        Raises:
            BadInputError: it orders nothing that can be done.

        """
        order = _checked(message)

        def change() -> None:
            item = self._queue.items.get(message.clip_id)
            if item is not None:
                self._queue.save(self._ordered(item, message, order))
                return
            with self._queue.state.transaction():
                self._queue.state.keep_order(message.clip_id, message.to_json().decode(), MAX_KEPT)

        self.ask(change)

    def on_arrival(self, item: Item) -> Item:
        """A clip that is to be queued, with what was ordered for it before, or with the wait for an approval."""
        with self._queue.state.transaction():
            kept = self._queue.state.take_order(item.clip_id)
        if kept is not None:
            message = UploadOrder.from_builtins(msgspec.json.decode(kept))
            return self._ordered(item, message, _checked(message))
        if self._approval_wait_ns and not item.is_safety:
            now_ns = self._clock.wall_ns()
            return replace(
                item,
                hold_reason=AWAITS_APPROVAL,
                hold_since_ns=now_ns,
                hold_until_ns=now_ns + self._approval_wait_ns,
            )
        return item

    def _ordered(self, item: Item, message: UploadOrder, order: Order) -> Item:
        said = message.reason[:200]
        if order is Order.SUPPRESS:
            until_ns = -1 if message.until_wall_ns is None else message.until_wall_ns
            reason = f"suppressed by the fleet: {said}" if said else "suppressed by the fleet"
            kept = " It is P0 and goes all the same." if item.is_safety else ""
            self._outbox.tell(item, "suppressed", f"{item.path} was {reason}.{kept}")
            return replace(
                item, hold_reason=reason, hold_until_ns=until_ns, hold_since_ns=self._clock.wall_ns()
            )
        self._outbox.tell(item, f"{order}d", f"{item.path} may go{': ' if said else ''}{said}.")
        return replace(item, hold_reason="", hold_until_ns=-1, hold_since_ns=0)

    def _change(self, clip_id: str, **changes: Any) -> None:
        def change() -> None:
            item = self._queue.items.get(clip_id)
            if item is not None:
                self._queue.save(replace(item, **changes))

        self.ask(change)


def _checked(message: UploadOrder) -> Order:
    try:
        order = Order(message.order)
    except ValueError:
        raise BadInputError(
            f"{message.order[:40]!r} is no order for a clip (approve, suppress, release); it was ignored."
        ) from None
    if not 1 <= len(message.clip_id) <= 200:
        raise BadInputError(
            f"An order names a clip with {len(message.clip_id)} characters, allowed are 1 to 200; it was ignored."
        )
    until = message.until_wall_ns
    if until is not None and not 0 <= until < 2**62:
        raise BadInputError(f"An order until {until} is outside of all time; it was ignored.")
    return order
