"""All signals of a device: fields of messages, and what detectors make of them."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from winnow_operators.condition.saved import Json, Saved, load
from winnow_operators.condition.zones import Zone
from winnow_operators.detectors.detector import Detector, DetectorInputError, Signal
from winnow_operators.detectors.plan import plan_detectors
from winnow_operators.detectors.zone_map import ZONE_FIELDS, zones_of
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.signals import SignalSettings


class SourcesState(Saved, frozen=True):
    """The states of all detectors."""

    refused: int
    detectors: dict[str, Json]


class _Feed(NamedTuple):
    """One input of one detector."""

    detector: Detector
    input_name: str
    fields: dict[str, str]
    """Short field name -> path."""
    signals: dict[str, str]
    """Output -> signal."""


class SignalSources:
    """Knows which paths of which topics to decode, and turns their values into signals.

    ``update`` takes the values of one message by path, in the order of message time.
    """

    def __init__(
        self,
        signals: Mapping[str, SignalSettings],
        zones_topic: str = "",
        before: "SignalSources | None" = None,
    ) -> None:
        """Prepare the detectors; those that ``before`` has too go on, and it is of no more use then.

        Raises:
            BadInputError: a signal names a detector, an input, an output or a parameter that does not exist.

        """
        planned, faults = plan_detectors(signals)
        if faults:
            lines = [f"signals.{'.'.join(map(str, fault.path))}: {fault.message}" for fault in faults]
            raise BadInputError("\n".join([*lines, "Nothing was started."]))
        self.zones_topic = zones_topic
        self._detectors: dict[str, Detector] = {}
        self._fields: dict[str, list[tuple[str, str]]] = {}
        self._feeds: dict[str, list[_Feed]] = {}
        self.refused: int = before.refused if before else 0
        """Messages that a detector could not use."""
        for name, signal in signals.items():
            if signal.topic:
                self._fields.setdefault(signal.topic, []).append((name, signal.field))
        self._keys: dict[str, str] = {}
        """What a detector is made from -> its key in the state."""
        for number, plan in enumerate(planned):
            made_from = json.dumps([plan.detector.name, plan.inputs, plan.params], sort_keys=True)
            kept = before._detectors.get(before._keys.get(made_from, "")) if before else None
            detector = kept or plan.detector(plan.detector.params_model.model_validate(plan.params))
            self._keys[made_from] = key = f"{number}:{detector.name}"
            self._detectors[key] = detector
            for input_name, topic in plan.inputs.items():
                feed = _Feed(detector, input_name, dict(detector.inputs[input_name]), plan.signals)
                self._feeds.setdefault(topic, []).append(feed)

    @property
    def paths(self) -> dict[str, tuple[str, ...]]:
        """Topic -> the paths of its messages whose values :meth:`update` wants."""
        wanted: dict[str, dict[str, None]] = {}
        for topic, fields in self._fields.items():
            wanted.setdefault(topic, {}).update({path: None for _, path in fields})
        for topic, feeds in self._feeds.items():
            for feed in feeds:
                wanted.setdefault(topic, {}).update(dict.fromkeys(feed.fields.values()))
        if self.zones_topic:
            wanted.setdefault(self.zones_topic, {}).update(dict.fromkeys(ZONE_FIELDS.values()))
        return {topic: tuple(paths) for topic, paths in wanted.items()}

    def update(self, topic: str, t_ns: int, values: Mapping[str, Any]) -> list[Signal]:
        """Take a message; the signals that it brings, those of detectors last.

        A message that a detector cannot use makes its signals unknown and is counted.
        """
        signals: list[Signal] = [(name, values.get(path)) for name, path in self._fields.get(topic, ())]
        for feed in self._feeds.get(topic, ()):
            fields = {key: values.get(path) for key, path in feed.fields.items()}
            try:
                made = feed.detector.update(feed.input_name, t_ns, fields)
            except BadInputError:
                self.refused += 1
                made = feed.detector.without(feed.input_name)
            signals += [(feed.signals[output], value) for output, value in made if output in feed.signals]
        return signals

    def zones(self, topic: str, values: Mapping[str, Any]) -> tuple[Zone, ...] | None:
        """The map's zones, when this is the topic that brings them.

        Raises:
            BadInputError: the message is not a usable map.

        """
        if not self.zones_topic or topic != self.zones_topic:
            return None
        fields = {key: values.get(path) for key, path in ZONE_FIELDS.items()}
        if fields["names"] is None or fields["kinds"] is None:
            raise DetectorInputError(
                "A map message without zone names cannot be used; the zones before stay."
            )
        return zones_of(fields)

    def snapshot(self) -> Json:
        """The state of all detectors."""
        states = {key: detector.snapshot() for key, detector in self._detectors.items()}
        return SourcesState(self.refused, states).to_json()

    def restore(self, state: object) -> None:
        """Go on from a snapshot of sources with the same settings; detectors that it does not know begin anew.

        Raises:
            BadInputError: it is no such snapshot; make new sources and begin anew.

        """
        try:
            saved = load(SourcesState, state)
            for key, detector in self._detectors.items():
                if key in saved.detectors:
                    detector.restore(saved.detectors[key])
            self.refused = saved.refused
        except BadInputError as error:
            raise BadInputError(
                f"The saved state of the detectors cannot be used ({error}); make new ones, they begin anew."
            ) from None
