"""`winnow-retention`: receipts in; a plan, and deletions when the settings say `apply`."""

from datetime import UTC, datetime
from pathlib import Path

from winnow_operators.retention.clips import ClipFacts, RetentionRules, Step, plan_retention
from winnow_runtime.clock import Clock
from winnow_runtime.node import Node, run_as_process
from winnow_schemas.errors import BadInputError
from winnow_schemas.messages import Receipt
from winnow_schemas.priority import Priority
from winnow_schemas.settings.stages import RetentionSettings
from winnow_schemas.sidecar import read_sidecar

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


def survey(out: Path, verified: dict[str, int]) -> list[ClipFacts]:
    """Every clip under ``out/clips`` with what is known of it; ``verified``: clip id -> wall time."""
    facts = []
    for path in sorted((out / "clips").rglob("*.json")):
        if path.name.endswith((".verdict.json", ".meta.json")):
            continue
        try:
            sidecar = read_sidecar(path)
        except BadInputError:
            continue  # not a sidecar: not ours to delete
        facts.append(
            ClipFacts(
                name=str(path.relative_to(out).with_suffix("")),
                priority=Priority(sidecar.priority),
                size_bytes=sidecar.size_bytes or 0,
                verified_wall_ns=verified.get(sidecar.clip_id),
                held=False,
            )
        )
    return facts


def say(node: Node, step: Step, *, applied: bool) -> None:
    """One row per clip and outcome."""
    due = (
        ""
        if step.due_wall_ns is None
        else f", due {datetime.fromtimestamp(step.due_wall_ns // 10**9, UTC):%Y-%m-%d %H:%M} UTC"
    )
    outcome = ("deleted" if applied else "would delete") if step.delete else "kept"
    node.decide("retention", t_ns=0, subject=step.clip.name, outcome=outcome, reason=f"{step.reason}{due}.")


def carry_out(node: Node, clock: Clock, verified: dict[str, int], said: dict[str, str]) -> None:
    """Plan once; delete what is due when the settings say so; write a row where something changed."""
    settings = node.settings.retention
    for step in plan_retention(survey(node.out, verified), clock.wall_ns(), rules_of(settings)):
        state = f"{step.delete}:{step.reason}"
        if said.get(step.clip.name) == state:
            continue
        said[step.clip.name] = state
        if step.delete and settings.apply:
            base = node.out / step.clip.name
            base.with_name(base.name + ".mcap").unlink(
                missing_ok=True
            )  # the sidecar is kept: small, and proof
        say(node, step, applied=settings.apply)


def run(node: Node) -> None:
    """Follow the uploader until it has ended; plan every minute and at the end."""
    saved = node.load_checkpoint() or {}
    receipts = node.inbox("receipts", Receipt, saved.get("receipts", 0))
    verified: dict[str, int] = dict(saved.get("verified", {}))
    said: dict[str, str] = dict(saved.get("said", {}))
    planned_ns = node.clock.monotonic_ns()
    while True:
        event = node.next(IDLE_S)
        for receipt in receipts.take(look=event is None):
            if receipt.verified:
                verified.setdefault(receipt.clip_id, node.clock.wall_ns())
        over = event is None and receipts.ended(node.run_id)
        over = over or node.must_leave(producers_live=receipts.producer_lives)
        if over or node.clock.monotonic_ns() - planned_ns >= PLAN_EVERY_S * 1e9:
            planned_ns = node.clock.monotonic_ns()
            carry_out(node, node.clock, verified, said)
        node.save_checkpoint({"receipts": receipts.position, "verified": verified, "said": said})
        if over:
            break
    node.finish()


def main() -> None:
    """Console script."""
    run_as_process(run)
