"""The clips on the simulated disk, under the retention operator; what it deletes is checked against what it promises."""

from winnow_operators.rehearsal.script import Rehearsal, Rules, SimClip
from winnow_operators.retention.clips import ClipFacts, plan_retention
from winnow_schemas.priority import Priority


class Disk:
    """Everything that was cut and not deleted."""

    def __init__(self, rules: Rules, rehearsal: Rehearsal) -> None:
        self._rules = rules.retention
        self._rehearsal = rehearsal
        self.clips: dict[str, SimClip] = {}

    def put(self, clip: SimClip) -> None:
        self.clips[clip.clip_id] = clip
        self._watch(clip.ready_ns)

    @property
    def verified_bytes(self) -> int:
        return sum(clip.size_bytes for clip in self.clips.values() if clip.verified_ns is not None)

    @property
    def unverified_bytes(self) -> int:
        return sum(clip.size_bytes for clip in self.clips.values() if clip.verified_ns is None)

    def tidy(self, now_ns: int) -> list[SimClip]:
        """Plan and delete; what was deleted."""
        plan = plan_retention([_facts(clip) for clip in self.clips.values()], now_ns, self._rules)
        gone = []
        for step in plan.steps:
            if not step.delete:
                continue
            clip = self.clips.pop(step.clip.name)
            clip.deleted_ns = now_ns
            gone.append(clip)
            self._rehearsal.deleted[step.rule.value] = self._rehearsal.deleted.get(step.rule.value, 0) + 1
            if clip.verified_ns is None and not self._may_go_unproven(clip):
                self._rehearsal.violations.append(f"{clip.clip_id} was deleted without proof of its upload.")
        self._watch(now_ns)
        return gone

    def _may_go_unproven(self, clip: SimClip) -> bool:
        allowed = self._rules.gives_up_unverified and clip.priority is not Priority.P0
        return allowed and not any(one.verified_ns is not None for one in self.clips.values())

    def _watch(self, now_ns: int) -> None:
        used = self.verified_bytes + self.unverified_bytes
        if used > self._rules.room_bytes >= self._rehearsal.peak_disk_bytes:
            self._rehearsal.violations.append(
                f"The disk held {used / 1e9:.1f} GB at {now_ns}, over its limit of "
                f"{self._rules.room_bytes / 1e9:.1f} GB."
            )
        self._rehearsal.peak_disk_bytes = max(self._rehearsal.peak_disk_bytes, used)


def _facts(clip: SimClip) -> ClipFacts:
    return ClipFacts(
        name=clip.clip_id,
        priority=clip.priority,
        size_bytes=clip.size_bytes,
        verified_wall_ns=clip.verified_ns,
        value=clip.worth,
        captured_ns=clip.t_ns,
        may_show_people=clip.may_show_people,
    )
