"""Steps through the first fields of a ROS message in CDR or ROS 1 bytes."""

import struct

_CDR_LITTLE_ENDIAN = b"\x00\x01"
"""The encapsulation that ROS 2 sends on little-endian machines."""
TEXT_MAX_BYTES = 4096
_U32 = struct.Struct("<I")
_NS = 1_000_000_000


class RosCursor:
    """Raises ValueError, IndexError or struct.error where the payload is not what it should be."""

    def __init__(self, payload: bytes | memoryview, encoding: str) -> None:
        self.data = memoryview(payload)
        self.at = 0
        self._is_ros1 = encoding == "ros1"
        if not self._is_ros1:
            if bytes(self.data[:2]) != _CDR_LITTLE_ENDIAN:
                raise ValueError
            self.at = 4

    def header(self) -> tuple[int, str]:
        """Stamp in nanoseconds and frame of a ``std_msgs/Header``."""
        if self._is_ros1:
            self.number()  # seq
        stamp_ns = self.number() * _NS + self.number()
        return stamp_ns, self.text()

    def number(self) -> int:
        if not self._is_ros1:
            self.at += -self.at % 4  # the encapsulation header has 4 bytes: the same alignment
        value: int = _U32.unpack_from(self.data, self.at)[0]
        self.at += 4
        return value

    def limited(self, limit: int) -> int:
        """A number that may not be more."""
        value = self.number()
        if value > limit:
            raise ValueError
        return value

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def text(self) -> str:
        length = self.limited(TEXT_MAX_BYTES)
        taken = bytes(self.data[self.at : self.at + length])
        if len(taken) != length:
            raise ValueError
        self.at += length
        return taken.rstrip(b"\0").decode("utf-8")
