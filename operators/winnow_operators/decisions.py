"""Rows of the ledger for triggers and clips: the node under dora and a what-if run say the same in the same words."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from winnow_operators.clips.judging import clip_name, utc_text
from winnow_operators.clips.windows import ClipPlan
from winnow_operators.triggers.outcomes import TriggerDecision
from winnow_schemas.ids import content_id
from winnow_schemas.messages import Decision


class DecisionRow(NamedTuple):
    """What was decided about which thing, when, and why; who decided it, and in which run, comes later."""

    kind: str
    t_ns: int
    subject: str
    outcome: str
    reason: str
    values: Mapping[str, Any]


def decision(row: DecisionRow, *, node: str, run_id: str, wall_ns: int) -> Decision:
    """The record, with an id that depends on what was decided only."""
    text = json.dumps(dict(row.values), sort_keys=True, ensure_ascii=False)
    return Decision(
        decision_id=content_id(node, row.kind, row.t_ns, row.subject, row.outcome, row.reason, text),
        run_id=run_id,
        wall_ns=wall_ns,
        t_ns=row.t_ns,
        node=node,
        kind=row.kind,
        subject=row.subject,
        outcome=row.outcome,
        reason=row.reason,
        values=text,
    )


# --- triggers ---------------------------------------------------------------------------------------------


def trigger_row(outcome: TriggerDecision) -> DecisionRow:
    """What became of a trigger's condition."""
    values = {**outcome.values, "priority": int(outcome.priority)}
    return DecisionRow(
        "trigger", outcome.t_ns, outcome.trigger, outcome.verdict.value, outcome.reason, values
    )


def inactive_row(name: str, clause: str) -> DecisionRow:
    """A trigger that does not run."""
    return DecisionRow("trigger", 0, name, "inactive", f"{name} does not run: {clause}.", {})


def undecodable_row(topic: str, sentence: str) -> DecisionRow:
    """Messages of a topic that signals cannot be read from."""
    return DecisionRow("signal", 0, topic, "undecodable", sentence, {})


# --- clips ------------------------------------------------------------------------------------------------


class CutContent(NamedTuple):
    """What a cut clip holds."""

    messages: int
    payload_bytes: int
    charged_bytes: int
    missing: int
    """Holes: parts of the window that should be there and are not."""
    left_out: Sequence[str]
    """Topics, because of the size cap."""


def cut_row(clip: ClipPlan, vehicle: str, content: CutContent) -> DecisionRow:
    """A window was cut. The file's size and hash are no part of the decision: they depend on the compressor."""
    values = {
        **_window(clip),
        "name": clip_name(clip, vehicle),
        "messages": content.messages,
        "payload_bytes": content.payload_bytes,
        "charged_bytes": content.charged_bytes,
        "missing": content.missing,
        "left_out": list(content.left_out),
        "truncated": clip.truncated,
    }
    length_s = (clip.end_ns - clip.start_ns) / 1e9
    reason = f"{_types(clip)} at {utc_text(clip.lead.t_ns)}: {length_s:.1f} s, {content.messages} messages"
    if content.left_out:
        reason += f"; over its size cap, left out {', '.join(content.left_out)}"
    return DecisionRow("clip", clip.lead.t_ns, clip.clip_id(vehicle), "cut", reason, values)


def refused_row(clip: ClipPlan, vehicle: str, outcome: str, reason: str) -> DecisionRow:
    """A window was not cut."""
    return DecisionRow("clip", clip.lead.t_ns, clip.clip_id(vehicle), outcome, reason, _window(clip))


def _window(clip: ClipPlan) -> dict[str, Any]:
    return {
        "start_ns": clip.start_ns,
        "end_ns": clip.end_ns,
        "priority": int(clip.priority),
        "types": _types(clip),
    }


def _types(clip: ClipPlan) -> str:
    return "+".join(dict.fromkeys(event.type for event in clip.events))
