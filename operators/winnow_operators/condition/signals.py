"""What a condition may read: signals with type, unit and the age at which they become unknown."""

from collections.abc import Mapping
from dataclasses import dataclass

from winnow_operators.condition.units import Dimension, Unit, parse_unit
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.signals import SignalSettings, SignalType


@dataclass(frozen=True, slots=True)
class SignalSpec:
    """One signal, as conditions see it."""

    name: str
    type: SignalType = SignalType.NUMBER
    unit: Unit | None = None
    """Unit of the value as it arrives; None where none is declared."""
    stale_ns: int = 5_000_000_000

    @property
    def is_si(self) -> bool:
        """Whether values arrive as conditions see them."""
        return self.unit is None or (self.unit.factor == 1.0 and self.unit.offset == 0.0)

    @property
    def dimension(self) -> Dimension | None:
        return self.unit.dimension if self.unit else None


def signal_specs(signals: Mapping[str, SignalSettings]) -> dict[str, SignalSpec]:
    """Read the settings of signals.

    Raises:
        BadInputError: a unit is not known, or stands at a signal that is no number.

    """
    return {name: signal_spec(name, signal) for name, signal in signals.items()}


def signal_spec(name: str, signal: SignalSettings) -> SignalSpec:
    """Read the settings of one signal.

    Raises:
        BadInputError: its unit is not known, or stands at a signal that is no number.

    """
    if signal.unit and signal.type is not SignalType.NUMBER:
        raise BadInputError(
            f"Signal {name!r} is of type {signal.type.value} and cannot have the unit {signal.unit!r}."
        )
    unit = parse_unit(signal.unit) if signal.unit else None
    return SignalSpec(name, signal.type, unit, round(signal.stale_s * 1e9))
