"""The recorder's eviction and legal holds: on real segments."""

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.nodes.vehicle_rig import S

from winnow_recorder.room import Room
from winnow_runtime.legal_holds import LegalHolds
from winnow_runtime.warm.index import segment_at, segments
from winnow_schemas.legal_hold import make_hold
from winnow_schemas.settings.device import RecorderSettings

SETTINGS = RecorderSettings(limit_gb=1e-5, min_retention_s=0, free_floor_gb=1e-6)


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six segments of 2 kB, a minute each: over a limit of 10 kB."""
    folder = tmp_path / "warm"
    folder.mkdir()
    for minute in range(6):
        segment_at(folder, minute * 60 * S).path.write_bytes(bytes(2000))
    return folder


def minutes(folder: Path) -> list[int]:
    return [segment.start_ns // (60 * S) for segment in segments(folder)]


def test_what_a_hold_covers_stays_and_does_not_count(folder: Path, tmp_path: Path) -> None:
    holds = LegalHolds(tmp_path)
    hold = holds.add(make_hold(0, 30 * S, "accident", 0))
    room = Room(folder, SETTINGS, holds)
    notes = room.make(None, 360 * S, 2**62)
    assert minutes(folder) == [0, 2, 3, 4, 5]
    assert (room.held_bytes, [note.outcome for note in notes]) == (2000, ["evicted"])
    holds.remove(hold.hold_id)
    room.make(None, 360 * S, 2**62)
    assert minutes(folder) == [2, 3, 4, 5]


def test_a_hold_on_all_of_it_keeps_all_of_it(folder: Path, tmp_path: Path) -> None:
    holds = LegalHolds(tmp_path)
    holds.add(make_hold(0, 9999 * S, "", 0))
    assert Room(folder, SETTINGS, holds).make(None, 360 * S, 2**62) == []
    assert len(minutes(folder)) == 6


def test_a_hold_that_cannot_be_read_keeps_everything_and_is_told_once(folder: Path, tmp_path: Path) -> None:
    holds = LegalHolds(tmp_path)
    holds.folder.mkdir()
    (holds.folder / "x.json").write_bytes(b"\xff")
    room = Room(folder, SETTINGS, holds)
    assert [(note.kind, note.outcome) for note in room.make(None, 360 * S, 2**62)] == [
        ("legal hold", "unreadable")
    ]
    assert room.make(None, 360 * S, 2**62) == []
    assert len(minutes(folder)) == 6


def test_full_of_held_segments_it_stops_writing_instead_of_deleting(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    holds = LegalHolds(tmp_path)
    hold = holds.add(make_hold(0, 9999 * S, "", 0))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10_000, 10_000, 0))
    room = Room(folder, SETTINGS, holds)
    with pytest.raises(OSError, match=r"legal holds keep 0\.00 GB of segments; lift one"):
        room.make(None, 360 * S, 2**62)
    assert len(minutes(folder)) == 6
    holds.remove(hold.hold_id)
    room.make(None, 360 * S, 2**62)
    assert minutes(folder) == [2, 3, 4, 5], "and back at the limit when it is lifted"
