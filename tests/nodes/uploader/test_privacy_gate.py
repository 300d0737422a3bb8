"""The last gate: whatever announces it, a clip with pictures that nobody covered is not queued."""

import hashlib
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from tests.fixtures.clips import make_clip

from winnow_runtime.hashed_file import HashedFile
from winnow_runtime.mcapfile.writer import McapWriter
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.device import VehicleSettings
from winnow_schemas.settings.topics import Kind
from winnow_uploader.intake import Intake

IMU = Channel("/imu", "cdr", "sensor_msgs/msg/Imu", "ros2msg", b"float64 x")
CAMERA = Channel("/front", "cdr", "sensor_msgs/msg/CompressedImage", "ros2msg", b"uint8[] data")
OPAQUE = Channel("/blob", "raw")
RECORD = {"topics": {"/front": {"frames": 1}}}
CONTENTS = {"/front": {"schema_name": CAMERA.schema_name, "encoding": "cdr", "kind": "camera"}}


def clip(folder: Path, channels: list[Channel], **sidecar: Any) -> Any:
    """A real MCAP file with its sidecar."""
    outgoing = make_clip(folder, "a", 10, **sidecar)
    path = folder / outgoing.path
    file = HashedFile(path)
    writer = McapWriter(file.write)
    writer.stream("x", "")
    for number, channel in enumerate(channels, start=1):
        writer.channel(channel, "x", number)
        writer.message(number, 1, 1, 1, b"data")
    writer.finish()
    file.publish()
    document = json.loads(path.with_suffix(".json").read_text())
    data = path.read_bytes()
    document |= {"size_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    path.with_suffix(".json").write_text(json.dumps(document))
    return outgoing


def intake(folder: Path, **kinds: Kind) -> Intake:
    return Intake(folder, VehicleSettings(), kind_of=lambda topic: kinds.get(topic.strip("/"), Kind.OTHER))


def test_a_clip_without_pictures_passes(tmp_path: Path) -> None:
    assert intake(tmp_path).item(clip(tmp_path, [IMU]), 0).clip_id == "id-a"


@pytest.mark.parametrize(
    ("channels", "sidecar"),
    [
        ([IMU, CAMERA], {}),
        ([IMU, CAMERA], {"topic_contents": CONTENTS}),
        ([IMU], {"topic_contents": CONTENTS}),
        ([IMU, CAMERA], {"redaction": {"topics": {"/rear": {}}}}),
        ([IMU, CAMERA], {"redaction": None}),
        ([IMU, OPAQUE], {}),
        (
            [IMU, CAMERA],
            {"topic_contents": {"/front": {"schema_name": "x", "encoding": "cdr", "kind": "status"}}},
        ),
    ],
    ids=["file", "both", "sidecar", "another topic's record", "null", "nobody can tell", "a kind that lies"],
)
def test_pictures_without_a_record_are_refused(
    tmp_path: Path, channels: list[Channel], sidecar: dict[str, Any]
) -> None:
    with pytest.raises(BadInputError, match="no record that it was redacted"):
        intake(tmp_path).item(clip(tmp_path, channels, **sidecar), 0)


def test_pictures_with_a_record_pass(tmp_path: Path) -> None:
    outgoing = clip(tmp_path, [IMU, CAMERA], topic_contents=CONTENTS, redaction=RECORD)
    assert intake(tmp_path).item(outgoing, 0).clip_id == "id-a"


def test_a_topic_that_the_settings_call_a_camera_now(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="it is a camera topic"):
        intake(tmp_path, imu=Kind.CAMERA).item(clip(tmp_path, [IMU]), 0)


def test_settings_vouch_for_bytes_that_nobody_knows(tmp_path: Path) -> None:
    assert intake(tmp_path, blob=Kind.CAN).item(clip(tmp_path, [OPAQUE]), 0)


def test_the_queue_rebuilt_from_disk_has_the_same_gate(tmp_path: Path) -> None:
    clip(tmp_path, [IMU, CAMERA])
    (found,) = intake(tmp_path).rebuilt_items([tmp_path / "outgoing"], 0)
    assert isinstance(found, BadInputError)


@pytest.mark.parametrize("spoil", ["cut", "jpeg"])
def test_a_file_whose_channels_nobody_can_read(tmp_path: Path, spoil: str) -> None:
    outgoing = clip(tmp_path, [IMU])
    path = tmp_path / outgoing.path
    jpeg = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    path.write_bytes(path.read_bytes()[:60] if spoil == "cut" else jpeg)
    with pytest.raises(BadInputError, match="not queued"):
        intake(tmp_path).item(outgoing, 0)
