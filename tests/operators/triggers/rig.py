"""A small bench for the engine: a few signals, times in seconds, outcomes in short form."""

from collections.abc import Iterable, Sequence
from typing import Any

from winnow_operators.triggers import Inputs, TriggerDecision, TriggerEngine
from winnow_schemas.messages import TriggerEvent
from winnow_schemas.settings.signals import SignalSettings, SignalType
from winnow_schemas.settings.triggers import TriggerSettings, TriggersSettings

T0 = 1_700_000_000_000_000_000
SECOND = 1_000_000_000

SIGNALS = {
    "x": SignalSettings(topic="/x", field="data"),
    "y": SignalSettings(topic="/y", field="data"),
    "flag": SignalSettings(topic="/flag", field="data", type=SignalType.BOOL),
    "status": SignalSettings(topic="/status", field="data", type=SignalType.TEXT),
    "speed": SignalSettings(topic="/can", field="speed", unit="km/h"),
    "lat": SignalSettings(topic="/fix", field="latitude", unit="deg"),
    "lon": SignalSettings(topic="/fix", field="longitude", unit="deg"),
    "px": SignalSettings(topic="/pose", field="x", unit="m"),
    "py": SignalSettings(topic="/pose", field="y", unit="m"),
}
POSITION = {"latitude_deg": "lat", "longitude_deg": "lon", "x_m": "px", "y_m": "py"}
INPUTS = Inputs.of(SIGNALS, POSITION, has_zones=True)


def trigger(when: str, **changes: Any) -> TriggerSettings:
    """A P1 trigger without cooldown, unless told otherwise."""
    return TriggerSettings(
        **{"when": when, "priority": "P1", "pre_roll_s": 10, "post_roll_s": 5, "cooldown_s": 0, **changes}
    )


def engine(rules: TriggersSettings | None = None, **triggers: TriggerSettings) -> TriggerEngine:
    return TriggerEngine(triggers, INPUTS, rules)


def at(seconds: float) -> int:
    return T0 + round(seconds * SECOND)


class Log:
    """Feeds an engine and keeps what it says."""

    def __init__(self, engine: TriggerEngine) -> None:
        self.engine = engine
        self.outcomes: list[TriggerEvent | TriggerDecision] = []

    def feed(self, name: str, *samples: tuple[float, Any]) -> "Log":
        for seconds, value in samples:
            self.take(self.engine.update(at(seconds), name, value))
        return self

    def advance(self, seconds: float) -> "Log":
        self.take(self.engine.advance(at(seconds)))
        return self

    def finish(self, seconds: float) -> "Log":
        self.take(self.engine.finish(at(seconds)))
        return self

    def take(self, outcomes: Iterable[TriggerEvent | TriggerDecision]) -> None:
        self.outcomes += outcomes

    @property
    def events(self) -> list[TriggerEvent]:
        return [each for each in self.outcomes if isinstance(each, TriggerEvent)]

    @property
    def fired(self) -> list[tuple[str, float]]:
        """Name and seconds of each event."""
        return [(event.type, (event.t_ns - T0) / SECOND) for event in self.events]

    @property
    def times(self) -> list[float]:
        return [seconds for _, seconds in self.fired]

    def verdicts(self, *leave_out: str) -> list[tuple[str, float]]:
        """Decisions other than `fired`, in short."""
        return [
            (str(each.verdict), (each.t_ns - T0) / SECOND)
            for each in self.outcomes
            if isinstance(each, TriggerDecision) and each.verdict not in ("fired", *leave_out)
        ]

    def reasons(self, verdict: str) -> Sequence[str]:
        return [
            each.reason
            for each in self.outcomes
            if isinstance(each, TriggerDecision) and each.verdict == verdict
        ]
