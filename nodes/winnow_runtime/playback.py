"""Plays an ordered stream of messages into the ring: paced or as fast as credits allow, and resumable."""

import math
from collections.abc import Iterable

from winnow_runtime.node import Node
from winnow_runtime.source import SourceStream
from winnow_schemas.channel import Message
from winnow_schemas.errors import BadInputError

MAX = math.inf
"""As fast as the graph takes it."""
_LISTEN_EVERY = 32
"""Messages between two looks at what the ring says."""
_WAIT_S = 0.05


def parse_speed(text: str) -> float:
    """``max``, or a factor of message time: ``1``, ``0.5``, ``4``.

    Raises:
        BadInputError: it is neither.

    """
    if text.strip().lower() == "max":
        return MAX
    try:
        speed = float(text)
    except ValueError:
        speed = math.nan
    if not 0.001 <= speed <= 1000:
        raise BadInputError(
            f"The speed {text!r} is neither 'max' nor a factor from 0.001 to 1000; nothing was played."
        )
    return speed


def play(node: Node, stream: SourceStream, messages: Iterable[Message], speed: float) -> bool:
    """Send everything and see it arrive; False when the graph was stopped before.

    Messages come in time order, always the same ones: those that the ring has already (this process is not
    the first one of the run) are numbered and passed over.
    """
    pace = _Pace(node, speed)
    since = 0
    for message in messages:
        if stream.has_next(message.channel):
            stream.number(message.channel)
            continue
        due_s = pace.due_in_s(message.t_ns)
        while due_s > 0 or not stream.may_send(message.channel, len(message.data)):
            stream.promise(message.t_ns, now=stream.owes_promise)
            stream.handle(node.next(min(due_s, _WAIT_S) if due_s > 0 else _WAIT_S))
            if node.closed is not None:
                return False
            due_s = pace.due_in_s(message.t_ns)
        stream.send(
            message.channel, stream.number(message.channel), message.t_ns, message.pub_ns, message.data
        )
        stream.promise(message.t_ns)
        since += 1
        if since >= _LISTEN_EVERY:
            since = 0
            stream.handle(node.next(0.0))
            if node.closed is not None:
                return False
    stream.end()
    while not stream.done:
        stream.handle(node.next(_WAIT_S))
        if node.closed is not None:
            return False
    return True


class _Pace:
    """When a message is due on the monotonic clock."""

    def __init__(self, node: Node, speed: float) -> None:
        self._clock = node.clock
        self._speed = speed
        self._start_ns: int | None = None
        self._begun_ns = 0

    def due_in_s(self, t_ns: int) -> float:
        """Seconds until a message of this time is due; 0 when it is."""
        if self._speed == MAX:
            return 0.0
        now = self._clock.monotonic_ns()
        if self._start_ns is None:
            self._start_ns, self._begun_ns = t_ns, now
        due = self._begun_ns + (t_ns - self._start_ns) / self._speed
        return max(0.0, (due - now) / 1e9)
