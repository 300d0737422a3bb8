"""Retention on a real folder: plans, deletes when told to, keeps sidecars, holds and what is not verified."""

import errno
import fcntl
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.nodes.vehicle_rig import Rings, S, ScriptedSeam, Vehicle, an_event, cut_clips, live

from winnow_retention import node as retention_node
from winnow_retention.node import Loop, run
from winnow_retention.planning import plan_of
from winnow_runtime.legal_holds import LegalHolds
from winnow_runtime.node import Node
from winnow_schemas.channel import Channel
from winnow_schemas.legal_hold import make_hold
from winnow_schemas.messages import ClipReady, Receipt

APPLY: dict[str, Any] = {
    "recorder": {"enabled": False},
    "retention": {"apply": True, "free_floor_gb": 0},
}
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


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


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
    days_pass(vehicle, 335, "run-5")
    left = [path.parent.name for path in (vehicle.out / "clips").rglob("*.json")]
    assert sorted(left) == ["P0", "P1"], "P5: 365 days have passed"
    days_pass(vehicle, 31, "run-6")
    days_pass(vehicle, 1, "run-7")
    assert not [path for path in (vehicle.out / "clips").rglob("*") if path.is_file()]
    saved = json.loads((vehicle.out / "state/retention/checkpoint.json").read_text())
    assert (saved["proofs"], saved["said"]) == ({}, {})


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
        made = json.loads(original.with_suffix(".json").read_text())
        made |= {"derived_from": made["sha256"], "sha256": sha256_of(b"copy"), "size_bytes": 4}
        copy.write_bytes(b"copy")
        copy.with_suffix(".json").write_text(json.dumps(made))
    path = "outgoing/" + clips["estop"].path.removeprefix("clips/")
    sent = replace(receipt(clips["estop"], path=path), sha256=sha256_of(b"copy"))
    vehicle.feed("uploader", "receipts", {"1": sent})
    run(vehicle.node("retention"))
    assert there(vehicle, clips) == set(clips)
    left = {path.relative_to(vehicle.out).suffix for path in (vehicle.out / "outgoing" / "P0").iterdir()}
    assert left == {".json"}
    assert {path.suffix for path in (vehicle.out / "outgoing" / "P1").iterdir()} == {".json", ".mcap"}
    days_pass(vehicle, 31, "run-2")
    assert there(vehicle, clips) == {"ood_spike", "time_sample"}, "the copy's upload is the original's proof"


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


def clip_path(vehicle: Vehicle, clip: ClipReady) -> Path:
    return vehicle.out / clip.path


def last_health(node: Node) -> tuple[int, str]:
    seam = node.seam
    assert isinstance(seam, ScriptedSeam)
    said = [value[0].as_py() for output, value, _ in seam.sent if output == "health"]
    return said[-1]["level"], said[-1]["message"]


def run_once(vehicle: Vehicle, run_id: str = "run-1") -> Node:
    node = vehicle.node("retention", run_id)
    run(node)
    return node


class TestProof:
    def test_a_receipt_for_other_content_is_no_proof(self, vehicle: Vehicle) -> None:
        clips = three_clips(vehicle, clips_gb=1e-9)
        other = replace(receipt(clips["time_sample"]), sha256=sha256_of(b"other"))
        vehicle.feed("uploader", "receipts", {"1": other})
        run_once(vehicle)
        assert there(vehicle, clips) == set(clips)

    def test_a_clip_that_changed_since_it_was_cut_is_not_what_was_sent(self, vehicle: Vehicle) -> None:
        clips = three_clips(vehicle)
        path = clip_path(vehicle, clips["time_sample"])
        path.write_bytes(path.read_bytes() + b"more")
        vehicle.feed("uploader", "receipts", {"1": receipt(clips["time_sample"])})
        run_once(vehicle)
        assert path.exists()
        assert any("its sidecar says" in row[4] for row in vehicle.decisions("retention"))

    def test_a_clock_that_stood_in_1970_does_not_make_clips_old(self, vehicle: Vehicle) -> None:
        clips = three_clips(vehicle)
        years_s = vehicle.clock.wall_ns() / 1e9 - 600
        vehicle.clock.step_wall_s(-years_s)
        vehicle.feed("uploader", "receipts", {clip.clip_id: receipt(clip) for clip in clips.values()})
        run_once(vehicle)
        vehicle.clock.step_wall_s(years_s)
        vehicle.feed("uploader", "receipts", {}, "run-2")
        run_once(vehicle, "run-2")
        assert there(vehicle, clips) == {"estop", "ood_spike"}
        days_pass(vehicle, 7.1, "run-3")
        assert there(vehicle, clips) == {"estop"}

    def test_a_clock_that_steps_back_a_day_deletes_nothing_early(self, vehicle: Vehicle) -> None:
        clips = three_clips(vehicle)
        vehicle.feed("uploader", "receipts", {clip.clip_id: receipt(clip) for clip in clips.values()})
        run_once(vehicle)
        vehicle.clock.step_wall_s(-DAY_S)
        days_pass(vehicle, 7.9, "run-2")
        assert there(vehicle, clips) == {"estop", "ood_spike"}
        days_pass(vehicle, 0.2, "run-3")
        assert there(vehicle, clips) == {"estop"}


class TestWhatIsNotOurs:
    def test_links_strangers_and_lost_sidecars_stay_and_are_named(self, vehicle: Vehicle) -> None:
        clips = three_clips(vehicle, clips_gb=1e-9)
        vehicle.feed("uploader", "receipts", {clip.clip_id: receipt(clip) for clip in clips.values()})
        elsewhere = vehicle.base / "elsewhere"
        elsewhere.mkdir()
        for kind in ("estop", "time_sample"):
            path = clip_path(vehicle, clips[kind])
            path.rename(elsewhere / path.name)
        clip_path(vehicle, clips["time_sample"]).symlink_to(elsewhere / Path(clips["time_sample"].path).name)
        (vehicle.out / "clips" / "linked").symlink_to(elsewhere, target_is_directory=True)
        (vehicle.out / "clips" / "notes.txt").write_text("mine")
        (vehicle.out / "clips" / "P1" / "mine.mcap").write_bytes(b"mine")
        clip_path(vehicle, clips["ood_spike"]).with_suffix(".json").write_text("{broken")
        node = run_once(vehicle)
        assert sorted(path.name for path in elsewhere.iterdir()) == sorted(
            Path(clips[kind].path).name for kind in ("estop", "time_sample")
        )
        assert clip_path(vehicle, clips["ood_spike"]).exists()
        assert (vehicle.out / "clips" / "P1" / "mine.mcap").exists()
        reasons = {row[2]: row[4] for row in vehicle.decisions("retention")}
        assert "not a file of Winnow's" in reasons["clips/notes.txt"]
        assert "never followed" in reasons["clips/linked"]
        assert "there is no sidecar" in reasons["clips/P1/mine.mcap"]
        assert "is not a clip's sidecar" in reasons[clips["ood_spike"].path]
        assert last_health(node)[0] == 2, "it is full of what may not go"

    def test_a_clip_that_vanishes_is_nobodys_trouble(self, vehicle: Vehicle) -> None:
        clips = three_clips(vehicle)
        vehicle.feed("uploader", "receipts", {clip.clip_id: receipt(clip) for clip in clips.values()})
        clip_path(vehicle, clips["time_sample"]).unlink()
        assert last_health(run_once(vehicle)) == (0, "OK")


class TestFull:
    def test_only_p0_left_is_said_loudly(self, vehicle: Vehicle) -> None:
        clips = three_clips(vehicle, clips_gb=1e-9)
        done = {kind: receipt(clip) for kind, clip in clips.items() if kind != "estop"}
        vehicle.feed("uploader", "receipts", done)
        node = run_once(vehicle)
        assert there(vehicle, clips) == {"estop"}
        level, message = last_health(node)
        assert level == 2
        assert "1 are not verified as uploaded, 1 of them P0" in message

    def test_a_p0_that_goes_early_is_logged(self, vehicle: Vehicle) -> None:
        clips = three_clips(vehicle, clips_gb=1e-9)
        vehicle.feed("uploader", "receipts", {clip.clip_id: receipt(clip) for clip in clips.values()})
        node = run_once(vehicle)
        assert there(vehicle, clips) == set()
        seam = node.seam
        assert isinstance(seam, ScriptedSeam)
        assert [level for level, text in seam.logged if "(P0) deleted" in text] == ["warn"]

    def test_as_a_last_resort_what_is_not_verified_goes_when_the_settings_say_so(
        self, vehicle: Vehicle
    ) -> None:
        clips = three_clips(vehicle, clips_gb=1e-9, unverified="last_resort")
        vehicle.feed("uploader", "receipts", {"1": receipt(clips["estop"])})
        run_once(vehicle)
        assert there(vehicle, clips) == set()

    def test_as_a_last_resort_a_p0_without_proof_stays(self, vehicle: Vehicle) -> None:
        clips = three_clips(vehicle, clips_gb=1e-9, unverified="last_resort")
        vehicle.feed("uploader", "receipts", {})
        assert last_health(run_once(vehicle))[0] == 2
        assert there(vehicle, clips) == {"estop"}


class TestLegalHolds:
    def test_a_span_keeps_what_overlaps_it(self, vehicle: Vehicle) -> None:
        clips = three_clips(vehicle, clips_gb=1e-9)
        hold = LegalHolds(vehicle.out).add(make_hold(15 * S, 16 * S, "case 4", 0))
        vehicle.feed("uploader", "receipts", {clip.clip_id: receipt(clip) for clip in clips.values()})
        run_once(vehicle)
        assert there(vehicle, clips) == {"ood_spike"}
        assert any(hold.hold_id in row[4] for row in vehicle.decisions("retention"))
        days_pass(vehicle, 100, "run-2")
        assert there(vehicle, clips) == {"ood_spike"}
        LegalHolds(vehicle.out).remove(hold.hold_id[:5])
        days_pass(vehicle, 0, "run-3")
        assert there(vehicle, clips) == set()

    def test_a_hold_that_cannot_be_read_keeps_everything(self, vehicle: Vehicle) -> None:
        clips = three_clips(vehicle, clips_gb=1e-9)
        (vehicle.out / "holds").mkdir()
        (vehicle.out / "holds" / "deadbeef0000.json").write_text("{")
        vehicle.feed("uploader", "receipts", {clip.clip_id: receipt(clip) for clip in clips.values()})
        node = run_once(vehicle)
        assert there(vehicle, clips) == set(clips)
        assert last_health(node)[0] == 2

    def test_a_hold_that_comes_between_plan_and_deed_counts(
        self, vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clips = three_clips(vehicle)
        vehicle.feed("uploader", "receipts", {clip.clip_id: receipt(clip) for clip in clips.values()})
        monkeypatch.setattr(
            retention_node,
            "plan_of",
            lambda *args: (LegalHolds(vehicle.out).add(make_hold(0, 99 * S, "", 0)), plan_of(*args))[1],
        )
        run_once(vehicle)
        assert there(vehicle, clips) == set(clips)

    def test_while_holds_are_being_changed_nothing_goes(self, vehicle: Vehicle) -> None:
        clips = three_clips(vehicle)
        vehicle.feed("uploader", "receipts", {clip.clip_id: receipt(clip) for clip in clips.values()})
        holds = LegalHolds(vehicle.out)
        holds.folder.mkdir()
        with holds._locked(fcntl.LOCK_EX):
            run_once(vehicle)
            assert there(vehicle, clips) == set(clips)
        days_pass(vehicle, 0, "run-2")
        assert there(vehicle, clips) == {"estop", "ood_spike"}
