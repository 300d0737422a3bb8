"""A recorder that is behind serves all rings: none bears all of the delay."""

from pathlib import Path

import pytest
from tests.fakes import FakeClock
from tests.nodes.vehicle_rig import Rings, S, Vehicle

from winnow_recorder import recorder as module
from winnow_recorder.recorder import Recorder
from winnow_runtime.legal_holds import LegalHolds
from winnow_runtime.ring.view import RingView
from winnow_schemas.channel import Channel
from winnow_schemas.settings.device import RecorderSettings

TOPICS = ["/a", "/b", "/c"]


def test_no_ring_starves_while_others_bring_more_than_a_step_can_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STEP_BYTES", 5000)
    vehicle = Vehicle(tmp_path)
    rings = Rings(vehicle)
    view = RingView(rings.folder)
    settings = RecorderSettings(free_floor_gb=0, fsync_s=60)
    recorder = Recorder(
        view,
        view.own_cell("recorder"),
        tmp_path / "warm",
        tmp_path / "state",
        "run-1",
        settings,
        FakeClock(),
        LegalHolds(tmp_path),
    )
    try:
        behind = []
        for round_ in range(30):
            for topic in TOPICS:  # twice as much as a step takes
                for index in range(10):
                    rings.push(Channel(topic, "raw"), (round_ * 10 + index) * S // 10, bytes(350))
            rings.beat()
            recorder.step()
            behind.append([view.ring(topic[1:]).head - recorder._next.get(topic[1:], 0) for topic in TOPICS])
    finally:
        recorder.stop()
        vehicle.close()
    most, least = max(behind[-1]), min(behind[-1])
    assert sum(behind[-1]) > 300, "it is behind"
    assert most <= 2 * least + 30, "and all rings about equally"
