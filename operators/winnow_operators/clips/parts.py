"""Parts of a window that was too long for one clip: what the part before holds, and what a later one lacks."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from winnow_operators.clips.windows import ClipPlan


class PartBefore:
    """Remembers what came of the clip before.

    Parts of a long window meet exactly, so an event right behind a split has its pre-roll in the part before.
    That one was charged to other events: over their budget or their size cap, or cut for fewer topics, it lacks
    what this event wants.
    """

    def __init__(self) -> None:
        self._end_ns: int | None = None
        self._is_whole = False
        self._topics: frozenset[str] = frozenset()

    def came_of(self, plan: ClipPlan, *, is_whole: bool) -> None:
        """A clip was made of this plan, or not; ``is_whole``: it holds every message that the plan wanted."""
        self._end_ns, self._is_whole, self._topics = plan.end_ns, is_whole, frozenset(plan.topics)

    def reaching_back(self, plan: ClipPlan) -> ClipPlan:
        """The plan of a later part, begun earlier where its pre-rolls lie in a part that does not hold them."""
        if not plan.part or self._end_ns != plan.start_ns:
            return plan
        lacking = [
            event.t_ns - event.pre_roll_ns
            for event in plan.events
            if event.t_ns >= plan.start_ns and not self._holds(event.topics)
        ]
        return replace(plan, start_ns=min([plan.start_ns, *lacking]))

    def _holds(self, topics: list[str]) -> bool:
        return self._is_whole and (not self._topics or (bool(topics) and self._topics.issuperset(topics)))

    def snapshot(self) -> dict[str, Any] | None:
        """JSON values; None before the first clip."""
        if self._end_ns is None:
            return None
        return {"end_ns": self._end_ns, "whole": self._is_whole, "topics": sorted(self._topics)}

    def restore(self, saved: Mapping[str, Any] | None) -> None:
        """Take over a snapshot."""
        if saved is not None:
            self._end_ns, self._is_whole = saved["end_ns"], saved["whole"]
            self._topics = frozenset(saved["topics"])
