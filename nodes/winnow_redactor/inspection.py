"""The first pass over a camera topic: what is to be covered in each frame."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from winnow_operators.privacy.boxes import MAX_BOXES, Found
from winnow_operators.privacy.holding import Cover, hold
from winnow_redactor.crew import Crew
from winnow_redactor.streams import Stream, stream_of
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.redaction import RedactorSettings

MAX_FRAMES = 100_000
"""Of one channel in a clip: an hour at 25 Hz."""


@dataclass(slots=True)
class FramePlan:
    """What happens to one frame."""

    t_ns: int
    covers: list[Cover] = field(default_factory=list)
    masked: str = ""
    """Why it is covered whole; empty when it is not."""
    doubt: str = ""
    size: tuple[int, int] | None = None


@dataclass(slots=True)
class ChannelPlan:
    """What happens to the frames of one channel."""

    channel: Channel
    frames: list[FramePlan]
    stuck: str = ""
    """Why the topic cannot leave, not even covered."""

    @property
    def undecodable(self) -> list[FramePlan]:
        return [frame for frame in self.frames if frame.masked]


def inspect(
    channel: Channel,
    messages: Iterable[tuple[int, bytes]],
    crew: Crew | None,
    settings: RedactorSettings,
    breathe: Callable[[], None],
    whole: str = "",
) -> ChannelPlan:
    """Look at every frame, (time, payload) in order. Without a crew each is covered whole, because of ``whole``."""
    plan = ChannelPlan(channel, [])
    found: list[list[Found]] = []
    stream: Stream | None = None
    for t_ns, payload in messages:
        breathe()
        if len(plan.frames) >= MAX_FRAMES:
            plan.stuck = f"it has more than {MAX_FRAMES} frames"
            return plan
        stream = stream or stream_of(channel, payload, settings)
        seen = stream.look(payload)
        if seen.stuck:
            plan.stuck = seen.problem
            return plan
        frame = FramePlan(t_ns, masked=whole or seen.problem, size=seen.size)
        plan.frames.append(frame)
        found.append([])
        if crew is not None and seen.picture is not None:
            try:
                boxes = crew.find(seen.picture)
            except BadInputError as error:
                frame.masked = str(error)
                continue
            if boxes is None:
                frame.masked = f"the detectors found more than {MAX_BOXES} things"
            else:
                found[-1] = boxes
    _fill_sizes(plan.frames)
    if crew is not None and plan.frames:
        _hold(plan, found, settings)
    return plan


def _fill_sizes(frames: list[FramePlan]) -> None:
    """A frame that cannot be decoded is as large as its neighbours."""
    known = next((frame.size for frame in frames if frame.size), None)
    for frame in frames:
        known = frame.size = frame.size or known


def _hold(plan: ChannelPlan, found: list[list[Found]], settings: RedactorSettings) -> None:
    times: list[int] = []
    for frame in plan.frames:  # log times may be equal or, across publishers, step back a little
        times.append(max(frame.t_ns, times[-1] if times else frame.t_ns))
    size = plan.frames[0].size or (1, 1)
    held = hold(found, times, size, int(settings.hold_s * 1e9), settings.margin_fraction)
    for frame, covers in zip(plan.frames, held.frames, strict=True):
        frame.covers = covers
    for number, why in held.doubtful.items():
        plan.frames[number].doubt = why
    for frame in plan.frames:
        if frame.masked:
            frame.doubt = f"covered whole: {frame.masked}"
