"""What the retention node would decide about a run's folder, from its checkpoint and the uploader's journal."""

from dataclasses import dataclass
from pathlib import Path

from winnow_operators.retention.clips import RetentionPlan
from winnow_operators.retention.proof import ProofDates
from winnow_retention.node import saved_proofs
from winnow_retention.planning import free_bytes, plan_of
from winnow_retention.survey import Surveyor
from winnow_runtime import atomic
from winnow_runtime.journal import JournalReader
from winnow_runtime.legal_holds import LegalHolds
from winnow_schemas.errors import BadInputError
from winnow_schemas.messages import Receipt
from winnow_schemas.settings import DeviceSettings


@dataclass(frozen=True, slots=True)
class Outlook:
    """A plan, and what stands in its way."""

    plan: RetentionPlan
    at_ns: int
    applies: bool
    """Whether the node deletes, too."""
    problems: tuple[str, ...]


def look_ahead(out: Path, settings: DeviceSettings, now_wall_ns: int) -> Outlook:
    """Plan for a run's folder and delete nothing."""
    holds = LegalHolds(out).read()
    survey = Surveyor(out).look(known_proofs(out, now_wall_ns), holds)
    plan = plan_of(survey, settings.retention, now_wall_ns, free_bytes(out))
    problems = (*holds.problems, *survey.problems)
    return Outlook(plan, now_wall_ns, settings.retention.apply, problems)


def known_proofs(out: Path, now_wall_ns: int) -> ProofDates:
    """What the node has dated, and receipts that it has not seen yet, dated now."""
    dates = ProofDates({})
    for checkpoint in sorted((out / "state").glob("*/checkpoint.json")):
        saved = atomic.read_json(checkpoint)
        if isinstance(saved, dict) and "proofs" in saved:
            try:
                dates.proofs |= saved_proofs(saved)
            except (TypeError, ValueError, AttributeError):
                continue  # of another version, or damaged: the journal tells of the receipts again
    for folder in sorted((out / "state").glob("*/receipts")):
        for line in JournalReader(folder).read():
            try:
                receipt = Receipt.from_builtins(line.record)
            except BadInputError:
                continue
            if receipt.verified:
                dates.add(receipt.clip_id, receipt.sha256, now_wall_ns)
    return dates
