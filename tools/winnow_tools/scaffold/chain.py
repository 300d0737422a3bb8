"""The standard chain behind the ring, the same for every recording and vehicle.

Event edges are journaled: what an edge drops is read from the journal, so their queues are small. Heartbeats
and watermarks are cumulative: only the newest counts.
"""

from dataclasses import dataclass, replace

RESTART = "restart_policy: on-failure"
LINES_OF_EVERY_NODE = (
    RESTART,
    "max_restarts: 10",
    "restart_window: 60.0",
    "startup_timeout: 45.0",
    "health_check_timeout: 60.0",
)
"""dora brings a crashed node back ten times a minute at most, and ends one that has hung for a minute.

dora 1.1 itself now and then locks up inside a node that connects (seen once in 40 starts), and the whole graph
waits for it: such a node is started again after three quarters of a minute. That is more than eleven nodes took
on two cores under a load of 17 (32 s), and less than the minute after which the others would be taken for hung.
"""


@dataclass(frozen=True, slots=True)
class Link:
    """A node of the chain: ``takes`` are (input, source node, output, type)."""

    id: str
    script: str
    comment: str
    takes: tuple[tuple[str, str, str, str], ...]
    gives: tuple[tuple[str, str], ...]


_HEARTBEAT = ("heartbeat", "ring", "heartbeat", "winnow/ring/v1/Heartbeat")
_HEALTH = ("health", "winnow/health/v1/Health")
_DECISIONS = ("decisions", "winnow/ledger/v1/Decision")
_SPEAKING = ("ring", "recorder", "triggers", "extractor", "classifier", "redactor", "uploader", "retention")

CHAIN: tuple[Link, ...] = (
    Link(
        "recorder",
        "winnow-recorder",
        "Warm tier: 60 s segments on disk.",
        (_HEARTBEAT,),
        (_HEALTH, _DECISIONS),
    ),
    Link(
        "triggers",
        "winnow-triggers",
        "Signals and conditions: which moments matter.",
        (_HEARTBEAT,),
        (
            ("events", "winnow/triage/v1/TriggerEvent"),
            ("watermark", "winnow/triage/v1/Watermark"),
            _HEALTH,
            _DECISIONS,
        ),
    ),
    Link(
        "extractor",
        "winnow-extractor",
        "Windows to clips: MCAP and sidecar.",
        (
            _HEARTBEAT,
            ("events", "triggers", "events", "winnow/triage/v1/TriggerEvent"),
            ("watermark", "triggers", "watermark", "winnow/triage/v1/Watermark"),
        ),
        (("clips", "winnow/triage/v1/ClipReady"), _HEALTH, _DECISIONS),
    ),
    Link(
        "classifier",
        "winnow-classifier",
        "Scenario, annotation priority, diversity.",
        (("clips", "extractor", "clips", "winnow/triage/v1/ClipReady"),),
        (("verdicts", "winnow/triage/v1/Verdict"), _HEALTH, _DECISIONS),
    ),
    Link(
        "redactor",
        "winnow-redactor",
        "What may show people stays here.",
        (("verdicts", "classifier", "verdicts", "winnow/triage/v1/Verdict"),),
        (("outgoing", "winnow/triage/v1/Outgoing"), _HEALTH, _DECISIONS),
    ),
    Link(
        "uploader",
        "winnow-uploader",
        "S3, resumable, within budget.",
        (("outgoing", "redactor", "outgoing", "winnow/triage/v1/Outgoing"),),
        (("receipts", "winnow/triage/v1/Receipt"), _HEALTH, _DECISIONS),
    ),
    Link(
        "retention",
        "winnow-retention",
        "What stays on the device.",
        (("receipts", "uploader", "receipts", "winnow/triage/v1/Receipt"),),
        (_HEALTH, _DECISIONS),
    ),
    Link(
        "monitor",
        "winnow-monitor",
        "Prometheus metrics and diagnostics.",
        tuple((f"health_{node}", node, "health", "winnow/health/v1/Health") for node in _SPEAKING),
        (("diagnostics", "winnow/health/v1/Health"), _DECISIONS),
    ),
)
_CUMULATIVE = ("heartbeat", "watermark", "health")


def ledger(source: str) -> Link:
    """The ledger takes the decisions of everybody, the source included."""
    nodes = (source, *_SPEAKING, "monitor")
    takes = tuple((f"decisions_{node}", node, "decisions", "winnow/ledger/v1/Decision") for node in nodes)
    return Link("ledger", "winnow-ledger", "One table of decisions with reasons.", takes, ())


def chain_yaml(source: str, *, speaks: bool = False) -> str:
    """The chain as graph text; ``source``: id of the source node, ``speaks``: it has health to tell."""
    links = [
        *(_hearing(link, source) if speaks and link.id == "monitor" else link for link in CHAIN),
        ledger(source),
    ]
    return "\n\n".join(_node(link) for link in links) + "\n"


def _hearing(monitor: Link, source: str) -> Link:
    health = (f"health_{source}", source, "health", "winnow/health/v1/Health")
    return replace(monitor, takes=(health, *monitor.takes))


def _node(link: Link) -> str:
    lines = [f"  # {link.comment}", f"  - id: {link.id}", f"    path: {link.script}"]
    lines += [f"    {line}" for line in LINES_OF_EVERY_NODE]
    lines.append("    inputs:")
    lines += [f"      {name}: {_edge(node, output)}" for name, node, output, _ in link.takes]
    lines.append("    input_types:")
    lines += [f"      {name}: {urn}" for name, _, _, urn in link.takes]
    if link.gives:
        lines.append(f"    outputs: [{', '.join(name for name, _ in link.gives)}]")
        lines.append("    output_types:")
        lines += [f"      {name}: {urn}" for name, urn in link.gives]
    return "\n".join(lines)


def _edge(node: str, output: str) -> str:
    if output in _CUMULATIVE:
        return f"{{source: {node}/{output}, queue_size: 10}}"
    return f"{{source: {node}/{output}, queue_size: 100, queue_policy: backpressure}}"
