"""The triggers' state: settings in, messages in order in, events and decisions out."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from winnow_operators.campaign import BareTriggers, Merged
from winnow_operators.triggers.engine import TriggerEngine
from winnow_operators.triggers.feeding import feed, resolve, signals_wanted
from winnow_operators.triggers.outcomes import Outcome
from winnow_operators.triggers.signals import SignalReader
from winnow_runtime.ring.layout import NO_TIME
from winnow_runtime.ring.view import RingView
from winnow_schemas.errors import BadInputError, WinnowError
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.settings.signals import SignalSettings
from winnow_schemas.settings.triggers import TriggerSettings
from winnow_schemas.yaml_source import YamlDocument
from winnow_triggers.campaign_end import CampaignEnd
from winnow_triggers.feed import SignalFeed

_LATITUDE, _LONGITUDE = "latitude_deg", "longitude_deg"


class Deciding:
    """Engine, signals and feed together; one snapshot for all of them."""

    def __init__(self, settings: DeviceSettings, document: YamlDocument | None, view: RingView) -> None:
        """Check the settings and start.

        Raises:
            FileProblemsError: with all problems of the triggers.
            BadInputError: signals or limits do not fit.

        """
        self._settings = settings
        inputs, self.resolution = resolve(settings, document)
        self._active: dict[str, TriggerSettings] = dict(self.resolution.require())
        self.bare = BareTriggers(self.resolution, inputs, settings.triggers, settings.clips.max_length_s)
        self.base = Merged(self._active)
        """What the settings and the campaign come to, before parameters are changed by hand."""
        self._end = CampaignEnd()
        self.on_campaign_over: Callable[[int], None] = lambda _: None
        self._changed: dict[str, dict[str, Any]] = {}
        """Parameters changed while running: trigger -> parameter -> value."""
        self.engine = TriggerEngine(self._active, inputs, settings.triggers)
        self._own_signals = self.engine.signals
        self._view = view
        self.reader = SignalReader(self._wanted(), settings.zones, view.channel)
        self.feed = SignalFeed(view, self.reader.topics)
        self._started = False

    def _wanted(self) -> dict[str, SignalSettings]:
        """The signals that somebody looks at, in the order of the settings.

        Those of the device's own triggers are read under every campaign: when it ends, nothing has been missed.
        """
        return signals_wanted(self._settings, self.engine.signals | self._own_signals)

    # --- deciding -----------------------------------------------------------------------------------------

    def step(self, watermark_ns: int) -> Iterator[Outcome]:
        """Decide everything older than the watermark."""
        if not self._started and watermark_ns > NO_TIME:
            first_ns = self._first_ns(watermark_ns)
            if first_ns is None:
                return
            self._started = True
            self.engine.start(first_ns)
        for message in self.feed.take(watermark_ns):
            if self._end.is_reached(message.t_ns):
                yield from self._end_campaign()
            signals, zones = self.reader.read(message.topic, message.channel, message.t_ns, message.data)
            yield from feed(self.engine, message.t_ns, signals, zones)
        if self._started:
            reached_ns = min(watermark_ns, self._newest_ns())
            if self._end.is_reached(reached_ns):
                yield from self._end_campaign()
            yield from self.engine.advance(reached_ns)

    def _newest_ns(self) -> int:
        """Time does not run ahead of what has been seen: at the end the watermark is for ever."""
        return self._view.beat().newest_ns

    def finish(self) -> Iterator[Outcome]:
        """The stream has ended: decide the rest."""
        yield from self.step(2**63 - 1)
        if self._started:
            yield from self.engine.finish(self._newest_ns())

    def _end_campaign(self) -> Iterator[Outcome]:
        """Message time has reached the end of the campaign: the device's own triggers run from that very time."""
        end_ns = self._end.expires_ns
        assert end_ns is not None
        yield from self.engine.advance(end_ns)
        self.set_campaign(None)
        self.on_campaign_over(end_ns)

    def _first_ns(self, watermark_ns: int) -> int | None:
        """Time of the oldest message of any topic: where message time begins."""
        oldest = []
        for ring in self._view.rings().values():
            entries = ring.window(NO_TIME, watermark_ns)
            if len(entries):
                oldest.append(int(entries["t_ns"].min()))
        return min(oldest, default=None)

    # --- changing -----------------------------------------------------------------------------------------

    def set_parameter(self, key: str, value: Any) -> str:
        """Change one parameter of one trigger, ``trigger.parameter``; a sentence that says so.

        Raises:
            BadInputError: no such trigger or parameter, or the value does not fit; nothing has changed.

        """
        name, _, parameter = key.partition(".")
        trigger = self._active.get(name)
        if trigger is None or parameter not in trigger.params:
            known = ", ".join(
                f"{each}.{param}" for each, known in sorted(self._active.items()) for param in known.params
            )
            raise BadInputError(
                f"There is no parameter {key!r} to set; nothing has changed. Known: {known or 'none'}."
            )
        before = trigger.params[parameter]
        fits = (
            isinstance(value, bool)
            if isinstance(before, bool)
            else isinstance(value, int | float) and not isinstance(value, bool)
        )
        if isinstance(before, str):
            fits = isinstance(value, str)
        if not fits or value != value:  # noqa: PLR0124 - NaN is no threshold
            raise BadInputError(f"{key} is {before!r} and cannot become {value!r}; nothing has changed.")
        self._replace({**self._changed, name: {**self._changed.get(name, {}), parameter: value}})
        return f"{key} was {before!r} and is {value!r} now."

    def set_campaign(self, merged: Merged | None, expires_ns: int | None = None) -> None:
        """Run the triggers that a campaign comes to; None for the device's own. Between two messages.

        Raises:
            WinnowError: they cannot run; nothing has changed.

        """
        before, self.base = self.base, merged or Merged(self.resolution.active)
        try:
            self._replace(self._changed)
        except WinnowError:
            self.base = before
            raise
        self._end = CampaignEnd(expires_ns)

    def _replace(self, changed: Mapping[str, Mapping[str, Any]]) -> None:
        triggers = {
            name: trigger.model_copy(update={"params": {**trigger.params, **changed.get(name, {})}})
            for name, trigger in self.base.triggers.items()
        }
        self.engine.replace(triggers, self.base.tuning)
        self._active = triggers
        self._changed = {name: dict(values) for name, values in changed.items()}
        self._follow()

    def _follow(self) -> None:
        """Decode what the triggers look at now; detectors that are still wanted go on."""
        wanted = self._wanted()
        if wanted.keys() != self.reader.signals:
            self.reader = SignalReader(wanted, self._settings.zones, self._view.channel, self.reader)
            self.feed.follow(self.reader.topics)

    # --- state --------------------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        return {
            "engine": self.engine.snapshot(),
            "sources": self.reader.sources.snapshot(),
            "feed": self.feed.snapshot(),
            "changed": self._changed,
            "in_its_time": self._end.is_armed,
            "started": self._started,
        }

    def restore(self, saved: Mapping[str, Any], *, same_run: bool) -> str:
        """Take over a snapshot; a sentence when part of it could not be used.

        Of an earlier run cooldowns, counts and changed parameters go on; where its messages stood does not.
        """
        trouble = ""
        try:
            self._replace(saved["changed"])
            self.engine.restore(saved["engine"])
            self.reader.sources.restore(saved["sources"])
        except (WinnowError, KeyError) as error:
            trouble = str(error)
        if same_run:
            self._end = CampaignEnd(self._end.expires_ns, saved.get("in_its_time"))
            self.feed.restore(saved["feed"])
            self._started = bool(saved["started"])
        return trouble
