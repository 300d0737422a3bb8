"""Clouds: ROS's PointCloud2 and LaserScan as structs, and dora's flat arrays of x, y, z."""

from collections.abc import Iterator

from foxglove_schemas_protobuf.LaserScan_pb2 import LaserScan
from foxglove_schemas_protobuf.PackedElementField_pb2 import PackedElementField
from foxglove_schemas_protobuf.PointCloud_pb2 import PointCloud
from foxglove_schemas_protobuf.Pose_pb2 import Pose
from foxglove_schemas_protobuf.Quaternion_pb2 import Quaternion

from winnow_operators.native.drawing import Drawing, Native, timestamp
from winnow_operators.native.hollow import Hollow, take_out
from winnow_operators.native.row import Row, frame_of, stamp_ns

_KINDS = {
    1: PackedElementField.INT8,
    2: PackedElementField.UINT8,
    3: PackedElementField.INT16,
    4: PackedElementField.UINT16,
    5: PackedElementField.INT32,
    6: PackedElementField.UINT32,
    7: PackedElementField.FLOAT32,
    8: PackedElementField.FLOAT64,
}
"""sensor_msgs/PointField.datatype -> Foxglove's."""
_COLOUR_BYTES = {"rgb": ("blue", "green", "red"), "rgba": ("blue", "green", "red", "alpha")}
"""ROS packs colours into the bytes of one number; viewers want a field for each."""
_FLAT = {"float": PackedElementField.FLOAT32, "double": PackedElementField.FLOAT64}
FIELDS_MAX = 64
"""Of a point; drivers use 4 to 10."""


def struct_cloud(native: Native) -> Drawing | None:
    """The fields of sensor_msgs/PointCloud2."""
    if not {"fields", "point_step", "data", "width", "height"} <= native.names:
        return None
    taken = take_out(native.value, "data")
    if taken is None:
        return None
    row = taken.rest[0].as_py()
    step, points = int(row["point_step"]), int(row["width"]) * int(row["height"])
    if row.get("is_bigendian") or step <= 0 or points * step != len(taken.bulk):
        return None  # padded rows and big-endian numbers have no place in Foxglove's message
    fields = [field for each in row["fields"][:FIELDS_MAX] for field in _fields_of(each, step)]
    return _cloud(stamp_ns(row, native.t_ns), frame_of(row), step, fields, taken, "data")


def flat_cloud(native: Native) -> Drawing | None:
    """Triplets of x, y, z in metres: dora's primitive ``points3d``."""
    kind = _FLAT.get(str(native.value.type))
    if native.metadata.get("primitive") != "points3d" or kind is None or len(native.value) % 3:
        return None
    taken = take_out(native.value, None)
    if taken is None:
        return None
    width = native.value.type.bit_width // 8
    fields = [
        PackedElementField(name=name, offset=place * width, type=kind) for place, name in enumerate("xyz")
    ]
    frame = str(native.metadata.get("frame_id", ""))
    return _cloud(native.t_ns, frame, 3 * width, fields, taken, None)


def scan(native: Native) -> Drawing | None:
    """The fields of sensor_msgs/LaserScan."""
    if (
        not {"angle_min", "angle_max", "ranges"} <= native.names
        or len(native.value) != 1
        or not native.is_small
    ):
        return None
    row = native.value[0].as_py()
    message = LaserScan(
        timestamp=timestamp(stamp_ns(row, native.t_ns)),
        frame_id=frame_of(row),
        pose=_origin(),
        start_angle=row["angle_min"],
        end_angle=row["angle_max"],
        ranges=row["ranges"],
        intensities=row.get("intensities") or [],
    )
    return Drawing(message, native.value)


def _cloud(
    t_ns: int, frame: str, stride: int, fields: list[PackedElementField], taken: Hollow, field: str | None
) -> Drawing | None:
    if len({"x", "y", "z"} & {each.name for each in fields}) < 2:
        return None
    message = PointCloud(
        timestamp=timestamp(t_ns),
        frame_id=frame,
        pose=_origin(),
        point_stride=stride,
        fields=fields,
        data=taken.bulk,
    )
    return Drawing(message, taken.rest, field, taken.bulk)


def _fields_of(each: Row, step: int) -> Iterator[PackedElementField]:
    name, offset, kind = str(each["name"]), int(each["offset"]), _KINDS.get(int(each["datatype"]))
    if kind is None or int(each.get("count", 1)) > 1 or not 0 <= offset < step:
        return  # the data has it; Foxglove's fields are single numbers
    colours: tuple[str, ...] = _COLOUR_BYTES.get(name, ())
    if colours and int(each["datatype"]) in (5, 6, 7):
        for place, colour in enumerate(colours):
            yield PackedElementField(name=colour, offset=offset + place, type=PackedElementField.UINT8)
        return
    yield PackedElementField(name=name, offset=offset, type=kind)


def _origin() -> Pose:
    return Pose(orientation=Quaternion(w=1.0))
