"""`winnow-redactor`: verdicts in; what may leave out. Fail-closed: in doubt a clip stays."""

from functools import partial
from pathlib import Path

from winnow_redactor.audit import FOLDER
from winnow_redactor.crew import Crew, assemble
from winnow_redactor.originals import settle_original
from winnow_redactor.outgoing import Workshop, redact_outgoing
from winnow_redactor.withhold import Made, make_outgoing, remove_leftovers
from winnow_runtime.node import Node, run_as_process
from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_schemas.messages import Outgoing, Verdict
from winnow_schemas.settings.packing import Profile
from winnow_schemas.settings.redaction import CameraPolicy

IDLE_S = 0.3
RETRY_S = 2.0


def handle(node: Node, verdict: Verdict, shop: Workshop) -> None:
    """Decide what of one clip may leave, and say so."""
    clip = node.out / verdict.path
    try:
        made = _made(clip, shop)
        settle_original(clip, made, node.settings.redactor)
    except (BadInputError, UnavailableError) as error:
        node.decide("redaction", t_ns=0, subject=verdict.clip_id, outcome="stays", reason=str(error))
        return
    sidecar = made.sidecar
    outcome, reason = _said(verdict, made, clip)
    redaction = sidecar.redaction
    node.decide(
        "redaction",
        t_ns=sidecar.triggers[0].t_ns if sidecar.triggers else sidecar.start_ns,
        subject=verdict.clip_id,
        outcome=outcome,
        reason=reason,
        values={
            "withheld": list(made.withheld),
            "why": made.reasons,
            "sha256": sidecar.sha256,
            "redacted": {topic: each.model_dump() for topic, each in redaction.topics.items()}
            if redaction
            else {},
            "doubtful": redaction.doubtful_count if redaction else 0,
        },
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


def _made(clip: Path, shop: Workshop) -> Made:
    """Where nothing but leaving topics out is asked for, chunks are taken over as they are stored."""
    policy = shop.settings.redactor
    if policy.cameras is policy.thermal is CameraPolicy.WITHHOLD:
        return make_outgoing(clip, shop.out, shop.settings, shop.breathe)
    return redact_outgoing(clip, shop)


def _said(verdict: Verdict, made: Made, clip: Path) -> tuple[str, str]:
    """Outcome and reason."""
    redaction = made.sidecar.redaction
    if redaction is not None and redaction.topics:
        frames = sum(each.frames for each in redaction.topics.values())
        covered = sum(each.covered for each in redaction.topics.values())
        masked = sum(each.masked for each in redaction.topics.values())
        why = next((each.why for each in redaction.topics.values() if each.why), "")
        reason = (
            f"{verdict.name} leaves as a redacted copy: of {frames} frames {covered} have covers and {masked} are "
            f"covered whole{f' ({why})' if why else ''}; {redaction.doubtful_count} are in doubt."
        )
        if made.withheld:
            reason += f" {', '.join(made.withheld)} stay on the vehicle."
        return ("masked" if masked == frames else "redacted"), reason
    if made.withheld:
        return (
            "withheld",
            f"{', '.join(made.withheld)} may show people and stay on the vehicle; the rest of {verdict.name} may leave.",
        )
    if made.sidecar.profile != Profile.PLAIN.value:
        return "passed", f"{verdict.name} leaves as a copy in the profile {made.sidecar.profile}."
    if made.path != clip:
        return "passed", f"{verdict.name} leaves as a copy without the attachments that nobody knows."
    return "passed", f"{verdict.name} has no topic that may show people; it leaves as it is."


class Loop:
    """One node's work, step by step."""

    def __init__(self, node: Node) -> None:
        self.node = node
        saved = node.load_checkpoint() or {}
        self.verdicts = node.inbox("verdicts", Verdict, saved.get("verdicts", 0))
        self.waiting: list[Verdict] = []
        self.handled = 0
        self.refused = ""
        self._crew: Crew | None = None
        self.shop = Workshop(node.out, node.settings, self.crew, lambda: node.report(self.health))
        for folder in ("outgoing", FOLDER):
            node.insist("what a crash left", partial(remove_leftovers, node.out / folder))

    def crew(self) -> Crew:
        """The detectors, loaded and measured when the first picture is met."""
        if self._crew is None:
            base = Path(self.node.document.name).resolve().parent
            settings = self.node.settings.redactor
            self._crew = assemble(settings, base, self.node.state / "recall", self.shop.breathe)
            for why in self._crew.missing.values():
                self.node.seam.log("warn", f"Pictures are not redacted but follow `without_detector`: {why}.")
        return self._crew

    def step(self, *, look: bool) -> bool:
        """Handle what is new; whether nothing waits any more."""
        self.waiting += self.verdicts.take(look=look)
        while self.waiting:
            try:
                handle(self.node, self.waiting[0], self.shop)
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
    run_as_process(run, gives_way=True)
