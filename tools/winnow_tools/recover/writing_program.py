"""Records at full speed until it is killed: ``python -m winnow_tools.recover.writing_program FOLDER LOG``.

LOG takes one row per accepted message, written before the next one is recorded, so that whoever kills this
process knows what it had accepted.
"""

import os
import struct
import sys
from pathlib import Path

from winnow_recorder.recorder import FLUSH_EVERY_NS
from winnow_runtime.clock import SystemClock
from winnow_runtime.warm.writer import SegmentWriter
from winnow_tools.recover.load import CHANNELS, schedule, write

ROW = struct.Struct("<qqqq")
"""Monotonic time of acceptance, channel, sequence number, 1 once everything before is in the files."""
SEGMENT_NS = 500_000_000
_STEP_NS = 1_000_000
_BULK_EVERY = 40


def main() -> None:
    """Run until killed."""
    folder, log = Path(sys.argv[1]), sys.argv[2]
    clock = SystemClock()
    writer = SegmentWriter(folder, SEGMENT_NS, CHANNELS.__getitem__)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    started_ns = flushed_ns = clock.monotonic_ns()
    for sent in schedule(started_ns, _STEP_NS, _BULK_EVERY):
        now = clock.monotonic_ns()
        if sent.t_ns > now:
            clock.sleep_s((sent.t_ns - now) / 1e9)
        write(writer, sent)
        os.write(descriptor, ROW.pack(clock.monotonic_ns(), sent.channel, sent.seq, 0))
        if clock.monotonic_ns() - flushed_ns >= FLUSH_EVERY_NS:
            writer.flush()
            flushed_ns = clock.monotonic_ns()
            os.write(descriptor, ROW.pack(flushed_ns, -1, 0, 1))


if __name__ == "__main__":
    main()
