"""One clip on its way: everything that must survive a crash."""

from dataclasses import dataclass
from enum import StrEnum

from winnow_operators.upload.schedule import Hold
from winnow_schemas.priority import Priority, UploadClass
from winnow_schemas.settings.upload import LinkMode


class ItemState(StrEnum):
    """How far a clip has got. Written before what it announces is begun, or after what it states is certain."""

    QUEUED = "queued"
    """Known, not yet hashed."""
    READY = "ready"
    """Hashed; nothing was sent."""
    OPENING = "opening"
    """Something may have begun or even ended in the store: look before sending anything."""
    SENDING = "sending"
    """A multipart upload is open."""
    WHOLE = "whole"
    """The object is in the store, not yet verified."""
    VERIFIED = "verified"
    """The object is right; its sidecar is missing."""
    DONE = "done"
    """Object and sidecar are there."""
    PARKED = "parked"
    """Set aside for good: its content is wrong, gone, or not wanted."""
    GIVEN_UP = "given_up"
    """Set aside after too many failures, for a while or until the next start."""

    @property
    def is_open(self) -> bool:
        """Whether there is still something to do."""
        return self not in (ItemState.DONE, ItemState.PARKED, ItemState.GIVEN_UP)


@dataclass(frozen=True, slots=True)
class Item:
    """A row of the table ``items``; field names are column names."""

    clip_id: str
    name: str
    path: str
    """The file, relative to the run's folder."""
    key: str
    size_bytes: int
    sha256: str
    priority: int
    upload_class: int
    trigger_type: str
    t_ns: int
    """Message time of the clip's main trigger."""
    score: float
    sidecar_bytes: int
    queued_wall_ns: int
    state: ItemState = ItemState.QUEUED
    early_sent: bool = False
    rebuilt: bool = False
    """Queued again after the state was lost: it may be in the store already, paid for on an unknown day."""
    attempts: int = 0
    """Failures in a row."""
    next_try_wall_ns: int = 0
    part_bytes: int = 0
    """Size of its parts; 0 = it goes whole."""
    upload_id: str = ""
    opened_wall_ns: int = 0
    mtime_ns: int = 0
    inode: int = 0
    """With the size, what the file was when it was hashed."""
    reason: str = ""
    """The last failure, or why it was set aside."""
    announced: bool = False
    """What became of it has been handed on."""
    hold_reason: str = ""
    hold_until_ns: int = -1
    """-1 = until it is released."""
    hold_since_ns: int = 0
    """Wall time at which the hold began."""
    urgent: bool = False
    """Somebody asked for it now."""
    kind: str = ""
    """Of what is no clip, the name in `upload.files`; it has no sidecar."""
    links: str = ""
    """The only links on which it may go, by their names with commas; empty = those of its class."""
    tags: str = ""
    """Tags of its own, as a query string."""

    @property
    def class_(self) -> UploadClass:
        return UploadClass(self.upload_class)

    @property
    def is_safety(self) -> bool:
        return self.class_ is UploadClass.SAFETY

    @property
    def priority_(self) -> Priority:
        return Priority(self.priority)

    @property
    def hold(self) -> Hold | None:
        """What keeps it back, if anything."""
        if not self.hold_reason:
            return None
        until_ns = None if self.hold_until_ns < 0 else self.hold_until_ns
        return Hold(self.hold_reason, until_ns, self.hold_since_ns)

    @property
    def link_modes(self) -> frozenset[LinkMode] | None:
        """The only links on which it may go; None = those of its class."""
        return frozenset(LinkMode[name] for name in self.links.split(",")) if self.links else None

    @property
    def early_key(self) -> str:
        """Key of the sidecar that goes ahead."""
        return self.key.removesuffix(".mcap") + ".meta.json"

    @property
    def sidecar_key(self) -> str:
        """Key of the sidecar that marks the clip complete."""
        return self.key.removesuffix(".mcap") + ".json"
