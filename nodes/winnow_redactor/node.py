"""`winnow-redactor`: verdicts in; what may leave out. Fail-closed: in doubt a clip stays."""

from winnow_redactor.withhold import make_outgoing, remove_leftovers
from winnow_runtime.node import Node, run_as_process
from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_schemas.messages import Outgoing, Verdict
from winnow_schemas.settings.packing import Profile

IDLE_S = 0.3
RETRY_S = 2.0


def handle(node: Node, verdict: Verdict) -> None:
    """Decide what of one clip may leave, and say so."""
    clip = node.out / verdict.path
    try:
        made = make_outgoing(clip, node.out, node.settings)
    except (BadInputError, UnavailableError) as error:
        node.decide("redaction", t_ns=0, subject=verdict.clip_id, outcome="stays", reason=str(error))
        return
    sidecar = made.sidecar
    t_ns = sidecar.triggers[0].t_ns if sidecar.triggers else sidecar.start_ns
    if made.withheld:
        reason = f"{', '.join(made.withheld)} may show people and stay on the vehicle; the rest of {verdict.name} may leave."
    elif sidecar.profile != Profile.PLAIN.value:
        reason = f"{verdict.name} leaves as a copy in the profile {sidecar.profile}."
    elif made.path != clip:
        reason = f"{verdict.name} leaves as a copy without the attachments that nobody knows."
    else:
        reason = f"{verdict.name} has no topic that may show people; it leaves as it is."
    node.decide(
        "redaction",
        t_ns=t_ns,
        subject=verdict.clip_id,
        outcome="withheld" if made.withheld else "passed",
        reason=reason,
        values={"withheld": list(made.withheld), "why": made.reasons, "sha256": sidecar.sha256},
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


class Loop:
    """One node's work, step by step."""

    def __init__(self, node: Node) -> None:
        self.node = node
        saved = node.load_checkpoint() or {}
        self.verdicts = node.inbox("verdicts", Verdict, saved.get("verdicts", 0))
        self.waiting: list[Verdict] = []
        self.handled = 0
        self.refused = ""
        node.insist("what a crash left", lambda: remove_leftovers(node.out / "outgoing"))

    def step(self, *, look: bool) -> bool:
        """Handle what is new; whether nothing waits any more."""
        self.waiting += self.verdicts.take(look=look)
        while self.waiting:
            try:
                handle(self.node, self.waiting[0])
            except OSError as error:
                self._refuse(error)
                return False
            self.refused = ""
            self.handled += 1
            self.waiting.pop(0)
        self.node.save_checkpoint({"verdicts": self.verdicts.position})
        return True

    def _refuse(self, error: OSError) -> None:
        if self.refused != str(error.strerror):
            self.refused = str(error.strerror)
            self.node.seam.log(
                "error",
                f"The disk refused an outgoing clip ({error}); it is tried again every {RETRY_S:.0f} s.",
            )
        self.node.clock.sleep_s(RETRY_S)

    def health(self) -> tuple[int, str, dict[str, object]]:
        """Level, message and values."""
        values: dict[str, object] = {"handled": self.handled, "waiting": len(self.waiting)}
        if self.refused:
            return 2, f"The disk refuses outgoing clips: {self.refused}", values
        return 0, "OK", values


def run(node: Node) -> None:
    """Handle verdicts until the classifier has ended."""
    loop = Loop(node)
    while True:
        event = node.next(0.0 if loop.waiting else IDLE_S)
        idle = loop.step(look=event is None)
        node.report(loop.health)
        if idle and event is None and loop.verdicts.ended(node.run_id):
            break
        if node.must_leave(producers_live=loop.verdicts.producer_lives):
            break
    node.finish()


def main() -> None:
    """Console script."""
    run_as_process(run)
