import pytest
from mcap_ros2._dynamic import generate_dynamic

from winnow_schemas.ros.definitions import schema_text, suite_typestore
from winnow_schemas.simulation.airside import FORBIDDEN, STANDS, ZONES, ZoneKind

OWN = [name for name in suite_typestore().types if name.startswith("winnow_msgs/")]


def test_all_message_files_are_there() -> None:
    assert len(OWN) == 17


@pytest.mark.parametrize(
    "name", [*sorted(OWN), "sensor_msgs/msg/PointCloud2", "nav_msgs/msg/Path", "tf2_msgs/msg/TFMessage"]
)
def test_schema_texts_are_complete_for_another_reader(name: str) -> None:
    decoders = generate_dynamic(name, schema_text(name).decode())
    assert name in decoders


def test_zones_are_named_once_and_every_stand_has_one() -> None:
    names = [zone.name for zone in ZONES]
    assert len(set(names)) == len(names)
    assert {stand.name for stand in STANDS} <= set(names)
    assert {ZoneKind.RESTRICTED, ZoneKind.RUNWAY} == set(FORBIDDEN)
    assert {zone.kind for zone in ZONES} == set(ZoneKind)
