"""The table of everything that was covered, frame by frame; it stays on the vehicle."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from winnow_redactor.inspection import ChannelPlan, FramePlan
from winnow_runtime import atomic
from winnow_schemas.sidecar import DoubtfulFrame, RedactedTopic

FOLDER = "redaction"
"""In the run's folder."""
DOUBTFUL_IN_SIDECAR = 200
"""The others are in the table."""
COLUMNS = pa.schema(
    [
        ("topic", pa.string()),
        ("frame", pa.int32()),
        ("t_ns", pa.int64()),
        ("what", pa.string()),  # detected, held, masked
        ("subject", pa.string()),
        *((name, pa.float32()) for name in ("x0", "y0", "x1", "y1", "score")),
        ("doubt", pa.string()),
    ]
)


def audit_table(plans: Iterable[ChannelPlan]) -> pa.Table:
    """One row per cover and per frame that was covered whole; a frame in doubt has a row in any case."""
    rows: list[dict[str, Any]] = []
    for plan in plans:
        for number, frame in enumerate(plan.frames):
            rows += _rows(plan.channel.topic, number, frame)
    return pa.Table.from_pylist(rows, COLUMNS)


def _rows(topic: str, number: int, frame: FramePlan) -> list[dict[str, Any]]:
    common = {"topic": topic, "frame": number, "t_ns": frame.t_ns, "doubt": frame.doubt}
    if frame.masked:
        return [{**common, "what": "masked", "subject": ""}]
    rows = [
        {
            **common,
            "what": "held" if cover.held else "detected",
            "subject": cover.subject.value,
            **cover.box._asdict(),
            "score": cover.score,
        }
        for cover in frame.covers
    ]
    return rows or ([{**common, "what": "nothing", "subject": ""}] if frame.doubt else [])


def write_audit(table: pa.Table, path: Path) -> str:
    """Write the table; its SHA-256."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    data = sink.getvalue().to_pybytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_bytes(path, data)
    return hashlib.sha256(data).hexdigest()


def summary(plans: Iterable[ChannelPlan]) -> dict[str, RedactedTopic]:
    """Counts per topic."""
    topics: dict[str, RedactedTopic] = {}
    for plan in plans:
        frames = plan.frames
        shown = [frame for frame in frames if not frame.masked]
        covers = [cover for frame in shown for cover in frame.covers]
        before = topics.get(plan.channel.topic) or RedactedTopic(
            frames=0, covered=0, masked=0, detected=0, held=0
        )
        topics[plan.channel.topic] = RedactedTopic(
            frames=before.frames + len(frames),
            covered=before.covered + sum(bool(frame.covers) for frame in shown),
            masked=before.masked + len(frames) - len(shown),
            detected=before.detected + sum(not cover.held for cover in covers),
            held=before.held + sum(cover.held for cover in covers),
            why=before.why or next((frame.masked for frame in frames if frame.masked), ""),
        )
    return topics


def doubtful(plans: Iterable[ChannelPlan]) -> list[DoubtfulFrame]:
    """Frames to look at, in the order of time."""
    found = [
        DoubtfulFrame(topic=plan.channel.topic, t_ns=frame.t_ns, reason=frame.doubt)
        for plan in plans
        for frame in plan.frames
        if frame.doubt
    ]
    return sorted(found, key=lambda each: (each.t_ns, each.topic))
