"""The ring node: numbering, duplicates, gaps, restarts, credits, holds, the end."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.fakes import FakeClock, FakeSeam

from winnow_operators.native.keeping import restore
from winnow_ring.intake import TIMELESS_MAX, UNANNOUNCED_MAX
from winnow_ring.node import Ring
from winnow_runtime.node import Node
from winnow_runtime.ring.board import Cell, End, channel_to_dict
from winnow_runtime.ring.view import RingView
from winnow_runtime.seam import Input, InputClosed
from winnow_schemas.channel import Channel
from winnow_schemas.messages import Control, Credit

GRAPH: dict[str, Any] = {
    "nodes": [
        {"id": "src", "outputs": ["a", "b", "control", "decisions"], "inputs": {"credit": "ring/credit"}},
        {
            "id": "ring",
            "outputs": ["heartbeat", "credit", "health", "decisions"],
            "inputs": {
                "a": {"source": "src/a", "queue_size": 100, "queue_policy": "backpressure"},
                "b": "src/b",
                "control": "src/control",
                "scalar": "other/value",
            },
        },
        {"id": "reader", "inputs": {"heartbeat": "ring/heartbeat"}},
        {"id": "other", "outputs": ["value"]},
    ]
}
SETTINGS: dict[str, Any] = {"topics": {"/a": {"ring_mib": 0.03}, "/b": {"ring_mib": 0.03}}}
CHANNEL = Channel("/a", "raw")


def announce(ring: Ring, port: str = "a", channel: Channel = CHANNEL, number: int = 0) -> None:
    data = json.dumps(channel_to_dict(channel)).encode()
    ring.take(Input(port, pa.array(data, pa.uint8()), {"announce": True, "channel": number}))


def message(seq: int, t_ns: int, data: bytes = b"x", port: str = "a", **extra: object) -> Input:
    meta = {"t_ns": t_ns, "pub_ns": t_ns, "seq": seq, "channel": 0, **extra}
    return Input(port, pa.array(data, pa.uint8()), meta)


def control(watermark_ns: int, seqs: list[int], kind: str = "progress", resends: bool = True) -> Input:
    record = Control(kind=kind, watermark_ns=watermark_ns, seqs=seqs, waits=True, resends=resends)
    return Input("control", record.to_arrow(), {})


def credit(node: Node) -> Credit:
    seam = node.seam
    assert isinstance(seam, FakeSeam)
    return Credit.from_arrow([value for output, value, _ in seam.sent if output == "credit"][-1])


def kept(ring: Ring, port: str = "a") -> list[int]:
    reader = RingView(ring.folder).ring(port)
    return [int(entry["seq"]) for entry in reader.between(0, reader.head)]


def outcomes(ring: Ring) -> list[str]:
    path = ring.node.state / "decisions"
    lines = [
        json.loads(line) for file in sorted(path.glob("*.jsonl")) for line in file.read_text().splitlines()
    ]
    return [line["r"]["outcome"] for line in lines if "r" in line]


@pytest.fixture
def ring(make_node: Callable[..., Node]) -> Ring:
    ring = Ring(make_node("ring", GRAPH, SETTINGS))
    ring.take(control(0, [0, 0]))
    announce(ring)
    return ring


def test_messages_are_kept_once_and_acknowledged(ring: Ring) -> None:
    for seq in (1, 2, 2, 3, 1):
        ring.take(message(seq, seq * 10))
    ring.beat()
    assert kept(ring) == [1, 2, 3]
    assert credit(ring.node).acked == [3, 0]
    assert ring.intake.messages == 3


def test_after_a_gap_a_resending_source_is_asked_again(ring: Ring) -> None:
    for seq in (1, 2, 5, 6):
        ring.take(message(seq, seq * 10))
    ring.beat()
    assert kept(ring) == [1, 2]
    assert credit(ring.node).acked == [2, 0]
    assert ring.intake.lost == 0
    for seq in (3, 4, 5, 6):
        ring.take(message(seq, seq * 10))
    assert kept(ring) == [1, 2, 3, 4, 5, 6]


def test_a_gap_of_a_live_sensor_is_a_counted_loss(ring: Ring) -> None:
    ring.take(control(0, [0, 0], resends=False))
    for seq in (1, 4):
        ring.take(message(seq, seq * 10))
    ring.beat()
    assert kept(ring) == [1, 4]
    assert ring.intake.lost == 2
    assert "lost" in outcomes(ring)


def test_what_the_source_has_forgotten_is_a_counted_loss(ring: Ring) -> None:
    ring.take(message(1, 10))
    ring.take(message(4, 40, gap=True))
    assert kept(ring) == [1, 4]
    assert ring.intake.lost == 2


def test_the_watermark_waits_for_the_messages_it_speaks_of(ring: Ring) -> None:
    ring.take(message(1, 10))
    ring.take(control(35, [3, 0]))
    ring.beat()
    assert ring.board.read().watermark_ns == 0
    ring.take(message(2, 20))
    ring.take(message(3, 30))
    ring.beat()
    assert ring.board.read().watermark_ns == 35


def test_a_restarted_ring_goes_on_where_it_was(ring: Ring, make_node: Callable[..., Node]) -> None:
    for seq in (1, 2):
        ring.take(message(seq, seq * 10))
    ring.beat()
    number = ring.board.read().number
    again = Ring(make_node("ring", GRAPH, SETTINGS))
    # Before the source has spoken, a gap is not taken for a loss, and the channel is still known.
    again.take(message(5, 50))
    again.take(message(3, 30))
    again.beat()
    assert kept(again) == [1, 2, 3]
    assert again.intake.messages == 3
    assert again.board.read().number > number
    assert again.intake.lost == 0


def test_the_end_comes_when_everything_is_here(ring: Ring) -> None:
    ring.take(message(1, 10))
    ring.take(control(100, [2, 0], kind="end"))
    ring.beat()
    assert ring.end is End.RUNNING
    ring.take(message(2, 20))
    ring.beat()
    assert ring.end is End.ENDED
    assert credit(ring.node).ended
    assert ring.board.read().watermark_ns == 2**63 - 1


def test_a_source_that_vanishes_ends_its_stream_and_is_named(ring: Ring) -> None:
    ring.take(message(1, 10))
    ring.left("control")
    ring.beat()
    assert ring.end is End.ENDED
    assert "vanished" in outcomes(ring)
    assert InputClosed("control").id == "control"


def test_an_unannounced_channel_is_refused_until_it_is_announced(make_node: Callable[..., Node]) -> None:
    ring = Ring(make_node("ring", GRAPH, SETTINGS))
    ring.take(control(0, [0, 0]))
    ring.take(message(1, 10))
    assert ring.intake.messages == 0
    announce(ring)
    ring.take(message(1, 10))
    assert kept(ring) == [1]


def test_a_typed_value_of_a_plain_node_is_kept_as_json(ring: Ring) -> None:
    stamp = __import__("datetime").datetime(2026, 1, 1, tzinfo=__import__("datetime").UTC)
    ring.take(Input("scalar", pa.array([2.5]), {"timestamp": stamp}))
    assert ring.intake.messages == 0  # message time has not begun
    ring.take(message(1, 7_000_000_000))
    assert kept(ring) == [1]
    ring.take(Input("scalar", pa.array([3.5]), {"timestamp": stamp}))
    ring.take(Input("scalar", pa.array([4.5]), {"timestamp": stamp, "t_ns": 9_000_000_000}))
    view = RingView(ring.folder)
    entry = view.ring("scalar").between(0, 1)[0]
    assert view.ring("scalar").copy(entry) == b'{"value": 2.5}'
    assert view.channel(int(entry["channel"])).topic == "/scalar"
    stamps = [int(each["t_ns"]) for each in view.ring("scalar").between(0, 10**18)]
    assert stamps == [7_000_000_000, 7_000_000_000, 9_000_000_000]


def test_messages_that_wait_for_message_time_are_bounded_and_counted(ring: Ring) -> None:
    for number in range(TIMELESS_MAX + 3):
        ring.take(Input("scalar", pa.array([float(number)]), {}))
    assert (ring.intake.messages, ring.intake.lost) == (0, 3)
    ring.take(message(1, 5))
    assert ring.intake.messages == TIMELESS_MAX + 1


def test_a_message_larger_than_its_ring_is_counted_and_said(ring: Ring) -> None:
    ring.take(message(1, 10, bytes(40_000)))
    ring.take(message(2, 20))
    ring.beat()
    assert kept(ring) == [2]
    assert credit(ring.node).acked == [2, 0]
    assert ring.intake.lost == 1
    assert "oversize" in outcomes(ring)


def test_hostile_announcements_are_refused(ring: Ring) -> None:
    for data in (b"{", b"[]", b'{"topic": 3}', b"\xff\xfe"):
        ring.take(Input("b", pa.array(data, pa.uint8()), {"announce": True, "channel": 0}))
    ring.beat()
    assert outcomes(ring).count("refused") >= 1


class TestCredits:
    """A waiting source never overwrites what a reader still needs."""

    def test_room_shrinks_until_the_reader_is_done(self, ring: Ring) -> None:
        ring.beat()
        full = credit(ring.node).room_bytes[0]
        assert credit(ring.node).unneeded == [True, True]
        for seq in range(1, 11):
            ring.take(message(seq, seq, bytes(1000)))
        ring.beat()
        assert credit(ring.node).room_bytes[0] == full - 10 * 1024
        assert credit(ring.node).unneeded == [False, True]
        cell = Cell(ring.folder.path, "reader")
        cell.write(done=ring.board.read().number)
        ring.beat()
        assert credit(ring.node).room_bytes[0] == full

    def test_a_hold_keeps_what_is_newer(self, ring: Ring) -> None:
        ring.beat()
        full = credit(ring.node).room_bytes[0]
        cell = Cell(ring.folder.path, "reader")
        for seq in range(1, 11):
            ring.take(message(seq, seq, bytes(1000)))
        ring.beat()
        cell.write(done=ring.board.read().number, hold_ns=8)
        ring.beat()
        assert credit(ring.node).room_bytes[0] == full - 3 * 1024

    def test_a_hold_that_waits_for_what_it_keeps_out_is_cut_and_said(
        self, ring: Ring, clock: FakeClock
    ) -> None:
        cell = Cell(ring.folder.path, "reader")
        for seq in range(1, 30):
            ring.take(message(seq, seq, bytes(1000)))
        ring.beat()
        cell.write(done=ring.board.read().number, hold_ns=1, idle=True)
        ring.beat()
        assert credit(ring.node).room_bytes[0] < 3 * 1024
        clock.advance_s(2)
        ring.beat()
        ring.beat()
        assert credit(ring.node).room_bytes[0] > 3 * 1024
        assert "cut" in outcomes(ring)

    def test_a_topic_too_small_for_the_windows_stalls_the_source_once(
        self, ring: Ring, clock: FakeClock
    ) -> None:
        cell = Cell(ring.folder.path, "reader")
        for seq in range(1, 30):
            ring.take(message(seq, seq, bytes(1000)))
        ring.beat()
        cell.write(done=ring.board.read().number, hold_ns=1, idle=True)
        ring.beat()
        clock.advance_s(2)
        ring.beat()
        ring.beat()
        for seq in range(30, 60):
            ring.take(message(seq, seq, bytes(1000)))
        ring.beat()
        cell.write(done=ring.board.read().number, hold_ns=28, idle=False)
        ring.beat()
        assert credit(ring.node).room_bytes[0] < 3 * 1024
        cell.write(done=ring.board.read().number, hold_ns=28, idle=True)
        ring.beat()
        assert credit(ring.node).room_bytes[0] > 3 * 1024

    def test_a_busy_reader_is_waited_for(self, ring: Ring, clock: FakeClock) -> None:
        cell = Cell(ring.folder.path, "reader")
        for seq in range(1, 30):
            ring.take(message(seq, seq, bytes(1000)))
        ring.beat()
        cell.write(done=ring.board.read().number, hold_ns=1, idle=False)
        for _ in range(5):
            clock.advance_s(2)
            ring.beat()
        assert credit(ring.node).room_bytes[0] < 3 * 1024

    def test_a_reader_that_never_comes_is_given_up(self, ring: Ring, clock: FakeClock) -> None:
        ring.take(message(1, 1))
        ring.beat()
        assert not credit(ring.node).unneeded[0]
        clock.advance_s(61)
        ring.beat()
        assert credit(ring.node).unneeded[0]
        assert "given up" in outcomes(ring)


def test_dead_runs_are_cleaned_up(make_node: Callable[..., Node], tmp_path: Path) -> None:
    dead = tmp_path / "shm" / "winnow-dead"
    dead.mkdir(parents=True)
    (dead / "owner.json").write_text('{"pid": 999999999, "ticks": 5, "out": "x", "run_id": "dead"}')
    (dead / "a.ring").write_bytes(bytes(100))
    ring = Ring(make_node("ring", GRAPH, SETTINGS))
    ring.beat()
    assert not dead.exists()
    assert "removed" not in outcomes(ring)  # of this machine, so not in a ledger that a replay must repeat
    assert any("winnow-dead" in line for _, line in ring.node.seam.logged)


def test_values_of_several_kinds_on_one_port_have_a_channel_each(ring: Ring) -> None:
    shape = {"encoding": "rgb8", "width": 2, "height": 2}
    ring.take(Input("scalar", pa.array(range(12), pa.uint8()), {"t_ns": 1, **shape}))
    for t_ns in (2, 3):
        ring.take(Input("scalar", pa.array([1.0]), {"t_ns": t_ns}))
        ring.take(Input("scalar", pa.array([1.0, 2.0]), {"t_ns": t_ns}))
    view = RingView(ring.folder)
    entries = view.ring("scalar").between(0, 10)
    channels = [view.channel(int(entry["channel"])) for entry in entries]
    assert [channel.schema_name for channel in channels] == ["foxglove.RawImage", *["arrow.double"] * 4]
    back = [
        restore(channel, view.ring("scalar").copy(entry) or b"")[0].to_pylist()
        for entry, channel in zip(entries, channels, strict=True)
    ]
    assert back == [list(range(12)), [1.0], [1.0, 2.0], [1.0], [1.0, 2.0]]
    lines = (ring.folder.path / "channels.jsonl").read_text("utf-8").splitlines()
    assert sum('"port": "scalar"' in line for line in lines) == 3


def test_a_port_that_changes_its_type_without_end_is_refused_in_the_end(ring: Ring) -> None:
    for size in range(UNANNOUNCED_MAX + 2):
        ring.take(
            Input("scalar", pa.array([[1] * (size + 1)], pa.list_(pa.int8(), size + 1)), {"t_ns": size})
        )
    ring.beat()
    assert ring.intake.messages == UNANNOUNCED_MAX
    assert ring.intake.lost == 2
    assert "refused" in outcomes(ring)
