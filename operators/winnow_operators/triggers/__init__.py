"""Triggers: conditions with windows, cooldowns and limits, run by one engine."""

from winnow_operators.triggers.checking import Inputs
from winnow_operators.triggers.engine import TriggerEngine
from winnow_operators.triggers.explanation import explain
from winnow_operators.triggers.outcomes import Outcome, TriggerDecision, Verdict
from winnow_operators.triggers.resolve import Resolution, resolve_triggers

__all__ = [
    "Inputs",
    "Outcome",
    "Resolution",
    "TriggerDecision",
    "TriggerEngine",
    "Verdict",
    "explain",
    "resolve_triggers",
]
