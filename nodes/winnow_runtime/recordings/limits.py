"""Every bound on what a recording may make this process allocate."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds with room above anything honest; a test or a small device may lower them."""

    record_bytes: int = 512 * MIB
    """One record as stored: a compressed chunk, a message. The largest honest one known to us is a 100 MB
    raw image; writers cut chunks at 1-64 MiB."""
    chunk_bytes: int = 512 * MIB
    """One chunk after decompression; a decompression bomb stops here."""
    cache_bytes: int = 256 * MIB
    """Decompressed chunks that overlap in time and are kept together; beyond it they are read again."""
    definition_bytes: int = 4 * MIB
    """One schema, channel or connection record; the longest ROS 2 definition known to us is 120 kB."""
    index_bytes: int = 256 * MIB
    """The index at the end of a file; larger ones are not used, the file is walked instead."""
    channels: int = 65_535
    """Channels of one file; MCAP numbers them with 16 bits."""
    files: int = 10_000
    """Files of one bag folder: a week of one-minute segments."""
    unpacked_bytes: int = 256 * 1024 * MIB
    """Disk space for the files of a bag that is compressed as a whole."""
    problems: int = 100
    """Problems listed one by one."""


DEFAULT_LIMITS = Limits()
