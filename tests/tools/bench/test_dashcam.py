"""The parts of `winnow bench dashcam` on the smallest material; the figures themselves are measured, not tested."""

from pathlib import Path

import numpy as np
import pytest
from tests.dashcam_drives import write_small_drive

from winnow_tools.bench import dashcam_speed
from winnow_tools.bench.dashcam_drives import drive_rows, filters
from winnow_tools.bench.dashcam_gpu import BATCHES, gpu_rows
from winnow_tools.bench.dashcam_speed import PEER, decoded, filtered, peer_row, speed_row
from winnow_tools.bench.dashcam_votes import FRAMES, tracks
from winnow_tools.bench.load import Load


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_drive(tmp_path_factory.mktemp("clip") / "drive.mp4", frames=24)


def test_both_sides_of_the_ratio_see_every_frame(clip: Path, monkeypatch: pytest.MonkeyPatch):
    assert decoded(clip) == filtered(clip) == 24
    monkeypatch.setattr(dashcam_speed, "REPETITIONS", 1)
    row = speed_row(clip, "tiny", print)
    assert row.value is not None
    assert row.value > 0
    assert row.wanted == ">= 0.85"
    assert row.beside["frames"] == 24


def test_the_peer_is_measured_as_a_process_and_left_out_where_it_is_not(
    clip: Path, monkeypatch, tmp_path: Path
):
    monkeypatch.setenv(PEER, str(tmp_path / "nowhere"))
    assert peer_row(clip, print).value is None
    program = tmp_path / "dvr-scan"
    program.write_text("#!/bin/sh\ni=0; while [ $i -lt 20000 ]; do i=$((i+1)); done\n")
    program.chmod(0o755)
    monkeypatch.setenv(PEER, str(program))
    row = peer_row(clip, print)
    assert row.value is not None
    assert row.value > 0


def test_the_plain_filter_keeps_what_the_gate_does_not(clip: Path):
    judged = filters(clip)
    assert len(judged.times_s) == 24
    assert judged.dropped(judged.plain) < 0.7 < judged.dropped(judged.kept)


def test_rows_without_material_say_so(tmp_path: Path):
    (row,) = drive_rows(None, Load(tmp_path, None, print))
    assert (row.value, row.note) == (None, "no --recordings with drive/")
    rows = gpu_rows(None)
    assert len(rows) == len(BATCHES)
    assert all(each.value is None and each.note for each in rows)


def test_tracks_are_the_same_each_time_and_come_nearer():
    (text, frames), (again, same) = next(tracks()), next(tracks())
    assert text == again
    assert len(frames) == FRAMES
    assert all((one == other).all() for one, other in zip(frames, same, strict=True))
    edges = [float(np.abs(np.diff(frame[..., 1].astype(int), axis=1)).max()) for frame in frames]
    assert max(edges) > 40, "there is something to read"
