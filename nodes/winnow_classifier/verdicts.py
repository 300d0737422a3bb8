"""One clip's verdict: by the model where there is one, by the rules where not."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from winnow_classifier.clip_samples import samples_of
from winnow_classifier.model import class_of
from winnow_classifier.model_slot import ModelSlot
from winnow_classifier.surroundings import lead_of, surroundings_of
from winnow_operators.classify.explanation import reasons
from winnow_operators.classify.features import ClipFacts, ClipFeatures, extract
from winnow_operators.classify.layout import INPUTS
from winnow_operators.classify.network import SCENARIOS
from winnow_operators.classify.rules import Surroundings, classify
from winnow_operators.classify.scenario import Scenario
from winnow_operators.classify.sun import sun_elevation_deg
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.sidecar import Sidecar

RULES = "rules-1"
MAX_MISSING = 20
"""Of the 55 inputs. The fleet that the model knows misses five or six; beyond, it would guess from what is not there."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a classifier says of a clip."""

    scenario: Scenario
    confidence: float
    annotation_priority: float
    classifier: str
    reasons: tuple[str, ...]
    details: Mapping[str, Any] = field(default_factory=dict)
    """For the verdict file: probabilities, what moved the score, what was missing."""


def facts_of(sidecar: Sidecar) -> ClipFacts:
    """What the sidecar says.

    Raises:
        BadInputError: it names no trigger.

    """
    lead = lead_of(sidecar)
    place = sidecar.position
    return ClipFacts(
        type=lead.type,
        priority=lead.priority,
        t_ns=lead.t_ns,
        duration_s=sidecar.clip_duration_sec,
        types=tuple(trigger.type for trigger in sidecar.triggers),
        value=lead.value,
        threshold=lead.threshold,
        pre_roll_s=sidecar.pre_roll_sec,
        missing_parts=len(sidecar.missing),
        topic_count=len(sidecar.topics),
        truncated=sidecar.truncated,
        sun_elevation_deg=sun_elevation_deg(lead.t_ns, place.latitude_deg, place.longitude_deg)
        if place
        else None,
    )


def features_of(clip: Path, sidecar: Sidecar, settings: DeviceSettings) -> ClipFeatures:
    """The 128 features of a clip on disk.

    Raises:
        BadInputError: the clip cannot be read, or names no trigger.

    """
    facts = facts_of(sidecar)
    return extract(facts, samples_of(clip, sidecar, settings, facts.t_ns))


def by_rules(sidecar: Sidecar, surroundings: Surroundings) -> Opinion:
    """The bootstrap rules (4.4)."""
    ruled = classify([(trigger.type, trigger.priority) for trigger in sidecar.triggers], surroundings)
    return Opinion(ruled.scenario, ruled.confidence, ruled.annotation_priority, RULES, ruled.reasons)


def by_model(clip: Path, sidecar: Sidecar, settings: DeviceSettings, slot: ModelSlot) -> Opinion | None:
    """The model's word with its reasons; None when no model can speak, and ``slot.problem`` says why."""
    slot.refresh()
    if slot.model is None:
        return None
    try:
        made = features_of(clip, sidecar, settings)
    except BadInputError as error:
        slot.problem = str(error)
        return None
    if len(made.missing) > MAX_MISSING:
        slot.problem = (
            f"{len(made.missing)} of the model's {len(INPUTS)} inputs are missing from {clip.name}, more than {MAX_MISSING}; "
            "map the signals in the settings."
        )
        return None
    slot.problem = ""
    judged = slot.judge(made.vector)
    if judged is None:
        return None
    model, probabilities, priority = judged
    best = class_of(probabilities)
    moved = reasons(made.vector, model.card.ordinary, model.probabilities, best)
    return Opinion(
        SCENARIOS[best],
        round(float(probabilities[best]), 4),
        round(priority, 4),
        model.label,
        tuple(f"{words} (brought {part:.2f})" for words, part in moved)
        or (f"nothing stands out; {SCENARIOS[best]} is what such clips usually are",),
        {
            "probabilities": {
                scenario.value: round(float(each), 4)
                for scenario, each in zip(SCENARIOS, probabilities, strict=True)
            },
            "missing_inputs": list(made.missing),
        },
    )


def _with_floor(found: Opinion, ruled: Opinion, priority: int) -> Opinion:
    """A safety clip is never worth less than the rules say: no model talks a collision away (4.4)."""
    if priority > 0 or found.annotation_priority >= ruled.annotation_priority:
        return found
    why = f"a safety trigger keeps the annotation priority of the rules, {ruled.annotation_priority:g}, the model said {found.annotation_priority:g}"
    return replace(found, annotation_priority=ruled.annotation_priority, reasons=(*found.reasons, why))


def opinion_on(
    clip: Path, sidecar: Sidecar, settings: DeviceSettings, slot: ModelSlot
) -> tuple[Opinion, Surroundings]:
    """The classifier's word on a clip, and the weather and light that it saw."""
    surroundings = surroundings_of(clip, sidecar, settings)
    found = by_model(clip, sidecar, settings, slot) if slot.enabled else None
    ruled = by_rules(sidecar, surroundings)
    if found is not None:
        return _with_floor(found, ruled, sidecar.priority), surroundings
    if slot.enabled and slot.problem:
        ruled = Opinion(
            ruled.scenario,
            ruled.confidence,
            ruled.annotation_priority,
            ruled.classifier,
            (*ruled.reasons, f"the rules spoke because: {slot.problem}"),
        )
    return ruled, surroundings
