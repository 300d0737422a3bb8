"""Numbers and byte strings of packed data: LEB128 varints, length-prefixed bytes, every length checked."""

import struct

from winnow_operators.packing.faults import PackingError

VERSION = 1
PAYLOAD_MAX_BYTES = 256 * 1024 * 1024
"""One payload or block after unpacking; the largest honest message known to us is a raw image of 100 MB."""
_VARINT_MAX_BYTES = 10
_F64 = struct.Struct("<d")


class PackedWriter:
    """Collects the fields of one packed message."""

    def __init__(self, codec: int) -> None:
        self._parts: list[bytes | memoryview] = [bytes((VERSION, codec))]

    def number(self, value: int) -> None:
        """An unsigned number."""
        out = bytearray()
        while value > 0x7F:
            out.append(value & 0x7F | 0x80)
            value >>= 7
        out.append(value)
        self._parts.append(bytes(out))

    def signed(self, value: int) -> None:
        """A number with a sign (zigzag)."""
        self.number(value << 1 if value >= 0 else (-value << 1) - 1)

    def real(self, value: float) -> None:
        self._parts.append(_F64.pack(value))

    def data(self, value: bytes | memoryview) -> None:
        """Bytes behind their length."""
        self.number(len(value))
        self._parts.append(value)

    def whole(self) -> bytes:
        """Everything that was written."""
        return b"".join(self._parts)


class PackedReader:
    """Reads what :class:`PackedWriter` wrote; never beyond the end."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = memoryview(data)
        if len(self._data) < 2:
            raise PackingError(
                f"A packed message has {len(self._data)} bytes, at least 2 are needed; it was not unpacked."
            )
        if self._data[0] != VERSION:
            raise PackingError(
                f"A packed message is of version {self._data[0]}, this program knows {VERSION}; it was not unpacked. "
                "Use a newer version of winnow."
            )
        self.codec: int = self._data[1]
        self._at = 2

    def number(self, limit: int) -> int:
        """An unsigned number of at most ``limit``."""
        value = shift = 0
        for _ in range(_VARINT_MAX_BYTES):
            if self._at >= len(self._data):
                raise self._short()
            byte = self._data[self._at]
            self._at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if value > limit:
                    raise PackingError(
                        f"A number in a packed message is {value:,}, at most {limit:,} is possible; it was not unpacked."
                    )
                return value
            shift += 7
        raise PackingError("A number in a packed message is longer than 10 bytes; it was not unpacked.")

    def signed(self, limit: int) -> int:
        value = self.number(2 * limit + 1)
        return -(value + 1 >> 1) if value & 1 else value >> 1

    def real(self) -> float:
        return float(_F64.unpack(self._take(_F64.size))[0])

    def data(self, limit: int = PAYLOAD_MAX_BYTES) -> memoryview:
        """Bytes behind their length."""
        return self._take(self.number(limit))

    def end(self) -> None:
        """Nothing may follow."""
        if self._at != len(self._data):
            raise PackingError(
                f"A packed message has {len(self._data) - self._at} bytes behind its end; it was not unpacked."
            )

    def _take(self, size: int) -> memoryview:
        if self._at + size > len(self._data):
            raise self._short()
        taken = self._data[self._at : self._at + size]
        self._at += size
        return taken

    def _short(self) -> PackingError:
        return PackingError(
            f"A packed message breaks off after {len(self._data):,} bytes; it was not unpacked."
        )
