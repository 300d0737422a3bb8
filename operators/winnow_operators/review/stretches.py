"""A video's frames as stretches of one verdict."""

from collections.abc import Iterable
from typing import NamedTuple


class FrameVerdict(NamedTuple):
    """What the gate said of a frame."""

    frame: int
    t_ns: int
    kept: bool
    reason: str


class Stretch(NamedTuple):
    """Neighbouring frames with the same reason."""

    first: int
    last: int
    start_ns: int
    end_ns: int
    """Time of the frame behind the last one; of the last one at the end."""
    kept: bool
    reason: str

    @property
    def frames(self) -> int:
        return self.last - self.first + 1


def stretches(verdicts: Iterable[FrameVerdict]) -> list[Stretch]:
    """Join neighbours; every frame is in exactly one stretch, in order."""
    found: list[Stretch] = []
    for each in verdicts:
        if found and (found[-1].kept, found[-1].reason) == (each.kept, each.reason):
            found[-1] = found[-1]._replace(last=each.frame, end_ns=each.t_ns)
            continue
        if found:
            found[-1] = found[-1]._replace(end_ns=each.t_ns)
        found.append(Stretch(each.frame, each.frame, each.t_ns, each.t_ns, each.kept, each.reason))
    return found
