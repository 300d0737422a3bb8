"""Pool mode: clouds and images are rendered once at a few places and then taken in turns.

For load generation: sizes, rates and stamps are those of the full simulation, but what the sensors show does
not belong to where the vehicle is. Whoever uses it must say so; recordings made with it carry a mark.
"""

from winnow_operators.sim.incidents.director import Director
from winnow_operators.sim.render.mounts import CAMERAS, LIDARS, THERMALS
from winnow_operators.sim.render.packing import STAMP, stamp
from winnow_operators.sim.render.thermal import GOP_FRAMES, Codec
from winnow_operators.sim.suite.sensing_topics import SensingTopics
from winnow_operators.sim.suite.stream import Moment, Render, Stream
from winnow_operators.sim.tick import Tick
from winnow_operators.sim.world import WARM_UP_TICKS
from winnow_schemas.simulation.script import Script

SWEEPS = 24
"""Different ones per LiDAR and camera; more than the 20 that compressors and caches are to meet."""
GROUPS = 2
"""Groups of pictures per thermal camera."""
SPACING_M = 5.0
"""Between the places."""
SEARCH_TICKS = 20 * 300
"""Five minutes: a script in which the vehicle drives less far than that gives fewer places."""
_STAMP_END = 12
"""Encapsulation header and time stamp come first in every message with a header."""


class PooledTopics:
    """The same streams as :class:`SensingTopics`, from a pool."""

    def __init__(self, script: Script, seed: int, scale: float, codec: Codec) -> None:
        source = SensingTopics(seed, scale, codec)
        ticks = _places(script, seed)
        self._clouds = [_pooled(stream, _fill(stream, ticks)) for stream in source.cloud_streams()]
        cameras, thermals = source.image_streams()[: len(CAMERAS)], source.image_streams()[len(CAMERAS) :]
        self._images = [_pooled(stream, _fill(stream, ticks)) for stream in cameras]
        film = [tick for tick in ticks for _ in range(3)][: GROUPS * GOP_FRAMES]
        while len(film) < GROUPS * GOP_FRAMES:
            film += film[: GROUPS * GOP_FRAMES - len(film)]
        self._images += [_pooled(stream, _fill(stream, film)) for stream in thermals]
        assert len(self._clouds) == len(LIDARS) + 1
        assert len(self._images) == len(CAMERAS) + len(THERMALS)

    def cloud_streams(self) -> tuple[Stream, ...]:
        """In the order of the table in docs/topics.md."""
        return tuple(self._clouds)

    def image_streams(self) -> tuple[Stream, ...]:
        """In the order of the table in docs/topics.md."""
        return tuple(self._images)


def _places(script: Script, seed: int) -> list[Tick]:
    """Ticks at which the vehicle has driven ``SPACING_M`` further."""
    director = Director(script, seed)
    found: list[Tick] = []
    for _ in range(WARM_UP_TICKS + SEARCH_TICKS):
        tick = director.step()
        if tick.index >= 0 and tick.odometer_m >= SPACING_M * len(found):
            found.append(tick)
            if len(found) == SWEEPS:
                break
    return found


def _fill(stream: Stream, ticks: list[Tick]) -> list[bytes]:
    return [stream.render(Moment(number, 0, tick, 0.0, tick)) for number, tick in enumerate(ticks)]


def _pooled(stream: Stream, pool: list[bytes]) -> Stream:
    parts = [(data[:4], data[_STAMP_END:]) for data in pool]
    return Stream(
        stream.topic,
        stream.type_name,
        _turns(parts),
        stream.rate_hz,
        stream.latency_ns,
        group=1,
    )


def _turns(parts: list[tuple[bytes, bytes]]) -> Render:
    def render(moment: Moment) -> bytes:
        head, rest = parts[moment.number % len(parts)]
        return b"".join((head, STAMP.pack(*stamp(moment.stamp_ns)), rest))

    return render
