"""Messages with pictures in every wrapping that the redactor opens, and a detector that finds magenta."""

import base64
import json
import struct
from dataclasses import dataclass, field
from typing import Any

import av
import cv2
import numpy as np
from google.protobuf import descriptor_pb2

from winnow_operators.privacy.boxes import Box, Found
from winnow_operators.privacy.trial.recall import Recall
from winnow_redactor.crew import Crew
from winnow_redactor.detectors.detector import Identity
from winnow_redactor.envelope import unwrap
from winnow_redactor.qualification import record_of
from winnow_redactor.streams import stream_of
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.redaction import RedactorSettings, Subject

WIDTH, HEIGHT = 160, 120
MAGENTA = (255, 0, 255)


def picture(x: int | None, size: int = 30) -> np.ndarray:
    """Grey with a light gradient, and a magenta square at ``x``."""
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    image[:, :, 1] += np.arange(WIDTH, dtype=np.uint8) // 4
    if x is not None:
        image[40 : 40 + size, max(0, x) : x + size] = MAGENTA
    return image


def magenta_left(image: np.ndarray) -> int:
    """Pixels that still look magenta."""
    wide = image.astype(int)
    return int(((wide[..., 2] > 150) & (wide[..., 0] > 150) & (wide[..., 1] < 110)).sum())


@dataclass
class MagentaDetector:
    """Strict: finds exactly the magenta pixels, misses the frames that it is told to miss."""

    subject: Subject = Subject.FACE
    misses: set[int] = field(default_factory=set)
    fails: set[int] = field(default_factory=set)
    finds: int | None = None
    seen: int = -1
    identity: Identity = field(default_factory=lambda: Identity("magenta", ""))

    def find(self, image: Any) -> list[Found]:
        assert image.dtype == np.uint8
        assert image.shape[2] == 3
        self.seen += 1
        if self.seen in self.fails:
            raise BadInputError("the detector failed")
        if self.finds is not None:
            return [Found(Box(0, 0, 5, 5), 0.5, self.subject)] * self.finds
        wide = image.astype(int)
        hot = np.argwhere((wide[..., 2] > 150) & (wide[..., 0] > 150) & (wide[..., 1] < 110))
        if not len(hot) or self.seen in self.misses:
            return []
        (y0, x0), (y1, x1) = hot.min(axis=0), hot.max(axis=0) + 1
        return [Found(Box(float(x0), float(y0), float(x1), float(y1)), 0.9, self.subject)]


def crew_of(detector: MagentaDetector, recall: float = 1.0) -> Crew:
    """A crew of one, as good as said."""
    record = record_of(detector, 0.2, "test", Recall(int(recall * 100), 100))
    return Crew({detector.subject: detector}, {detector.subject: record}, 0.9, 1280)


# --- wrappings --------------------------------------------------------------------------------------------


def cdr_compressed(data: bytes, form: str) -> bytes:
    return b"\0\1\0\0" + _cdr([("I", 5), ("I", 6), "cam", form, data])


def cdr_image(image: np.ndarray, encoding: str, *, big_endian_cdr: bool = False, pad: int = 0) -> bytes:
    rows = image.reshape(image.shape[0], -1).view(np.uint8)
    rows = np.pad(rows, ((0, 0), (0, pad)))
    fields = [
        *(("I", 5), ("I", 6), "cam", ("I", image.shape[0]), ("I", image.shape[1]), encoding),
        *(("B", 0), ("I", rows.shape[1]), rows.tobytes()),
    ]
    return (b"\0\0\0\0" if big_endian_cdr else b"\0\1\0\0") + _cdr(fields, ">" if big_endian_cdr else "<")


def _cdr(fields: list[Any], order: str = "<") -> bytes:
    out = b""
    for each in fields:
        if isinstance(each, tuple):
            out += bytes(-len(out) % struct.calcsize(each[0])) + struct.pack(order + each[0], each[1])
        else:
            data = each.encode() + b"\0" if isinstance(each, str) else each
            out += bytes(-len(out) % 4) + struct.pack(order + "I", len(data)) + data
    return out


def ros1_compressed(data: bytes, form: str) -> bytes:
    return struct.pack("<III", 7, 5, 6) + b"".join(
        struct.pack("<I", len(each)) + each for each in (b"cam", form.encode(), data)
    )


def proto_schema(name: str) -> bytes:
    """A message with ``data`` (1), ``format`` (2), ``frame_id`` (3)."""
    file = descriptor_pb2.FileDescriptorProto(name="x.proto", package="foxglove", syntax="proto3")
    message = file.message_type.add(name=name)
    for number, (field_name, kind) in enumerate((("data", 12), ("format", 9), ("frame_id", 9)), start=1):
        message.field.add(name=field_name, number=number, type=kind, label=1)
    return descriptor_pb2.FileDescriptorSet(file=[file]).SerializeToString()


def proto_picture(data: bytes, form: str) -> bytes:
    def chunk(number: int, value: bytes) -> bytes:
        size, out = len(value), b""
        while True:
            out += bytes([size & 0x7F | (0x80 if size > 0x7F else 0)])
            size >>= 7
            if not size:
                return bytes([number << 3 | 2]) + out + value

    return chunk(1, data) + chunk(2, form.encode()) + chunk(3, b"cam")


def json_picture(data: bytes, form: str) -> bytes:
    return json.dumps({"data": base64.b64encode(data).decode(), "format": form, "frame_id": "cam"}).encode()


def jpeg(image: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def png(image: np.ndarray) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()


def video(images: list[np.ndarray], codec: str = "libx264", **options: str) -> list[bytes]:
    """One access unit per picture."""
    context = av.CodecContext.create(codec, "w")
    context.width, context.height, context.pix_fmt, context.framerate = WIDTH, HEIGHT, "yuv420p", 20
    context.thread_count = 1
    context.options = {
        "tune": "zerolatency",
        "g": "5",
        "x265-params": "log-level=none:keyint=5:repeat-headers=1",
        **options,
    }
    packets = []
    for number, image in enumerate(images):
        frame = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format="yuv420p")
        frame.pts = number
        packets += [bytes(packet) for packet in context.encode(frame)]
    return packets + [bytes(packet) for packet in context.encode(None)]


CDR_JPEG = Channel(
    "/front", "cdr", "sensor_msgs/msg/CompressedImage", "ros2msg", b"string format\nuint8[] data"
)
CDR_RAW = Channel("/front", "cdr", "sensor_msgs/msg/Image", "ros2msg", b"uint32 height\nuint8[] data")
ROS1_PNG = Channel("/front", "ros1", "sensor_msgs/CompressedImage", "ros1msg", b"string format\nuint8[] data")
PROTO_JPEG = Channel(
    "/front", "protobuf", "foxglove.CompressedImage", "protobuf", proto_schema("CompressedImage")
)
PROTO_VIDEO = Channel(
    "/front", "protobuf", "foxglove.CompressedVideo", "protobuf", proto_schema("CompressedVideo")
)
JSON_JPEG = Channel(
    "/front",
    "json",
    "foxglove.CompressedImage",
    "jsonschema",
    b'{"properties": {"data": {"type": "string"}}}',
)
BARE_JPEG = Channel("/front", "jpeg")
BARE_H264 = Channel("/front", "h264")


def stills(channel: Channel, images: list[np.ndarray]) -> list[bytes]:
    """The pictures as messages of a channel."""
    makers = {
        CDR_JPEG: lambda image: cdr_compressed(jpeg(image), "bgr8; jpeg compressed bgr8"),
        CDR_RAW: lambda image: cdr_image(image, "bgr8", pad=4),
        ROS1_PNG: lambda image: ros1_compressed(png(image), "png"),
        PROTO_JPEG: lambda image: proto_picture(jpeg(image), "jpeg"),
        JSON_JPEG: lambda image: json_picture(jpeg(image), "jpeg"),
        BARE_JPEG: jpeg,
    }
    return [makers[channel](image) for image in images]


def films(channel: Channel, images: list[np.ndarray], codec: str = "h264", **options: str) -> list[bytes]:
    units = video(images, {"h264": "libx264", "h265": "libx265"}[codec], **options)
    if channel == PROTO_VIDEO:
        return [proto_picture(unit, codec) for unit in units]
    return [cdr_compressed(unit, codec) for unit in units] if channel == CDR_JPEG else units


def pictures_in(channel: Channel, payloads: list[bytes]) -> list[np.ndarray]:
    """Decode messages again, with the redactor's own reading of them (proven against other readers elsewhere)."""
    stream = stream_of(channel, payloads[0], RedactorSettings())
    seen = [stream.look(payload) for payload in payloads]
    assert all(each.picture is not None for each in seen), [each.problem for each in seen]
    return [each.picture for each in seen]  # type: ignore[misc]


def data_of(channel: Channel, payload: bytes) -> bytes:
    return unwrap(channel, payload).data
