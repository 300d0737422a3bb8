"""From recorded payloads to signals: decoders per channel, detectors behind them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from winnow_operators.condition.zones import Zone
from winnow_operators.detectors import SignalSources
from winnow_operators.fields import FieldDecoder, FieldError
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.signals import SignalSettings


class SignalReader:
    """Decodes only the fields that somebody looks at."""

    def __init__(
        self,
        signals: Mapping[str, SignalSettings],
        zones_topic: str,
        channel: Callable[[int], Channel],
        before: "SignalReader | None" = None,
    ) -> None:
        """Prepare decoders and detectors; the detectors of ``before`` that are still wanted go on."""
        self.signals = frozenset(signals)
        self.sources: SignalSources = SignalSources(signals, zones_topic, before.sources if before else None)
        self._paths = self.sources.paths
        self._channel = channel
        self._decoders: dict[int, FieldDecoder | None] = {}
        self.problems: list[tuple[str, str]] = []
        """(topic, sentence) of what cannot be decoded; said once per channel or kind of fault."""
        self.undecodable: int = before.undecodable if before else 0
        """Messages that could not be read."""
        self._said: set[tuple[int, str]] = before._said if before else set()

    @property
    def topics(self) -> frozenset[str]:
        """The topics that must be followed."""
        return frozenset(self._paths)

    def read(
        self, topic: str, number: int, t_ns: int, data: bytes
    ) -> tuple[dict[str, Any], Sequence[Zone] | None]:
        """The signals that one message brings, and the map's zones if it is that message."""
        if topic not in self._paths:  # a campaign has ended that looked at it
            return {}, None
        decoder = self._decoder(topic, number)
        if decoder is None:
            self.undecodable += 1
            return {}, None
        try:
            values = dict(zip(decoder.paths, decoder.decode(data), strict=True))
        except FieldError as error:
            self._undecodable(topic, number, str(error))
            return {}, None
        zones = None
        try:
            zones = self.sources.zones(topic, values)
        except BadInputError as error:
            self._undecodable(topic, number, str(error))
        return dict(self.sources.update(topic, t_ns, values)), zones

    def _decoder(self, topic: str, number: int) -> FieldDecoder | None:
        if number not in self._decoders:
            self._decoders[number] = self._build(topic, number)
        return self._decoders[number]

    def _build(self, topic: str, number: int) -> FieldDecoder | None:
        """A decoder for every path that the channel has; what it lacks is said and stays unknown."""
        channel = self._channel(number)
        try:
            return FieldDecoder(channel, self._paths[topic])
        except FieldError:
            usable = []
            for path in self._paths[topic]:
                try:
                    FieldDecoder(channel, [path])
                    usable.append(path)
                except FieldError as fault:
                    self.problems.append(
                        (
                            topic,
                            f"{fault} Signals that need it stay unknown; the topic is recorded all the same.",
                        )
                    )
            return FieldDecoder(channel, usable) if usable else None

    def _undecodable(self, topic: str, number: int, sentence: str) -> None:
        self.undecodable += 1
        kind = sentence.split(",", maxsplit=1)[0][:60]
        if (number, kind) not in self._said and len(self._said) < 1000:
            self._said.add((number, kind))
            self.problems.append((topic, sentence))
