"""What the words of a condition mean: signals, parameters, and the document's own spellings."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from winnow_operators.condition.signals import SignalSpec

ROLLING_MEDIAN = "rolling_median"
"""The document writes it (7.1) for the median of the trigger's signal; errata 3.2 gives it 5 s, 10 samples."""
ROLLING_MEDIAN_S = 5.0
ROLLING_MEDIAN_SAMPLES = 10


@dataclass(frozen=True, slots=True)
class Scope:
    """Everything that a condition may name."""

    signals: Mapping[str, SignalSpec]
    params: Mapping[str, float | bool | str] = field(default_factory=dict)
    """The trigger's parameters, SI units."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Other spellings of signals, such as ``msg.data`` -> the trigger's one signal."""
    trigger: str = "condition"
    """The trigger's name: ``distance_m(since=fired)`` counts for each trigger separately."""
    has_position: bool = True
    """Whether the settings say which signals are the vehicle's position."""
    has_map_position: bool = True
    """Whether they name ``x_m`` and ``y_m``, which zones need."""
    has_zones: bool = True
    """Whether the settings say where the map's zones come from."""
    utc_offset_ns: int = 0
    """Local time minus UTC."""

    @property
    def rolling_signal(self) -> str:
        """The signal whose median ``rolling_median`` means, empty where there is none."""
        return next((self.aliases[a] for a in ("msg.data", "value", "data") if a in self.aliases), "")

    @property
    def words(self) -> list[str]:
        """All names, for suggestions."""
        return [*self.signals, *self.params, *self.aliases, "hour"]
