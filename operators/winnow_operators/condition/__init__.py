"""The condition language: Python's expression syntax with units, windows of message time, three-valued logic."""

from winnow_operators.condition.checking import Checked, check
from winnow_operators.condition.condition import Condition
from winnow_operators.condition.failure import ConditionError
from winnow_operators.condition.limits import DEFAULT_LIMITS, ConditionLimits
from winnow_operators.condition.machine import Machine, Program
from winnow_operators.condition.scope import Scope
from winnow_operators.condition.signals import SignalSpec, signal_specs
from winnow_operators.condition.zones import Zone, make_zone

__all__ = [
    "DEFAULT_LIMITS",
    "Checked",
    "Condition",
    "ConditionError",
    "ConditionLimits",
    "Machine",
    "Program",
    "Scope",
    "SignalSpec",
    "Zone",
    "check",
    "make_zone",
    "signal_specs",
]
