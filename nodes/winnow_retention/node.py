"""`winnow-retention`: receipts in; a plan, and deletions when the settings say `apply`."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from stat import S_ISREG
from typing import Any

from winnow_operators.retention.clips import Matter, RetentionPlan, Step
from winnow_operators.retention.proof import Proof, ProofDates
from winnow_retention.planning import free_bytes, plan_of
from winnow_retention.survey import HOLD, VERDICT, Found, Survey, Surveyor
from winnow_runtime.legal_holds import Holds, LegalHolds
from winnow_runtime.node import Node, run_as_process
from winnow_schemas.messages import Receipt

IDLE_S = 0.5
PLAN_EVERY_S = 60.0


def saved_proofs(saved: dict[str, Any]) -> dict[str, Proof]:
    """The proofs of a checkpoint."""
    return {clip_id: Proof(int(at), str(sha256)) for clip_id, (at, sha256) in saved.get("proofs", {}).items()}


class Loop:
    """One node's work, step by step."""

    def __init__(self, node: Node) -> None:
        self.node = node
        saved = node.load_checkpoint() or {}
        self.receipts = node.inbox("receipts", Receipt, saved.get("receipts", 0))
        self.proofs = ProofDates(saved_proofs(saved))
        """For as long as anything of the clip is there."""
        self.said: dict[str, str] = dict(saved.get("said", {}))
        """Name -> what the ledger heard of it last; for as long as it is there."""
        self.planned_ns = node.clock.monotonic_ns()
        self.found = Survey()
        self.plan = RetentionPlan((), 0, 0, 1)
        self.refused = ""
        self._surveyor = Surveyor(node.out)
        self._holds = LegalHolds(node.out)
        self.holds = Holds()
        self._dirty = True
        self._look_at_clocks()

    def take(self, *, look: bool) -> None:
        """New receipts."""
        for receipt in self.receipts.take(look=look):
            if receipt.verified:
                self.proofs.add(receipt.clip_id, receipt.sha256, self.node.clock.wall_ns())
            self._dirty = True

    def save(self) -> None:
        """Checkpoint now, if anything changed."""
        if self._dirty:
            proofs = {clip_id: [proof.wall_ns, proof.sha256] for clip_id, proof in self.proofs.proofs.items()}
            self.node.save_checkpoint(
                {"receipts": self.receipts.position, "proofs": proofs, "said": self.said}
            )
            self._dirty = False

    @property
    def due(self) -> bool:
        """Whether it is time to plan again."""
        return self.node.clock.monotonic_ns() - self.planned_ns >= PLAN_EVERY_S * 1e9

    def _look_at_clocks(self) -> None:
        self.proofs.look(self.node.clock.wall_ns(), self.node.clock.monotonic_ns())

    def carry_out(self) -> None:
        """Plan once; delete what is due when the settings say so; write a row where something changed."""
        node = self.node
        self.planned_ns = node.clock.monotonic_ns()
        self._look_at_clocks()
        self._dirty = True
        self.save()  # a deletion rests on receipts that survive
        self.refused = ""
        self.holds = self._holds.read()
        self.found = self._surveyor.look(self.proofs, self.holds)
        self.plan = plan_of(self.found, node.settings.retention, node.clock.wall_ns(), free_bytes(node.out))
        sidecars = dict(self.found.sidecars)
        for step in self.plan.steps:
            state = f"{step.delete}:{step.reason}"
            quiet = step.clip.matter is Matter.SIDECAR and not step.delete  # its clip's row says all
            if self.said.get(step.clip.name) != state and not quiet:
                self.said[step.clip.name] = state
                self._say(step)
            if step.delete and node.settings.retention.apply:
                self._delete(step, sidecars[step.clip.name])
        # Receipts come when a clip is long there: what has left nothing behind is not needed again.
        self.proofs.keep_only(self.found.clip_ids)
        there = {file.name for file in self.found.files}
        self.said = {name: state for name, state in self.said.items() if name in there}
        self._dirty = True
        self.save()

    def _say(self, step: Step) -> None:
        """One row per file and outcome, before the deed: after a crash in between it is done all the same."""
        deleted = "deleted" if self.node.settings.retention.apply else "would delete"
        self.node.decide(
            "retention",
            t_ns=0,
            subject=step.clip.name,
            outcome=deleted if step.delete else "kept",
            reason=f"{step.reason}{due_text(step)}.",
        )
        if step.loud:
            what = deleted if step.delete else "kept"
            self.node.seam.log("warn", f"{step.clip.name} ({step.clip.priority.name}) {what}: {step.reason}.")

    def _delete(self, step: Step, found: Found) -> None:
        """The data goes; the sidecar is small, and proof, and goes much later.

        Whether a hold came in the meantime is asked again, in a block during which none can.
        """
        with self._holds.steady() as holds:
            if holds is None or holds.why_held(found.start_ns, found.end_ns):
                return  # planned again in a minute, as held
            try:
                for path in _files(self.node.out, step):
                    path.unlink(missing_ok=True)
            except OSError as error:
                self.refused = f"{step.clip.name} could not be deleted ({error.strerror})"
                self.node.decide(
                    "retention",
                    t_ns=0,
                    subject=step.clip.name,
                    outcome="not deleted",
                    reason=f"{self.refused}; it is tried again every {PLAN_EVERY_S:.0f} s.",
                )

    def health(self) -> tuple[int, str, dict[str, object]]:
        """Level, message and values."""
        clips = self.found.clips
        waiting = [clip for clip in clips if clip.verified_wall_ns is None]
        values: dict[str, object] = {
            "clips": len(clips),
            "clip_bytes": self.found.bytes,
            "verified": len(clips) - len(waiting),
            "held": sum(bool(file.held) for file in self.found.files),
            "foreign": sum(file.matter is Matter.FOREIGN for file in self.found.files),
            "room_used_fraction": round(self.plan.kept_bytes / max(self.plan.room_bytes, 1), 4),
        }
        if self.refused:
            return 2, self.refused, values
        if self.holds.problems:
            return 2, self.holds.problems[0], values
        if self.plan.is_over:
            return 2, _full(self.plan, waiting), values
        if self.found.problems:
            return 1, self.found.problems[0], values
        loud = [step for step in self.plan.steps if step.loud]
        if loud:
            return 1, f"{loud[0].clip.name}: {loud[0].reason}", values
        return 0, "OK", values


def due_text(step: Step) -> str:
    """``, due 2026-04-18 14:32 UTC``; empty where nobody can say."""
    if step.due_wall_ns is None:
        return ""
    return f", due {datetime.fromtimestamp(step.due_wall_ns // 10**9, UTC):%Y-%m-%d %H:%M} UTC"


def _full(plan: RetentionPlan, waiting: list[Any]) -> str:
    safety = sum(clip.priority == 0 for clip in waiting)
    return (
        f"Clips take {plan.kept_bytes / 1e9:.1f} GB of {plan.room_bytes / 1e9:.1f} GB and none may go: {len(waiting)} "
        f"are not verified as uploaded, {safety} of them P0; bring the vehicle to a link, or make room"
    )


def _files(out: Path, step: Step) -> Iterator[Path]:
    """What a step deletes, looked at once more: only plain files that are as they were found."""
    path = out / (step.clip.name if step.clip.matter is Matter.SIDECAR else f"{step.clip.name}.mcap")
    if path.with_suffix(HOLD).exists():
        return
    try:
        stat = os.lstat(path)
    except FileNotFoundError:
        return
    if not S_ISREG(stat.st_mode) or stat.st_size != step.clip.size_bytes:
        return
    yield path
    if step.clip.matter is Matter.SIDECAR:
        yield path.with_suffix(VERDICT)


def run(node: Node) -> None:
    """Follow the uploader until it has ended; plan every minute and at the end."""
    loop = Loop(node)
    while True:
        event = node.next(IDLE_S)
        loop.take(look=event is None)
        over = event is None and loop.receipts.ended(node.run_id)
        over = over or node.must_leave(producers_live=loop.receipts.producer_lives)
        if over or loop.due:
            loop.carry_out()
        else:
            loop.save()
        node.report(loop.health)
        if over:
            break
    node.finish()


def main() -> None:
    """Console script."""
    run_as_process(run, gives_way=True)
