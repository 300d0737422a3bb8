"""From dora messages to rings: channels, numbering, sizes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from winnow_operators.native.keeping import keep
from winnow_operators.native.pictures import names_picture
from winnow_operators.stream.numbering import Arrival, PortNumbering
from winnow_runtime.ring.board import Channels, channel_from_dict
from winnow_runtime.ring.folder import RingFolder
from winnow_runtime.ring.layout import STRONG_ORDER, Geometry
from winnow_runtime.ring.writer import RingWriter
from winnow_runtime.seam import Input, Metadata, view_bytes
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings import DeviceSettings

ANNOUNCE_MAX_BYTES = 8 * 1024 * 1024
"""A schema with everything that it refers to; the largest seen (nested protobuf descriptors) are 200 kB."""
TIMELESS_MAX = 256
"""Messages without a time that wait for message time to begin."""
UNANNOUNCED_MAX = 32
"""Types and shapes of values on one port; a node sends one, or a few."""
_NO_TIME = -(2**63)


@dataclass(slots=True)
class Port:
    """One payload input of the ring."""

    id: str
    source: str
    index: int
    """Its place among the source's payload outputs."""
    writer: RingWriter | None = None
    numbering: PortNumbering = field(default_factory=PortNumbering)
    topic: str = ""
    refused: int = 0
    """Messages refused because something before them is missing; they come again."""
    unannounced: dict[Channel, int] = field(default_factory=dict)
    """Channels of a node that announces none -> our names for them."""
    shut: bool = False
    """There was no memory for its ring: messages are acknowledged and lost, or its source would wait for ever."""


class Intake:
    """All ports of the ring."""

    def __init__(self, folder: RingFolder, run_id: str, settings: DeviceSettings) -> None:
        self._folder = folder
        self._run_id = run_id
        self._settings = settings
        self._channels = Channels(folder.path)
        self._channels.refresh()
        self.allocated_bytes = 0
        self.messages = 0
        self.bytes = 0
        self.lost = 0
        self.newest_ns = _NO_TIME
        self.has_time = False
        """Whether there is a source that says how message time goes on."""
        self._timeless: list[tuple[Port, Input]] = []
        self.problems: list[tuple[str, str, str]] = []
        """(port, outcome, sentence): what must go into the ledger."""

    def open(self, port: Port, topic: str) -> RingWriter:
        """Make the port's ring, or attach to it after a crash."""
        settings = self._settings.topic(topic)
        capacity = settings.ring_bytes
        geometry = Geometry(
            data_capacity=capacity,
            index_capacity=settings.index_entries,
            crc=self._settings.ring.crc or not STRONG_ORDER,
            run_id=self._run_id,
            port=port.id,
        )
        budget = self._settings.ring.memory_mib * 2**20
        if self.allocated_bytes + geometry.file_bytes > budget:
            raise BadInputError(
                f"The ring of {topic} needs {geometry.file_bytes / 2**20:.1f} MiB, {self.allocated_bytes / 2**20:.1f} MiB "
                f"of ring.memory_mib = {budget / 2**20:.0f} are taken; its messages are not kept. "
                "Raise ring.memory_mib or lower the ring_mib of some topics."
            )
        port.writer = RingWriter(
            self._folder.ring_path(port.id), geometry, prefault=self._settings.ring.prefault
        )
        port.topic = topic
        self.allocated_bytes += geometry.file_bytes
        if port.writer.attached:
            counters = port.writer.counters
            port.numbering.last = port.writer.last_seq
            self.messages += port.writer.head
            self.bytes += counters.bytes
            self.lost += counters.lost
            self.newest_ns = max(self.newest_ns, counters.newest_ns)
        return port.writer

    def reopen(self, ports: Mapping[str, Port]) -> None:
        """Attach to the rings that a predecessor of this process in the same run made for unnamed topics."""
        for port_id, channels in self._channels.by_port().items():
            port = ports.get(port_id)
            if port is not None and port.writer is None:
                self.open(port, channels[-1][1].topic)

    def take(self, port: Port, event: Input, *, resends: bool) -> None:
        """Take one message in."""
        meta = event.metadata
        if self._waits_for_time(port, event):
            return
        if "announce" in meta:
            self._announce(port, int(meta["channel"]), view_bytes(event.value))
            return
        seq = meta.get("seq")
        if seq is None:
            seq = port.numbering.last + 1  # a node that does not number its messages
        elif resends and not port.shut and (port.id, meta.get("channel", -1)) not in self._channels.aliases:
            port.refused += 1  # its announcement was lost; both will come again
            return
        arrival, lost = port.numbering.judge(seq, resends=resends and not meta.get("gap", False))
        if arrival is not Arrival.NEW:
            port.refused += arrival is Arrival.TOO_EARLY
            if port.writer is not None and arrival is Arrival.REPEATED:
                port.writer.count_duplicate()
            return
        if port.shut:
            self.lost += 1 + lost
            return
        t_ns: int = meta["t_ns"] if "t_ns" in meta else self._present_ns(meta)
        data, number = self._payload(port, event, t_ns)
        writer = port.writer
        if writer is None or number is None:
            self.lost += 1
            return
        if not writer.push(data, t_ns, meta.get("pub_ns", t_ns), seq, number):
            self._oversize(port, len(data))
        if lost:
            self._gap(port, writer, lost, t_ns)
        self.messages += 1
        self.bytes += len(data)
        self.newest_ns = max(self.newest_ns, t_ns)

    def _present_ns(self, meta: Metadata) -> int:
        """For a node that gives no time: the message time reached, or dora's clock where no source gives any.

        In a replay the two are years apart; what a node derives from messages belongs to theirs.
        """
        return self.newest_ns if self.newest_ns > _NO_TIME else int(meta["timestamp"].timestamp() * 1e9)

    def _waits_for_time(self, port: Port, event: Input) -> bool:
        """Whether a message without a time came before message time began; it is taken right after that."""
        if "t_ns" in event.metadata:
            if self._timeless and "announce" not in event.metadata:
                self.newest_ns = max(self.newest_ns, event.metadata["t_ns"])
                waiting, self._timeless = self._timeless, []
                for each, message in waiting:
                    self.take(each, message, resends=False)
            return False
        if not self.has_time or self.newest_ns > _NO_TIME or "announce" in event.metadata:
            return False
        if len(self._timeless) < TIMELESS_MAX:
            self._timeless.append((port, event))
        else:
            self.lost += 1
            self._problem(
                port,
                "lost",
                f"More than {TIMELESS_MAX} messages without a time came before any with one; one of {port.id} was not kept.",
            )
        return True

    def _announce(self, port: Port, number: int, data: memoryview) -> None:
        if len(data) > ANNOUNCE_MAX_BYTES:
            self._problem(
                port,
                "refused",
                f"The schema announced on {port.id} has {len(data)} bytes, the limit is {ANNOUNCE_MAX_BYTES}; it was not taken.",
            )
            return
        try:
            channel = channel_from_dict(json.loads(bytes(data)))
        except ValueError as error:
            self._problem(
                port,
                "refused",
                f"The channel announced on {port.id} is not JSON ({error}); it was not taken.",
            )
            return
        except BadInputError as error:
            self._problem(port, "refused", str(error))
            return
        self._know(port, number, channel)

    def _know(self, port: Port, number: int, channel: Channel) -> None:
        if port.topic and channel.topic != port.topic and port.writer is not None:
            self._problem(
                port,
                "topic changed",
                f"Port {port.id} carried {port.topic} and now announces {channel.topic}; both are kept in one ring.",
            )
        if port.writer is None:
            try:
                self.open(port, channel.topic)
            except BadInputError as error:
                if not port.shut:
                    self._problem(port, "not kept", str(error))
                port.shut = True
                return
        port.topic = channel.topic
        self._channels.announce(port.id, number, channel)

    def _payload(self, port: Port, event: Input, t_ns: int) -> tuple[memoryview, int | None]:
        """The bytes to keep and the channel's number; an Arrow value becomes a message that viewers know."""
        meta = event.metadata
        is_bytes = pa.types.is_uint8(event.value.type)
        number = self._channels.aliases.get((port.id, meta.get("channel", -1)))
        if number is not None and "channel" in meta and port.writer is not None and is_bytes:
            return view_bytes(event.value), number
        if "channel" in meta:
            self._problem(
                port,
                "unannounced",
                f"A message on {port.id} names a channel that was not announced; it was not kept.",
            )
            return memoryview(b""), None
        if is_bytes and ("schema" in meta or not names_picture(str(meta.get("encoding", "")))):
            encoding = str(meta.get("encoding", "raw"))
            channel = Channel(f"/{port.id}", encoding, str(meta.get("schema", "")))
            return view_bytes(event.value), self._number(port, channel)
        kept = keep(f"/{port.id}", event.value, meta, t_ns)
        return memoryview(kept.payload), self._number(port, kept.channel)

    def _number(self, port: Port, channel: Channel) -> int | None:
        """Of a channel that nobody announces; values of other types and shapes have channels of their own."""
        alias = port.unannounced.get(channel)
        if alias is None:
            if len(port.unannounced) >= UNANNOUNCED_MAX:
                self._problem(
                    port,
                    "refused",
                    f"Port {port.id} has carried {UNANNOUNCED_MAX} types of values; one of a further type was not kept.",
                )
                return None
            alias = port.unannounced[channel] = -1 - len(port.unannounced)
            self._know(port, alias, channel)
        return self._channels.aliases.get((port.id, alias))

    def _gap(self, port: Port, writer: RingWriter, lost: int, t_ns: int) -> None:
        self.lost += lost
        writer.count_lost(lost)
        self._problem(
            port,
            "lost",
            f"{lost} messages of {port.topic} before {t_ns} ns never arrived and cannot be had again.",
        )

    def _oversize(self, port: Port, length: int) -> None:
        self.lost += 1
        self._problem(
            port,
            "oversize",
            f"A message of {port.topic} has {length} bytes, its ring {self._settings.topic(port.topic).ring_bytes}; it was not kept. Raise ring_mib.",
        )

    def _problem(self, port: Port, outcome: str, sentence: str) -> None:
        if len(self.problems) < 10_000:
            self.problems.append((port.topic or port.id, outcome, sentence))
