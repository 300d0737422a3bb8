"""Ring and reader against a simple model: never a wrong, torn or doubled message, missing ones always known."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_runtime.ring.layout import EPOCH_STEP_NS, EPOCHS_KEPT, Geometry, slot_bytes
from winnow_runtime.ring.reader import RingReader
from winnow_runtime.ring.writer import RingWriter

MS = 1_000_000

steps = st.lists(
    st.tuples(
        st.integers(min_value=0, max_value=700),  # payload bytes
        st.integers(min_value=-200, max_value=300),  # how the stamp moves, ms
        st.sampled_from(["push"] * 12 + ["restart", "step back", "step forward"]),
    ),
    min_size=1,
    max_size=120,
)


def payload(seq: int, length: int) -> bytes:
    return np.random.default_rng(seq).integers(0, 256, length, dtype=np.uint8).tobytes()


@settings(max_examples=150, deadline=None)
@given(
    steps=steps,
    crc=st.booleans(),
    capacity=st.sampled_from([1024, 4096, 8192]),
    entries=st.sampled_from([4, 17, 400]),
)
def test_any_sequence_of_writes_restarts_and_clock_steps(
    steps: list, crc: bool, capacity: int, entries: int
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "p.ring"
        geometry = Geometry(capacity, entries, crc, "run", "p")
        writer = RingWriter(path, geometry, prefault=False)
        reader = RingReader(path)
        model: list[tuple[int, int, bytes]] = []
        t_ns, seq = 1_000_000 * MS, 0
        for length, move_ms, action in steps:
            if action == "restart":
                writer.close()
                writer = RingWriter(path, geometry, prefault=False)
                assert writer.attached
                assert writer.last_seq == seq
                continue
            if action == "step back":
                t_ns -= 3 * EPOCH_STEP_NS
            elif action == "step forward":
                t_ns += 3 * EPOCH_STEP_NS
            t_ns += move_ms * MS
            seq += 1
            data = payload(seq, length)
            assert writer.push(memoryview(data), t_ns, t_ns + 1, seq, 7) == (slot_bytes(length) <= capacity)
            if slot_bytes(length) <= capacity:
                model.append((t_ns, seq, data))
        check(reader, model)
        writer.close()
        reader.close()


def check(reader: RingReader, model: list[tuple[int, int, bytes]]) -> None:
    assert reader.head == len(model)
    present = reader.between(0, reader.head)
    kept = model[len(model) - len(present) :]
    assert reader.tail == len(model) - len(present)  # what is not there is known to be missing
    assert [(int(e["t_ns"]), int(e["seq"])) for e in present] == [(t, s) for t, s, _ in kept]
    assert [reader.copy(e) for e in present] == [d for _, _, d in kept]
    stamps = sorted({t for t, _, _ in model}) or [0]
    for start, end in [
        (stamps[0], stamps[-1] + 1),
        (stamps[len(stamps) // 2], stamps[-1]),
        (stamps[-1], stamps[-1] + 1),
    ]:
        found = reader.window(start, end)
        assert [int(e["seq"]) for e in found] == [s for t, s, _ in kept if start <= t < end]
        first = reader.first_at(start)
        assert all(t < start for t, _, _ in model[reader.tail : first])


def test_the_newest_message_always_fits(tmp_path: Path) -> None:
    writer = RingWriter(tmp_path / "p.ring", Geometry(1024, 8, False, "run", "p"), prefault=False)
    reader = RingReader(tmp_path / "p.ring")
    for seq in range(1, 50):
        data = payload(seq, 1024)
        assert writer.push(memoryview(data), seq, seq, seq, 0)
        assert reader.copy(reader.between(seq - 1, seq)[0]) == data


def test_oversize_is_counted_and_acknowledged(tmp_path: Path) -> None:
    writer = RingWriter(tmp_path / "p.ring", Geometry(1024, 8, False, "run", "p"), prefault=False)
    assert writer.push(memoryview(b"x"), 1, 1, 1, 0)
    assert not writer.push(memoryview(bytes(1025)), 2, 2, 2, 0)
    assert RingReader(tmp_path / "p.ring").stats().oversize == 1
    writer.close()
    again = RingWriter(tmp_path / "p.ring", Geometry(1024, 8, False, "run", "p"), prefault=False)
    assert again.last_seq == 2


def test_another_run_starts_anew(tmp_path: Path) -> None:
    writer = RingWriter(tmp_path / "p.ring", Geometry(1024, 8, False, "run", "p"), prefault=False)
    writer.push(memoryview(b"x"), 1, 1, 1, 0)
    writer.close()
    other = RingWriter(tmp_path / "p.ring", Geometry(1024, 8, False, "other", "p"), prefault=False)
    assert not other.attached
    assert other.head == 0
    assert other.last_seq == 0


def test_a_crash_inside_a_push_leaves_the_ring_whole(tmp_path: Path) -> None:
    """The tail was raised and half a payload written, then the process died: nothing of it is visible."""
    path = tmp_path / "p.ring"
    geometry = Geometry(1024, 8, False, "run", "p")
    writer = RingWriter(path, geometry, prefault=False)
    for seq in range(1, 4):
        writer.push(memoryview(payload(seq, 300)), seq, seq, seq, 0)
    writer._make_room(writer.head, writer.head_vpos, writer.head_vpos + slot_bytes(300))
    writer._data[0:100] = b"\xff" * 100
    writer.close()
    again = RingWriter(path, geometry, prefault=False)
    reader = RingReader(path)
    assert [reader.copy(e) for e in reader.between(0, 9)] == [payload(seq, 300) for seq in (2, 3)]
    again.push(memoryview(payload(4, 300)), 4, 4, 4, 0)
    assert [int(e["seq"]) for e in reader.between(0, 9)] == [2, 3, 4]
    assert [reader.copy(e) for e in reader.between(0, 9)] == [payload(seq, 300) for seq in (2, 3, 4)]


def test_more_clock_steps_than_are_remembered_hide_nothing(tmp_path: Path) -> None:
    writer = RingWriter(tmp_path / "p.ring", Geometry(1 << 16, 400, False, "run", "p"), prefault=False)
    reader = RingReader(tmp_path / "p.ring")
    stamps = []
    for step in range(2 * EPOCHS_KEPT + 3):
        for tick in range(2):
            stamps.append((1_000 - 3 * step) * EPOCH_STEP_NS + tick * MS)
            writer.push(memoryview(b"x"), stamps[-1], 0, len(stamps), 0)
    for number, stamp in enumerate(stamps):
        assert [int(entry["seq"]) for entry in reader.window(stamp, stamp + 1)] == [number + 1]
        assert reader.first_at(stamp) <= number
    assert len(reader.window(min(stamps), max(stamps) + 1)) == len(stamps)


def test_one_absurd_stamp_is_an_epoch_of_its_own(tmp_path: Path) -> None:
    writer = RingWriter(tmp_path / "p.ring", Geometry(1 << 16, 400, False, "run", "p"), prefault=False)
    reader = RingReader(tmp_path / "p.ring")
    for seq, t_ns in enumerate([0, 10 * MS, 2**62, 20 * MS, 30 * MS], start=1):
        writer.push(memoryview(b"x"), t_ns, 0, seq, 0)
    spans = [(epoch.number, epoch.first_ns, epoch.newest_ns) for epoch in reader.epochs()]
    assert spans == [(1, 0, 10 * MS), (2, 2**62, 2**62), (3, 20 * MS, 30 * MS)]
    assert reader.late_ns == 0
    assert reader.stats().held_ns == 20 * MS
