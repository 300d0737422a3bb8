"""`winnow clips repack`, `show` and `verify` on a run's folder."""

import json
from pathlib import Path
from typing import Any

import cv2
import pytest
from tests.clouds import cloud, cloud_channel, sweep
from tests.nodes.vehicle_rig import Rings, S, Vehicle, an_event, cut_clips
from typer.testing import CliRunner, Result

from winnow_schemas.channel import Channel
from winnow_tools.cli import app

pytest.importorskip("DracoPy")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A run's folder with one clip of clouds and a signal."""
    vehicle = Vehicle(tmp_path / "run", {"recorder": {"enabled": False}, "triggers": {"library": "none"}})
    rings = Rings(vehicle, capacity=1 << 22)
    for tick in range(30):
        rings.push(cloud_channel(), 2 * S + tick * S // 10, cloud(sweep(1000, tick)))
        rings.push(Channel("/note", "json"), 2 * S + tick * S // 10, b'{"tick": %d}' % tick)
    cut_clips(vehicle, rings, [an_event(4)])
    vehicle.close()
    return vehicle.out


def clips(*arguments: Any) -> Result:
    return CliRunner().invoke(app, ["clips", *map(str, arguments)])


def repacked(*arguments: Any) -> dict[str, Any]:
    result = clips("repack", *arguments, "--json")
    assert result.exit_code == 0, result.output
    (found,) = json.loads(result.stdout)["clips"]
    return dict(found)


def test_both_ways_and_what_is_said(out: Path, tmp_path: Path) -> None:
    (clip,) = out.glob("clips/P1/*.mcap")
    packed = repacked(out, "--profile", "packed")
    path = Path(packed["path"])
    assert path == out / "repacked" / "packed" / "P1" / clip.name
    assert packed["size_bytes"] < packed["source_bytes"]
    assert clips("verify", path).exit_code == 0
    plain = repacked(path, "--profile", "plain", "-o", tmp_path / "back.mcap")
    assert (tmp_path / "back.mcap").read_bytes() == clip.read_bytes()
    assert plain["packing"] is None
    upload = repacked(clip, "--profile", "upload", "-o", tmp_path / "up")
    shown = clips("show", tmp_path / "up", clip.stem).output
    assert "Profile upload:" in shown
    assert "/points: " in shown
    assert "draco, error at most 1 cm (measured" in shown
    assert "/note: " in shown
    assert clips("verify", tmp_path / "up").exit_code == 0
    assert upload["packing"]["topics"]["/points"]["bound_m"] == 0.01
    listed = json.loads(clips("ls", out, "--json").stdout)["clips"]
    assert len(listed) == 1


def test_own_settings_name_the_codec(out: Path, tmp_path: Path) -> None:
    (clip,) = out.glob("clips/P1/*.mcap")
    path = tmp_path / "s.yml"
    path.write_text("topics:\n  /points: {upload_codec: ordered, error_m: 0.005}\n", "utf-8")
    made = repacked(clip, "--profile", "upload", "-o", tmp_path / "o.mcap", "--settings", path)
    assert made["packing"]["topics"]["/points"]["codec"] == "ordered"
    path.write_text("topics:\n  /points: {upload_codec: jpeg}\n", "utf-8")
    result = clips("repack", clip, "--profile", "upload", "-o", tmp_path / "p.mcap", "--settings", path)
    assert result.exit_code == 2
    assert not (tmp_path / "p.mcap").exists()


def test_what_cannot_be_is_a_sentence(out: Path, tmp_path: Path) -> None:
    (clip,) = out.glob("clips/P1/*.mcap")
    (tmp_path / "there.mcap").write_bytes(b"")
    for arguments, code, words in (
        ((clip, "--profile", "plain"), 2, "is plain already"),
        ((clip, "--profile", "packed", "-o", tmp_path / "there.mcap"), 2, "exists"),
        ((tmp_path / "none", "--profile", "packed"), 2, "does not exist"),
        ((clip, "--profile", "tiny"), 2, "tiny"),
    ):
        result = clips("repack", *arguments)
        assert result.exit_code == code, result.output
        assert words in result.output.replace("\n", " ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "there.mcap"]


def test_parts_of_a_packed_clip_are_exported_as_they_were(out: Path, tmp_path: Path) -> None:
    (clip,) = out.glob("clips/P1/*.mcap")
    repacked(clip, "--profile", "packed", "-o", tmp_path / "p")
    for where, name in ((out, "plain"), (tmp_path / "p", "packed")):
        for form, target in (("csv", name), ("mcap", f"{name}.mcap")):
            result = clips(
                "export", where, clip.stem, "-o", tmp_path / target, "--format", form, "--topic", "/note"
            )
            assert result.exit_code == 0, result.output
    one, other = (next((tmp_path / name).glob("*.csv")) for name in ("plain", "packed"))
    assert one.read_bytes() == other.read_bytes()
    assert (tmp_path / "plain.mcap").read_bytes() == (tmp_path / "packed.mcap").read_bytes()


@pytest.mark.parametrize("profile", ["packed", "upload"])
def test_a_packed_clip_is_drawn_and_plotted_like_the_plain_one(
    out: Path, tmp_path: Path, profile: str
) -> None:
    (clip,) = out.glob("clips/P1/*.mcap")
    packed = Path(repacked(clip, "--profile", profile, "-o", tmp_path / "small")["path"])
    for name, path in (("plain", clip), ("packed", packed)):
        result = clips("thumbs", path, "-o", tmp_path / f"{name}.png", "--json")
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)["topics"] == ["/points"]
        drawn = clips("plot", path, "-o", tmp_path / f"{name}.html", "--field", "/note:tick", "--json")
        assert json.loads(drawn.stdout)["curves"] == [{"topic": "/note", "field": "tick", "name": "tick"}]
    sheets = [cv2.imread(str(tmp_path / f"{name}.png")).astype(int) for name in ("plain", "packed")]
    inked = [(sheet.max(axis=2) > 60).mean() for sheet in sheets]
    assert inked[0] > 0.01
    assert inked[1] == pytest.approx(inked[0], rel=0.1)  # upload moves points by up to a centimetre
    pages = [(tmp_path / f"{name}.html").read_text("utf-8") for name in ("plain", "packed")]
    assert "<polyline" in pages[0] or "<path" in pages[0]
    assert pages[0].count("<svg") == pages[1].count("<svg")
