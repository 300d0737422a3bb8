"""Schema texts by name and hash."""

from pathlib import Path

import pytest
from tests.ros2_robot import STRING, STRING_HASH

from winnow_ros2.definitions import Definitions
from winnow_schemas.errors import BadInputError


def package(folder: Path, name: str, text: str) -> Path:
    file = folder / "my_msgs" / "msg" / f"{name}.msg"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return file


def test_a_standard_type_brings_everything_in_it() -> None:
    found = Definitions("jazzy").find("sensor_msgs/msg/PointCloud2", "TypeHashNotSupported")
    assert b"MSG: std_msgs/Header" in found.text
    assert b"MSG: builtin_interfaces/Time" in found.text


def test_own_types_with_their_parts(tmp_path: Path) -> None:
    package(tmp_path, "Inner", "float64 x\n")
    package(tmp_path, "Outer", "my_msgs/Inner[] inner\nstd_msgs/Header header\n")
    found = Definitions("jazzy", [tmp_path]).find("my_msgs/msg/Outer", "TypeHashNotSupported")
    assert found.problem == ""
    assert b"MSG: my_msgs/Inner" in found.text
    assert b"MSG: std_msgs/Header" in found.text


def test_one_file_is_enough(tmp_path: Path) -> None:
    file = package(tmp_path, "Inner", "float64 x\n")
    assert Definitions("jazzy", [file]).find("my_msgs/msg/Inner", "").text == b"float64 x\n"


def test_the_hash_decides() -> None:
    definitions = Definitions("jazzy")
    assert definitions.find(STRING, STRING_HASH).text
    assert "differ" in definitions.find(STRING, "RIHS01_" + "0" * 64).problem
    assert definitions.find(STRING, "RIHS01_" + "0" * 64).text == b""


def test_another_distribution_may_have_the_right_one() -> None:
    from rosbags.typesys import Stores, get_typestore

    old, new = get_typestore(Stores.ROS2_HUMBLE), get_typestore(Stores.ROS2_LYRICAL)
    changed = [
        name
        for name in sorted(old.fielddefs.keys() & new.fielddefs.keys())
        if old.hash_rihs01(name) != new.hash_rihs01(name)
    ]
    assert changed, "some message has changed between Humble and Lyrical"
    found = Definitions("lyrical").find(changed[0], old.hash_rihs01(changed[0]))
    assert found.text == old.generate_msgdef(changed[0], ros_version=2)[0].encode()


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    package(tmp_path, "Outer", "other_msgs/Thing thing\n")
    definitions = Definitions("jazzy", [tmp_path])
    assert "other_msgs/msg/Thing" in definitions.find("my_msgs/msg/Outer", "").problem
    assert definitions.find("no_msgs/msg/No", "").problem == "no definition is known"


@pytest.mark.parametrize(
    ("text", "says"),
    [("5 = x\n", "is no message definition"), ("\xff", "is no message definition")],
)
def test_files_that_are_no_definitions(tmp_path: Path, text: str, says: str) -> None:
    package(tmp_path, "Bad", "").write_bytes(text.encode("latin-1"))
    with pytest.raises(BadInputError, match=says):
        Definitions("jazzy", [tmp_path])


def test_a_file_outside_a_package_and_a_missing_folder(tmp_path: Path) -> None:
    (tmp_path / "Lost.msg").write_text("float64 x\n")
    with pytest.raises(BadInputError, match="PACKAGE/msg"):
        Definitions("jazzy", [tmp_path])
    with pytest.raises(BadInputError, match="do not exist"):
        Definitions("jazzy", [tmp_path / "none"])
