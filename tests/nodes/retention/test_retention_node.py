"""Retention on a real folder: plans, deletes when told to, keeps sidecars, holds and what is not verified."""

import errno
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.nodes.vehicle_rig import Rings, S, ScriptedSeam, Vehicle, an_event, cut_clips, live

from winnow_retention.node import Loop, run
from winnow_schemas.channel import Channel
from winnow_schemas.messages import ClipReady, Receipt

APPLY: dict[str, Any] = {"recorder": {"enabled": False}, "retention": {"apply": True}}
DAY_S = 86_400.0


def three_clips(vehicle: Vehicle, **retention: Any) -> dict[str, ClipReady]:
    """A P0, a P1 and a P5 clip, by type."""
    vehicle.settings = {**APPLY, "retention": {**APPLY["retention"], **retention}}
    rings = Rings(vehicle)
    for tick in range(300):
        rings.push(Channel("/a", "json"), tick * S // 10, bytes(100))
    events = [an_event(5, "estop", 0), an_event(15, "ood_spike", 1), an_event(25, "time_sample", 5)]
    return {clip.types[0]: clip for clip in cut_clips(vehicle, rings, events)}


def receipt(clip: ClipReady, *, verified: bool = True, path: str = "") -> Receipt:
    return Receipt(
        clip_id=clip.clip_id,
        name=clip.name,
        path=path or clip.path,
        bucket="b",
        key=f"k/{clip.name}.mcap",
        size_bytes=clip.size_bytes,
        sha256=clip.sha256,
        verified=verified,
    )


def there(vehicle: Vehicle, clips: dict[str, ClipReady]) -> set[str]:
    for clip in clips.values():
        assert (vehicle.out / clip.path).with_suffix(".json").exists()
    return {kind for kind, clip in clips.items() if (vehicle.out / clip.path).exists()}


def days_pass(vehicle: Vehicle, days: float, run_id: str) -> None:
    """The next run, so much later."""
    vehicle.clock.advance_s(days * DAY_S)
    vehicle.feed("uploader", "receipts", {}, run_id)
    run(vehicle.node("retention", run_id))


def test_deleted_by_6_1_and_the_sidecar_stays(vehicle: Vehicle) -> None:
    clips = three_clips(vehicle)
    vehicle.feed("uploader", "receipts", {clip.clip_id: receipt(clip) for clip in clips.values()})
    run(vehicle.node("retention"))
    assert there(vehicle, clips) == {"estop", "ood_spike"}
    days_pass(vehicle, 6.9, "run-2")
    assert there(vehicle, clips) == {"estop", "ood_spike"}
    days_pass(vehicle, 0.2, "run-3")
    assert there(vehicle, clips) == {"estop"}
    days_pass(vehicle, 23, "run-4")
    assert there(vehicle, clips) == set()
    outcomes = [row[3] for row in vehicle.decisions("retention")]
    assert sorted(outcomes) == ["deleted"] * 3 + ["kept"] * 2
    days_pass(vehicle, 1, "run-5")
    saved = json.loads((vehicle.out / "state/retention/checkpoint.json").read_text())
    assert (saved["verified"], saved["said"]) == ({}, {})


def test_without_apply_it_only_plans(vehicle: Vehicle) -> None:
    clips = three_clips(vehicle, apply=False)
    vehicle.feed("uploader", "receipts", {clip.clip_id: receipt(clip) for clip in clips.values()})
    run(vehicle.node("retention"))
    days_pass(vehicle, 100, "run-2")
    assert there(vehicle, clips) == set(clips)
    assert [row[3] for row in vehicle.decisions("retention")].count("would delete") == 3


def test_what_is_not_verified_stays_for_ever_however_short_the_room(vehicle: Vehicle) -> None:
    clips = three_clips(vehicle, clips_gb=1e-9)
    vehicle.feed(
        "uploader", "receipts", {clip.clip_id: receipt(clip, verified=False) for clip in clips.values()}
    )
    run(vehicle.node("retention"))
    days_pass(vehicle, 1000, "run-2")
    assert there(vehicle, clips) == set(clips)


def test_when_room_is_short_verified_clips_go_early_p0_last(vehicle: Vehicle) -> None:
    clips = three_clips(vehicle)
    size = clips["estop"].size_bytes
    vehicle.settings["retention"] |= {"clips_gb": size * 1.4 / 1e9, "p5_days": 5}
    vehicle.feed("uploader", "receipts", {clip.clip_id: receipt(clip) for clip in clips.values()})
    run(vehicle.node("retention"))
    assert there(vehicle, clips) == {"estop"}


def test_a_hold_keeps_a_clip_until_it_is_lifted(vehicle: Vehicle) -> None:
    clips = three_clips(vehicle, clips_gb=1e-9)
    hold = (vehicle.out / clips["estop"].path).with_suffix(".hold")
    hold.write_text("investigation 17\n")
    vehicle.feed("uploader", "receipts", {clip.clip_id: receipt(clip) for clip in clips.values()})
    run(vehicle.node("retention"))
    days_pass(vehicle, 100, "run-2")
    assert there(vehicle, clips) == {"estop"}
    assert any("hold" in row[4] for row in vehicle.decisions("retention"))
    hold.unlink()
    days_pass(vehicle, 1, "run-3")
    assert there(vehicle, clips) == set()


def test_a_copy_for_sending_goes_when_its_upload_is_verified(vehicle: Vehicle) -> None:
    clips = three_clips(vehicle)
    for kind in ("estop", "ood_spike"):
        original = vehicle.out / clips[kind].path
        copy = vehicle.out / "outgoing" / original.relative_to(vehicle.out / "clips")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(b"copy")
        copy.with_suffix(".json").write_bytes(original.with_suffix(".json").read_bytes())
    path = "outgoing/" + clips["estop"].path.removeprefix("clips/")
    vehicle.feed("uploader", "receipts", {"1": receipt(clips["estop"], path=path)})
    run(vehicle.node("retention"))
    assert there(vehicle, clips) == set(clips)
    left = {path.relative_to(vehicle.out).suffix for path in (vehicle.out / "outgoing" / "P0").iterdir()}
    assert left == {".json"}
    assert {path.suffix for path in (vehicle.out / "outgoing" / "P1").iterdir()} == {".json", ".mcap"}


def test_a_deletion_that_the_disk_refuses_is_said_and_tried_again(
    vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = three_clips(vehicle)
    vehicle.feed("uploader", "receipts", {clip.clip_id: receipt(clip) for clip in clips.values()})
    real = Path.unlink

    def refuse(self: Path, *, missing_ok: bool = False) -> None:
        if self.suffix == ".mcap":
            raise OSError(errno.EROFS, "Read-only file system")
        real(self, missing_ok=missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        node = vehicle.node("retention")
        run(node)
        seam = node.seam
        assert isinstance(seam, ScriptedSeam)
        levels = [value[0].as_py()["level"] for output, value, _ in seam.sent if output == "health"]
        assert levels[-1] == 2
    assert there(vehicle, clips) == set(clips)
    assert "not deleted" in [row[3] for row in vehicle.decisions("retention")]
    days_pass(vehicle, 0, "run-2")
    assert there(vehicle, clips) == {"estop", "ood_spike"}


@settings(max_examples=40, deadline=None)
@given(kills=st.lists(st.integers(min_value=0, max_value=30), min_size=1, max_size=4))
def test_killed_anywhere_every_deletion_is_told_once(kills: list[int]) -> None:
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as base:
        vehicle = Vehicle(Path(base))
        clips = three_clips(vehicle)
        receipts = {kind: receipt(clip) for kind, clip in clips.items() if kind != "ood_spike"}
        vehicle.feed("uploader", "receipts", receipts)
        for countdown in [*kills, None]:
            live(vehicle, "retention", run, countdown)
            assert there(vehicle, clips) >= {"estop", "ood_spike"}
        assert there(vehicle, clips) == {"estop", "ood_spike"}
        rows = [(row[2].split("/")[1], row[3]) for row in vehicle.decisions("retention")]
        assert sorted(set(rows)) == [("P0", "kept"), ("P1", "kept"), ("P5", "deleted")]
        assert len(rows) == len({row[:3] + row[4:] for row in vehicle.decisions("retention")})
        assert vehicle.leftovers() == []
        vehicle.close()


def test_nothing_is_written_while_nothing_happens(vehicle: Vehicle) -> None:
    clips = three_clips(vehicle)
    vehicle.feed("uploader", "receipts", {}, "an earlier run")
    node = vehicle.node("retention")
    path = node.state / "checkpoint.json"
    seen: list[int] = []
    seam = node.seam
    assert isinstance(seam, ScriptedSeam)

    def script() -> Iterator[None]:
        for _ in range(150):  # a minute and a quarter: one planning
            yield
            seen.append(path.stat().st_ino if path.exists() else 0)
        vehicle.feed("uploader", "receipts", {})

    seam.script = script()
    run(node)
    assert len(set(seen) - {0}) <= 2
    assert there(vehicle, clips) == set(clips)
    said = [json.loads(value[0].as_py()["values"]) for output, value, _ in seam.sent if output == "health"]
    assert said[-1]["clips"] == 3
    assert len(said) > 60


def test_files_that_are_no_clips_are_left_alone(vehicle: Vehicle) -> None:
    three_clips(vehicle)
    folder = vehicle.out / "clips" / "P5"
    (folder / "mine.json").write_text("{}")
    (folder / "mine.mcap").write_bytes(b"mine")
    loop = Loop(vehicle.node("retention"))
    loop.carry_out()
    assert len(loop.found.clips) == 3
    assert (folder / "mine.mcap").exists()
