"""What may show people: by kind, by name, by what is inside, by the bytes; and what nobody can tell, stays."""

import cv2
import numpy as np
import pytest
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)
from hypothesis import given
from hypothesis import strategies as st

from winnow_operators.privacy import holds_picture, names_picture, shows_people, why_withheld
from winnow_schemas.channel import Channel
from winnow_schemas.settings.topics import Kind

POINT_CLOUD = (
    b"std_msgs/Header header\nuint32 height\nuint8[] data\n====\nMSG: std_msgs/Header\nstring frame_id\n"
)
PICTURES = [
    "sensor_msgs/Image",
    "sensor_msgs/msg/Image",
    "sensor_msgs/CompressedImage",
    "sensor_msgs/msg/CompressedImage",
    "sensor_msgs::msg::dds_::Image_",
    "foxglove.CompressedImage",
    "foxglove.CompressedVideo",
    "foxglove.RawImage",
    "foxglove_msgs/msg/RawImage",
    "foxglove_msgs/msg/CompressedVideo",
    "theora_image_transport/Packet",
    "theora_image_transport/msg/Packet",
    "ffmpeg_image_transport_msgs/msg/FFMPEGPacket",
    "stereo_msgs/msg/DisparityImage",
    "wfov_camera_msgs/WFOVImage",
    "my_camera/VideoFrame",
    "acme/CameraFrame",
    "acme/H264Packet",
    "acme.JpegBlob",
]
HARMLESS = [
    "sensor_msgs/msg/PointCloud2",
    "sensor_msgs/msg/Imu",
    "sensor_msgs/msg/CameraInfo",
    "tf2_msgs/msg/TFMessage",
    "foxglove.FrameTransform",
    "foxglove.ImageAnnotations",
    "visualization_msgs/msg/ImageMarker",
    "geometry_msgs/msg/PoseStamped",
    "nav1_msgs/Route",
]


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("encoding", ["cdr", "ros1", "protobuf", "json", "raw"])
@pytest.mark.parametrize("kind", [Kind.OTHER, Kind.STATUS, Kind.LIDAR])
def test_a_picture_under_any_kind_and_encoding(name: str, encoding: str, kind: Kind) -> None:
    assert names_picture(name)
    assert shows_people(kind, name, encoding)
    assert why_withheld(kind, Channel("/x", encoding, name, "ros2msg", b"uint8[] data"))


@pytest.mark.parametrize("name", HARMLESS)
def test_names_that_are_no_pictures(name: str) -> None:
    assert not names_picture(name)
    assert not shows_people(Kind.OTHER, name, "cdr")


@pytest.mark.parametrize(
    "encoding", ["jpeg", "JPEG", "h264", "H265", "hevc", "mjpeg", "png", "av1", "vp9", "mp4", "nv12"]
)
@pytest.mark.parametrize("kind", list(Kind))
def test_picture_encodings(encoding: str, kind: Kind) -> None:
    assert why_withheld(kind, Channel("/x", encoding))


@pytest.mark.parametrize("kind", [Kind.CAMERA, Kind.THERMAL])
def test_what_the_settings_call_a_camera(kind: Kind) -> None:
    assert why_withheld(kind, Channel("/x", "cdr", "std_msgs/Float64", "ros2msg", b"float64 data"))


def protobuf(root: str, **types: dict[str, str]) -> bytes:
    """A schema with message types whose fields are ``bytes``, ``double``, or other types."""
    file = FileDescriptorProto(name="a.proto", package="acme")
    for name, fields in types.items():
        message = DescriptorProto(name=name)
        for number, (field, kind) in enumerate(fields.items(), start=1):
            described = FieldDescriptorProto(name=field, number=number)
            if kind == "bytes":
                described.type = FieldDescriptorProto.TYPE_BYTES
            elif kind == "double":
                described.type = FieldDescriptorProto.TYPE_DOUBLE
            else:
                described.type, described.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".acme.{kind}"
            message.field.append(described)
        file.message_type.append(message)
    return FileDescriptorSet(file=[file]).SerializeToString()


UNKNOWN = [
    Channel("/x", "raw"),
    Channel("/x", "application/x-acme"),
    Channel("/x", "cdr", "acme/Thing"),
    Channel("/x", "cdr", "acme/Thing", "ros2msg", b"\xff\xfe"),
    Channel("/x", "cdr", "acme/Thing", "omgidl", b"struct Thing {};"),
    Channel("/x", "cdr", "acme/Blob", "ros2msg", b"uint8[] data"),
    Channel("/x", "cdr", "acme/Blob", "ros2msg", b"float64 x\nbyte[<=100000] data  # bounded"),
    Channel("/x", "cdr", "acme/Blob", "ros2msg", b"uint8[100000] data"),
    Channel("/x", "ros1", "acme/Outer", "ros1msg", b"acme/Inner inner\n===\nMSG: acme/Inner\nint8[] data"),
    Channel("/x", "cdr", "acme::Blob", "ros2idl", b"struct Blob { sequence<uint8> data; };"),
    Channel("/x", "json"),
    Channel("/x", "json", "Thing", "jsonschema", b"{}"),
    Channel("/x", "json", "Thing", "jsonschema", b"not JSON"),
    Channel(
        "/x",
        "json",
        "Thing",
        "jsonschema",
        b'{"properties": {"a": {"type": "array", "items": {"type": "string", "contentEncoding": "base64"}}}}',
    ),
    Channel("/x", "protobuf", "acme.A", "protobuf", b"\xff\xff\xff"),
    Channel("/x", "protobuf", "acme.B", "protobuf", protobuf("A", A={"x": "double"})),
    Channel("/x", "protobuf", "acme.A", "protobuf", protobuf("A", A={"b": "B"}, B={"data": "bytes"})),
]


@pytest.mark.parametrize("channel", UNKNOWN)
def test_what_nobody_can_tell_stays_until_its_kind_is_named(channel: Channel) -> None:
    assert "topics" in why_withheld(Kind.OTHER, channel)
    assert why_withheld(Kind.STATUS, channel) == ""


INSIDE = [
    Channel("/x", "cdr", "acme/Detection", "ros2msg", b"float64 score\nsensor_msgs/Image crop\n"),
    Channel("/x", "cdr", "acme/Detection", "ros2msg", b"float64 s\nCompressedImage[] crops\n"),
    Channel(
        "/x", "cdr", "acme/Detection", "ros2msg", b"acme/B b\n===\nMSG: acme/B\nsensor_msgs/msg/Image[2] c"
    ),
    Channel("/x", "cdr", "acme::D", "ros2idl", b"struct D { sensor_msgs::msg::Image crop; };"),
    Channel("/x", "protobuf", "acme.A", "protobuf", protobuf("A", A={"b": "Image"}, Image={"x": "double"})),
    Channel("/x", "json", "D", "jsonschema", b'{"properties": {"crop": {"$ref": "#/definitions/Image"}}}'),
]


@pytest.mark.parametrize("channel", INSIDE)
@pytest.mark.parametrize("kind", [Kind.OTHER, Kind.PERCEPTION])
def test_a_picture_inside_a_message(channel: Channel, kind: Kind) -> None:
    assert "contain" in why_withheld(kind, channel)


KNOWN = [
    Channel("/x", "cdr", "sensor_msgs/msg/Imu", "ros2msg", b"float64 x\nfloat64[9] covariance"),
    Channel("/x", "cdr", "sensor_msgs/msg/PointCloud2", "ros2msg", POINT_CLOUD),
    Channel("/x", "ros1", "sensor_msgs/PointCloud2", "ros1msg", POINT_CLOUD),
    Channel("/x", "cdr", "can_msgs/msg/Frame", "ros2msg", b"uint32 id\nuint8[8] data"),
    Channel("/x", "cdr", "acme/Consts", "ros2msg", b"uint8 OK=0 # sensor_msgs/Image\nuint8 status"),
    Channel("/x", "protobuf", "acme.A", "protobuf", protobuf("A", A={"b": "B"}, B={"x": "double"}, Image={})),
    Channel("/x", "json", "T", "jsonschema", b'{"properties": {"speed": {"type": "number"}}}'),
]


@pytest.mark.parametrize("channel", KNOWN)
def test_what_is_known_to_be_harmless_may_leave(channel: Channel) -> None:
    assert why_withheld(Kind.OTHER, channel) == ""


@given(
    st.binary(max_size=300), st.sampled_from(["ros2msg", "ros1msg", "ros2idl", "protobuf", "jsonschema", "x"])
)
def test_any_schema_gets_a_ruling(data: bytes, encoding: str) -> None:
    assert isinstance(why_withheld(Kind.OTHER, Channel("/x", "cdr", "acme/Thing", encoding, data)), str)


@pytest.mark.parametrize("extension", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("header", [b"", b"\0\1\0\0" + b"\x07" * 60])
def test_real_pictures_are_recognised(extension: str, header: bytes) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    done, data = cv2.imencode(extension, pixels)
    assert done
    assert holds_picture(header + data.tobytes())
    assert holds_picture(memoryview(header + data.tobytes()))


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\1\x67\x64\0\x1f",
        b"\0\0\1\x09\xf0",
        b"\0\0\0\1\x40\x01\x0c",
        b"\0\0\0\x18ftypisom",
        b"\x1aE\xdf\xa3",
        b"GIF89a",
    ],
)
def test_video_is_recognised(data: bytes) -> None:
    assert holds_picture(data)


@pytest.mark.parametrize("data", [b"", b"\0\1\0\0" + bytes(100), b'{"v": 1}', b"\xff\xd8", bytes(range(256))])
def test_ordinary_payloads_are_no_pictures(data: bytes) -> None:
    assert not holds_picture(data)
