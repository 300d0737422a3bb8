"""fsync beside recording."""

import threading

from winnow_runtime.clock import Clock
from winnow_runtime.warm.writer import SegmentWriter


class Syncer:
    """fsync from a thread of its own: on the recorder's thread it would stall recording."""

    def __init__(self, writer: SegmentWriter, every_s: float, clock: Clock) -> None:
        self._writer = writer
        self._clock = clock
        self.longest_ns = 0
        """Longest time from the end of one round to the end of the next."""
        self._failure: OSError | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(every_s,), daemon=True, name="fsync")
        self._thread.start()

    def _run(self, every_s: float) -> None:
        synced_ns = self._clock.monotonic_ns()
        while not self._stop.wait(every_s):
            try:
                self._writer.sync()
            except OSError as error:
                # The kernel says it once: the next fsync would succeed and prove nothing.
                self._failure = error
            now = self._clock.monotonic_ns()
            self.longest_ns = max(self.longest_ns, now - synced_ns)
            synced_ns = now

    def failure(self) -> OSError | None:
        """What the disk said since the last time, once."""
        failure, self._failure = self._failure, None
        return failure

    def stop(self) -> None:
        """Wait for the round under way, and do no other."""
        self._stop.set()
        self._thread.join()
