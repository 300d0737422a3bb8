"""Definitions of standard ROS types, for recordings that carry none or not all."""

import functools

from winnow_operators.fields.faults import FieldError


@functools.cache
def standard_definition(type_name: str, *, is_ros1: bool = False) -> str | None:
    """The definition of a type with everything that it uses, as ``ros2msg`` or ``ros1msg`` text.

    None if it is not a type of the newest ROS 2 distribution that rosbags knows, or of ROS Noetic.
    """
    # rosbags takes a tenth of a second to load and most recordings carry their definitions.
    from rosbags.typesys import Stores, TypesysError, get_typestore

    store = get_typestore(Stores.ROS1_NOETIC if is_ros1 else Stores.LATEST)
    try:
        text, _ = store.generate_msgdef(full_name(type_name), ros_version=1 if is_ros1 else 2)
    except (TypesysError, FieldError, KeyError):
        return None
    return text


def full_name(type_name: str) -> str:
    """``std_msgs/Header`` and ``std_msgs/msg/Header`` as the latter.

    Raises:
        FieldError: it is neither.

    """
    parts = type_name.split("/")
    if len(parts) == 2:
        return f"{parts[0]}/msg/{parts[1]}"
    if len(parts) == 3:
        return type_name
    raise FieldError(f"{type_name!r} is not the name of a ROS type (package/Name); it was not used.")
