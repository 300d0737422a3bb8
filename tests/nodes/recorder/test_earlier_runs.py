"""What earlier runs left in the warm tier counts against the limit, and goes before the run at hand."""

from pathlib import Path

import numpy as np
import pytest
from tests.nodes.vehicle_rig import S

from winnow_recorder import earlier_runs
from winnow_recorder.room import Room
from winnow_runtime.legal_holds import LegalHolds
from winnow_runtime.warm.index import ROW, segment_at, segments
from winnow_schemas.legal_hold import make_hold
from winnow_schemas.settings.device import RecorderSettings

SETTINGS = RecorderSettings(limit_gb=1e-5, min_retention_s=60, free_floor_gb=1e-6)
"""10 kB; at 9 kB the oldest go, down to 8 kB."""


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(earlier_runs, "GRACE", 0)


def write(folder: Path, minutes: range, size: int = 2000) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "channels.jsonl").write_text("{}\n")
    for minute in minutes:
        segment_at(folder, minute * 60 * S).path.write_bytes(bytes(size))


def room_of(tmp_path: Path, living: tuple[str, ...] = ()) -> Room:
    return Room(tmp_path / "warm" / "now", SETTINGS, LegalHolds(tmp_path), lambda run: run in living)


def minutes(folder: Path) -> list[int]:
    return [segment.start_ns // (60 * S) for segment in segments(folder)]


def test_the_oldest_run_goes_first_and_its_folder_with_its_last_segment(tmp_path: Path) -> None:
    warm = tmp_path / "warm"
    write(warm / "first", range(2))
    write(warm / "second", range(10, 13))
    write(warm / "now", range(20, 22))
    room = room_of(tmp_path)
    notes = room.make(None, 22 * 60 * S, 2**62)
    assert [note.subject for note in notes] == [
        f"first/segment_{minute * 60 * S:020d}.mcap" for minute in range(2)
    ] + [f"second/segment_{600 * S:020d}.mcap"]
    assert not (warm / "first").exists()
    assert (minutes(warm / "second"), minutes(warm / "now")) == ([11, 12], [20, 21])
    assert room.make(None, 22 * 60 * S, 2**62) == []
    assert room.used_bytes == 8000


def test_a_run_that_lives_elsewhere_is_left_alone(tmp_path: Path) -> None:
    warm = tmp_path / "warm"
    write(warm / "other", range(8))
    write(warm / "now", range(20, 22))
    assert room_of(tmp_path, living=("other",)).make(None, 22 * 60 * S, 2**62) == []
    assert len(minutes(warm / "other")) == 8


def test_what_windows_and_holds_need_stays(tmp_path: Path) -> None:
    warm = tmp_path / "warm"
    write(warm / "before", range(3))
    write(warm / "now", range(20, 22))
    rows = np.zeros(1, ROW)
    rows["t_ns"] = 119 * S
    segment_at(warm / "before", 60 * S).index_path.write_bytes(rows.tobytes())
    LegalHolds(tmp_path).add(make_hold(0, 30 * S, "accident", 0))
    room = room_of(tmp_path)
    assert room.make(None, 22 * 60 * S, 2**62) == [], "8 kB without the held one: within the limit"
    write(warm / "now", range(22, 23), 1200)
    notes = room.make(None, 23 * 60 * S, 118 * S)
    assert notes == [], "an extractor still needs minute 1 of the earlier run"
    notes = room.make(None, 23 * 60 * S, 2**62)
    assert [note.outcome for note in notes] == ["evicted"]
    assert minutes(warm / "before") == [0, 2]


def test_other_things_in_the_folder_are_no_runs(tmp_path: Path) -> None:
    warm = tmp_path / "warm"
    write(warm / "now", range(20, 22))
    write(tmp_path / "elsewhere", range(8))
    (warm / "link").symlink_to(tmp_path / "elsewhere")
    (warm / "notes.txt").write_text("mine")
    (warm / "mine").mkdir()
    assert room_of(tmp_path).make(None, 22 * 60 * S, 2**62) == []
    assert (warm / "notes.txt").exists()
    assert (warm / "mine").exists()
    assert len(minutes(tmp_path / "elsewhere")) == 8


def test_an_extractor_has_time_to_say_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(earlier_runs, "GRACE", 3)
    write(tmp_path / "warm" / "before", range(8))
    write(tmp_path / "warm" / "now", range(20, 21))
    room = room_of(tmp_path)
    assert [len(room.make(None, 22 * 60 * S, 2**62)) for _ in range(3)] == [0, 0, 0]
    assert len(room.make(None, 22 * 60 * S, 2**62)) == 5
