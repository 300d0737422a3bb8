"""What happens to each topic of a clip that may show people."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from winnow_redactor.clip_source import ClipSource
from winnow_redactor.crew import Crew
from winnow_redactor.inspection import ChannelPlan, inspect
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.redaction import CameraPolicy, Fallback, RedactorSettings
from winnow_schemas.settings.topics import Kind

_HEAT = "no detector is qualified on thermal pictures"


@dataclass(slots=True)
class ClipPlan:
    """The plan for a clip."""

    withheld: dict[str, str] = field(default_factory=dict)
    """Topic -> why it stays."""
    rewritten: dict[int, ChannelPlan] = field(default_factory=dict)
    """Number of a channel in the file -> its frames."""
    listed: dict[int, ChannelPlan] = field(default_factory=dict)
    """The same for channels whose detections leave in place of their pictures."""

    def withhold(self, topic: str, why: str) -> None:
        """Change the plan for a topic: it stays."""
        self.withheld[topic] = why
        for plans in (self.rewritten, self.listed):
            for number in [number for number, plan in plans.items() if plan.channel.topic == topic]:
                del plans[number]

    @property
    def topics(self) -> set[str]:
        """Topics whose pictures are written anew."""
        return {plan.channel.topic for plan in self.rewritten.values()}


class Planner:
    """Decides topic by topic; fail-closed: what cannot be covered stays, or holds the clip."""

    def __init__(
        self,
        source: ClipSource,
        settings: RedactorSettings,
        crew: Callable[[], Crew],
        breathe: Callable[[], None],
        *,
        safety: bool,
    ) -> None:
        self._source, self._settings, self._crew, self._breathe = source, settings, crew, breathe
        self._never_held = safety and settings.p0_leaves

    def plan(self, pictures: dict[str, str]) -> ClipPlan:
        """Plan every topic; ``pictures``: topic -> why it may show people.

        Raises:
            BadInputError: the clip stays.

        """
        plan = ClipPlan()
        for topic, why in pictures.items():
            policy = (
                self._settings.thermal if self._source.kind(topic) is Kind.THERMAL else self._settings.cameras
            )
            if policy is CameraPolicy.WITHHOLD:
                plan.withheld[topic] = why
            else:
                self._topic(plan, topic, policy)
        return plan

    def _topic(self, plan: ClipPlan, topic: str, policy: CameraPolicy) -> None:
        crew, whole = self._who(topic, policy)
        if crew is None and not whole:
            plan.withheld[topic] = self._missing(topic)
            return
        for number in self._source.numbers([topic]):
            channel = self._source.channel(number)
            made = inspect(channel, self._frames(topic, number), crew, self._settings, self._breathe, whole)
            if made.stuck:
                self._stuck(plan, topic, made.stuck)
                return
            if policy is CameraPolicy.DETECTIONS:
                plan.withheld[topic] = "its detections leave in its place"
                plan.listed[number] = made
                continue
            if not whole and made.undecodable and not self._bear(plan, topic, made):
                return
            plan.rewritten[number] = made

    def _who(self, topic: str, policy: CameraPolicy) -> tuple[Crew | None, str]:
        """The detectors for a topic, and why its frames are covered whole; neither: it stays."""
        if policy is CameraPolicy.MASK:
            return None, "by the settings"
        crew = self._crew()
        if policy is CameraPolicy.DETECTIONS:
            return crew, ""
        why = self._missing(topic)
        if not why:
            return crew, ""
        fallback = self._fallback(self._settings.without_detector, f"{topic} cannot be redacted: {why}")
        return None, why if fallback is Fallback.MASK else ""

    def _missing(self, topic: str) -> str:
        if self._source.kind(topic) is Kind.THERMAL:
            return _HEAT
        return "; ".join(self._crew().missing.values())

    def _fallback(self, fallback: Fallback, why: str) -> Fallback:
        if fallback is not Fallback.HOLD:
            return fallback
        if self._never_held:
            return Fallback.MASK
        raise BadInputError(f"{why}; the settings say that such a clip stays.")

    def _bear(self, plan: ClipPlan, topic: str, made: ChannelPlan) -> bool:
        """Whether a topic with frames that nobody can decode leaves with those covered whole."""
        bad = made.undecodable
        why = f"{len(bad)} of its {len(made.frames)} frames cannot be looked at, the first because {bad[0].masked}"
        if self._fallback(self._settings.undecodable, f"{topic}: {why}") is Fallback.MASK:
            return True
        plan.withhold(topic, why)
        return False

    def _stuck(self, plan: ClipPlan, topic: str, why: str) -> None:
        if self._settings.undecodable is Fallback.HOLD and not self._never_held:
            raise BadInputError(
                f"{topic} cannot be redacted: {why}; the settings say that such a clip stays."
            )
        plan.withhold(topic, why)

    def _frames(self, topic: str, number: int) -> Iterator[tuple[int, bytes]]:
        for _, channel, message in self._source.messages([topic]):
            if channel.id == number:
                yield message.log_time, message.data


def plan_id(
    settings: RedactorSettings, crew: dict[str, Any], clip_sha256: str, pictures: dict[str, str]
) -> str:
    """The same settings, detectors and clip have the same id: a copy from before a crash can be used."""
    value = [settings.model_dump(mode="json"), crew, clip_sha256, pictures]
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]
