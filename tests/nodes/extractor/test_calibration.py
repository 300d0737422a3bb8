"""The calibration that the settings name is in every clip, and what is none is named."""

from pathlib import Path

import pytest
from mcap.reader import make_reader
from tests.nodes.vehicle_rig import Rings, S, Vehicle, an_event, cut_clips

from winnow_extractor.calibration import CALIBRATION_MAX_BYTES, read_calibration
from winnow_redactor.clip_source import ATTACHMENTS
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError


def test_every_clip_carries_it(vehicle: Vehicle) -> None:
    content = "lidar_0:\n  x_m: 1.5  # über der Kabine\n".encode()
    (vehicle.base / "sensors").mkdir()
    (vehicle.base / "sensors" / "rig.yml").write_bytes(content)
    vehicle.settings = {
        "recorder": {"enabled": False},
        "triggers": {"library": "none"},
        "clips": {"calibration": "sensors/rig.yml"},
    }
    rings = Rings(vehicle)
    for tick in range(100):
        rings.push(Channel("/x", "json"), tick * S // 10, b"{}")
    for clip in cut_clips(vehicle, rings, [an_event(3), an_event(8)]):
        with (vehicle.out / clip.path).open("rb") as file:
            attached = {one.name: one for one in make_reader(file).iter_attachments()}
        assert set(attached) == {"sidecar.json", "settings.yml", "calibration.yml"}
        assert attached["calibration.yml"].data == content
        assert attached["calibration.yml"].media_type == "application/yaml"
        assert set(attached) <= ATTACHMENTS


def test_none_is_none(tmp_path: Path) -> None:
    assert read_calibration("", tmp_path) is None


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("rig.yml", None, "cannot be read (No such file or directory)"),
        ("rig.png", b"x", "ends in none of .yml, .yaml, .json"),
        ("rig.json", b"\xff\xfe", "is no UTF-8 text"),
        ("rig.json", b" " * (CALIBRATION_MAX_BYTES + 1), "the limit is 4,194,304"),
    ],
)
def test_what_is_no_calibration_is_named(tmp_path: Path, name: str, content: bytes | None, part: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInputError) as refused:
        read_calibration(name, tmp_path)
    assert part in str(refused.value)
