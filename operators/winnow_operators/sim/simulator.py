"""A scripted shift as messages: what everything else in Winnow can be tried with."""

from collections.abc import Iterator, Mapping

from winnow_operators.sim.render.lists import ListMessages
from winnow_operators.sim.render.thermal import Codec
from winnow_operators.sim.suite.driving_topics import DrivingTopics
from winnow_operators.sim.suite.pool import PooledTopics
from winnow_operators.sim.suite.position_topics import PositionTopics
from winnow_operators.sim.suite.sensing_topics import SensingTopics
from winnow_operators.sim.suite.stream import Moment, Stream
from winnow_operators.sim.suite.vehicle_topics import VehicleTopics
from winnow_operators.sim.tick import TICK_NS, Tick
from winnow_operators.sim.truth.observe import WatchedRun, observe
from winnow_schemas.channel import Channel, Message
from winnow_schemas.errors import BadInputError
from winnow_schemas.simulation.airside import ZONES
from winnow_schemas.simulation.script import Script
from winnow_schemas.simulation.truth import GroundTruth


class Simulator:
    """The sensor suite of docs/topics.md during a script; the same seed gives the same bytes.

    ``scale`` shrinks clouds and images (by default as the script says), rates stay. ``pool`` cycles clouds and
    images rendered in advance: much cheaper, but then they do not show where the vehicle is.
    """

    def __init__(
        self,
        script: Script,
        seed: int = 1,
        scale: float | None = None,
        *,
        pool: bool = False,
        thermal: Codec = Codec.H264,
    ) -> None:
        self.script = script
        self.seed = seed
        self.scale = script.scale if scale is None else scale
        if not 0.001 <= self.scale <= 1.0:
            raise BadInputError(
                f"The scale is {self.scale:g}; it must be from 0.001 to 1. Nothing was simulated."
            )
        self.pool = pool
        self._codec = thermal
        self._pooled = PooledTopics(script, seed, self.scale, thermal) if pool else None
        self._truth: GroundTruth | None = None
        self.channels: tuple[Channel, ...] = tuple(stream.channel for stream in self._streams())

    @property
    def start_ns(self) -> int:
        """The run is ``[start_ns, end_ns)``."""
        return self.script.start_ns

    @property
    def end_ns(self) -> int:
        """Its end; no message has this time."""
        return self.script.end_ns

    def ground_truth(self) -> GroundTruth:
        """What must and may fire.

        A by-product of iterating :meth:`messages` to the end; otherwise the world is run for it, without
        rendering anything.
        """
        if self._truth is None:
            self._truth = observe(self.script, self.seed)
        return self._truth

    def messages(self, skip: Mapping[str, int] | None = None) -> Iterator[Message]:
        """All messages by time, ties in channel order; each call runs the world anew.

        ``skip[topic] = n`` leaves out the first ``n`` messages of a topic: they are not rendered, and all
        others are the same as without. That is how a source resumes after a crash.
        """
        streams = self._streams()
        skipped = dict(skip or {})
        unknown = sorted(set(skipped) - {stream.topic for stream in streams})
        if unknown:
            raise BadInputError(f"There is no topic {unknown[0]!r} in the suite; nothing was simulated.")
        outlets = [_Outlet(stream, skipped.get(stream.topic, 0), self.start_ns) for stream in streams]
        for before, tick, after in self._ticks():
            begin_ns = self.start_ns + tick.index * TICK_NS
            limit_ns = min(begin_ns + TICK_NS, self.end_ns)
            due = [
                (t_ns, order, stamp_ns)
                for order, outlet in enumerate(outlets)
                for t_ns, stamp_ns in outlet.due(before, tick, begin_ns, limit_ns)
            ]
            due.sort()
            for t_ns, order, stamp_ns in due:
                data = outlets[order].take(stamp_ns, tick, (stamp_ns - begin_ns) / TICK_NS, after)
                if data is not None:
                    yield Message(outlets[order].stream.channel, t_ns, t_ns, data)

    def _ticks(self) -> Iterator[tuple[Tick, Tick, Tick]]:
        """Each tick of the run, with the ones before and after it; watched for the ground truth."""
        watched = WatchedRun(self.script, self.seed)
        before = now = next(watched)
        for after in watched:
            if now.index >= 0:
                yield before, now, after
            before, now = now, after
        self._truth = watched.truth

    def _streams(self) -> tuple[Stream, ...]:
        """All topics in the order of docs/topics.md; renderers with state of their own."""
        lists = ListMessages()
        sensing = self._pooled or SensingTopics(self.seed, self.scale, self._codec)
        vehicle = VehicleTopics(self.seed, lists)
        driving = DrivingTopics(self.seed, lists)
        start_ns = self.start_ns

        def once(_before: Tick, now: Tick) -> bool:
            return now.index == 0

        return (
            *sensing.cloud_streams(),
            *vehicle.streams(),
            *PositionTopics(self.seed).streams(),
            *driving.perception_streams(),
            *driving.planning_streams(),
            *vehicle.safety_streams(),
            *sensing.image_streams(),
            Stream(
                "/tf_static",
                "tf2_msgs/msg/TFMessage",
                lambda _: lists.static_transforms(start_ns),
                occasion=once,
                latched=True,
            ),
            Stream(
                "/map/zones",
                "winnow_msgs/msg/ZoneArray",
                lambda _: lists.zones(ZONES),
                occasion=once,
                latched=True,
            ),
        )


class _Outlet:
    """Counts a stream's messages."""

    def __init__(self, stream: Stream, skip: int, start_ns: int) -> None:
        self.stream = stream
        self._skip = skip
        self._render_from = skip - skip % stream.group
        self._start_ns = start_ns
        self._due = 0
        self._taken = 0

    def due(self, before: Tick, tick: Tick, begin_ns: int, limit_ns: int) -> list[tuple[int, int]]:
        """Times of log and of measurement of what is to be sent before ``limit_ns``."""
        stream = self.stream
        if stream.occasion is not None:
            t_ns = begin_ns + stream.latency_ns
            return [(t_ns, begin_ns)] if t_ns < limit_ns and stream.occasion(before, tick) else []
        result: list[tuple[int, int]] = []
        while True:
            stamp_ns = stream.stamp_ns(self._start_ns, self._due)
            t_ns = stamp_ns + stream.latency_ns
            if t_ns >= limit_ns:
                return result
            result.append((t_ns, stamp_ns))
            self._due += 1

    def take(self, stamp_ns: int, tick: Tick, share: float, after: Tick) -> bytes | None:
        """Render the next message; None when it is skipped."""
        number = self._taken
        self._taken += 1
        if number < self._render_from:
            return None
        data = self.stream.render(Moment(number, stamp_ns, tick, share, after))
        return None if number < self._skip else data
