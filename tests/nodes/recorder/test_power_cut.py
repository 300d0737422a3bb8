"""The power fails at any moment: what was accepted more than a second before is there, on every medium."""

import random
from pathlib import Path

import pytest
from tests.recovering import read_indexed

from winnow_runtime.warm.index import segments
from winnow_runtime.warm.recovery import recover
from winnow_tools.recover import load
from winnow_tools.recover.measure import PROMISED_NS, simulated, survives_kills, survives_power_cuts
from winnow_tools.recover.powercut import SECTORS, LoggedDisk, Tear, place

SECONDS, FSYNC_S = 3.2, 0.5


@pytest.fixture(scope="module")
def recording() -> tuple[LoggedDisk, list[load.Sent]]:
    return simulated(SECONDS, FSYNC_S, segment_s=1.3)


@pytest.mark.parametrize("sector", SECTORS)
@pytest.mark.parametrize("tear", list(Tear))
def test_everything_older_than_a_second_survives(
    tmp_path: Path, recording: tuple[LoggedDisk, list[load.Sent]], tear: Tear, sector: int
):
    disk, sent = recording
    rng = random.Random(f"{tear} {sector}")
    for number in range(12):
        after = rng.randint(1, len(disk.operations))
        t_ns, files = disk.cut(after, tear, sector, rng)
        folder = tmp_path / str(number)
        folder.mkdir()
        list(place(files, folder))
        recover(folder)
        must = {(item.channel, item.seq) for item in sent if item.t_ns < t_ns - PROMISED_NS}
        may = {(item.channel, item.seq) for item in sent if item.t_ns <= t_ns}
        found = load.by_rows(folder)
        assert must <= found <= may, after
        rows = sum(len(segment.rows()) for segment in segments(folder))
        assert rows == len(found)  # no row without its message, none twice
        for segment in segments(folder):
            assert len(read_indexed(segment.path.read_bytes())) == len(segment.rows())
        assert recover(folder) == []


def test_the_simulation_loses_what_was_not_synced(recording: tuple[LoggedDisk, list[load.Sent]]):
    """A medium that kept everything would prove nothing."""
    disk, _ = recording
    rng = random.Random(1)
    syncs = [place for place, operation in enumerate(disk.operations) if operation.kind == "sync"]
    middle = syncs[len(syncs) // 2] - 3
    _, nothing = disk.cut(middle, Tear.NOTHING, 512, rng)
    _, everything = disk.cut(middle, Tear.EVERYTHING, 512, rng)
    _, zeros = disk.cut(middle, Tear.ZEROS, 512, rng)
    sizes = [sum(map(len, files.values())) for files in (nothing, everything, zeros)]
    assert sizes[0] < sizes[1] == sizes[2]
    assert everything != zeros


def test_without_syncing_the_promise_would_be_broken(tmp_path: Path):
    """The proof can fail: a recorder that never syncs loses old messages."""
    survival = survives_power_cuts(tmp_path, 12, fsync_s=1e9)
    assert survival.ratio < 0.99


def test_the_measured_ratio_is_one(tmp_path: Path):
    survival = survives_power_cuts(tmp_path, 25, seed=7)
    assert survival.accepted > 1000
    assert survival.ratio == 1.0
    assert survival.by_index < survival.accepted


def kills(tmp_path: Path, rounds: int, seed: int) -> None:
    survival = survives_kills(tmp_path, rounds, seed)
    assert survival.rounds == rounds
    assert survival.accepted > 300 * rounds
    assert survival.ratio == 1.0
    assert survival.by_index < survival.accepted


def test_a_killed_writer_loses_nothing_that_is_older_than_a_second(tmp_path: Path):
    kills(tmp_path, 10, 1)


@pytest.mark.storm
@pytest.mark.timeout(1800)
def test_a_hundred_killed_writers(tmp_path: Path):
    kills(tmp_path, 100, 2)
