"""A source of sensor messages: numbering, acknowledgement, credits, resending, and the end.

A source owns an order of messages that it can repeat (a file, a simulation) or cannot (a sensor). Per
payload output it numbers messages from 1. What the ring has not acknowledged is kept, up to
``UNACKED_BYTES``, and sent again when the ring comes back or stops acknowledging.
"""

import json
from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple

from winnow_runtime.node import Node
from winnow_runtime.ring.board import channel_to_dict
from winnow_runtime.ring.layout import slot_bytes
from winnow_runtime.seam import Event, Input, NeighbourRestarted
from winnow_runtime.wiring import CONTROL, DORA_BUFFER_FACTOR, Edge
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError
from winnow_schemas.messages import Control, Credit

UNACKED_BYTES = 32 * 1024 * 1024
"""Memory for what may have to be sent again: half a second of the document's full suite."""
UNACKED_MESSAGES = 4000
"""Tried with the comma2k19 drive: 33-60 k messages/s at this many under way, acknowledged every few hundred."""
STALLED_S = 1.0
"""No progress for this long with messages under way: send them again."""
HELLO_EVERY_S = 0.1
PROMISE_EVERY = 128
"""Messages between two watermarks."""
_NO_TIME = -(2**63)


class _Sent(NamedTuple):
    port: int
    seq: int
    data: Any
    metadata: dict[str, Any]


class SourceStream:
    """The sending half of a source node; ``waits``: it respects credits, ``resends``: it repeats."""

    def __init__(self, node: Node, channels: Mapping[Channel, str], *, waits: bool, resends: bool) -> None:
        """``channels``: each channel and the output that carries it; outputs must exist in the graph."""
        self.node = node
        self.waits = waits
        self.resends = resends
        self._outputs = payload_outputs(node)
        self._places = {output: place for place, output in enumerate(self._outputs)}
        self._caps = [_cap(node, output) for output in self._outputs]
        self._channels = {
            channel: (number, self._places[output])
            for number, (channel, output) in enumerate(channels.items())
        }
        self.last_seq = [0] * len(self._outputs)
        self.acked = [0] * len(self._outputs)
        self._room = [0] * len(self._outputs)
        self._room_messages = [0] * len(self._outputs)
        self._unneeded = [False] * len(self._outputs)
        self._largest = [0] * len(self._outputs)
        self._flight: list[deque[tuple[int, int]]] = [deque() for _ in self._outputs]
        """Per output: (sequence number, bytes in the ring) of what is not acknowledged."""
        self._flight_bytes = [0] * len(self._outputs)
        self._unacked: deque[_Sent] = deque()
        self._unacked_bytes = 0
        self.forgotten = 0
        """Messages that a live source had to drop from its memory before they were acknowledged."""
        self._watermark_ns = _NO_TIME
        self._since_promise = 0
        self._progress_ns = node.clock.monotonic_ns()
        self._greeted = False
        self._ended = False
        self.done = False
        """The ring holds everything, the end included."""

    # --- start --------------------------------------------------------------------------------------------

    def greet(self) -> bool:
        """Find out what the ring has already: ``acked`` is right afterwards. False when the graph stopped."""
        clock = self.node.clock
        said_ns = 0
        while not self._greeted:
            if self.node.closed is not None:
                return False
            if clock.monotonic_ns() - said_ns > HELLO_EVERY_S * 1e9:
                self._say("progress")
                said_ns = clock.monotonic_ns()
            self.handle(self.node.next(HELLO_EVERY_S))
        self._announce()
        return True

    def pass_over(self) -> dict[str, int]:
        """Topic -> how many of its messages the ring has: the caller does not make them, their numbers are taken."""
        self.last_seq = list(self.acked)
        return {channel.topic: self.acked[place] for channel, (_, place) in self._channels.items()}

    def open(self, channel: Channel, output: str) -> None:
        """Add a channel that turned up after the start; one that is open already stays as it is."""
        if channel not in self._channels:
            number = len(self._channels)
            self._channels[channel] = (number, self._places[output])
            self._announce_one(channel, number, self._places[output])

    def _announce(self) -> None:
        for channel, (number, place) in self._channels.items():
            self._announce_one(channel, number, place)

    def _announce_one(self, channel: Channel, number: int, place: int) -> None:
        data = json.dumps(channel_to_dict(channel)).encode()
        self.node.seam.send_bytes(self._outputs[place], data, {"announce": True, "channel": number})

    # --- sending ------------------------------------------------------------------------------------------

    def number(self, channel: Channel) -> int:
        """Give the next message of this channel its number, whether it is sent or not."""
        place = self._channels[channel][1]
        self.last_seq[place] += 1
        return self.last_seq[place]

    def has_next(self, channel: Channel) -> bool:
        """Whether the ring has the next message of this channel already."""
        place = self._channels[channel][1]
        return self.last_seq[place] < self.acked[place]

    @property
    def owes_promise(self) -> bool:
        """Whether messages have been sent since the last watermark."""
        return self._since_promise > 0

    def may_send(self, channel: Channel, length: int) -> bool:
        """Whether credits allow one more message of this size now."""
        if not self.waits:
            return True
        place = self._channels[channel][1]
        under_way = self.last_seq[place] - self.acked[place]
        if under_way == 0 and self._unneeded[place]:
            return True  # one message may go then, or one that is larger than any room would wait for ever
        size = slot_bytes(length)
        wasted = max(size, self._largest[place])
        return (
            len(self._unacked) < UNACKED_MESSAGES
            and self._unacked_bytes + length <= UNACKED_BYTES
            and under_way < min(self._caps[place], self._room_messages[place])
            and self._flight_bytes[place] + size + wasted <= self._room[place]
        )

    def has_room(self, channel: Channel, length: int) -> bool:
        """Live: whether one more message fits between here and the ring without dora dropping an older one.

        Unlike :meth:`may_send` it does not ask for room in the ring, which a live source overwrites.
        """
        place = self._channels[channel][1]
        return (
            len(self._unacked) < UNACKED_MESSAGES
            and (not self._unacked or self._unacked_bytes + length <= UNACKED_BYTES)
            and self.last_seq[place] - self.acked[place] < self._caps[place]
        )

    def send(self, channel: Channel, seq: int, t_ns: int, pub_ns: int, data: Any) -> None:
        """Send one message that got its number from :meth:`number`."""
        number, place = self._channels[channel]
        if seq <= self.acked[place]:
            return
        metadata = {"t_ns": t_ns, "pub_ns": pub_ns, "seq": seq, "channel": number}
        self.node.seam.send_bytes(self._outputs[place], data, metadata)
        if self.resends:
            self._remember(_Sent(place, seq, data, metadata))
        self._since_promise += 1

    def _remember(self, sent: _Sent) -> None:
        size = slot_bytes(len(sent.data))
        self._unacked.append(sent)
        self._unacked_bytes += len(sent.data)
        self._flight[sent.port].append((sent.seq, size))
        self._largest[sent.port] = max(self._largest[sent.port], size)
        self._flight_bytes[sent.port] += size
        if not self.waits:
            while self._unacked_bytes > UNACKED_BYTES and len(self._unacked) > 1:
                self._forget()
                self.forgotten += 1

    def _forget(self) -> None:
        self._unacked_bytes -= len(self._unacked.popleft().data)

    def promise(self, watermark_ns: int, *, now: bool = False) -> None:
        """Every message older than this has been sent. Spoken every ``PROMISE_EVERY`` messages, or ``now``."""
        self._watermark_ns = watermark_ns
        if now or self._since_promise >= PROMISE_EVERY:
            self._since_promise = 0
            self._say("progress")

    def end(self) -> None:
        """All has been sent; :attr:`done` becomes true when the ring has it all."""
        self._ended = True
        self._say("end")

    def _say(self, kind: str) -> None:
        control = Control(
            kind=kind,
            watermark_ns=self._watermark_ns,
            seqs=list(self.last_seq),
            waits=self.waits,
            resends=self.resends,
        )
        self.node.send("control", control)

    # --- receiving ----------------------------------------------------------------------------------------

    def handle(self, event: Event | None) -> None:
        """Take in credits and restarts; any event, or None after a quiet moment."""
        if isinstance(event, Input) and event.id == "credit":
            credit = Credit.from_arrow(event.value)
            if credit.source == self.node.id and len(credit.acked) == len(self.acked):
                self._credit(credit)
        elif isinstance(event, NeighbourRestarted):
            self.send_again()
        self._nudge()

    def _credit(self, credit: Credit) -> None:
        if not self._greeted:
            self._greeted = True
            self.acked = list(credit.acked)
        if any(new > old for new, old in zip(credit.acked, self.acked, strict=True)):
            self._progress_ns = self.node.clock.monotonic_ns()
        self.acked = [max(new, old) for new, old in zip(credit.acked, self.acked, strict=True)]
        self._room = list(credit.room_bytes)
        self._room_messages = list(credit.room_messages)
        self._unneeded = list(credit.unneeded)
        while self._unacked and self._unacked[0].seq <= self.acked[self._unacked[0].port]:
            self._forget()
        for place, flight in enumerate(self._flight):
            while flight and flight[0][0] <= self.acked[place]:
                self._flight_bytes[place] -= flight.popleft()[1]
        self.done = self._ended and credit.ended

    def _nudge(self) -> None:
        """Nothing has moved for a while: say the end again, send again what may be lost."""
        now = self.node.clock.monotonic_ns()
        if now - self._progress_ns < STALLED_S * 1e9:
            return
        self._progress_ns = now
        if self.resends and not self.idle:
            self.send_again()
        self._say("end" if self._ended else "progress")

    def send_again(self) -> None:
        """Send everything that is not acknowledged once more, in order; announcements may be lost too."""
        self._announce()
        first_of: set[int] = set()
        for sent in self._unacked:
            if sent.seq > self.acked[sent.port]:
                gap = sent.port not in first_of and sent.seq > self.acked[sent.port] + 1
                first_of.add(sent.port)
                metadata = {**sent.metadata, "gap": True} if gap else sent.metadata
                self.node.seam.send_bytes(self._outputs[sent.port], sent.data, metadata)
        self._progress_ns = self.node.clock.monotonic_ns()

    @property
    def idle(self) -> bool:
        """Whether nothing is under way."""
        return not self._unacked or all(sent.seq <= self.acked[sent.port] for sent in self._unacked)


def payload_outputs(node: Node) -> list[str]:
    """The outputs of this source that its ring takes.

    Raises:
        BadInputError: its ``control`` is not wired to exactly one ring.

    """
    rings = {edge.node for edge in node.wiring.consumers(node.id, CONTROL)}
    if len(rings) != 1:
        raise BadInputError(
            f"The output {CONTROL!r} of {node.id} must be wired to the ring and to nothing else, "
            f"it is wired to {', '.join(sorted(rings)) or 'nothing'}; nothing was sent."
        )
    return node.wiring.payload_outputs(node.id, rings.pop())


def _cap(node: Node, output: str) -> int:
    """How many messages of an output may be under way: half of what dora buffers before it drops."""
    edges: list[Edge] = node.wiring.consumers(node.id, output)
    return max(2, min(edge.queue_size for edge in edges) * DORA_BUFFER_FACTOR // 2)
