"""The attachment of every sample: sequence number, source timestamp, and who published it.

Since rmw_zenoh 0.2.4: two little-endian 64-bit integers, then the publisher's GID behind its length (33
bytes). Jazzy's 0.2.0 to 0.2.3 put each field's name before it (77 bytes). Source: rmw_zenoh's
``attachment_helpers.cpp`` before and after its change 601, and Zenoh's serialization format.
"""

import struct
from dataclasses import dataclass

from winnow_schemas.errors import BadInputError

GID_BYTES = (16, 24)
"""rmw_zenoh uses 16 everywhere; 24 is what Humble's rmw reserves."""
MAX_BYTES = 128
"""More is not looked at."""
_NUMBERS = struct.Struct("<qq")
_NUMBER = struct.Struct("<q")
_NAMES = (b"\x0fsequence_number", b"\x10source_timestamp", b"\x0asource_gid")


@dataclass(frozen=True, slots=True)
class Attachment:
    """What a publisher says about one message."""

    sequence: int
    """Per publisher, from 1."""
    source_ns: int
    """When it was published, nanoseconds UTC by the publisher's clock."""
    gid: bytes
    """Which publisher."""

    def to_bytes(self, *, named: bool = False) -> bytes:
        """As rmw_zenoh writes it; ``named``: as before 0.2.4."""
        gid = bytes([len(self.gid)]) + self.gid
        if not named:
            return _NUMBERS.pack(self.sequence, self.source_ns) + gid
        numbers = (_NUMBER.pack(self.sequence), _NUMBER.pack(self.source_ns), gid)
        return b"".join(name + value for name, value in zip(_NAMES, numbers, strict=True))


def parse_attachment(data: bytes) -> Attachment:
    """Read an attachment of either form.

    Raises:
        BadInputError: it is neither.

    """
    if len(data) <= MAX_BYTES:
        bare = data if not data.startswith(_NAMES[0]) else _without_names(data)
        gid = bare[_NUMBERS.size + 1 :]
        if len(gid) in GID_BYTES and bare[_NUMBERS.size] == len(gid):
            sequence, source_ns = _NUMBERS.unpack_from(bare)
            return Attachment(sequence, source_ns, gid)
    raise BadInputError(
        f"An attachment of {len(data)} bytes ({data[:16].hex()}...) is none of rmw_zenoh's; the message is kept, "
        "its source stamp and sequence number are not known."
    )


def _without_names(data: bytes) -> bytes:
    """The bare fields; empty when the names are not where they belong."""
    bare, at = b"", 0
    for name, size in zip(_NAMES, (_NUMBER.size, _NUMBER.size, MAX_BYTES), strict=True):
        if not data.startswith(name, at):
            return b""
        bare += data[at + len(name) : at + len(name) + size]
        at += len(name) + size
    return bare
