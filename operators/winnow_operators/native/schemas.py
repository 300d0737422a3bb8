"""Foxglove's protobuf schemas, from Foxglove's own package."""

from functools import cache
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.message import Message

from winnow_schemas.channel import Channel


def foxglove_channel(topic: str, kind: type[Message], metadata: tuple[tuple[str, str], ...] = ()) -> Channel:
    """A channel of one of Foxglove's messages."""
    return Channel(
        topic, "protobuf", kind.DESCRIPTOR.full_name, "protobuf", _schema_of(kind.DESCRIPTOR.file), metadata
    )


@cache
def _schema_of(root: Any) -> bytes:
    """Everything that the messages of a file descriptor are made of, each file behind those that it needs."""
    files: dict[str, FileDescriptorProto] = {}

    def add(file: Any) -> None:
        if file.name in files:
            return
        for needed in file.dependencies:
            add(needed)
        proto = FileDescriptorProto()
        file.CopyToProto(proto)
        files[file.name] = proto

    add(root)
    return FileDescriptorSet(file=files.values()).SerializeToString(deterministic=True)
