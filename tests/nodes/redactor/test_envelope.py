"""What is wrapped comes out and goes back in; everything beside it stays byte for byte."""

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rosbags.typesys import Stores, get_typestore
from tests.nodes.redactor import pictures as p

import winnow_redactor.qualification
from winnow_redactor.envelope import unwrap
from winnow_redactor.qualification import Qualified, read_record, recall_of_detector, sentence
from winnow_redactor.stills import decode
from winnow_runtime import atomic
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@settings(max_examples=80, deadline=None)
@given(
    form=TEXT,
    frame=TEXT,
    old=st.binary(max_size=40),
    new=st.binary(max_size=40),
    stamp=st.integers(0, 2**31 - 1),
)
def test_rosbags_reads_what_was_put_in(form: str, frame: str, old: bytes, new: bytes, stamp: int) -> None:
    store = get_typestore(Stores.ROS2_HUMBLE)
    kinds: Any = store.types
    header = kinds["std_msgs/msg/Header"](kinds["builtin_interfaces/msg/Time"](stamp, 7), frame)
    message = kinds["sensor_msgs/msg/CompressedImage"](header, form, np.frombuffer(old, np.uint8))
    payload = bytes(store.serialize_cdr(message, "sensor_msgs/msg/CompressedImage"))
    wrapped = unwrap(p.CDR_JPEG, payload)
    assert (wrapped.data, wrapped.form) == (old, form)
    assert wrapped.rebuild(old) == payload
    again: Any = store.deserialize_cdr(wrapped.rebuild(new), "sensor_msgs/msg/CompressedImage")
    assert (bytes(again.data), again.format, again.header.frame_id, again.header.stamp.sec) == (
        new,
        form,
        frame,
        stamp,
    )


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=120))
def test_garbage_is_refused_or_comes_out_as_it_went_in(payload: bytes) -> None:
    for channel in (p.CDR_JPEG, p.CDR_RAW, p.ROS1_PNG, p.JSON_JPEG):
        try:
            wrapped = unwrap(channel, payload)
        except BadInputError:
            continue
        if channel is not p.JSON_JPEG:
            assert wrapped.rebuild(wrapped.data) == payload.rstrip(b"\0") or payload.startswith(
                wrapped.rebuild(wrapped.data)
            )


@pytest.mark.parametrize(
    ("encoding", "shape", "kind"),
    [
        ("rgb8", (12, 16, 3), "u1"),
        ("mono8", (12, 16), "u1"),
        ("mono16", (12, 16), "<u2"),
        ("bgra8", (12, 16, 4), "u1"),
        ("bayer_rggb8", (12, 16), "u1"),
        ("yuv422", (12, 16, 2), "u1"),
    ],
)
@pytest.mark.parametrize("pad", [0, 5])
@pytest.mark.parametrize("big", [False, True])
def test_raw_pixels_go_back_as_they_came(
    encoding: str, shape: tuple[int, ...], kind: str, pad: int, big: bool
) -> None:
    image = np.random.default_rng(1).integers(0, 255, size=shape).astype(kind)
    payload = p.cdr_image(image, encoding, pad=pad, big_endian_cdr=big)
    wrapped = unwrap(p.CDR_RAW, payload)
    still = decode(wrapped)
    assert still.bgr.shape == (12, 16, 3)
    assert wrapped.rebuild(still.encode(90)) == payload


def test_a_thumbnail_in_a_jpeg_does_not_leave() -> None:
    data = p.jpeg(p.picture(5))
    hidden = b"\xff\xe1" + (8 + 1000).to_bytes(2, "big") + b"Exif\0\0" + b"FACE" * 250
    wrapped = unwrap(p.BARE_JPEG, data[:2] + hidden + data[2:] + b"FACE behind the end")
    assert b"FACE" not in decode(wrapped).encode(90)


def test_sixteen_bit_png_and_alpha_stay_what_they_are() -> None:
    for image in (np.full((8, 9), 40_000, np.uint16), np.full((8, 9, 4), 77, np.uint8)):
        still = decode(unwrap(Channel("/x", "png"), cv2.imencode(".png", image)[1].tobytes()))
        again = cv2.imdecode(np.frombuffer(still.encode(90), np.uint8), cv2.IMREAD_UNCHANGED)
        assert (again == image).all()
        assert again.dtype == image.dtype
        assert still.bgr.shape == (8, 9, 3)


# --- qualification ----------------------------------------------------------------------------------------


def test_recall_is_measured_once_and_belongs_to_this_detector(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(winnow_redactor.qualification, "FILMS", 1)
    detector = p.MagentaDetector(finds=1)  # finds nothing of what moves there
    record = recall_of_detector(detector, 0.2, tmp_path)
    assert record.of > 15
    assert record.recall.value < 0.05
    assert "counts as no detector" in sentence(record, 0.9)
    seen = detector.seen
    assert recall_of_detector(detector, 0.2, tmp_path) == record
    assert detector.seen == seen
    (path,) = tmp_path.glob("*.json")
    value = atomic.read_json(path)
    for change in (
        {"sha256": "other"},
        {"opencv": "4.0"},
        {"margin": 0.5},
        {"covered": 10**6},
        {"subject": "plate"},
    ):
        path.write_text(str({**value, **change}).replace("'", '"'))
        known = read_record(path)
        assert known is not None
        assert not known.belongs_to(detector.identity, detector.subject, 0.2), change
    path.write_text("[]")
    assert read_record(path) is None
    assert isinstance(record, Qualified)
