"""Which clips other settings would gain, lose and change.

Clips belong together when they have an event in common, or a trigger in common and one holds at least half of the
other (a threshold that is crossed a little later gives another event, but the same clip for whoever looks at it).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from winnow_tools.whatif.absence import why_none
from winnow_tools.whatif.variant import ClipOutcome, Decided


class Change(StrEnum):
    """What became of a clip, or of some that belong together."""

    SAME = "unchanged"
    CHANGED = "changed"
    """Another window, priority, cause or content."""
    GAINED = "gained"
    LOST = "lost"
    MERGED = "merged"
    """Fewer clips than before hold the same."""
    SPLIT = "split"
    """More clips than before hold the same."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Clips of the base and of the other settings that belong together; one side may be empty."""

    change: Change
    before: tuple[ClipOutcome, ...]
    after: tuple[ClipOutcome, ...]
    reason: str = ""
    """Why there is no clip on the empty side, where that is known; what changed, where something did."""

    @property
    def lead(self) -> ClipOutcome:
        """The clip that names it: the first of the other settings, of the base where those have none."""
        return (self.after or self.before)[0]

    @property
    def trigger(self) -> str:
        """The trigger that it is counted for."""
        return self.lead.plan.lead.type

    @property
    def start_ns(self) -> int:
        return min(clip.plan.start_ns for clip in (*self.before, *self.after))


def compare(base: Decided, other: Decided) -> tuple[Difference, ...]:
    """All clips that either settings cut, in order of time."""
    before, after = _cut(base), _cut(other)
    links = _links(before, after)
    found = [
        _difference(tuple(before[one] for one in left), tuple(after[one] for one in right), base, other)
        for left, right in _components(len(before), len(after), links)
    ]
    return tuple(sorted(found, key=lambda one: (one.start_ns, one.lead.clip_id)))


def _cut(decided: Decided) -> list[ClipOutcome]:
    clips = [clip for clip in decided.clips if clip.judged.cut]
    return sorted(clips, key=lambda clip: (clip.plan.start_ns, clip.plan.end_ns, clip.clip_id))


# --- what belongs together --------------------------------------------------------------------------------


def _links(before: Sequence[ClipOutcome], after: Sequence[ClipOutcome]) -> set[tuple[int, int]]:
    same = {clip.clip_id: place for place, clip in enumerate(after)}
    links = {(place, same[clip.clip_id]) for place, clip in enumerate(before) if clip.clip_id in same}
    paired_before, paired_after = ({pair[side] for pair in links} for side in (0, 1))
    causes: dict[tuple[str, int], list[int]] = {}
    for place, clip in enumerate(after):
        if place not in paired_after:
            for event in clip.plan.events:
                causes.setdefault((event.type, event.t_ns), []).append(place)
    for place, clip in enumerate(before):
        if place not in paired_before:
            shared = {
                other for event in clip.plan.events for other in causes.get((event.type, event.t_ns), ())
            }
            links |= {(place, other) for other in shared}
    left = [place for place in range(len(before)) if place not in paired_before]
    right = [place for place in range(len(after)) if place not in paired_after]
    return links | _half_of_each_other(before, after, left, right, links)


def _half_of_each_other(
    before: Sequence[ClipOutcome],
    after: Sequence[ClipOutcome],
    left: Sequence[int],
    right: Sequence[int],
    links: set[tuple[int, int]],
) -> set[tuple[int, int]]:
    """Links for clips without any: one of the two holds half of the other, for one of the same triggers."""
    linked = ({pair[0] for pair in links}, {pair[1] for pair in links})
    found, first = set(), 0
    longest_ns = max((before[place].length_ns for place in left), default=0)
    for other in right:  # both are in order of their starts
        two = after[other].plan
        while first < len(left) and before[left[first]].plan.start_ns + longest_ns <= two.start_ns:
            first += 1
        for place in left[first:]:
            if place in linked[0] and other in linked[1]:
                continue
            one = before[place].plan
            if one.start_ns >= two.end_ns:
                break
            overlap_ns = min(one.end_ns, two.end_ns) - max(one.start_ns, two.start_ns)
            shorter_ns = min(one.end_ns - one.start_ns, two.end_ns - two.start_ns)
            if overlap_ns * 2 >= shorter_ns > 0 and not _types(before[place]).isdisjoint(
                _types(after[other])
            ):
                found.add((place, other))
    return found


def _types(clip: ClipOutcome) -> frozenset[str]:
    return frozenset(event.type for event in clip.plan.events)


def _components(
    left: int, right: int, links: set[tuple[int, int]]
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Clips that are linked, directly or through others."""
    parent = list(range(left + right))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for one, two in sorted(links):
        parent[root(left + two)] = root(one)
    members: dict[int, tuple[list[int], list[int]]] = {}
    for place in range(left + right):
        sides = members.setdefault(root(place), ([], []))
        sides[place >= left].append(place if place < left else place - left)
    return [(tuple(one), tuple(two)) for one, two in members.values()]


# --- what it comes to -------------------------------------------------------------------------------------


def _difference(
    before: tuple[ClipOutcome, ...], after: tuple[ClipOutcome, ...], base: Decided, other: Decided
) -> Difference:
    if not before:
        return Difference(Change.GAINED, before, after, why_none(after[0], other, base))
    if not after:
        return Difference(Change.LOST, before, after, why_none(before[0], base, other))
    if len(before) != len(after):
        change = Change.MERGED if len(after) < len(before) else Change.SPLIT
        return Difference(change, before, after, f"{_clips(len(before))} became {_clips(len(after))}")
    what = [text for one, two in zip(before, after, strict=True) for text in _changes(one, two)]
    change = Change.CHANGED if what else Change.SAME
    return Difference(change, before, after, "; ".join(dict.fromkeys(what)))


def _clips(count: int) -> str:
    return "1 clip" if count == 1 else f"{count} clips"


def _changes(one: ClipOutcome, two: ClipOutcome) -> list[str]:
    changes = []
    if one.plan.start_ns != two.plan.start_ns:
        changes.append(f"begins {_later(two.plan.start_ns - one.plan.start_ns)}")
    if one.plan.end_ns != two.plan.end_ns:
        changes.append(f"ends {_later(two.plan.end_ns - one.plan.end_ns)}")
    if one.plan.priority != two.plan.priority:
        changes.append(f"{one.plan.priority.name} became {two.plan.priority.name}")
    causes = [{(event.type, event.t_ns) for event in clip.plan.events} for clip in (one, two)]
    if causes[0] != causes[1]:
        changes.append(_causes(*causes))
    if one.judged.left_out != two.judged.left_out:
        changes.append(f"leaves out {', '.join(two.judged.left_out) or 'nothing'}")
    if not changes and (one.messages, one.payload_bytes) != (two.messages, two.payload_bytes):
        changes.append("holds other topics")
    if not changes and one.judged.charged_bytes != two.judged.charged_bytes:
        changes.append("is charged otherwise")
    return changes


def _later(step_ns: int) -> str:
    return f"{abs(step_ns) / 1e9:.3f} s {'later' if step_ns > 0 else 'earlier'}"


def _causes(before: set[tuple[str, int]], after: set[tuple[str, int]]) -> str:
    new = sorted({name for name, _ in after} - {name for name, _ in before})
    gone = sorted({name for name, _ in before} - {name for name, _ in after})
    parts = [f"also {', '.join(new)}"] if new else []
    parts += [f"no longer {', '.join(gone)}"] if gone else []
    return " and ".join(parts) or f"{len(before)} triggers became {len(after)}, or fire at other times"
