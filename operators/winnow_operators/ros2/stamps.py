"""Message time of live messages: stamps that never go back, from clocks that may."""

from enum import StrEnum


class ReceiveTime:
    """Receive stamps: the wall clock, carried on by the monotonic clock when the wall clock goes back.

    A step forward is followed at once; after a step back the stamps go on where they were, ahead of the wall
    clock, because message time may not repeat itself inside a run.
    """

    STEP_NS = 1_000_000_000
    """A smaller difference between the clocks is their drift, and followed where it is forward."""

    def __init__(self) -> None:
        self._wall_ns = 0
        self._monotonic_ns = 0
        self._last_ns = 0
        self._ahead = False
        self.steps_back = 0
        """How often the wall clock was set back by more than ``STEP_NS``."""

    def stamp(self, wall_ns: int, monotonic_ns: int) -> int:
        """The stamp of now, never smaller than the one before."""
        carried = self._wall_ns + (monotonic_ns - self._monotonic_ns)
        if not self._last_ns or wall_ns >= carried:
            self._wall_ns, self._monotonic_ns = wall_ns, monotonic_ns
            self._ahead = False
            carried = wall_ns
        elif carried - wall_ns > self.STEP_NS and not self._ahead:
            self._ahead = True
            self.steps_back += 1
        self._last_ns = max(self._last_ns, carried)
        return self._last_ns


class TimeSource(StrEnum):
    """What a message's log time is."""

    RECEIVE = "receive"
    SOURCE = "source"


def log_time_ns(kind: TimeSource, receive_ns: int, source_ns: int, max_skew_ns: int) -> tuple[int, bool]:
    """The log time, and whether the source's stamp could be believed.

    A source stamp further than ``max_skew_ns`` from the receive stamp (a clock that is not set, a cached
    message from long ago) would stop or race the watermark: the receive stamp stands in for it.
    """
    if kind is TimeSource.RECEIVE:
        return receive_ns, True
    plausible = abs(source_ns - receive_ns) <= max_skew_ns
    return (source_ns if plausible else receive_ns), plausible
