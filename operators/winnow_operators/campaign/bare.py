"""The triggers of a device by themselves: what campaigns are put onto."""

import math
from dataclasses import dataclass

from winnow_operators.triggers.checking import Inputs
from winnow_operators.triggers.resolve import Resolution
from winnow_schemas.settings.triggers import TriggerSettings, TriggersSettings


@dataclass(frozen=True, slots=True)
class BareTriggers:
    """The triggers of a device without any campaign."""

    resolution: Resolution
    inputs: Inputs
    rules: TriggersSettings
    max_window_s: float = math.inf
    """The longest clip of the device: no trigger may want more."""

    @property
    def active(self) -> dict[str, TriggerSettings]:
        return self.resolution.active
