"""When uploads were verified, on a clock that may be wrong: pure.

Ages count from these dates, so a clock that jumps forward must not make everything old, and a date from a clock
that ran ahead must not keep a clip for ever. Whatever is doubtful keeps a clip longer, never shorter.
"""

from dataclasses import dataclass

from winnow_operators.retention.clips import DAY_NS, EARLIEST_NS

STEP_NS = 300 * 10**9
"""A clock that runs within this of the monotonic one between two looks has not been set: five minutes are far
more than any slewing, far less than what retention counts in."""
AHEAD_NS = 2 * DAY_NS
"""A verification this far in the future was dated by a clock that ran ahead. Less is waited for: a clock that
stepped back a day comes back, or the clip stays a day longer."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A receipt of the uploader, as far as deleting rests on it."""

    wall_ns: int
    """When it came, by this device's clock."""
    sha256: str
    """Of what was sent."""


class ProofDates:
    """Clip id -> proof. Knows which of the dates were given under the clock as it is now."""

    def __init__(self, proofs: dict[str, Proof]) -> None:
        self.proofs = dict(proofs)
        self._dated_here: set[str] = set()
        """Ids dated since this process began: what a step of the clock concerns."""
        self._offset_ns: int | None = None
        """Wall minus monotonic clock at the last look."""

    def add(self, clip_id: str, sha256: str, wall_ns: int) -> None:
        """A receipt came; the first one for a content counts."""
        known = self.proofs.get(clip_id)
        if known is not None and known.sha256 == sha256:
            return
        self.proofs[clip_id] = Proof(wall_ns, sha256)
        self._dated_here.add(clip_id)

    def look(self, wall_ns: int, monotonic_ns: int) -> None:
        """Look at the clocks, before every plan, and set right what a wrong clock has dated.

        A step forward moves the dates of this process along: what was verified ten minutes ago by a clock that
        stood in 1970 was verified ten minutes ago. A date before 2000, or days in the future, becomes now.
        """
        offset = wall_ns - monotonic_ns
        if self._offset_ns is not None and offset - self._offset_ns > STEP_NS:
            for clip_id in self._dated_here & self.proofs.keys():
                old = self.proofs[clip_id]
                self.proofs[clip_id] = Proof(old.wall_ns + offset - self._offset_ns, old.sha256)
        self._offset_ns = offset
        for clip_id, proof in self.proofs.items():
            unset = proof.wall_ns < EARLIEST_NS <= wall_ns
            if unset or proof.wall_ns > wall_ns + AHEAD_NS:
                self.proofs[clip_id] = Proof(wall_ns, proof.sha256)
                self._dated_here.add(clip_id)

    def verified_wall_ns(self, clip_id: str, *contents: str) -> int | None:
        """When one of these contents (SHA-256) of the clip was verified; None without proof of any."""
        proof = self.proofs.get(clip_id)
        return proof.wall_ns if proof is not None and proof.sha256 and proof.sha256 in contents else None

    def keep_only(self, clip_ids: set[str]) -> None:
        """Forget the others: there is nothing left to delete."""
        self.proofs = {clip_id: proof for clip_id, proof in self.proofs.items() if clip_id in clip_ids}
        self._dated_here &= clip_ids
