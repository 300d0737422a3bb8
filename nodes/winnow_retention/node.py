"""`winnow-retention`: receipts in; a plan, and deletions when the settings say `apply`."""

from collections.abc import Iterator
from datetime import UTC, datetime

from winnow_operators.retention.clips import RetentionRules, Step, plan_retention
from winnow_retention.survey import Survey, survey
from winnow_runtime.node import Node, run_as_process
from winnow_schemas.messages import Receipt
from winnow_schemas.settings.stages import RetentionSettings

IDLE_S = 0.5
PLAN_EVERY_S = 60.0


def rules_of(settings: RetentionSettings) -> RetentionRules:
    """The settings as the operator takes them."""
    return RetentionRules(
        p0_days=settings.p0_days,
        p1_p4_days=settings.p1_p4_days,
        p5_days=settings.p5_days,
        room_bytes=int(settings.clips_gb * 1e9),
        high_fraction=settings.high_fraction,
        low_fraction=settings.low_fraction,
    )


class Loop:
    """One node's work, step by step."""

    def __init__(self, node: Node) -> None:
        self.node = node
        saved = node.load_checkpoint() or {}
        self.receipts = node.inbox("receipts", Receipt, saved.get("receipts", 0))
        self.verified: dict[str, int] = dict(saved.get("verified", {}))
        """Clip id -> wall time of the receipt; for as long as the clip is there."""
        self.said: dict[str, str] = dict(saved.get("said", {}))
        """Name -> what the ledger heard of it last; for as long as the clip is there."""
        self.planned_ns = node.clock.monotonic_ns()
        self.found = Survey((), {}, ())
        self.refused = ""

    def take(self, *, look: bool) -> None:
        """New receipts."""
        for receipt in self.receipts.take(look=look):
            if receipt.verified:
                self.verified.setdefault(receipt.clip_id, self.node.clock.wall_ns())

    def save(self) -> None:
        """Checkpoint now."""
        self.node.save_checkpoint(
            {"receipts": self.receipts.position, "verified": self.verified, "said": self.said}
        )

    @property
    def due(self) -> bool:
        """Whether it is time to plan again."""
        return self.node.clock.monotonic_ns() - self.planned_ns >= PLAN_EVERY_S * 1e9

    def carry_out(self) -> None:
        """Plan once; delete what is due when the settings say so; write a row where something changed."""
        self.planned_ns = self.node.clock.monotonic_ns()
        self.save()  # a deletion rests on receipts that survive
        self.refused = ""
        self.found = survey(self.node.out, self.verified)
        for step in self._steps():
            state = f"{step.delete}:{step.reason}"
            if self.said.get(step.clip.name) != state:
                self.said[step.clip.name] = state
                self._say(step)
            if step.delete and self.node.settings.retention.apply:
                self._delete(step)
        # Receipts come when a clip is long there: what has no clip any more is not needed again.
        there = set(self.found.ids.values())
        self.verified = {clip_id: at for clip_id, at in self.verified.items() if clip_id in there}
        self.said = {name: state for name, state in self.said.items() if name in self.found.ids}
        self.save()

    def _steps(self) -> Iterator[Step]:
        now_wall_ns = self.node.clock.wall_ns()
        yield from plan_retention(self.found.clips, now_wall_ns, rules_of(self.node.settings.retention))
        for copy in self.found.copies:
            if copy.verified_wall_ns is not None and not copy.held:
                reason = "it was made for sending, and its upload is verified"
                yield Step(copy, delete=True, reason=reason, due_wall_ns=None)

    def _say(self, step: Step) -> None:
        """One row per clip and outcome, before the deed: after a crash in between it is done all the same."""
        due = (
            ""
            if step.due_wall_ns is None
            else f", due {datetime.fromtimestamp(step.due_wall_ns // 10**9, UTC):%Y-%m-%d %H:%M} UTC"
        )
        deleted = "deleted" if self.node.settings.retention.apply else "would delete"
        self.node.decide(
            "retention",
            t_ns=0,
            subject=step.clip.name,
            outcome=deleted if step.delete else "kept",
            reason=f"{step.reason}{due}.",
        )

    def _delete(self, step: Step) -> None:
        """The MCAP file goes; the sidecar is small, and proof."""
        try:
            (self.node.out / f"{step.clip.name}.mcap").unlink(missing_ok=True)
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
        room = self.node.settings.retention.clips_gb * 1e9
        values: dict[str, object] = {
            "clips": len(self.found.clips),
            "clip_bytes": self.found.bytes,
            "verified": sum(clip.verified_wall_ns is not None for clip in self.found.clips),
            "held": sum(clip.held for clip in self.found.clips),
            "room_used_fraction": round(self.found.bytes / room, 4),
        }
        if self.refused:
            return 2, self.refused, values
        if self.found.bytes > room:
            return 1, "Clips take more room than they have, and none may go", values
        return 0, "OK", values


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
