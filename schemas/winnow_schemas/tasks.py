"""Tasks that devices pull from the main server, and what both sides say to each other over HTTP.

Every limit on what comes from outside stands in the types here: a body that breaks one is refused whole.
"""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

KEY_MAX = 200
PATH_MAX = 1024
PATH_PARTS_MAX = 64
PAYLOAD_MAX_BYTES = 64 * 1024
"""A task's payload, result or checkpoint, as JSON."""
BATCH_MAX = 1000
"""Tasks in one request."""
SUCCESSORS_MAX = 64

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Kind = Annotated[str, Meta(pattern=r"^[A-Z][A-Z0-9_]{2,39}$")]
Key = Annotated[str, Meta(min_length=1, max_length=KEY_MAX, pattern=r"^[^\x00-\x1f\x7f]+$")]
TaskId = Annotated[str, Meta(pattern=r"^[0-9a-f]{16}$")]
Sentence = Annotated[str, Meta(max_length=1000)]
Urgency = Annotated[int, Meta(ge=0, le=9)]
Seconds = Annotated[float, Meta(ge=0, le=31_536_000)]
Fence = Annotated[int, Meta(ge=1, le=2**62)]
Scalar = str | int | float | bool | None
Options = Annotated[dict[Annotated[str, Meta(max_length=64)], Scalar], Meta(max_length=64)]

PREPROCESS_VIDEO = "PREPROCESS_VIDEO"
HEAVY_PROCESS_VIDEO = "HEAVY_PROCESS_VIDEO"
ARCHIVE_VIDEO = "ARCHIVE_VIDEO"
CHAIN = (PREPROCESS_VIDEO, HEAVY_PROCESS_VIDEO, ARCHIVE_VIDEO)
"""What a video goes through, in order; each is published by the one before it."""


class TaskState(StrEnum):
    """Where a task is."""

    READY = "ready"
    """Waits for a device, or for its time after a failure."""
    RUNNING = "running"
    """A device holds a lease on it."""
    PAUSED = "paused"
    """A person took it out; its checkpoint is kept."""
    DONE = "done"
    DEAD = "dead"
    """Failed for good, or too often; a person may send it round again."""
    CANCELLED = "cancelled"


FINAL = (TaskState.DONE, TaskState.DEAD, TaskState.CANCELLED)


class Wish(StrEnum):
    """What the server wants of a device that runs a task."""

    NOTHING = ""
    PAUSE = "pause"
    CANCEL = "cancel"


class _Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What crosses the wire."""


class Place(_Body, frozen=True):
    """A file on a share: the share's name, and the path below it. Each device knows where it mounts the share."""

    share: Name
    path: Annotated[str, Meta(min_length=1, max_length=PATH_MAX)]

    def __post_init__(self) -> None:
        parts = self.path.split("/")
        if (
            len(parts) > PATH_PARTS_MAX
            or any(part in ("", ".", "..") for part in parts)
            or any(ord(letter) < 32 or letter in "\\\x7f" for letter in self.path)
        ):
            raise ValueError(
                f"the path {self.path[:80]!r} leaves its share or is no relative path; "
                "give parts separated by '/', without '..'"
            )


class Payload(_Body, frozen=True):
    """What a task is about."""

    video: Place
    artifacts: Place | None = None
    """The folder of what the device before this one made."""
    size_bytes: Annotated[int, Meta(ge=0, le=2**62)] = 0
    sha256: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?$")] = ""
    options: Options = {}


class TaskSpec(_Body, frozen=True):
    """A task to add. ``kind`` and ``key`` together name it: adding it again changes nothing."""

    kind: Kind
    key: Key
    payload: Payload
    urgency: Urgency = 5
    """0 goes first."""
    delay_s: Seconds = 0.0


class AddRequest(_Body, frozen=True):
    """Add tasks."""

    tasks: Annotated[list[TaskSpec], Meta(min_length=1, max_length=BATCH_MAX)]


class ClaimRequest(_Body, frozen=True):
    """A device asks for work."""

    kinds: Annotated[list[Kind], Meta(min_length=1, max_length=16)]
    worker: Name
    load: Annotated[float, Meta(ge=0, le=1000)] = 0.0
    """The device's load per core (1.0: fully busy)."""


class HeartbeatRequest(_Body, frozen=True):
    """A device still works on its task."""

    worker: Name
    fence: Fence
    progress: Annotated[float, Meta(ge=0, le=1)] | None = None
    note: Sentence = ""
    checkpoint: Options | None = None


class CompleteRequest(_Body, frozen=True):
    """A device is done: its result, and what comes next, are published together or not at all."""

    worker: Name
    fence: Fence
    result: Options = {}
    successors: Annotated[list[TaskSpec], Meta(max_length=SUCCESSORS_MAX)] = []


class FailRequest(_Body, frozen=True):
    """A device could not do it."""

    worker: Name
    fence: Fence
    error: Annotated[str, Meta(min_length=1, max_length=4000)]
    retry: bool = True
    """False: it would fail again everywhere (a file that is no video)."""


class ReleaseRequest(_Body, frozen=True):
    """A device gives a task back unfinished: it was asked to pause or cancel, or it must stop."""

    worker: Name
    fence: Fence
    checkpoint: Options | None = None
    note: Sentence = ""


class PurgeRequest(_Body, frozen=True):
    """Forget finished tasks."""

    states: Annotated[list[TaskState], Meta(min_length=1, max_length=3)]
    older_than_s: Seconds = 0.0


class UrgencyRequest(_Body, frozen=True):
    """Move a task forward or back."""

    urgency: Urgency


class TaskView(_Body, frozen=True):
    """A task as the server tells of it; times are seconds UTC by the server's clock."""

    id: str
    kind: str
    key: str
    state: TaskState
    urgency: int
    payload: Payload
    attempts: int
    attempts_max: int
    worker: str
    fence: int
    wish: Wish
    progress: float
    note: str
    error: str
    checkpoint: Options | None
    result: Options | None
    parent: str
    created_s: float
    not_before_s: float
    started_s: float | None
    finished_s: float | None
    lease_until_s: float | None
    eta_s: float | None = None
    """Seconds from now until it is done, at the rate so far; None while nothing can be said."""


class ClaimReply(_Body, frozen=True):
    """A task, or why there is none and when to ask again."""

    task: TaskView | None = None
    lease_s: float = 0.0
    heartbeat_s: float = 0.0
    retry_after_s: float = 0.0
    because: str = ""


class HeartbeatReply(_Body, frozen=True):
    """The lease is longer now."""

    lease_s: float
    wish: Wish
