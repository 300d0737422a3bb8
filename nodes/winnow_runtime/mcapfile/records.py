"""Between the `mcap` package's records and ours."""

from mcap.reader import McapReader
from mcap.records import Channel as ChannelRecord
from mcap.records import Schema as SchemaRecord

from winnow_schemas.channel import Channel


def channel_of(schema: SchemaRecord | None, channel: ChannelRecord) -> Channel:
    """The channel that a reader gives with every message."""
    return Channel(
        topic=channel.topic,
        encoding=channel.message_encoding,
        schema_name=schema.name if schema else "",
        schema_encoding=schema.encoding if schema else "",
        schema_data=schema.data if schema else b"",
        metadata=tuple(sorted(channel.metadata.items())),
    )


def channels_of(reader: McapReader) -> list[Channel]:
    """Every channel that the file's summary names."""
    summary = reader.get_summary()
    if summary is None:
        return []
    return [
        channel_of(summary.schemas.get(channel.schema_id), channel) for channel in summary.channels.values()
    ]
