"""What a step of the uploader did, as data: for the loop, the receipts, the ledger."""

from dataclasses import dataclass
from enum import StrEnum

from winnow_schemas.messages import Decision, Receipt


class Happened(StrEnum):
    """The kinds of steps."""

    IDLE = "idle"
    """Nothing is queued."""
    WAITING = "waiting"
    """Something is queued, and nothing may go now."""
    HASHED = "hashed"
    """A clip was read once and is what its sidecar says, or a stretch of it was read."""
    LOOKED = "looked"
    """The store was asked how far a clip had got."""
    OPENED = "opened"
    """A multipart upload was begun."""
    EARLY_SENT = "early_sent"
    """A sidecar went ahead."""
    PART_SENT = "part_sent"
    """A part, or the whole of a small clip, is in the store."""
    VERIFIED = "verified"
    """A finished object was compared with the clip."""
    DONE = "done"
    """A sidecar marks its clip complete."""
    FAILED = "failed"
    """A request failed; it will be tried again."""
    PARKED = "parked"
    """A clip was set aside."""
    CLEANED = "cleaned"
    """Uploads that nobody finishes any more were aborted."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    ``receipts`` and ``decisions`` are handed out once: asking for the next step says that they have been kept.
    """

    happened: Happened
    clip_id: str = ""
    detail: str = ""
    """One sentence for people."""
    body_bytes: int = 0
    """Content of a clip that the store has now and had not before."""
    wire_bytes: int = 0
    """What the step put on the wire, whatever came of it."""
    until_wall_ns: int | None = None
    """WAITING: when to look again at the latest; None = when queue or link change."""
    receipts: tuple[Receipt, ...] = ()
    decisions: tuple[Decision, ...] = ()

    @property
    def has_news(self) -> bool:
        """Whether there is something that has to be kept before the next step is asked for."""
        return bool(self.receipts or self.decisions)
