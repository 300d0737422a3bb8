"""`winnow-classifier`: clips in; verdicts with reasons out."""

from pathlib import Path
from typing import Any

from winnow_classifier.model_slot import ModelSlot
from winnow_classifier.surroundings import lead_of
from winnow_classifier.verdicts import Opinion, opinion_on
from winnow_operators.classify.diversity import Diversity, clip_features
from winnow_operators.classify.scenario import action
from winnow_runtime import atomic
from winnow_runtime.node import Node, run_as_process
from winnow_schemas.errors import BadInputError
from winnow_schemas.messages import ClipReady, Verdict
from winnow_schemas.sidecar import read_sidecar

IDLE_S = 0.3
VERDICT = ".verdict.json"


def judge(node: Node, clip: ClipReady, diversity: Diversity, slot: ModelSlot) -> None:
    """Classify one clip, write its verdict file, announce it."""
    path = node.out / clip.path
    try:
        sidecar = read_sidecar(path.with_suffix(".json"))
        lead_ns = lead_of(sidecar).t_ns
    except BadInputError as error:
        node.decide(
            "classification",
            t_ns=clip.start_ns,
            subject=clip.clip_id,
            outcome="impossible",
            reason=str(error),
        )
        return
    opinion, surroundings = opinion_on(path, sidecar, node.settings, slot)
    features = clip_features(
        types=[trigger.type for trigger in sidecar.triggers],
        scenario=opinion.scenario,
        duration_s=sidecar.clip_duration_sec,
        t_ns=lead_ns,
        surroundings=surroundings,
        position=(sidecar.position.latitude_deg, sidecar.position.longitude_deg)
        if sidecar.position
        else None,
    )
    score = round(diversity.score(features), 6)
    verdict = Verdict(
        clip_id=clip.clip_id,
        name=clip.name,
        path=clip.path,
        priority=clip.priority,
        upload_class=clip.upload_class,
        scenario=opinion.scenario.value,
        annotation_priority=opinion.annotation_priority,
        confidence=opinion.confidence,
        diversity_score=score,
        classifier=opinion.classifier,
        reasons=list(opinion.reasons),
    )
    node.insist("a verdict", lambda: _write(path, verdict, opinion))
    node.decide(
        "classification",
        t_ns=lead_ns,
        subject=clip.clip_id,
        outcome=opinion.scenario.value,
        reason=f"{clip.name}: {'; '.join(opinion.reasons)}. {action(opinion.annotation_priority).capitalize()}.",
        values={
            "annotation_priority": opinion.annotation_priority,
            "confidence": opinion.confidence,
            "diversity_score": score,
        },
    )
    node.emit("verdicts", verdict, clip.clip_id)


def _write(clip: Path, verdict: Verdict, opinion: Opinion) -> None:
    value: dict[str, Any] = {
        "clip_id": verdict.clip_id,
        "scenario_class": verdict.scenario,
        "annotation_priority": verdict.annotation_priority,
        "action": action(verdict.annotation_priority),
        "confidence": verdict.confidence,
        "diversity_score": verdict.diversity_score,
        "classifier": verdict.classifier,
        "reasons": list(verdict.reasons),
        **opinion.details,
    }
    atomic.write_json(clip.with_suffix(VERDICT), value)


def remove_halves(clips: Path) -> None:
    """Delete verdicts that a crash left half-written; other temporary files there are the extractor's."""
    for path in clips.rglob(f"*{VERDICT}{atomic.TEMPORARY}"):
        path.unlink(missing_ok=True)


def _health(slot: ModelSlot, judged: int, diversity: Diversity) -> tuple[int, str, dict[str, Any]]:
    """Level, message and values; a model that cannot speak is a warning."""
    values = {"judged": judged, "remembered": len(diversity), "model": slot.model.label if slot.model else ""}
    return (1, slot.problem, values) if slot.problem else (0, "OK", values)


def run(node: Node) -> None:
    """Judge clips until the extractor has ended."""
    saved = node.load_checkpoint() or {}
    clips = node.inbox("clips", ClipReady, saved.get("clips", 0))
    diversity = Diversity(node.settings.classifier.history)
    diversity.restore(saved.get("recent", []))
    node.insist("what a crash left", lambda: remove_halves(node.out / "clips"))
    slot = ModelSlot(node.settings, Path(node.document.name).resolve().parent)
    judged = 0
    while True:
        event = node.next(IDLE_S)
        for clip in clips.take(look=event is None):
            judge(node, clip, diversity, slot)
            node.save_checkpoint({"clips": clips.position, "recent": diversity.snapshot()})
            judged += 1
        node.report(lambda: _health(slot, judged, diversity))  # noqa: B023 - called at once
        if event is None and clips.ended(node.run_id):
            break
        if node.must_leave(producers_live=clips.producer_lives):
            break
    node.finish()


def main() -> None:
    """Console script."""
    run_as_process(run, gives_way=True)
