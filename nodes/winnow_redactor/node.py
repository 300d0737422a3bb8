"""`winnow-redactor`: verdicts in; what may leave out. Fail-closed: in doubt a clip stays."""

from winnow_redactor.withhold import make_outgoing
from winnow_runtime.node import Node, run_as_process
from winnow_schemas.errors import BadInputError
from winnow_schemas.messages import Outgoing, Verdict

IDLE_S = 0.3
RETRY_S = 2.0


def handle(node: Node, verdict: Verdict) -> None:
    """Decide what of one clip may leave, and say so."""
    clip = node.out / verdict.path
    try:
        made = make_outgoing(clip, node.out, node.settings)
    except BadInputError as error:
        node.decide("redaction", t_ns=0, subject=verdict.clip_id, outcome="stays", reason=str(error))
        return
    sidecar = made.sidecar
    t_ns = sidecar.triggers[0].t_ns if sidecar.triggers else sidecar.start_ns
    if made.withheld:
        reason = f"{', '.join(made.withheld)} may show people and stay on the vehicle; the rest of {verdict.name} may leave."
    else:
        reason = f"{verdict.name} has no topic that may show people; it leaves as it is."
    node.decide(
        "redaction",
        t_ns=t_ns,
        subject=verdict.clip_id,
        outcome="withheld" if made.withheld else "passed",
        reason=reason,
        values={"withheld": list(made.withheld), "sha256": sidecar.sha256},
    )
    outgoing = Outgoing(
        clip_id=verdict.clip_id,
        name=verdict.name,
        path=str(made.path.relative_to(node.out)),
        derived_from=sidecar.derived_from,
        priority=verdict.priority,
        upload_class=verdict.upload_class,
        annotation_priority=verdict.annotation_priority,
        diversity_score=verdict.diversity_score,
        withheld_topics=list(made.withheld),
    )
    node.emit("outgoing", outgoing, verdict.clip_id)


def run(node: Node) -> None:
    """Handle verdicts until the classifier has ended."""
    saved = node.load_checkpoint() or {}
    verdicts = node.inbox("verdicts", Verdict, saved.get("verdicts", 0))
    waiting: list[Verdict] = []
    while True:
        event = node.next(IDLE_S if not waiting else 0.0)
        waiting += verdicts.take(look=event is None)
        while waiting:
            try:
                handle(node, waiting[0])
            except OSError as error:
                node.seam.log(
                    "error", f"The disk refused an outgoing clip ({error}); tried again in {RETRY_S:.0f} s."
                )
                node.clock.sleep_s(RETRY_S)
                break
            waiting.pop(0)
        if not waiting:
            node.save_checkpoint({"verdicts": verdicts.position})
            if event is None and verdicts.ended(node.run_id):
                break
        if node.must_leave(producers_live=verdicts.producer_lives):
            break
    node.finish()


def main() -> None:
    """Console script."""
    run_as_process(run)
