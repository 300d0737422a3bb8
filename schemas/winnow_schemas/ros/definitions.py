"""ROS 2 types of the suite: standard ones and ``winnow_msgs``, to encode, decode, and describe payloads."""

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore

PACKAGE = "winnow_msgs"


@cache
def suite_typestore() -> "Typestore":
    """A type store of ROS 2 Humble with ``winnow_msgs`` registered. Shared: do not register into it."""
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    store = get_typestore(Stores.ROS2_HUMBLE)
    folder = resources.files("winnow_schemas.ros") / PACKAGE
    types = {}
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        name, dot, ending = file.name.partition(".")
        if dot and ending == "msg":
            types.update(get_types_from_msg(file.read_text("utf-8"), f"{PACKAGE}/msg/{name}"))
    store.register(types)
    return store


@cache
def schema_text(type_name: str) -> bytes:
    """The complete ``ros2msg`` definition: the type's own and those of everything in it."""
    definition, _ = suite_typestore().generate_msgdef(type_name, ros_version=2)
    return definition.encode()
