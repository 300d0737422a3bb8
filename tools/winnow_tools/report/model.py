"""What the report page shows: plain numbers, texts and lists, whoever counted them.

Times are message time, int64 nanoseconds UTC. Sizes are bytes. Priorities are 0 to 5.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerMark:
    """A trigger whose condition came true."""

    type: str
    """Name of the trigger."""
    priority: int
    """0 to 5."""
    t_ns: int
    """When it fired."""
    value: float | None = None
    """The number that crossed, where the condition has one."""
    threshold: float | None = None
    """What it crossed."""
    clip_id: str = ""
    """The clip that holds it; empty when there is none."""
    suppressed: str = ""
    """Why no clip was wanted (cooldown, storm, limit); empty when one was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipRow:
    """A clip that was cut."""

    clip_id: str
    name: str
    """File name without ending."""
    path: str
    """The MCAP file, relative to the report's folder; empty when it is gone."""
    priority: int
    """The most urgent of its triggers'."""
    types: tuple[str, ...]
    """Names of its triggers, each once."""
    start_ns: int
    """Begin of its window; the pre-roll goes from here to its first trigger."""
    end_ns: int
    """End of its window, exclusive; the post-roll goes from its last trigger to here."""
    messages: int
    """Messages in the file."""
    size_bytes: int
    """Size of the file."""
    scenario: str = ""
    """What the classifier takes it for; empty when it has not spoken."""
    annotation_priority: float | None = None
    """0 to 1, higher is looked at first."""
    upload_state: str = ""
    """``uploaded``, ``waiting``, ``withheld``, ``off``, ... as the uploader says; empty = unknown."""
    truncated: bool = False
    """The stream ended before the window did."""
    missing: tuple[str, ...] = ()
    """What the window should have held and does not, with the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Something that is known to have happened: ground truth from a scenario or from labels."""

    name: str
    priority: int
    """The priority that a trigger for it has."""
    t_ns: int
    """When it began."""
    end_ns: int | None = None
    """When it ended; None = at once."""
    expected_types: tuple[str, ...] = ()
    """Triggers that ought to fire, any of them."""
    found_type: str = ""
    """The trigger that did; empty = missed."""
    found_t_ns: int | None = None
    """When that fired."""
    clip_id: str = ""
    """The clip that holds the incident; empty = none."""
    note: str = ""
    """Anything worth saying about it."""

    @property
    def state(self) -> str:
        """``found``, ``missed``, or ``unwatched``: no trigger had to fire for it."""
        if self.found_type:
            return "found"
        return "missed" if self.expected_types else "unwatched"


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetUse:
    """How much of a budget was used."""

    priority: int
    used_bytes: int
    """Charged."""
    limit_bytes: int | None = None
    """Allowed; None = no limit."""
    refused: int = 0
    """Clips that did not fit any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionGroup:
    """Decisions of one kind with one reason: what was dropped, suppressed, withheld, repaired."""

    node: str
    """Who decided."""
    kind: str
    """What was decided about: trigger, clip, message, upload, ..."""
    outcome: str
    """What was decided."""
    reason: str
    """Why, as a sentence."""
    count: int
    """How often."""
    first_ns: int | None = None
    """The first time."""
    last_ns: int | None = None
    """The last time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicRow:
    """What came in on a topic."""

    topic: str
    messages: int
    size_bytes: int
    """Sum of the payloads."""
    type: str = ""
    """Message type."""
    kind: str = ""
    """lidar, camera, imu, ..."""
    rate_hz: float | None = None
    """Measured in message time."""
    lost: int = 0
    """Messages that the source sent and nobody has."""
    kept_bytes: int | None = None
    """Payload bytes that clips hold, each clip counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphFiles:
    """The dataflow that ran, as its files say."""

    name: str
    """File name."""
    text: str
    """YAML."""
    modules: dict[str, str]
    """Module files by their path relative to the graph's folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """A finished run."""

    title: str
    """What ran: the name of the scenario or of the recording."""
    start_ns: int
    """Message time of the first message."""
    end_ns: int
    """Message time just after the last one."""
    bytes_seen: int
    """Payload bytes that came in."""
    bytes_kept: int
    """Bytes of the clips, as cut."""
    p0_events: int
    """P0 triggers that fired."""
    p0_kept: int
    """Those of them that lie whole in a clip."""
    vehicle: str = ""
    """Vehicle id."""
    software: str = ""
    """Version of Winnow that ran."""
    note: str = ""
    """Anything that a reader must know: a reduced suite, a stopped run."""
    triggers: tuple[TriggerMark, ...] = ()
    clips: tuple[ClipRow, ...] = ()
    incidents: tuple[Incident, ...] = ()
    """Ground truth; empty = none is known."""
    unexplained: int | None = None
    """Triggers that no incident explains, where ground truth is known."""
    budgets: tuple[BudgetUse, ...] = ()
    decisions: tuple[DecisionGroup, ...] = ()
    topics: tuple[TopicRow, ...] = ()
    graph: GraphFiles | None = None
