"""Arrow values become messages that viewers draw, and come back as they were."""

import io
import json
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pytest
from google.protobuf import message_factory
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from mcap.reader import make_reader

from winnow_operators.fields import FieldDecoder
from winnow_operators.fields.protobuf_fields import load_descriptor
from winnow_operators.native.faults import NativeError
from winnow_operators.native.json_form import from_stream, to_stream
from winnow_operators.native.keeping import Kept, is_native, keep, restore
from winnow_operators.privacy.schemas import contents_of
from winnow_runtime.mcapfile.writer import McapWriter
from winnow_schemas.channel import Channel

T_NS = 1_700_000_000_123_456_789
HEADER = {"stamp": {"sec": 1_600_000_000, "nanosec": 5}, "frame_id": "lidar"}


def kept(value: pa.Array, metadata: dict[str, Any] | None = None) -> Kept:
    """Kept, after proving that the original comes back."""
    result = keep("/topic", value, {"timestamp": object(), "seq": 4, **(metadata or {})}, T_NS)
    back, said = restore(result.channel, result.payload)
    assert back.type == value.type
    assert back.equals(value)
    if result.channel.encoding != "arrow":
        assert said == (metadata or {})
    assert is_native(result.channel)
    return result


def message(result: Kept) -> Any:
    """As a viewer reads it: by nothing but the schema in the channel."""
    descriptor = load_descriptor(result.channel.schema_name, result.channel.schema_data)
    return message_factory.GetMessageClass(descriptor).FromString(result.payload)


def row(value: dict[str, Any], kind: pa.DataType | None = None) -> pa.Array:
    return pa.array([value], kind) if kind is not None else pa.array([value])


def test_a_camera_of_dora() -> None:
    pixels = np.arange(4 * 6 * 3, dtype=np.uint8)
    result = kept(pa.array(pixels), {"encoding": "bgr8", "width": 6, "height": 4, "primitive": "image"})
    drawn = message(result)
    assert result.channel.schema_name == "foxglove.RawImage"
    assert (drawn.width, drawn.height, drawn.step, drawn.encoding) == (6, 4, 18, "bgr8")
    assert drawn.data == pixels.tobytes()
    assert drawn.timestamp.ToNanoseconds() == T_NS


def test_a_slice_of_a_longer_array_is_only_itself() -> None:
    whole = pa.array(np.arange(100, dtype=np.uint8))
    result = kept(whole[10:22], {"encoding": "rgb8", "width": 2, "height": 2})
    assert message(result).data == bytes(range(10, 22))


@pytest.mark.parametrize(
    ("encoding", "schema", "form"),
    [
        ("jpeg", "foxglove.CompressedImage", "jpeg"),
        ("jpg", "foxglove.CompressedImage", "jpeg"),
        ("png", "foxglove.CompressedImage", "png"),
        ("avif", "foxglove.CompressedImage", "avif"),
        ("h264", "foxglove.CompressedVideo", "h264"),
        ("hevc", "foxglove.CompressedVideo", "h265"),
        ("av1", "foxglove.CompressedVideo", "av1"),
    ],
)
def test_encoded_pictures_of_dora(encoding: str, schema: str, form: str) -> None:
    result = kept(
        pa.array([255, 216, 255, 0], pa.uint8()), {"encoding": encoding, "width": 640, "height": 480}
    )
    assert (result.channel.schema_name, message(result).format) == (schema, form)


def test_depth_of_dora() -> None:
    depth = pa.array(np.linspace(0, 5, 12, dtype=np.float32))
    drawn = message(kept(depth, {"primitive": "depth", "width": 4, "height": 3}))
    assert (drawn.encoding, drawn.step) == ("32FC1", 16)


@pytest.mark.parametrize(
    "kind", [pa.list_(pa.uint8()), pa.large_list(pa.uint8()), pa.binary(), pa.large_binary()]
)
def test_an_image_of_the_bridge(kind: pa.DataType) -> None:
    data = bytes(range(24))
    value = row(
        {
            "header": HEADER,
            "height": 2,
            "width": 3,
            "encoding": "rgb8",
            "is_bigendian": 0,
            "step": 12,
            "data": data,
        }
    )
    typed = value.type
    fields = [pa.field(f.name, kind) if f.name == "data" else f for f in typed]
    plain = value[0].as_py() | {
        "data": data if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) else list(data)
    }
    drawn = message(kept(row(plain, pa.struct(fields))))
    assert (drawn.frame_id, drawn.step, drawn.data) == ("lidar", 12, data)
    assert drawn.timestamp.ToNanoseconds() == 1_600_000_000_000_000_005


def test_pixels_stand_in_a_message_once() -> None:
    """Whoever covers a face in the data has covered it."""
    data = np.random.default_rng(1).bytes(3000)
    value = row(
        {"header": HEADER, "height": 10, "width": 100, "encoding": "rgb8", "step": 300, "data": list(data)},
        pa.struct(
            [
                ("header", row(HEADER).type),
                ("height", pa.uint32()),
                ("width", pa.uint32()),
                ("encoding", pa.string()),
                ("step", pa.uint32()),
                ("data", pa.list_(pa.uint8())),
            ]
        ),
    )
    assert len(kept(value).payload) < 3000 + 1500
    assert kept(value).payload.count(data[1000:1032]) == 1


def test_an_image_that_is_no_image_is_kept_and_shown_to_nobody() -> None:
    """What has pixels somewhere stays recognisable as something that may have."""
    for change in ({"step": 1}, {"height": 3}, {"encoding": "spectral-12"}, {"data": [1, 2]}):
        value = row(
            {
                "header": HEADER,
                "height": 2,
                "width": 3,
                "encoding": "rgb8",
                "step": 9,
                "data": list(range(18)),
            }
            | change,
            pa.struct(
                [
                    ("header", row(HEADER).type),
                    ("height", pa.int64()),
                    ("width", pa.int64()),
                    ("encoding", pa.string()),
                    ("step", pa.int64()),
                    ("data", pa.list_(pa.uint8())),
                ]
            ),
        )
        result = kept(value)
        contents = contents_of(result.channel)
        assert contents is not None
        assert result.channel.encoding == "json"
        assert contents.bytes_in


def test_a_cloud_of_the_bridge() -> None:
    points = np.zeros(5, [("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("rgb", "<f4"), ("ring", "<u2")])
    points["x"] = range(5)
    fields = [
        {"name": name, "offset": offset, "datatype": kind, "count": 1}
        for name, offset, kind in (("x", 0, 7), ("y", 4, 7), ("z", 8, 7), ("rgb", 12, 7), ("ring", 16, 4))
    ]
    cloud = {
        "header": HEADER,
        "height": 1,
        "width": 5,
        "fields": fields,
        "is_bigendian": False,
        "point_step": points.itemsize,
        "row_step": 5 * points.itemsize,
        "data": points.tobytes(),
        "is_dense": True,
    }
    result = kept(row(cloud))
    drawn = message(result)
    assert result.channel.schema_name == "foxglove.PointCloud"
    assert [(f.name, f.offset, f.type) for f in drawn.fields] == [
        ("x", 0, 7),
        ("y", 4, 7),
        ("z", 8, 7),
        ("blue", 12, 1),
        ("green", 13, 1),
        ("red", 14, 1),
        ("ring", 16, 3),
    ]
    assert (drawn.point_stride, drawn.pose.orientation.w) == (18, 1.0)
    assert np.array_equal(np.frombuffer(drawn.data, points.dtype)["x"], range(5))


def test_points_of_dora() -> None:
    values = pa.array(np.arange(9, dtype=np.float32))
    drawn = message(kept(values, {"primitive": "points3d", "color": [0, 255, 0], "frame_id": "base_link"}))
    assert (drawn.point_stride, drawn.frame_id) == (12, "base_link")
    assert np.frombuffer(drawn.data, "<f4").tolist() == list(range(9))


def test_a_scan() -> None:
    scan = {
        "header": HEADER,
        "angle_min": -1.0,
        "angle_max": 1.0,
        "angle_increment": 0.5,
        "ranges": [1.0, float("inf"), 3.0],
        "intensities": [0.1, 0.2, 0.3],
    }
    drawn = message(kept(row(scan)))
    assert (drawn.start_angle, list(drawn.ranges)) == (-1.0, [1.0, float("inf"), 3.0])


VECTOR = {"x": 1.0, "y": 2.0, "z": 3.0}
TURN = {"x": 0.0, "y": 0.0, "z": 0.0, "w": 1.0}
POSE = {"position": VECTOR, "orientation": TURN}


def test_a_position() -> None:
    fix = {
        "header": HEADER,
        "status": {"status": 2, "service": 1},
        "latitude": 48.1,
        "longitude": 11.5,
        "altitude": 500.0,
        "position_covariance": [float(n) for n in range(9)],
        "position_covariance_type": 3,
    }
    result = kept(row(fix))
    drawn = message(result)
    assert (drawn.latitude, drawn.longitude, drawn.altitude) == (48.1, 11.5, 500.0)
    assert (list(drawn.position_covariance), drawn.position_covariance_type) == (list(range(9)), 3)
    assert {pair.key: pair.value for pair in drawn.metadata} == {"status.status": "2", "status.service": "1"}
    decoder = FieldDecoder(result.channel, ["latitude", "longitude"])
    assert list(decoder.decode(result.payload)) == [48.1, 11.5]


def test_a_struct_of_ones_own_with_a_position_stays_readable() -> None:
    result = kept(row({"latitude": 48.1, "longitude": 11.5, "speed_mps": 3.0}))
    assert list(FieldDecoder(result.channel, ["value.speed_mps"]).decode(result.payload)) == [3.0]


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        ({"header": HEADER, "pose": POSE}, "foxglove.PoseInFrame"),
        ({"header": HEADER, "pose": {"pose": POSE, "covariance": [0.0] * 36}}, "foxglove.PoseInFrame"),
        (POSE, "foxglove.PoseInFrame"),
        ({"header": HEADER, "poses": [{"header": HEADER, "pose": POSE}] * 2}, "foxglove.PosesInFrame"),
        (
            {
                "header": HEADER,
                "child_frame_id": "base",
                "pose": {"pose": POSE, "covariance": [0.5] * 36},
                "twist": {"twist": {"linear": VECTOR, "angular": VECTOR}, "covariance": [0.5] * 36},
            },
            "foxglove.Odometry",
        ),
        (
            {
                "header": HEADER,
                "child_frame_id": "base",
                "transform": {"translation": VECTOR, "rotation": TURN},
            },
            "foxglove.FrameTransform",
        ),
        (
            {
                "transforms": [
                    {
                        "header": HEADER,
                        "child_frame_id": "base",
                        "transform": {"translation": VECTOR, "rotation": TURN},
                    }
                ]
            },
            "foxglove.FrameTransforms",
        ),
        (
            {
                "header": HEADER,
                "width": 640,
                "height": 480,
                "distortion_model": "plumb_bob",
                "d": [0.1] * 5,
                "k": [1.0] * 9,
                "r": [1.0] * 9,
                "p": [1.0] * 12,
                "binning_x": 0,
            },
            "foxglove.CameraCalibration",
        ),
    ],
)
def test_poses_transforms_and_calibrations(value: dict[str, Any], schema: str) -> None:
    result = kept(row(value))
    assert result.channel.schema_name == schema
    assert message(result).ByteSize() > 20


def test_a_pose_of_dora() -> None:
    drawn = message(kept(pa.array([1, 2, 3, 0, 0, 0, 1], pa.float32()), {"primitive": "pose"}))
    assert (drawn.pose.position.z, drawn.pose.orientation.w) == (3.0, 1.0)


def test_an_imu_is_json_with_every_field_in_its_schema() -> None:
    imu = {
        "header": HEADER,
        "orientation": TURN,
        "angular_velocity": VECTOR,
        "linear_acceleration": VECTOR,
        "orientation_covariance": [float("nan")] * 9,
    }
    result = keep("/imu", row(imu), {}, T_NS)
    schema = json.loads(result.channel.schema_data)
    assert schema["properties"]["value"]["properties"]["angular_velocity"]["properties"]["x"] == {
        "type": "number"
    }
    body = json.loads(result.payload, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert body["value"]["orientation_covariance"] == [None] * 9
    back, _ = restore(result.channel, result.payload)
    assert str(back) == str(row(imu))
    assert list(FieldDecoder(result.channel, ["value.angular_velocity.y"]).decode(result.payload)) == [2.0]


def test_what_is_too_large_for_json_is_an_arrow_stream() -> None:
    result = kept(pa.array(np.arange(100_000, dtype=np.float64)))
    assert result.channel.encoding == "arrow"
    assert contents_of(result.channel) is None  # nobody can tell what it shows: it stays on the vehicle


def test_bytes_in_json_say_that_they_are_bytes() -> None:
    result = kept(row({"blob": list(range(255)) * 3}, pa.struct([("blob", pa.list_(pa.uint8()))])))
    contents = contents_of(result.channel)
    assert contents is not None
    assert contents.bytes_in
    frame = kept(row({"frame": [1] * 8}, pa.struct([("frame", pa.list_(pa.uint8(), 8))])))
    told = contents_of(frame.channel)
    assert told is not None
    assert not told.bytes_in


LEAVES = st.sampled_from(
    [
        pa.int8(),
        pa.uint64(),
        pa.float32(),
        pa.float64(),
        pa.string(),
        pa.bool_(),
        pa.binary(),
        pa.timestamp("us"),
        pa.uint8(),
        pa.float16(),
        pa.date32(),
        pa.null(),
    ]
)
TYPES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(pa.list_),
        inner.map(lambda kind: pa.list_(kind, 2)),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda kinds: pa.struct([(name, kind) for name, kind in zip("abc", kinds, strict=False)])
        ),
    ),
    max_leaves=5,
)


def _values(kind: pa.DataType) -> st.SearchStrategy[Any]:
    if pa.types.is_struct(kind):
        return st.fixed_dictionaries({field.name: _values(field.type) for field in kind})
    if pa.types.is_fixed_size_list(kind):
        return st.lists(_values(kind.value_type), min_size=2, max_size=2)
    if pa.types.is_list(kind):
        return st.lists(_values(kind.value_type), max_size=4)
    simple: dict[str, st.SearchStrategy[Any]] = {
        "int8": st.integers(-128, 127),
        "uint8": st.integers(0, 255),
        "uint64": st.integers(0, 2**64 - 1),
        "float": st.floats(width=32, allow_nan=False),
        "double": st.floats(allow_nan=False),
        "halffloat": st.integers(0, 100).map(np.float16),
        "string": st.text(max_size=5),
        "bool": st.booleans(),
        "binary": st.binary(max_size=5),
        "timestamp[us]": st.integers(0, 10**15),
        "date32[day]": st.integers(0, 10_000),
        "null": st.none(),
    }
    return st.one_of(st.none(), simple[str(kind)])


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_any_value_comes_back(data: st.DataObject) -> None:
    kind = data.draw(TYPES)
    value = pa.array(data.draw(st.lists(_values(kind), max_size=3)), kind)
    result = kept(value, {"note": "x", "flags": [1, 2]})
    if result.channel.encoding == "json":
        Draft202012Validator.check_schema(json.loads(result.channel.schema_data))


def test_covered_pixels_are_not_taken_for_the_original() -> None:
    result = kept(pa.array(np.arange(48, dtype=np.uint8)), {"encoding": "rgb8", "width": 4, "height": 4})
    changed = message(result)
    changed.data = bytes(48)
    with pytest.raises(NativeError, match="redacted"):
        restore(result.channel, changed.SerializeToString())


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_damage_is_named(data: st.DataObject) -> None:
    result = keep(
        "/t",
        data.draw(
            st.sampled_from(
                [
                    pa.array(np.arange(48, dtype=np.uint8)),
                    row({"header": HEADER, "pose": POSE}),
                    row({"a": 1.5, "b": [b"x"]}),
                ]
            )
        ),
        {"encoding": "rgb8", "width": 4, "height": 4},
        T_NS,
    )
    damaged = bytearray(result.payload)
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(damaged[: data.draw(st.integers(0, len(damaged)))])
    try:
        value, _ = restore(result.channel, cut)
    except NativeError:
        return
    value.validate(full=True)


def test_a_channel_of_something_else_is_refused() -> None:
    with pytest.raises(NativeError, match="does not say"):
        restore(Channel("/x", "json"), b"{}")
    with pytest.raises(NativeError, match="Arrow stream"):
        from_stream(b"\xff" * 20)
    assert from_stream(to_stream(pa.array([1]))).to_pylist() == [1]


def test_a_picture_in_a_file_is_one_that_other_programs_read() -> None:
    picture = np.full((8, 8, 3), 128, np.uint8)
    ok, jpeg = cv2.imencode(".jpg", picture)
    assert ok
    result = kept(pa.array(jpeg.reshape(-1)), {"encoding": "jpeg", "width": 8, "height": 8})
    sink = io.BytesIO()

    def write(data: bytes | memoryview) -> None:
        sink.write(data)

    writer = McapWriter(write, profile="")
    writer.stream("lz4", "lz4")
    writer.message(writer.channel(result.channel, "lz4"), 1, 1, 0, result.payload)
    writer.finish()
    ((schema, _, found),) = make_reader(io.BytesIO(sink.getvalue())).iter_messages()
    assert schema is not None
    reader = message_factory.GetMessageClass(load_descriptor(schema.name, schema.data))
    data: Any = reader.FromString(found.data)
    decoded = cv2.imdecode(np.frombuffer(data.data, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape == (8, 8, 3)
