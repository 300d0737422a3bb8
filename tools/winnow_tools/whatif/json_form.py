"""What ``winnow what-if --json`` prints: the same for the same recordings and settings, on every machine."""

from collections.abc import Sequence
from typing import Any

from winnow_operators.triggers.outcomes import Verdict
from winnow_tools.whatif.comparing import Difference, compare
from winnow_tools.whatif.gate import Comparison
from winnow_tools.whatif.replaying import Replayed
from winnow_tools.whatif.summing import Sums, TriggerSum, Volume, changes, changes_by_trigger
from winnow_tools.whatif.variant import ClipOutcome


def compared(replayed: Sequence[Replayed], sums: Sequence[Sums]) -> list[Comparison]:
    """Each settings file but the first beside the first."""
    return [
        Comparison(
            sums[0],
            sums[place],
            [compare(one.decided[0], one.decided[place]) for one in replayed],
        )
        for place in range(1, len(sums))
    ]


def to_json(
    replayed: Sequence[Replayed],
    sums: Sequence[Sums],
    comparisons: Sequence[Comparison],
    failed: Sequence[str],
) -> dict[str, Any]:
    """Everything, as plain values."""
    return {
        "recordings": [_recording(one) for one in replayed],
        "settings": [
            {
                **_sums(one),
                "clips": [
                    _clip(clip, recording.path.name)
                    for recording in replayed
                    for clip in recording.decided[place].clips
                ],
                "events": [
                    _event(event, recording.path.name)
                    for recording in replayed
                    for event in recording.decided[place].events
                ],
            }
            for place, one in enumerate(sums)
        ],
        "comparisons": [_comparison(one) for one in comparisons],
        "failed": list(failed),
    }


def _recording(one: Replayed) -> dict[str, Any]:
    return {
        "path": str(one.path),
        "start_ns": one.start_ns,
        "end_ns": one.end_ns,
        "seconds": (one.end_ns - one.start_ns) / 1e9,
        "messages_decoded": one.messages,
        "topics_decoded": list(one.topics),
        "problems": list(one.problems),
    }


def _sums(sums: Sums) -> dict[str, Any]:
    return {
        "name": sums.name,
        "triggers": {name: _trigger(one) for name, one in sums.triggers.items()},
        "inactive": sums.inactive,
        "total": {**_volume(sums.total), "over_budget": sums.over_budget},
        "priorities": {priority.name: _volume(one) for priority, one in sums.by_priority.items()},
        "budget": [
            {
                "recording": line.recording,
                "utc_day": line.day,
                "priority": line.priority.name,
                "charged_bytes": line.charged_bytes,
                "limit_bytes": line.limit_bytes,
                "refused": line.refused,
            }
            for line in sums.budgets
        ],
    }


def _trigger(one: TriggerSum) -> dict[str, Any]:
    return {
        "priority": one.priority.name,
        "fired": one.fired,
        "muted": one.muted,
        "held": {verdict.value: one.held[verdict] for verdict in Verdict if verdict in one.held},
        **_volume(one.cut),
        "over_budget": one.over_budget,
        "empty": one.empty,
    }


def _volume(volume: Volume) -> dict[str, Any]:
    return {
        "clips": volume.clips,
        "seconds": volume.length_ns / 1e9,
        "payload_bytes": volume.payload_bytes,
        "charged_bytes": volume.charged_bytes,
    }


def _event(event: Any, recording: str) -> dict[str, Any]:
    return {
        "recording": recording,
        "event_id": event.event_id,
        "type": event.type,
        "priority": f"P{event.priority}",
        "t_ns": event.t_ns,
        "value": event.value,
        "threshold": event.threshold,
    }


def _clip(clip: ClipOutcome, recording: str) -> dict[str, Any]:
    plan = clip.plan
    return {
        "recording": recording,
        "clip_id": clip.clip_id,
        "name": clip.name,
        "outcome": clip.judged.outcome,
        "reason": clip.judged.reason,
        "priority": plan.priority.name,
        "start_ns": plan.start_ns,
        "end_ns": plan.end_ns,
        "seconds": clip.length_ns / 1e9,
        "triggers": [{"type": event.type, "t_ns": event.t_ns} for event in plan.events],
        "part": plan.part,
        "truncated": plan.truncated,
        "messages": clip.messages,
        "payload_bytes": clip.payload_bytes,
        "charged_bytes": clip.judged.charged_bytes,
        "left_out": list(clip.judged.left_out),
    }


def _comparison(one: Comparison) -> dict[str, Any]:
    base, other = one.base.total, one.other.total
    return {
        "base": one.base.name,
        "other": one.other.name,
        "clips": {change.value: count for change, count in changes(one.differences).items()},
        "more_clips": other.clips - base.clips,
        "more_seconds": (other.length_ns - base.length_ns) / 1e9,
        "more_payload_bytes": other.payload_bytes - base.payload_bytes,
        "more_charged_bytes": other.charged_bytes - base.charged_bytes,
        "triggers": {
            name: {change.value: count for change, count in counts.items()}
            for name, counts in sorted(changes_by_trigger(one.differences).items())
        },
        "differences": [_difference(difference) for difference in one.differences],
    }


def _difference(one: Difference) -> dict[str, Any]:
    return {
        "change": one.change.value,
        "trigger": one.trigger,
        "start_ns": one.start_ns,
        "before": [clip.clip_id for clip in one.before],
        "after": [clip.clip_id for clip in one.after],
        "reason": one.reason,
    }
