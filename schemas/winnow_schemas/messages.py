"""Every message that Winnow itself emits, declared once.

The Arrow types on the wire (``arrow_type``) and dora's type files (``winnow_schemas.dora_types``) are both
derived from the annotations below. Fields are int, float, str, bool, lists of those, or one of them or None.
Times are int64 nanoseconds UTC of *message time* unless the name says ``wall``.
"""

from functools import cache
from typing import Any, ClassVar, Self, get_args, get_origin, get_type_hints

import msgspec
import pyarrow as pa

from winnow_schemas.errors import BadInputError

_ARROW: dict[type, pa.DataType] = {int: pa.int64(), float: pa.float64(), str: pa.string(), bool: pa.bool_()}


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all messages: a flat struct with one Arrow type and one JSON form."""

    URN: ClassVar[str] = ""
    """dora type, ``winnow/<area>/v1/<Name>``; empty for the base."""

    @classmethod
    def arrow_type(cls) -> pa.DataType:
        """The Arrow struct type, fields in declaration order."""
        return _arrow_type(cls)

    def to_arrow(self) -> pa.Array:
        """A struct array of length 1."""
        return pa.array([msgspec.to_builtins(self)], type=self.arrow_type())

    @classmethod
    def from_arrow(cls, array: pa.Array) -> Self:
        """Read a struct array of length 1.

        Raises:
            BadInputError: the array is not one struct with this record's fields.

        """
        if len(array) != 1:
            raise BadInputError(
                f"A {cls.__name__} message holds 1 row, this one {len(array)}; it was ignored."
            )
        return cls.from_builtins(array[0].as_py())

    @classmethod
    def from_builtins(cls, value: Any) -> Self:
        """Read the plain-Python form.

        Raises:
            BadInputError: a field is missing or of the wrong type.

        """
        try:
            return msgspec.convert(value, cls)
        except msgspec.ValidationError as error:
            raise BadInputError(f"Not a {cls.__name__} message: {error}; it was ignored.") from None

    def to_json(self) -> bytes:
        """Compact JSON, fields in declaration order: equal records give equal bytes."""
        return msgspec.json.encode(self)


@cache
def _arrow_type(record: type[Record]) -> pa.DataType:
    hints = get_type_hints(record)
    return pa.struct([pa.field(name, _arrow_of(hints[name])) for name in record.__struct_fields__])


def _arrow_of(hint: Any) -> pa.DataType:
    if hint in _ARROW:
        return _ARROW[hint]
    if get_origin(hint) is list:
        return pa.list_(_arrow_of(get_args(hint)[0]))
    inner = [arg for arg in get_args(hint) if arg is not type(None)]
    if len(inner) == 1:
        return _arrow_of(inner[0])
    raise TypeError(
        f"{hint} has no Arrow type here; use int, float, str, bool, lists of them, or '... | None'."
    )


# --- stream: sources -> ring ------------------------------------------------------------------------------


class Control(Record, frozen=True, kw_only=True):
    """What a source says about its own stream, beside the payloads. Cumulative: the newest one is enough."""

    URN: ClassVar[str] = "winnow/stream/v1/Control"
    kind: str
    """``progress`` or ``end``."""
    watermark_ns: int
    """Every message with a smaller ``t_ns`` has been sent, up to the sequence numbers in ``seqs``."""
    seqs: list[int]
    """Per payload output, in the graph's order: the last sequence number sent (0 = none yet)."""
    waits: bool
    """The source can wait: it sends only what the ring's credits allow."""
    resends: bool
    """The source sends again what was not acknowledged: the ring refuses what comes after a gap."""


class Credit(Record, frozen=True, kw_only=True):
    """What the ring has, and what a waiting source may send. Cumulative."""

    URN: ClassVar[str] = "winnow/stream/v1/Credit"
    source: str
    """The node id that this credit is for."""
    acked: list[int]
    """Per payload output of the source: every message up to this sequence number is in the ring."""
    room_bytes: list[int]
    """Per payload output: bytes of the ring behind ``acked`` that no reader needs. A message takes its size
    rounded up to 64, and once per lap up to the largest message's size is wasted at the end of the ring."""
    room_messages: list[int]
    """Per payload output: entries of the index behind ``acked`` that no reader needs."""
    unneeded: list[bool]
    """Per payload output: no reader needs anything of it, so one message of any size may come."""
    ended: bool
    """The ring has seen the end of this source and holds everything before it."""


# --- ring -> its readers ----------------------------------------------------------------------------------


class Heartbeat(Record, frozen=True, kw_only=True):
    """A consistent state of the ring, a few dozen times a second. Cumulative: a lost one does no harm."""

    URN: ClassVar[str] = "winnow/ring/v1/Heartbeat"
    number: int
    watermark_ns: int
    """Every message with a smaller ``t_ns`` is in the ring (up to the bounded lateness when live)."""
    newest_ns: int
    messages: int
    bytes: int
    lost: int
    ended: bool


# --- triage -----------------------------------------------------------------------------------------------


class TriggerEvent(Record, frozen=True, kw_only=True):
    """A trigger fired: the window ``[t_ns - pre_roll_ns, t_ns + post_roll_ns)`` is wanted."""

    URN: ClassVar[str] = "winnow/triage/v1/TriggerEvent"
    event_id: str
    type: str
    """Name of the trigger in the library or the settings."""
    priority: int
    t_ns: int
    pre_roll_ns: int
    post_roll_ns: int
    value: float | None
    """The number that crossed, where the condition has one."""
    threshold: float | None
    condition: str
    """The condition as the user wrote it."""
    values: str
    """JSON object: every signal that the condition read, at ``t_ns``."""
    topics: list[str]
    """The topics wanted; empty = all."""
    latitude_deg: float | None
    longitude_deg: float | None


class Watermark(Record, frozen=True, kw_only=True):
    """Every event with a smaller ``t_ns`` has been decided and written to the journal."""

    URN: ClassVar[str] = "winnow/triage/v1/Watermark"
    watermark_ns: int
    events: int
    """Number of the newest event in the journal: whoever has all up to it has every older event."""


class CampaignOffer(Record, frozen=True, kw_only=True):
    """A campaign as it came from the fleet, for the triggers to judge."""

    URN: ClassVar[str] = "winnow/triage/v1/CampaignOffer"
    text: str
    """The document, JSON or YAML, with its signature."""
    origin: str
    """Where it came from, for the ledger."""


class ClipReady(Record, frozen=True, kw_only=True):
    """A clip and its sidecar are whole on disk."""

    URN: ClassVar[str] = "winnow/triage/v1/ClipReady"
    clip_id: str
    name: str
    path: str
    """The MCAP file, relative to the run's folder."""
    start_ns: int
    end_ns: int
    priority: int
    upload_class: int
    types: list[str]
    messages: int
    size_bytes: int
    sha256: str


class Verdict(Record, frozen=True, kw_only=True):
    """What the classifier thinks of a clip."""

    URN: ClassVar[str] = "winnow/triage/v1/Verdict"
    clip_id: str
    name: str
    path: str
    priority: int
    upload_class: int
    scenario: str
    annotation_priority: float
    """0-1, higher is looked at first (4.2, 8.2)."""
    confidence: float
    diversity_score: float
    classifier: str
    """Which classifier and version spoke."""
    reasons: list[str]


class Outgoing(Record, frozen=True, kw_only=True):
    """A file that may leave: the clip itself, or one made from it."""

    URN: ClassVar[str] = "winnow/triage/v1/Outgoing"
    clip_id: str
    name: str
    path: str
    """The MCAP file to send, relative to the run's folder."""
    derived_from: str
    """SHA-256 of the clip as cut, empty when the clip itself is sent."""
    priority: int
    upload_class: int
    annotation_priority: float
    diversity_score: float
    withheld_topics: list[str]


class Receipt(Record, frozen=True, kw_only=True):
    """An object is in the store, verified, with its sidecar."""

    URN: ClassVar[str] = "winnow/triage/v1/Receipt"
    clip_id: str
    name: str
    path: str
    bucket: str
    key: str
    size_bytes: int
    sha256: str
    verified: bool


# --- dashcam ----------------------------------------------------------------------------------------------


class VideoTask(Record, frozen=True, kw_only=True):
    """A video that is to be gone through: by the filter, the reader, or the archive."""

    URN: ClassVar[str] = "winnow/dashcam/v1/VideoTask"
    task_id: str
    kind: str
    """``PREPROCESS_VIDEO``, ``HEAVY_PROCESS_VIDEO`` or ``ARCHIVE_VIDEO``."""
    video: str
    video_id: str
    """Derived from the video's bytes."""


class VideoOutcome(Record, frozen=True, kw_only=True):
    """A video is through with all that the graph does, or parked."""

    URN: ClassVar[str] = "winnow/dashcam/v1/VideoOutcome"
    task_id: str
    video: str
    video_id: str
    outcome: str
    """``done`` or ``parked``."""
    reason: str
    """Why it was parked; empty when done."""
    frames: int
    kept: int
    plates: int


class LinkState(Record, frozen=True, kw_only=True):
    """What the link is now, by the word of a node that knows: a modem manager, a depot's beacon."""

    URN: ClassVar[str] = "winnow/upload/v1/LinkState"
    mode: str
    """disconnected, cellular_5g, wifi_depot or ethernet_depot."""
    uplink_mbps: float | None
    """What the uplink carries, all its users together, where that was measured."""


class UploadOrder(Record, frozen=True, kw_only=True):
    """What the fleet wants of one clip; a P0 goes all the same."""

    URN: ClassVar[str] = "winnow/upload/v1/UploadOrder"
    clip_id: str
    order: str
    """approve: it may go; suppress: it stays, another vehicle has it; release: takes back a suppression."""
    reason: str
    until_wall_ns: int | None
    """suppress: until when; none = until it is released."""


# --- health and ledger ------------------------------------------------------------------------------------


class Health(Record, frozen=True, kw_only=True):
    """How a node is, in the manner of a ROS DiagnosticStatus (vehicle document 10.3)."""

    URN: ClassVar[str] = "winnow/health/v1/Health"
    name: str
    level: int
    """0 ok, 1 warning, 2 error."""
    message: str
    values: str
    """JSON object of numbers and texts."""


class Decision(Record, frozen=True, kw_only=True):
    """One row of the ledger: who decided what about which thing, when, and why."""

    URN: ClassVar[str] = "winnow/ledger/v1/Decision"
    decision_id: str
    """Derived from everything below except ``run_id`` and ``wall_ns``: the same decision has the same id."""
    run_id: str
    wall_ns: int
    t_ns: int
    node: str
    kind: str
    subject: str
    outcome: str
    reason: str
    """One sentence for a person."""
    values: str
    """JSON object with sorted keys."""


RECORDS: tuple[type[Record], ...] = (
    Control,
    Credit,
    Heartbeat,
    TriggerEvent,
    Watermark,
    CampaignOffer,
    ClipReady,
    Verdict,
    Outgoing,
    Receipt,
    VideoTask,
    VideoOutcome,
    LinkState,
    UploadOrder,
    Health,
    Decision,
)

BY_URN: dict[str, type[Record]] = {record.URN: record for record in RECORDS}

PAYLOAD_URN = "winnow/stream/v1/Payload"
"""A sensor message: UInt8, with ``t_ns``, ``pub_ns``, ``seq``, ``channel`` in the metadata."""
