"""Triggers: conditions with windows, cooldowns and limits, run by one engine."""

from winnow_operators.triggers.checking import Inputs
from winnow_operators.triggers.engine import TriggerEngine
from winnow_operators.triggers.outcomes import Outcome, TriggerDecision, Verdict

__all__ = ["Inputs", "Outcome", "TriggerDecision", "TriggerEngine", "Verdict"]
