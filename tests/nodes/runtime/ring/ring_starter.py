"""A process that starts and leaves a ring as the ring node does: ``FOLDER RUN_ID``, then waits for its stdin."""

import sys
from pathlib import Path

from winnow_runtime.ring.board import Beat, Board, End
from winnow_runtime.ring.folder import RingFolder, remove_stale
from winnow_runtime.ring.layout import Geometry
from winnow_runtime.ring.writer import RingWriter

MESSAGES = 200


def payload(run_id: str, seq: int) -> bytes:
    return f"{run_id}/{seq}/".encode() * (seq % 40 + 1)


def main() -> None:
    shm, run_id = Path(sys.argv[1]), sys.argv[2]
    folder = RingFolder.of(shm, run_id)
    sys.stdin.readline()  # all begin at once
    folder.create(run_id, shm)
    removed = remove_stale(shm, folder)
    writer = RingWriter(folder.ring_path("p"), Geometry(1 << 20, 1024, False, run_id, "p"), prefault=False)
    board = Board(folder.path, write=True)
    for seq in range(writer.last_seq + 1, writer.last_seq + 1 + MESSAGES):
        writer.push(memoryview(payload(run_id, seq)), seq, seq, seq, 0)
    board.write(Beat(1, 0, 0, writer.head, 0, 0, End.RUNNING))
    print(len(removed), writer.head, flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
