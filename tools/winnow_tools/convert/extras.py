"""What an MCAP file has beside its messages."""

from pathlib import Path

from mcap.exceptions import McapError
from mcap.reader import McapReader, make_reader

from winnow_tools.convert.target import Target

ATTACHMENT_MAX_BYTES = 256 * 1024 * 1024
"""A larger one is not taken into memory; nothing that belongs to a recording is so large."""


def pass_extras(reader: McapReader, target: Target) -> list[str]:
    """Attachments and metadata into the target; what it has no place for, as sentences."""
    summary = reader.get_summary()
    if summary is None:
        return []
    attachments, metadata = summary.attachment_indexes, summary.metadata_indexes
    if not target.keeps_extras:
        if not attachments and not metadata:
            return []
        return [
            f"Not kept: {len(attachments)} attachments and {len(metadata)} metadata records, which only MCAP has."
        ]
    large = [index for index in attachments if index.data_size > ATTACHMENT_MAX_BYTES]
    if large:
        over = f"{large[0].name} has {large[0].data_size:,} bytes, the limit is {ATTACHMENT_MAX_BYTES:,}"
        return [f"Not kept: attachments and metadata; {over}."]
    for attachment in reader.iter_attachments():
        target.attachment(attachment.name, attachment.media_type, attachment.data, attachment.log_time)
    for record in reader.iter_metadata():
        target.metadata(record.name, record.metadata)
    return []


def pass_extras_of(path: Path, target: Target) -> list[str]:
    """The same of a file that may be damaged: then nothing lists them."""
    try:
        with path.open("rb") as file:
            return pass_extras(make_reader(file), target)
    except (McapError, ValueError, EOFError) as error:
        reason = str(error) or type(error).__name__
        return [f"Not kept: attachments and metadata; they cannot be read ({reason[:120]})."]
