"""Definitions of standard ROS 2 types, for bags that carry none (rosbag2 before Iron)."""

import functools

from rosbags.typesys import Stores, TypesysError, get_typestore


@functools.cache
def standard_definition(type_name: str) -> str:
    """The definition of a type with everything that it uses, as ``ros2msg`` text; empty if it is not standard."""
    store = get_typestore(Stores.LATEST)
    try:
        text, _ = store.generate_msgdef(type_name, ros_version=2)
    except (TypesysError, KeyError):
        return ""
    return text
