"""What the graphs said of a generated drive, held against its truth."""

from dataclasses import dataclass
from typing import Any

from winnow_operators.dashcam.gps.track import Fix, metres_between
from winnow_operators.dashcam.scenes.drive_plan import BUMP_S, DrivePlan, PlateTruth, phase
from winnow_operators.dashcam.tracks.alignment import distance

_SECOND_NS = 1_000_000_000
_AROUND_NS = 3 * _SECOND_NS
"""A plate may be read that long before it counts as legible: truth is about what must be read, not what can be."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One drive."""

    right: tuple[str, ...]
    missed: tuple[str, ...]
    """Legible plates without a record that says them."""
    beyond: tuple[str, ...]
    """Read right although nobody could be blamed for not doing so."""
    false: tuple[str, ...]
    """Records that say what no plate of the drive says at that time, second records of one pass among them."""
    frames: int
    kept: int
    passes_seen: int
    """Legible plates that at least two kept frames show."""
    position_errors_m: tuple[float, ...]
    beyond_uncertainty: int
    """Records whose position is farther from the truth than they say."""
    dropped: dict[str, str]
    """What each phase of the drive that shows nothing new was dropped for mostly."""

    @property
    def legible(self) -> int:
        return len(self.right) + len(self.missed)

    @property
    def reduction(self) -> float:
        return 1 - self.kept / self.frames if self.frames else 0.0


def judge(plan: DrivePlan, record: dict[str, Any], rows: list[dict[str, Any]]) -> Judged:
    """Judge a video's record and the rows of its artifact."""
    truths = {car.text: plan.truth(car) for car in plan.cars}
    found: dict[str, dict[str, Any]] = {}
    false = []
    for plate in record["plates"]:
        truth = truths.get(plate["text"])
        if truth is None or plate["text"] in found or not _at_its_time(plate, truth):
            false.append(plate["text"])
        else:
            found[plate["text"]] = plate
    wanted = [each for each in truths.values() if each.legible]
    kept = [row["t_ns"] for row in rows if row["kept"]]
    errors, beyond = _positions(plan, list(found.values()))
    return Judged(
        right=tuple(each.text for each in wanted if each.text in found),
        missed=tuple(each.text for each in wanted if each.text not in found),
        beyond=tuple(text for text in found if not truths[text].legible),
        false=tuple(false),
        frames=len(rows),
        kept=len(kept),
        passes_seen=sum(sum(each.first_ns <= t_ns <= each.last_ns for t_ns in kept) >= 2 for each in wanted),
        position_errors_m=tuple(errors),
        beyond_uncertainty=beyond,
        dropped=_dropped(rows),
    )


def nearest(text: str, plan: DrivePlan) -> str:
    """The plate of the drive that a false reading most resembles."""
    return min((car.text for car in plan.cars), key=lambda each: (distance(text, each), each))


def _at_its_time(plate: dict[str, Any], truth: PlateTruth) -> bool:
    last = truth.last_ns or plate["last_ns"]
    first = truth.first_ns or plate["first_ns"]
    return bool(plate["first_ns"] <= last + _SECOND_NS and plate["last_ns"] >= first - _AROUND_NS)


def _positions(plan: DrivePlan, plates: list[dict[str, Any]]) -> tuple[list[float], int]:
    errors, beyond = [], 0
    for plate in plates:
        place = plate["position"]
        if place is None:
            continue
        latitude, longitude = plan.place_deg(plate["best"]["t_ns"] / 1e9)
        error = metres_between(
            Fix(0, latitude, longitude), Fix(0, place["latitude_deg"], place["longitude_deg"])
        )
        errors.append(round(error, 2))
        beyond += error > place["uncertainty_m"]
    return errors, beyond


def _dropped(rows: list[dict[str, Any]]) -> dict[str, str]:
    """Phase -> the reason that most of its frames were dropped for."""
    counts: dict[str, dict[str, int]] = {}
    for row in rows:
        t_s = row["t_ns"] / 1e9
        name = "bump" if BUMP_S[0] <= t_s < BUMP_S[1] else phase(t_s)
        if not row["kept"]:
            of = counts.setdefault(name, {})
            of[row["reason"]] = of.get(row["reason"], 0) + 1
    return {name: max(of, key=lambda each: (of[each], each)) for name, of in sorted(counts.items())}
