"""`winnow ring` on rings that a test fills: what it shows is what they hold, and nobody notices it."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from rich.console import Console
from tests.fakes import FakeClock
from tests.nodes.vehicle_rig import Rings, S, Vehicle
from typer.testing import CliRunner

from winnow_runtime.processes import Process
from winnow_runtime.ring.board import Cell, End
from winnow_runtime.ring.folder import RingFolder
from winnow_runtime.ring.layout import EPOCH_STEP_NS
from winnow_runtime.ring.view import RingView
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_tools.cli import app
from winnow_tools.ring.command import follow, observe
from winnow_tools.ring.finding import find_run
from winnow_tools.ring.sampling import Sampler
from winnow_tools.ring.state import RingState, RunState
from winnow_tools.ring.table import as_table

A, B = Channel("/a", "raw"), Channel("/b", "raw")


@pytest.fixture
def vehicle() -> Iterator[Vehicle]:
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as base:
        yield Vehicle(Path(base))


@pytest.fixture
def rings(vehicle: Vehicle) -> Rings:
    return Rings(vehicle, capacity=64 * 100, entries=400)


@pytest.fixture
def sampler(vehicle: Vehicle, rings: Rings) -> Sampler:
    return Sampler(RingView(rings.folder), vehicle.clock)


def run_cli(*arguments: Any) -> Any:
    return CliRunner().invoke(app, ["ring", *map(str, arguments)])


def snapshot(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_rates_are_of_the_last_second(vehicle: Vehicle, rings: Rings, sampler: Sampler) -> None:
    rings.push(A, 0, b"x" * 100)
    assert sampler.look().topics[0].rate_hz is None
    for tick in range(1, 41):  # 4 s: nothing at first, then 20 messages of 100 bytes a second
        vehicle.clock.advance_s(0.1)
        if tick > 20:
            for _ in range(2):
                rings.push(A, tick * S // 10, b"x" * 100)
        state = sampler.look()
    row = state.topics[0]
    assert row.rate_hz == pytest.approx(20.0)
    assert row.rate_mb_s == pytest.approx(20 * 100 / 1e6)
    assert state.over_s == pytest.approx(1.0)
    assert row.messages == 41
    vehicle.clock.advance_s(5)
    assert sampler.look().topics[0].rate_hz == pytest.approx(0.0)


def test_a_ring_that_appears_later_began_with_nothing(
    vehicle: Vehicle, rings: Rings, sampler: Sampler
) -> None:
    rings.push(A, 0, b"x")
    sampler.look()
    vehicle.clock.advance_s(0.5)
    for tick in range(5):
        rings.push(B, tick, b"y")
    rows = {row.topic: row for row in sampler.look().topics}
    assert rows["/b"].rate_hz == pytest.approx(10.0)
    assert rows["/a"].rate_hz == pytest.approx(0.0)


def test_fill_and_hot_seconds_as_the_ring_turns_over(rings: Rings, sampler: Sampler) -> None:
    for tick in range(50):
        rings.push(A, tick * S // 10, b"x" * 64)
    row = sampler.look().topics[0]
    assert row.fill == 0.5
    assert row.index_fill == 50 / 400
    assert row.hot_s == pytest.approx(4.9)
    assert row.hot_when_full_s == pytest.approx(9.8)
    for tick in range(50, 500):
        rings.push(A, tick * S // 10, b"x" * 64)
    row = sampler.look().topics[0]
    assert row.fill == 1.0
    assert (row.in_ring, row.messages) == (100, 500)
    assert row.hot_s == row.hot_when_full_s == pytest.approx(9.9)
    assert (row.oldest_ns, row.newest_ns) == (40 * S, 499 * S // 10)


def test_the_index_may_be_full_before_the_memory(vehicle: Vehicle) -> None:
    rings = Rings(vehicle, capacity=64 * 1000, entries=100)
    for tick in range(300):
        rings.push(A, tick * S // 10, b"")
    sampler = Sampler(RingView(rings.folder), vehicle.clock)
    row = sampler.look().topics[0]
    assert row.index_fill == 1.0
    assert row.fill == 0.1
    assert row.hot_when_full_s == row.hot_s == pytest.approx(9.9)
    assert "i 100%" in printed(sampler.look())


def test_clock_steps_do_not_make_hot_seconds_negative(rings: Rings, sampler: Sampler) -> None:
    for tick in range(10):
        rings.push(A, 1000 * S + tick * S, b"x")
    for tick in range(5):
        rings.push(A, 1000 * S - 9 * EPOCH_STEP_NS + tick * S, b"x")
    assert sampler.look().topics[0].hot_s == pytest.approx(9 + 4)


def test_losses_per_topic(rings: Rings, sampler: Sampler) -> None:
    rings.push(A, 0, b"x")
    rings.push(A, S, b"x", skip=3)
    rings.writers["a"].count_lost(3)
    rings.writers["a"].count_duplicate()
    assert not rings.writers["a"].push(memoryview(bytes(64 * 200)), 2 * S, 2 * S, 6, 0)
    row = sampler.look().topics[0]
    assert (row.lost, row.oversize, row.duplicates, row.largest_bytes) == (3, 1, 1, 1)


def test_readers_lag_by_what_the_ring_wrote_since(vehicle: Vehicle, rings: Rings, sampler: Sampler) -> None:
    slow, idle = Cell(rings.folder.path, "slow"), Cell(rings.folder.path, "idle")
    for tick in range(100):
        for _ in range(3):
            rings.push(A, tick * S // 10, b"x")
        rings.beat()
        sampler.listen()
        vehicle.clock.advance_s(0.1)
    slow.write(done=60, hold_ns=6 * S)
    idle.write(done=100, idle=True)
    lags = {lag.reader: lag for lag in sampler.look().readers}
    assert (lags["slow"].beats, lags["slow"].messages) == (40, 120)
    assert lags["slow"].seconds == pytest.approx(4.0)
    assert lags["slow"].hold_ns == 6 * S
    assert (lags["idle"].beats, lags["idle"].messages, lags["idle"].seconds) == (0, 0, 0.0)
    assert lags["idle"].idle
    assert lags["idle"].keep_ns is None


def test_what_happened_before_the_first_look_is_not_guessed(
    vehicle: Vehicle, rings: Rings, sampler: Sampler
) -> None:
    cell = Cell(rings.folder.path, "slow")
    cell.write(done=1)
    for _ in range(50):
        rings.push(A, S, b"x")
        rings.beat()
    sampler.look()
    vehicle.clock.advance_s(2)
    lag = sampler.look().readers[0]
    assert (lag.beats, lag.messages) == (49, None)
    assert lag.seconds == pytest.approx(2.0)
    assert "> 2.00 s" in printed(sampler.look())


def test_states_of_a_run(
    vehicle: Vehicle, rings: Rings, sampler: Sampler, monkeypatch: pytest.MonkeyPatch
) -> None:
    rings.push(A, 0, b"x")
    rings.beat()
    assert sampler.look().state is RunState.RUNNING
    rings.beat(end=End.STOPPED)
    assert sampler.look().state is RunState.STOPPED
    rings.end()
    state = sampler.look()
    assert state.state is RunState.ENDED
    assert state.watermark_ns is None
    rings.beat()
    cell = Cell(rings.folder.path, "triggers")
    with monkeypatch.context() as patch:
        patch.setattr(RingFolder, "owner", lambda _: (Process(0, 0), "out"))
        assert sampler.look().state is RunState.RING_DOWN
        cell._owner = Process(0, 0)
        cell.write(done=1)
        assert sampler.look().state is RunState.DEAD
    rings.folder.remove()
    state = sampler.look()
    assert state.state is RunState.GONE
    assert state.topics[0].messages == 1  # the mapping is still there: the last word on it


def test_following_ends_with_the_run(vehicle: Vehicle, rings: Rings, sampler: Sampler) -> None:
    rings.push(A, 0, b"x")
    told: list[RingState] = []

    def tell(state: RingState) -> None:
        told.append(state)
        if len(told) == 4:
            rings.folder.remove()

    begun = vehicle.clock.monotonic_ns()
    follow(sampler, vehicle.clock, tell)
    assert [state.state for state in told] == [RunState.RUNNING] * 4 + [RunState.GONE]
    assert (vehicle.clock.monotonic_ns() - begun) / S == pytest.approx(5 * 0.5, abs=0.1)


def test_ctrl_c_ends_following_without_a_word(
    vehicle: Vehicle, rings: Rings, sampler: Sampler, capsys: pytest.CaptureFixture[str]
) -> None:
    rings.push(A, 0, b"x")

    def tell(_: RingState) -> None:
        raise KeyboardInterrupt

    follow(sampler, vehicle.clock, tell)
    assert capsys.readouterr() == ("", "")


def test_looking_changes_nothing(vehicle: Vehicle, rings: Rings, sampler: Sampler) -> None:
    Cell(rings.folder.path, "recorder")
    for tick in range(50):
        rings.push(A, tick, b"x" * 200)
    rings.beat()
    before = snapshot(rings.folder.path)
    observe(sampler, vehicle.clock)
    printed(sampler.look())
    assert snapshot(rings.folder.path) == before


def test_the_json_is_stable_and_has_every_column(rings: Rings, vehicle: Vehicle) -> None:
    rings.push(A, 1_700_000_000 * S, b"x" * 64)
    rings.beat()
    Cell(rings.folder.path, "recorder")
    said = run_cli(vehicle.out, "--shm-dir", vehicle.shm, "--json")
    assert said.exit_code == 0, said.output
    value = json.loads(said.stdout)
    assert list(value) == [
        *("run_id", "out", "state", "beat", "watermark_ns", "newest_ns", "messages", "bytes", "lost"),
        *("over_s", "topics", "readers"),
    ]
    assert list(value["topics"][0]) == [
        *("topic", "port", "messages", "bytes", "in_ring", "capacity_bytes", "index_capacity", "fill"),
        *("index_fill", "rate_hz", "rate_mb_s", "hot_s", "hot_when_full_s", "lost", "oversize"),
        *("duplicates", "largest_bytes", "oldest_ns", "newest_ns"),
    ]
    assert list(value["readers"][0]) == [
        *("reader", "pid", "alive", "idle", "finished", "beats", "messages", "seconds", "hold_ns", "keep_ns"),
    ]
    assert value["newest_ns"] == 1_700_000_000 * S
    assert value["state"] == "running"


def test_the_table_names_topics_readers_and_times(rings: Rings, vehicle: Vehicle) -> None:
    rings.push(Channel("/[red]odd", "raw"), 1_700_000_000 * S + 250_000_000, b"x" * 64)
    rings.beat()
    Cell(rings.folder.path, "recorder")
    said = run_cli("run-1", "--shm-dir", vehicle.shm)
    assert said.exit_code == 0, said.output
    assert "/[red]odd" in said.stdout
    assert "recorder" in said.stdout
    assert "2023-11-14 22:13:20.25" in said.stdout


def printed(state: RingState) -> str:
    text = StringIO()
    Console(file=text, width=200).print(as_table(state))
    return text.getvalue()


def test_absurd_stamps_are_printed(rings: Rings, sampler: Sampler) -> None:
    rings.push(A, 2**62, b"x")
    rings.push(B, -(2**62), b"x")
    rings.beat()
    assert "2116-02-20" in printed(sampler.look())


class TestFinding:
    def test_the_only_one_that_runs(self, vehicle: Vehicle, rings: Rings) -> None:
        assert find_run("", vehicle.shm).folder == rings.folder

    def test_by_folder_by_id_and_by_the_beginning_of_it(self, vehicle: Vehicle, rings: Rings) -> None:
        for wanted in (str(vehicle.out), "run-1", "run"):
            assert find_run(wanted, vehicle.shm).folder == rings.folder

    def test_several(self, vehicle: Vehicle, rings: Rings) -> None:
        Rings(vehicle, "run-2")
        with pytest.raises(BadInputError, match=r"2 runs fit \(run-1 in .*, run-2 in"):
            find_run("", vehicle.shm)
        assert find_run("run-2", vehicle.shm).folder.run_id == "run-2"
        said = run_cli("--shm-dir", vehicle.shm)
        assert said.exit_code == 2
        assert len(said.stderr.strip().splitlines()) == 1

    def test_none(self, tmp_path: Path) -> None:
        said = run_cli("--shm-dir", tmp_path)
        assert said.exit_code == 4
        assert said.stderr.startswith("No graph with rings in ")
        assert len(said.stderr.strip().splitlines()) == 1

    def test_a_dead_one_is_not_taken_for_running_but_shown_when_named(
        self, vehicle: Vehicle, rings: Rings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rings.push(A, 0, b"x")
        rings.beat()
        monkeypatch.setattr(RingFolder, "owner", lambda _: (Process(0, 0), str(vehicle.out)))
        with pytest.raises(UnavailableError, match="dead ones"):
            find_run("", vehicle.shm)
        with pytest.raises(UnavailableError, match="None is running"):
            find_run("elsewhere", vehicle.shm)
        clock = FakeClock()
        assert observe(Sampler(find_run("run-1", vehicle.shm), clock), clock).state is RunState.DEAD

    def test_where_the_settings_of_the_run_say(self, vehicle: Vehicle, rings: Rings) -> None:
        settings = vehicle.base / "settings.yml"
        settings.write_text(f"ring:\n  shm_dir: {vehicle.shm}\n", "utf-8")
        graph = vehicle.out / "dora" / "graph.yml"
        graph.parent.mkdir()
        graph.write_text(f"env:\n  WINNOW_SETTINGS: {settings}\n", "utf-8")
        assert find_run(str(vehicle.out)).folder == rings.folder
