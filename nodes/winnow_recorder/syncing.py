"""fsync beside recording."""

import os
import threading

from winnow_runtime.warm.writer import SegmentWriter


class Syncer:
    """fsync from a thread of its own: on the recorder's thread it would stall recording."""

    def __init__(self, writer: SegmentWriter, every_s: float) -> None:
        self._writer = writer
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(every_s,), daemon=True, name="fsync")
        self._thread.start()

    def _run(self, every_s: float) -> None:
        while not self._stop.wait(every_s):
            for file in self._writer.duplicate_files():
                try:
                    os.fdatasync(file)
                except OSError:
                    pass  # the next write on the recorder's thread gets the same answer and says so
                finally:
                    os.close(file)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
