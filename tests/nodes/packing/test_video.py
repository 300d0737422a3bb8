"""Raw images as video: one message per frame, each within the stated PSNR, headers and times exact."""

import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.nodes.vehicle_rig import Rings, S, Vehicle, an_event, cut_clips

from winnow_operators.packing import PackingError
from winnow_operators.packing.image_layout import image_layout_of
from winnow_runtime.packing.repack import repack
from winnow_runtime.packing.video import FrameDecoder, FrameEncoder
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.settings.packing import PackingSettings, Profile, VideoEncoder
from winnow_schemas.sidecar import read_sidecar
from winnow_tools.clips.collection import clips_of
from winnow_tools.clips.content import read_content

RAW = Channel("/raw", "cdr", "sensor_msgs/msg/Image", "ros2msg", b"uint8[] data\n")
SOFTWARE = [VideoEncoder.LIBX264, VideoEncoder.LIBX265]


def image(pixels: NDArray[np.generic], encoding: str, stamp_ns: int = 5 * S, *, padding: int = 0) -> bytes:
    height, width = pixels.shape[:2]
    out = bytearray()

    def number(value: int) -> None:
        out.extend(bytes(-len(out) % 4) + struct.pack("<I", value))

    number(stamp_ns // S)
    number(stamp_ns % S)
    for text in ("cam", encoding):
        data = text.encode() + b"\0"
        number(len(data))
        out.extend(data)
        if text == "cam":
            number(height)
            number(width)
    out.append(0)
    data = pixels.tobytes()
    number(len(data) // height + padding)
    number(len(data))
    out.extend(data)
    return b"\0\1\0\0" + bytes(out)


def scene(number: int, kind: str = "rgb8") -> NDArray[np.generic]:
    """A soft pattern that moves."""
    y, x = np.mgrid[0:96, 0:128]
    wave = 127 + 100 * np.sin((x + 2 * number) / 11) * np.cos(y / 17)
    if kind in ("mono16", "16UC1"):
        return (20_000 + wave * 20).astype("<u2")
    gray = wave.astype(np.uint8)
    return gray if kind in ("mono8", "8UC1") else np.stack([gray, gray[::-1], 255 - gray], axis=2)


def layout(payload: bytes):
    found = image_layout_of(RAW, payload)
    assert found is not None
    return found


@pytest.mark.parametrize("encoder", SOFTWARE)
@pytest.mark.parametrize("kind", ["rgb8", "bgr8", "mono8", "mono16", "16UC1"])
def test_frames_come_back_within_the_bound(kind: str, encoder: VideoEncoder) -> None:
    settings = PackingSettings(encoder=encoder, video_min_psnr_db=33)
    frames, decoder = FrameEncoder(settings), FrameDecoder()
    size = 0
    for number in range(12):
        payload = image(scene(number, kind), kind, number * S)
        made = frames.encode(payload, layout(payload))
        assert made is not None
        size += len(made.message)
        back = decoder.decode(made.message)
        place = layout(payload)
        assert len(back) == len(payload)
        assert (back[: place.begin], back[place.end :]) == (payload[: place.begin], payload[place.end :])
        one, other = (place.pixels(each).astype(float) for each in (payload, back))
        peak = 255 if place.form.dtype.itemsize == 1 else float(one.max() - one.min()) * 1.3
        assert 10 * np.log10(peak**2 / max(1e-9, np.mean((one - other) ** 2))) >= 33
        assert made.psnr_db >= 33
    assert size * 10 < 12 * len(payload)


def test_noise_that_no_rate_factor_carries_is_stored_without_loss(vehicle: Vehicle, tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    rings = Rings(vehicle, capacity=1 << 22)
    for number in range(20):
        noisy = generator.integers(0, 256, (96, 128, 3)).astype(np.uint8)
        pixels = noisy if number % 5 == 3 else scene(number)
        rings.push(RAW, 3 * S + number * S // 30, image(pixels, "rgb8"))
    rings.push(RAW, 4 * S, b"\0\1\0\0no image")
    (ready,) = cut_clips(vehicle, rings, [an_event(4)])
    clip = vehicle.out / ready.path
    strict = DeviceSettings.model_validate(
        {"clips": {"packing": {"video_min_psnr_db": 45, "encoder": "libx264"}}}
    )
    upload, back = tmp_path / clip.name, tmp_path / "back" / clip.name
    sidecar = repack(clip, upload, Profile.UPLOAD, strict)
    assert sidecar.packing is not None
    made = sidecar.packing.topics["/raw"]
    assert (made.codec, made.bound_psnr_db) == ("video", 45)
    assert (made.psnr_db or 0) >= 45
    restored = repack(upload, back, Profile.PLAIN, strict)
    assert restored.messages == sidecar.messages == 21
    assert restored.packing is not None
    for where in (upload, back):
        problems: list[str] = []
        (found,) = clips_of(where, problems)
        assert read_content(found, problems) is not None
        assert problems == []
    again = repack(back, tmp_path / "again" / clip.name, Profile.UPLOAD, strict)
    assert again.packing is not None
    assert again.packing.topics["/raw"].codec == "block"
    assert again.packing.topics["/raw"].bound_psnr_db == 45
    assert read_sidecar(back.with_suffix(".json")) == restored


def test_packed_keeps_raw_images_exactly(vehicle: Vehicle, tmp_path: Path) -> None:
    rings = Rings(vehicle, capacity=1 << 22)
    for number in range(10):
        rings.push(RAW, 3 * S + number * S // 10, image(scene(number), "rgb8"))
    (ready,) = cut_clips(vehicle, rings, [an_event(4)])
    clip = vehicle.out / ready.path
    packed, back = tmp_path / clip.name, tmp_path / "b" / clip.name
    sidecar = repack(clip, packed, Profile.PACKED, DeviceSettings())
    assert sidecar.packing is not None
    assert not sidecar.packing.lossy
    repack(packed, back, Profile.PLAIN, DeviceSettings())
    assert back.read_bytes() == clip.read_bytes()


@pytest.mark.parametrize(
    "payload",
    [
        image(np.zeros((15, 16), np.uint8), "mono8"),
        image(np.zeros((16, 16), np.uint8), "bayer_rggb8"),
        image(np.zeros((16, 16), np.uint8), "mono8", padding=4),
        image(np.zeros((64, 64), np.uint8), "mono8")[:-9],
    ],
    ids=["odd side", "Bayer", "padded rows", "cut"],
)
def test_what_cannot_become_video(payload: bytes) -> None:
    assert image_layout_of(RAW, payload) is None


def test_an_encoder_that_is_not_there_is_one_sentence() -> None:
    payload = image(scene(0), "rgb8")
    frames = FrameEncoder(PackingSettings(encoder=VideoEncoder.HEVC_NVENC))
    with pytest.raises(UnavailableError, match=r"hevc_nvenc cannot be used here .* libx264"):
        frames.encode(payload, layout(payload))


def test_damaged_frames_are_named() -> None:
    payload = image(scene(0), "rgb8")
    made = FrameEncoder(PackingSettings()).encode(payload, layout(payload))
    assert made is not None
    for end in range(0, len(made.message), max(1, len(made.message) // 60)):
        with pytest.raises(PackingError, match="not unpacked"):
            FrameDecoder().decode(made.message[:end])
    assert issubclass(PackingError, BadInputError)
