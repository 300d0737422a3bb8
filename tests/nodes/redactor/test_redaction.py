"""Redaction of whole clips: what is found is covered in every wrapping, and where nobody can look, nothing leaves uncovered."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.nodes.redactor import pictures as p
from tests.nodes.redactor.test_redactor_node import PLAIN, SETTINGS, content, outcome, redact
from tests.nodes.vehicle_rig import Rings, S, Vehicle, an_event, cut_clips, verdict_on

import winnow_redactor.node
from winnow_operators.native.faults import NativeError
from winnow_operators.native.keeping import keep, restore
from winnow_redactor.audit import FOLDER
from winnow_redactor.crew import Crew
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError
from winnow_schemas.messages import ClipReady, Outgoing
from winnow_schemas.settings.topics import Kind
from winnow_schemas.sidecar import read_sidecar

FRAMES = 12
POLICY = {"cameras": "redact", "subjects": ["face"], "hold_s": 0.3}


def use(monkeypatch: pytest.MonkeyPatch, crew: Crew) -> None:
    monkeypatch.setattr(winnow_redactor.node, "assemble", lambda *_: crew)


def clip_with(
    vehicle: Vehicle,
    channel: Channel,
    payloads: list[bytes],
    priority: int = 1,
    topics: dict[str, Any] | None = None,
    **policy: Any,
) -> ClipReady:
    """A clip of 20 frames per second beside ordinary topics."""
    vehicle.settings = {
        **SETTINGS,
        "redactor": {**POLICY, **policy},
        "topics": {**SETTINGS["topics"], **(topics or {})},
    }
    rings = Rings(vehicle, capacity=4 << 20)
    for tick, payload in enumerate(payloads):
        for plain in PLAIN:
            rings.push(plain, 11 * S + tick * S // 20, b"%s-%d" % (plain.topic.encode(), tick))
        rings.push(channel, 11 * S + tick * S // 20, payload)
    (clip,) = cut_clips(vehicle, rings, [an_event(11.5, priority=priority)])
    vehicle.feed("classifier", "verdicts", {clip.clip_id: verdict_on(clip)})
    return clip


def left(vehicle: Vehicle, outgoing: Outgoing) -> list[bytes]:
    """Payloads of the camera in what leaves."""
    return [row[4] for row in content(vehicle.out / outgoing.path) if row[0] == "/front"]


MOVING = [p.picture(10 + 6 * number) for number in range(FRAMES)]
WRAPPINGS: list[tuple[Channel, Callable[[], list[bytes]]]] = [
    (p.CDR_JPEG, lambda: p.stills(p.CDR_JPEG, MOVING)),
    (p.CDR_RAW, lambda: p.stills(p.CDR_RAW, MOVING)),
    (p.ROS1_PNG, lambda: p.stills(p.ROS1_PNG, MOVING)),
    (p.PROTO_JPEG, lambda: p.stills(p.PROTO_JPEG, MOVING)),
    (p.JSON_JPEG, lambda: p.stills(p.JSON_JPEG, MOVING)),
    (p.BARE_JPEG, lambda: p.stills(p.BARE_JPEG, MOVING)),
    (p.PROTO_VIDEO, lambda: p.films(p.PROTO_VIDEO, MOVING)),
    (p.PROTO_VIDEO, lambda: p.films(p.PROTO_VIDEO, MOVING, "h265")),
    (p.CDR_JPEG, lambda: p.films(p.CDR_JPEG, MOVING)),
    (p.BARE_H264, lambda: p.films(p.BARE_H264, MOVING)),
]


@pytest.mark.parametrize(
    ("channel", "make"),
    WRAPPINGS,
    ids=[
        "cdr-jpeg",
        "cdr-raw",
        "ros1-png",
        "proto-jpeg",
        "json-jpeg",
        "jpeg",
        "proto-h264",
        "proto-h265",
        "cdr-h264",
        "h264",
    ],
)
def test_what_is_found_is_covered_and_all_else_is_as_it_was(
    vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch, channel: Channel, make: Callable[[], list[bytes]]
) -> None:
    use(monkeypatch, p.crew_of(p.MagentaDetector()))
    payloads = make()
    assert all(p.magenta_left(image) > 300 for image in p.pictures_in(channel, payloads))
    clip = clip_with(vehicle, channel, payloads)
    (outgoing,) = redact(vehicle)
    assert outcome(vehicle) == "redacted"
    before, after = content(vehicle.out / clip.path), content(vehicle.out / outgoing.path)
    assert [row[:4] + row[5:] for row in after] == [row[:4] + row[5:] for row in before]
    assert [row for row in after if row[0] != "/front"] == [row for row in before if row[0] != "/front"]
    images = p.pictures_in(channel, left(vehicle, outgoing))
    assert [p.magenta_left(image) for image in images] == [0] * FRAMES
    for old, new in zip(MOVING, images, strict=True):  # and the rest of the picture is still there
        assert np.abs(old[100:].astype(int) - new[100:].astype(int)).mean() < 6
    sidecar = read_sidecar((vehicle.out / outgoing.path).with_suffix(".json"))
    assert sidecar.redaction is not None
    topic = sidecar.redaction.topics["/front"]
    assert (topic.frames, topic.covered, topic.masked, topic.detected) == (FRAMES, FRAMES, 0, FRAMES)
    assert sidecar.withheld_topics == []
    assert sidecar.topic_contents["/front"].payload_bytes == sum(map(len, left(vehicle, outgoing)))
    assert sidecar.privacy["retention"] == "90 days"
    rows = pq.read_table(vehicle.out / FOLDER / "P1" / f"{clip.name}.parquet").to_pylist()
    detected = [row for row in rows if row["what"] == "detected"]
    assert [row["frame"] for row in detected] == list(range(FRAMES))
    assert all(row["x0"] <= 10 + 6 * row["frame"] and row["x1"] >= 38 + 6 * row["frame"] for row in detected)


def test_what_the_detector_misses_for_a_few_frames_stays_covered(
    vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, p.crew_of(p.MagentaDetector(misses={0, 1, 4, 5, 6, 11})))
    clip_with(vehicle, p.CDR_JPEG, p.stills(p.CDR_JPEG, MOVING))
    (outgoing,) = redact(vehicle)
    assert [p.magenta_left(image) for image in p.pictures_in(p.CDR_JPEG, left(vehicle, outgoing))] == [
        0
    ] * FRAMES
    sidecar = read_sidecar((vehicle.out / outgoing.path).with_suffix(".json"))
    assert sidecar.redaction is not None
    assert (sidecar.redaction.topics["/front"].detected, sidecar.redaction.topics["/front"].covered) == (
        6,
        12,
    )
    assert sidecar.redaction.topics["/front"].held >= 6


def test_without_holding_the_same_frames_show_it(vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above fails when the holding does."""
    use(monkeypatch, p.crew_of(p.MagentaDetector(misses={0, 1, 11})))
    clip_with(vehicle, p.CDR_JPEG, p.stills(p.CDR_JPEG, MOVING), hold_s=0.0)
    (outgoing,) = redact(vehicle)
    shown = [
        number
        for number, image in enumerate(p.pictures_in(p.CDR_JPEG, left(vehicle, outgoing)))
        if p.magenta_left(image)
    ]
    assert shown == [0, 1, 11]


# --- fail-closed ------------------------------------------------------------------------------------------

CORRUPT = b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(300)
"""The start of a JPEG, and nothing."""


def _weak(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, p.crew_of(p.MagentaDetector(), recall=0.89))


def _failing(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, p.crew_of(p.MagentaDetector(fails=set(range(FRAMES)))))


def _shouting(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, p.crew_of(p.MagentaDetector(finds=10_000)))


def _nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    crew = p.crew_of(p.MagentaDetector())
    use(monkeypatch, Crew({}, {}, 0.9, 1280, {next(iter(crew.detectors)): "no model is there"}))


TROUBLES = {"weak": _weak, "failing": _failing, "ten thousand boxes": _shouting, "nobody": _nobody}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES.keys())
@pytest.mark.parametrize("fallback", ["mask", "withhold", "hold"])
@pytest.mark.parametrize("priority", [0, 1])
def test_where_nobody_can_look_nothing_leaves_uncovered(
    vehicle: Vehicle,
    monkeypatch: pytest.MonkeyPatch,
    trouble: Callable[[pytest.MonkeyPatch], None],
    fallback: str,
    priority: int,
) -> None:
    trouble(monkeypatch)
    clip_with(
        vehicle,
        p.CDR_JPEG,
        p.stills(p.CDR_JPEG, MOVING),
        priority,
        without_detector=fallback,
        undecodable=fallback,
    )
    sent = redact(vehicle)
    if fallback == "hold" and priority > 0:
        assert sent == []
        assert outcome(vehicle) == "stays"
        assert not list((vehicle.out / "outgoing").rglob("*.mcap"))
    elif fallback == "withhold":
        assert sent[0].withheld_topics == ["/front"]
        assert left(vehicle, sent[0]) == []
    else:  # mask, and a safety clip that would be held
        images = p.pictures_in(p.CDR_JPEG, left(vehicle, sent[0]))
        assert len(images) == FRAMES
        assert all(int(image.max()) - int(image.min()) < 8 for image in images), "something can be seen"
        assert outcome(vehicle) == "masked"


def test_p0_is_held_too_when_the_settings_say_so(vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch) -> None:
    _weak(monkeypatch)
    clip_with(vehicle, p.CDR_JPEG, p.stills(p.CDR_JPEG, MOVING), 0, without_detector="hold", p0_leaves=False)
    assert redact(vehicle) == []


BAD: dict[str, tuple[Channel, Callable[[list[bytes]], bytes]]] = {
    "a JPEG of nothing": (p.CDR_JPEG, lambda _: p.cdr_compressed(CORRUPT, "jpeg")),
    "a JPEG cut off": (
        p.CDR_JPEG,
        lambda all_: p.cdr_compressed(p.data_of(p.CDR_JPEG, all_[3])[:900], "jpeg"),
    ),
    "an empty picture": (p.CDR_JPEG, lambda _: p.cdr_compressed(b"", "jpeg")),
    "a JPEG of a billion pixels": (
        p.CDR_JPEG,
        lambda _: p.cdr_compressed(
            b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff\3\1\x11\0" + bytes(50) + b"\xff\xd9", "jpeg"
        ),
    ),
    "raw with too few rows": (
        p.CDR_RAW,
        lambda _: p.cdr_image(p.picture(3), "bgr8")[:-WIDTH_ROW].replace(
            (p.HEIGHT * WIDTH_ROW).to_bytes(4, "little"),
            ((p.HEIGHT - 1) * WIDTH_ROW).to_bytes(4, "little"),
            1,
        ),
    ),
    "a pixel encoding that nobody knows": (p.CDR_RAW, lambda _: p.cdr_image(p.picture(3), "wow9")),
}
WIDTH_ROW = p.WIDTH * 3


@pytest.mark.parametrize(("channel", "spoil"), BAD.values(), ids=BAD.keys())
@pytest.mark.parametrize("fallback", ["mask", "hold"])
def test_a_frame_that_nobody_can_decode_is_covered_whole_or_holds_the_clip(
    vehicle: Vehicle,
    monkeypatch: pytest.MonkeyPatch,
    channel: Channel,
    spoil: Callable[[list[bytes]], bytes],
    fallback: str,
) -> None:
    use(monkeypatch, p.crew_of(p.MagentaDetector()))
    payloads = p.stills(channel, MOVING)
    payloads[3] = spoil(payloads)
    clip_with(vehicle, channel, payloads, undecodable=fallback)
    sent = redact(vehicle)
    if fallback == "hold":
        assert sent == []
        return
    after = left(vehicle, sent[0])
    sidecar = read_sidecar((vehicle.out / sent[0].path).with_suffix(".json"))
    assert sidecar.redaction is not None
    assert sidecar.redaction.topics["/front"].masked == 1
    assert [each.reason for each in sidecar.redaction.doubtful if "covered whole" in each.reason]
    if channel == p.CDR_JPEG:
        images = p.pictures_in(channel, after)
        assert images[3].shape == images[2].shape or "billion" in str(spoil)
        assert int(images[3].max()) - int(images[3].min()) < 8
        images = images[:3] + images[4:]
        assert [p.magenta_left(image) for image in images] == [0] * (FRAMES - 1)
    else:
        assert not any(p.data_of(channel, after[3]))


@pytest.mark.parametrize(
    ("channel", "payload"),
    [
        (
            Channel("/front", "cdr", "theora_image_transport/msg/Packet", "ros2msg", b"uint8[] data"),
            b"\0\1\0\0x",
        ),
        (p.CDR_JPEG, b"\0\1\0\0" + bytes(3)),
        (p.CDR_JPEG, p.cdr_compressed(b"RIFF____WEBPVP8 ", "webp")),
        (p.CDR_JPEG, p.cdr_compressed(bytes(12) + b"\x89PNG", "16UC1; compressedDepth png")),
        (p.PROTO_JPEG, b"\xff\xff\xff"),
        (p.JSON_JPEG, b'{"data": 5}'),
        (Channel("/front", "vp9"), b"\x82\x49\x83\x42"),
    ],
    ids=["unknown type", "short CDR", "WebP", "depth", "broken protobuf", "broken JSON", "VP9"],
)
def test_a_wrapping_that_cannot_be_rebuilt_keeps_its_topic_back(
    vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch, channel: Channel, payload: bytes
) -> None:
    use(monkeypatch, p.crew_of(p.MagentaDetector()))
    clip_with(vehicle, channel, [payload] * 4)
    (outgoing,) = redact(vehicle)
    assert outgoing.withheld_topics == ["/front"]
    assert left(vehicle, outgoing) == []


def test_video_that_begins_without_a_key_frame(vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, p.crew_of(p.MagentaDetector()))
    payloads = p.films(p.PROTO_VIDEO, MOVING)[2:]  # the next key frame is the sixth
    clip_with(vehicle, p.PROTO_VIDEO, payloads)
    (outgoing,) = redact(vehicle)
    images = p.pictures_in(p.PROTO_VIDEO, left(vehicle, outgoing))
    assert len(images) == len(payloads)
    assert all(int(image.max()) - int(image.min()) < 12 for image in images[:3])
    assert [p.magenta_left(image) for image in images] == [0] * len(payloads)


def test_video_with_b_frames_is_covered_whole(vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, p.crew_of(p.MagentaDetector()))
    payloads = p.films(p.PROTO_VIDEO, MOVING, tune="psnr", bf="2", preset="medium", b_strategy="0", g="50")
    clip_with(vehicle, p.PROTO_VIDEO, payloads)
    (outgoing,) = redact(vehicle)
    sidecar = read_sidecar((vehicle.out / outgoing.path).with_suffix(".json"))
    assert sidecar.redaction is not None
    assert sidecar.redaction.topics["/front"].masked >= FRAMES // 2
    assert [p.magenta_left(image) for image in p.pictures_in(p.PROTO_VIDEO, left(vehicle, outgoing))] == [
        0
    ] * FRAMES


# --- policies ---------------------------------------------------------------------------------------------


def test_heat_has_no_detector(vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, p.crew_of(p.MagentaDetector()))
    thermal = {"/front": {"kind": "thermal"}}
    clip_with(vehicle, p.CDR_JPEG, p.stills(p.CDR_JPEG, MOVING), topics=thermal, thermal="redact")
    (outgoing,) = redact(vehicle)
    assert all(
        int(image.max()) - int(image.min()) < 8
        for image in p.pictures_in(p.CDR_JPEG, left(vehicle, outgoing))
    )


def test_masking_by_the_settings_asks_no_detector(vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winnow_redactor.node, "assemble", lambda *_: pytest.fail("detectors were loaded"))
    clip_with(vehicle, p.PROTO_VIDEO, p.films(p.PROTO_VIDEO, MOVING), cameras="mask")
    (outgoing,) = redact(vehicle)
    assert outcome(vehicle) == "masked"
    assert len(left(vehicle, outgoing)) == FRAMES


def test_detections_leave_in_place_of_pictures(vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, p.crew_of(p.MagentaDetector()))
    clip = clip_with(vehicle, p.CDR_JPEG, p.stills(p.CDR_JPEG, MOVING), cameras="detections")
    (outgoing,) = redact(vehicle)
    rows = content(vehicle.out / outgoing.path)
    assert left(vehicle, outgoing) == []
    found = [row for row in rows if row[0] == "/front/detections"]
    times = [row[1] for row in content(vehicle.out / clip.path) if row[0] == "/front"]
    assert [row[1] for row in found] == times
    assert b'"subject":"face"' in found[0][4]
    assert b"\xff\xd8\xff" not in (vehicle.out / outgoing.path).read_bytes()
    sidecar = read_sidecar((vehicle.out / outgoing.path).with_suffix(".json"))
    assert sidecar.topic_contents["/front/detections"].messages == FRAMES
    assert "/front" not in sidecar.topics


@pytest.mark.parametrize("fill", ["solid", "pixelate", "blur"])
def test_every_fill_hides(vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch, fill: str) -> None:
    use(monkeypatch, p.crew_of(p.MagentaDetector()))
    checkers = np.kron(np.indices((8, 8)).sum(axis=0) % 2, np.ones((4, 4), int))[..., None] * np.array(
        p.MAGENTA
    )
    image = p.picture(None)
    image[40:72, 60:92] = np.where(checkers > 0, checkers, (255, 90, 255)).astype(np.uint8)
    clip_with(vehicle, p.CDR_RAW, p.stills(p.CDR_RAW, [image] * 3), fill=fill)
    (outgoing,) = redact(vehicle)
    inside = p.pictures_in(p.CDR_RAW, left(vehicle, outgoing))[1][44:68, 64:88].astype(int)
    steps = (np.abs(np.diff(inside[..., 1], axis=1)) > 30).sum(axis=1)
    assert steps.max() <= 3, "the pattern can still be seen"


def test_the_originals_of_others_are_replaced_and_safety_is_locked(
    vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use(monkeypatch, p.crew_of(p.MagentaDetector()))
    clip = clip_with(vehicle, p.CDR_JPEG, p.stills(p.CDR_JPEG, MOVING), originals="destroy")
    (outgoing,) = redact(vehicle)
    assert (vehicle.out / clip.path).read_bytes() == (vehicle.out / outgoing.path).read_bytes()
    assert read_sidecar((vehicle.out / clip.path).with_suffix(".json")).redaction is not None
    safety = Vehicle(tmp_path / "safety")
    clip = clip_with(safety, p.CDR_JPEG, p.stills(p.CDR_JPEG, MOVING), 0, originals="destroy")
    before = (safety.out / clip.path).read_bytes()
    redact(safety)
    assert (safety.out / clip.path).read_bytes() == before
    assert (safety.out / clip.path).with_suffix(".hold").exists()
    assert (safety.out / clip.path).stat().st_mode & 0o777 == 0o400
    safety.close()


def test_a_copy_by_other_settings_is_made_again(vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    use(monkeypatch, p.crew_of(p.MagentaDetector()))
    clip_with(vehicle, p.CDR_JPEG, p.stills(p.CDR_JPEG, MOVING))
    (first,) = redact(vehicle)
    before = (vehicle.out / first.path).read_bytes()
    shutil.rmtree(vehicle.out / "state" / "redactor")
    (again,) = redact(vehicle)
    assert (vehicle.out / again.path).read_bytes() == before
    vehicle.settings["redactor"]["fill"] = "pixelate"
    shutil.rmtree(vehicle.out / "state" / "redactor")
    (other,) = redact(vehicle)
    assert (vehicle.out / other.path).read_bytes() != before


def test_the_written_pictures_open_with_other_readers(
    vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rosbags.typesys import Stores, get_typestore

    use(monkeypatch, p.crew_of(p.MagentaDetector()))
    clip_with(vehicle, p.CDR_JPEG, p.stills(p.CDR_JPEG, MOVING))
    (outgoing,) = redact(vehicle)
    store = get_typestore(Stores.ROS2_HUMBLE)
    message: Any = store.deserialize_cdr(left(vehicle, outgoing)[0], "sensor_msgs/msg/CompressedImage")
    assert (message.header.stamp.sec, message.header.frame_id, message.format) == (
        5,
        "cam",
        "bgr8; jpeg compressed bgr8",
    )
    assert cv2.imdecode(message.data, cv2.IMREAD_COLOR).shape == (p.HEIGHT, p.WIDTH, 3)


def test_a_redacted_copy_in_the_profile_that_is_sent_passes_the_last_gate(
    vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch
) -> None:
    from winnow_schemas.settings.device import VehicleSettings
    from winnow_uploader.intake import Intake

    use(monkeypatch, p.crew_of(p.MagentaDetector()))
    clip = clip_with(vehicle, p.CDR_JPEG, p.stills(p.CDR_JPEG, MOVING))
    vehicle.settings["upload"] = {"profile": "packed"}
    (outgoing,) = redact(vehicle)
    sidecar = read_sidecar((vehicle.out / outgoing.path).with_suffix(".json"))
    assert (sidecar.profile, sidecar.derived_from) == ("packed", clip.sha256)
    assert sidecar.redaction is not None
    kinds = {"/status": "status", "/cloud": "lidar", "/front": "camera"}
    gate = Intake(vehicle.out, VehicleSettings(), kind_of=lambda topic: Kind(kinds.get(topic, "other")))
    assert gate.item(outgoing, 0).clip_id == clip.clip_id
    path = (vehicle.out / outgoing.path).with_suffix(".json")
    value = json.loads(path.read_text())
    del value["redaction"]
    path.write_text(json.dumps(value))
    with pytest.raises(BadInputError, match="no record"):
        gate.item(outgoing, 0)
    assert vehicle.leftovers() == []


@pytest.mark.parametrize("encoding", ["bgr8", "jpeg"])
def test_pictures_that_a_node_sent_are_covered_and_have_no_uncovered_twin(
    vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    use(monkeypatch, p.crew_of(p.MagentaDetector()))
    shape = {"encoding": encoding, "width": p.WIDTH, "height": p.HEIGHT}
    sent = [
        keep(
            "/front",
            pa.array(image.reshape(-1) if encoding == "bgr8" else list(p.jpeg(image)), pa.uint8()),
            shape,
            S,
        )
        for image in MOVING
    ]
    channel = sent[0].channel
    clip_with(vehicle, channel, [each.payload for each in sent])
    (outgoing,) = redact(vehicle)
    assert outcome(vehicle) == "redacted"
    payloads = left(vehicle, outgoing)
    assert [p.magenta_left(image) for image in p.pictures_in(channel, payloads)] == [0] * FRAMES
    for payload, original in zip(payloads, sent, strict=True):
        assert len(payload) < 1.2 * len(original.payload)
        with pytest.raises(NativeError, match="redacted"):
            restore(channel, payload)
