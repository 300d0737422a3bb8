"""Finds the next record of an MCAP file behind damage, by what only a real record has."""

import re
from collections.abc import Collection

from winnow_runtime.recordings import mcap_records as records
from winnow_runtime.recordings.faults import DamageError
from winnow_runtime.recordings.stored_file import StoredFile

_STEP_BYTES = 4 * 1024 * 1024
_OVERLAP_BYTES = 256
_CANDIDATE = re.compile(rb"(?=[\x05\x06][\s\S]{5}\x00\x00\x00)")
"""A message or chunk of less than a terabyte."""
_DAY_NS = 86_400_000_000_000


class Resync:
    """Searches one file; ``times`` is the range of what was read before, where anything was."""

    def __init__(self, file: StoredFile, channels: Collection[int], times: tuple[int, int] | None) -> None:
        self._file = file
        self._channels = channels
        self._times = times

    def find(self, start: int, end: int) -> int:
        """Position of the next chunk or message at or after ``start``; ``end`` if there is none before it."""
        position = start
        while position < end:
            window = self._file.read(position, min(_STEP_BYTES + _OVERLAP_BYTES, end - position))
            for match in _CANDIDATE.finditer(window):
                if match.start() >= _STEP_BYTES:
                    break
                head = window[match.start() : match.start() + _OVERLAP_BYTES]
                if self._is_record(position + match.start(), head):
                    return position + match.start()
            position += _STEP_BYTES
        return end

    def _is_record(self, position: int, head: bytes) -> bool:
        if len(head) < records.MESSAGE_HEAD.size:
            return False
        opcode, length = records.HEAD.unpack_from(head)
        if opcode == records.CHUNK:
            try:
                parsed = records.parse_chunk_head(head, length)
            except DamageError:
                return False
            return parsed.start_ns <= parsed.end_ns < 1 << 63
        _, _, channel, _, t_ns, _ = records.MESSAGE_HEAD.unpack_from(head)
        if length < records.MESSAGE_BODY_BYTES or channel not in self._channels or not self._is_near(t_ns):
            return False
        return self._is_head(position + records.HEAD.size + length)

    def _is_near(self, t_ns: int) -> bool:
        """Within a day of the rest: chance hits this once in 10^5."""
        if self._times is None:
            return t_ns < 1 << 63
        return self._times[0] - _DAY_NS <= t_ns <= self._times[1] + _DAY_NS

    def _is_head(self, position: int) -> bool:
        """Whether a record can start here, or the file ends here."""
        if position == self._file.size:
            return True
        head = self._file.read(position, records.HEAD.size)
        if len(head) < records.HEAD.size:
            return False
        opcode, length = records.HEAD.unpack_from(head)
        end: int = position + records.HEAD.size + length
        return opcode in records.RECORD_NAMES and end <= self._file.size
