"""The schema of a channel as a tree, whatever it is written in."""

from winnow_operators.fields.faults import FieldError
from winnow_operators.fields.idl_definition import idl_tree
from winnow_operators.fields.json_reader import NotJsonError, decode_json
from winnow_operators.fields.json_schema import json_tree, tree_of_value
from winnow_operators.fields.listing import field_paths
from winnow_operators.fields.protobuf_fields import load_descriptor, protobuf_tree
from winnow_operators.fields.ros_definition import ros_tree
from winnow_operators.fields.tree import Anything, Type
from winnow_schemas.channel import Channel

SUPPORTED = "cdr with ros2msg or ros2idl, ros1 with ros1msg, json, protobuf"


def schema_tree(channel: Channel) -> Type:
    """The root type of a channel's messages.

    Raises:
        FieldError: the encoding is not decoded, or its schema is missing or malformed.

    """
    pair = (channel.encoding, channel.schema_encoding)
    if channel.encoding == "json" and channel.schema_encoding in ("", "jsonschema"):
        return json_tree(channel.schema_name, channel.schema_data if channel.schema_encoding else b"")
    if pair == ("protobuf", "protobuf"):
        return protobuf_tree(load_descriptor(channel.schema_name, channel.schema_data))
    if pair not in (("cdr", "ros2msg"), ("cdr", "ros2idl"), ("ros1", "ros1msg")):
        given = f"{channel.encoding or 'no encoding'} with {channel.schema_encoding or 'no schema'}"
        raise FieldError(f"Fields of {channel.topic} cannot be read: it is {given}; decoded are {SUPPORTED}.")
    text = channel.schema_data.decode("utf-8", "replace")
    if channel.schema_encoding == "ros2idl":
        return idl_tree(channel.schema_name, text)
    return ros_tree(channel.schema_name, text, is_ros1=channel.encoding == "ros1")


def list_fields(channel: Channel, sample: bytes | memoryview | None = None) -> list[tuple[str, str]]:
    """Every path of a channel's schema to a value, with the name of its type; see ``field_paths``.

    JSON without schema has only the fields of its messages: give one as ``sample``.

    Raises:
        FieldError: the encoding is not decoded, or its schema is missing or malformed.

    """
    root = schema_tree(channel)
    if isinstance(root, Anything) and sample is not None:
        try:
            root = tree_of_value(decode_json(sample))
        except NotJsonError as error:
            raise FieldError(
                f"The sample of {channel.topic} is no JSON ({str(error)[:120]}); its fields cannot be listed."
            ) from None
    return field_paths(root)
