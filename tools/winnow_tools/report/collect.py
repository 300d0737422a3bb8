"""Fills the report from a run's folder: ledger, sidecars, verdicts, receipts, totals, ground truth."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from winnow_operators.sim.truth.compare import compare
from winnow_runtime.journal import JournalReader
from winnow_runtime.ledger import read_ledger
from winnow_schemas.errors import BadInputError
from winnow_schemas.messages import TriggerEvent
from winnow_schemas.priority import Priority
from winnow_schemas.settings import DeviceSettings, load_settings
from winnow_schemas.simulation.triggers import TRIGGER_PRIORITY
from winnow_schemas.simulation.truth import MAX_BYTES, Comparison, GroundTruth, IncidentTruth
from winnow_tools.clips.collection import Clip, clips_of
from winnow_tools.report.model import (
    BudgetUse,
    ClipRow,
    DecisionGroup,
    GraphFiles,
    Incident,
    ReportData,
    TopicRow,
    TriggerMark,
)
from winnow_tools.running.watch import read_totals

Row = dict[str, Any]
_NOT_WORTH_TELLING = {
    ("trigger", "fired"),
    ("clip", "cut"),
    ("file", "written"),
    ("stream", "ended"),
    ("retention", "kept"),
    ("upload", "queued"),
    ("upload", "sent"),
    ("redaction", "passed"),
    ("upload", "known"),
}
_DAY_NS = 86_400 * 10**9


def collect(out: Path, *, graph: Path | None = None, title: str = "", note: str = "") -> ReportData:
    """Everything that the report shows.

    Raises:
        BadInputError: the folder holds no run.

    """
    totals = read_totals(out)
    if totals is None:
        raise BadInputError(f"{out} holds no finished run; nothing was reported.")
    rows: list[Row] = read_ledger(out).to_pylist()
    clips = list(clips_of(out, [])) if (out / "clips").is_dir() else []
    events = read_events(out)
    settings = run_settings(out)
    truth = read_truth(out)
    times = [event.t_ns for event in events] + [clip.sidecar.start_ns for clip in clips]
    newest = max((topic["newest_ns"] for topic in totals.topics.values()), default=0)
    firsts = [topic["first_ns"] for topic in totals.topics.values() if topic["first_ns"] is not None]
    start = truth.start_ns if truth else min([*times, *firsts], default=newest)
    comparison = compare_run(truth, events) if truth else None
    return ReportData(
        title=title or (truth.script if truth else out.name),
        start_ns=min([start, *times]),
        end_ns=max(newest, start) + 1,
        bytes_seen=totals.bytes,
        bytes_kept=sum(clip.sidecar.size_bytes or 0 for clip in clips),
        p0_events=sum(event.priority == 0 for event in events),
        p0_kept=sum(event.priority == 0 and _holder(event, clips, whole=True) != "" for event in events),
        vehicle=settings.vehicle.id if settings else "",
        software=settings.vehicle.software if settings else "",
        note=note,
        triggers=tuple(_mark(event, clips) for event in events),
        clips=tuple(_clip_row(clip, out, rows) for clip in clips),
        incidents=tuple(_incidents(truth, comparison, events, clips)) if truth and comparison else (),
        unexplained=len(comparison.unexpected) if comparison else None,
        budgets=tuple(_budgets(settings, clips, rows)) if settings else (),
        decisions=tuple(_groups(rows)),
        topics=tuple(_topics(totals.topics, clips, settings)),
        graph=_graph(graph or out / "dora" / "graph.yml"),
    )


def read_events(out: Path) -> list[TriggerEvent]:
    """Every event that fired, in order."""
    folders = sorted((out / "state").glob("*/events"))
    return [
        TriggerEvent.from_builtins(line.record) for folder in folders for line in JournalReader(folder).read()
    ]


def read_truth(out: Path) -> GroundTruth | None:
    """The ground truth of a simulated run; None for others.

    Raises:
        BadInputError: the file is not one.

    """
    path = out / "truth.json"
    if not path.exists():
        return None
    if path.stat().st_size > MAX_BYTES:
        raise BadInputError(f"{path} has more than {MAX_BYTES} bytes; it was not read.")
    try:
        return msgspec.json.decode(path.read_bytes(), type=GroundTruth)
    except msgspec.MsgspecError as error:
        raise BadInputError(f"{path} is no ground truth ({error}); it was not used.") from None


def compare_run(truth: GroundTruth, events: Iterable[TriggerEvent]) -> Comparison:
    """Hold the run against its ground truth, with the library's sampling intervals."""
    from winnow_schemas.library import library_triggers

    library = library_triggers()
    every_s = float(library["time_sample"].params["interval"])
    every_m = float(library["distance_sample"].params["interval"])
    return compare(truth, [(event.type, event.t_ns) for event in events], every_s=every_s, every_m=every_m)


def run_settings(out: Path) -> DeviceSettings | None:
    """The settings that a run was started with; None when nobody knows any more.

    Raises:
        BadInputError: they are there and cannot be read.

    """
    for name in (out / "settings.yml", *_settings_named(out)):
        if name.exists():
            return load_settings(name)[0]
    return None


def _settings_named(out: Path) -> list[Path]:
    import yaml

    graph = out / "dora" / "graph.yml"
    if not graph.exists():
        return []
    value = yaml.safe_load(graph.read_text("utf-8"))
    name = (value.get("env") or {}).get("WINNOW_SETTINGS", "")
    return [Path(name)] if name else []


def _holder(event: TriggerEvent, clips: Sequence[Clip], *, whole: bool = False) -> str:
    for clip in clips:
        sidecar = clip.sidecar
        mine = any(trigger.event_id == event.event_id for trigger in sidecar.triggers)
        if mine and sidecar.start_ns <= event.t_ns < sidecar.end_ns and not (whole and sidecar.missing):
            return sidecar.clip_id
    return ""


def _mark(event: TriggerEvent, clips: Sequence[Clip]) -> TriggerMark:
    holder = _holder(event, clips)
    return TriggerMark(
        type=event.type,
        priority=event.priority,
        t_ns=event.t_ns,
        value=event.value,
        threshold=event.threshold,
        clip_id=holder,
        suppressed="" if holder else "its window was not cut",
    )


def _clip_row(clip: Clip, out: Path, rows: Sequence[Row]) -> ClipRow:
    sidecar, verdict = clip.sidecar, clip.verdict or {}
    uploads = [
        row["outcome"] for row in rows if row["kind"] == "upload" and row["subject"] == sidecar.clip_id
    ]
    return ClipRow(
        clip_id=sidecar.clip_id,
        name=sidecar.name,
        path=str(clip.path.relative_to(out)),
        priority=sidecar.priority,
        types=tuple(dict.fromkeys(trigger.type for trigger in sidecar.triggers)),
        start_ns=sidecar.start_ns,
        end_ns=sidecar.end_ns,
        messages=sidecar.messages,
        size_bytes=sidecar.size_bytes or 0,
        scenario=str(verdict.get("scenario_class", "")),
        annotation_priority=verdict.get("annotation_priority"),
        upload_state=_upload_state(uploads),
        truncated=sidecar.truncated,
        missing=tuple(f"{hole.topic}: {hole.reason}" for hole in sidecar.missing),
    )


def _upload_state(outcomes: Sequence[str]) -> str:
    if "sent" in outcomes:
        return "uploaded"
    return {"queued": "waiting", "off": "off"}.get(outcomes[-1], outcomes[-1]) if outcomes else ""


def _incidents(
    truth: GroundTruth, comparison: Comparison, events: Sequence[TriggerEvent], clips: Sequence[Clip]
) -> Iterable[Incident]:
    for incident in truth.incidents:
        expected = [
            each for each in [*comparison.met, *comparison.missing] if each.incident == incident.number
        ]
        found = next(
            (
                event
                for each in expected
                for event in events
                if event.type == each.type and each.covers(event.t_ns)
            ),
            None,
        )
        kinds = tuple(dict.fromkeys(each.type for each in expected))
        begun = incident.begun_ns if incident.begun_ns is not None else incident.armed_ns
        yield Incident(
            name=incident.kind.replace("_", " "),
            priority=min((int(TRIGGER_PRIORITY[kind]) for kind in kinds or incident.causes), default=5),
            t_ns=begun,
            end_ns=incident.over_ns,
            expected_types=kinds,
            found_type=found.type if found else "",
            found_t_ns=found.t_ns if found else None,
            clip_id=_holder(found, clips) if found else "",
            note=_incident_note(incident, kinds),
        )


def _incident_note(incident: IncidentTruth, expected: Sequence[str]) -> str:
    if incident.begun_ns is None:
        return "the script gave it no chance to begin"
    if not expected:
        may = f": {', '.join(incident.causes)} may" if incident.causes else ""
        return f"no trigger has to fire for it{may}"
    return ""


def _budgets(settings: DeviceSettings, clips: Sequence[Clip], rows: Sequence[Row]) -> Iterable[BudgetUse]:
    used: dict[int, int] = defaultdict(int)
    for clip in clips:
        used[clip.sidecar.priority] += clip.sidecar.charged_bytes
    days = max(1, len({clip.sidecar.triggers[0].t_ns // _DAY_NS for clip in clips}))
    refused = [
        json.loads(row["values"]).get("priority")
        for row in rows
        if (row["kind"], row["outcome"]) == ("clip", "over budget")
    ]
    for priority in Priority:
        limit = settings.clips.budget_gb_per_day.get(priority)
        if limit is not None or used[priority]:
            yield BudgetUse(
                priority=int(priority),
                used_bytes=used[priority],
                limit_bytes=None if limit is None or priority.always_extracted else int(limit * 1e9) * days,
                refused=refused.count(int(priority)),
            )


def _groups(rows: Sequence[Row]) -> list[DecisionGroup]:
    grouped: dict[tuple[str, str, str, str], list[int]] = defaultdict(list)
    for row in rows:
        if (row["kind"], row["outcome"]) not in _NOT_WORTH_TELLING and row["kind"] != "classification":
            grouped[row["node"], row["kind"], row["outcome"], _general(row)].append(row["t_ns"])
    return [
        DecisionGroup(
            node=node,
            kind=kind,
            outcome=outcome,
            reason=reason,
            count=len(times),
            first_ns=min((t for t in times if t > 0), default=None),
            last_ns=max((t for t in times if t > 0), default=None),
        )
        for (node, kind, outcome, reason), times in sorted(grouped.items())
    ]


def _general(row: Row) -> str:
    """The reason without what differs from case to case, so that equal cases are one line."""
    if row["kind"] in ("trigger", "clip", "redaction", "upload", "retention") and row["outcome"] not in (
        "inactive",
        "over budget",
    ):
        return (
            f"{row['subject'] if row['kind'] == 'trigger' else 'clips'}: {row['outcome'].replace('_', ' ')}"
        )
    return str(row["reason"])


def _topics(
    totals: dict[str, Row], clips: Sequence[Clip], settings: DeviceSettings | None
) -> Iterable[TopicRow]:
    kept: dict[str, int] = defaultdict(int)
    types: dict[str, str] = {}
    for clip in clips:
        for topic, content in clip.sidecar.topic_contents.items():
            kept[topic] += content.payload_bytes
            types[topic] = content.schema_name
    for topic, counters in sorted(totals.items()):
        yield TopicRow(
            topic=topic,
            messages=counters["messages"],
            size_bytes=counters["bytes"],
            type=types.get(topic, ""),
            kind=settings.topic(topic).kind.value if settings else "",
            rate_hz=_rate_hz(counters),
            lost=counters["lost"],
            kept_bytes=kept[topic],
        )


def _rate_hz(counters: Row) -> float | None:
    """Mean rate in message time, from the first to the newest stamp."""
    first_ns = counters["first_ns"]
    if first_ns is None or counters["newest_ns"] <= first_ns:
        return None
    return float((counters["messages"] - 1) * 1e9 / (counters["newest_ns"] - first_ns))


def _graph(path: Path) -> GraphFiles | None:
    return GraphFiles(name=path.name, text=path.read_text("utf-8"), modules={}) if path.exists() else None
