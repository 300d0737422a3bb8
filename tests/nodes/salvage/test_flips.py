"""Every single byte of small files flipped: no crash, no hang, and nothing wrong among what is called certain."""

from pathlib import Path
from typing import Any

import pytest
from mcap.writer import CompressionType
from tests.mcap_spec import read
from tests.recording_makers import NO_INDEX, Sent, write_mcap
from tests.recovering import recovered

from winnow_runtime.salvage.report import Outcome

T0 = 1_700_000_000_000_000_000
MESSAGES = [Sent(f"/t{i % 2}", T0 + i * 1000, bytes([65 + i]) * 12) for i in range(6)]
KINDS: dict[str, dict[str, Any]] = {
    "indexed": {},
    "lz4": {"compression": CompressionType.LZ4},
    "zstd": {"compression": CompressionType.ZSTD},
    "no index": NO_INDEX,
    "loose": {"chunked": False},
    "whole-file checksum": {"chunked": False, "enable_data_crcs": True},
}
MASKS = {
    "indexed": 0x01,
    "lz4": 0xFF,
    "zstd": 0xFF,
    "no index": 0x02,
    "loose": 0xFF,
    "whole-file checksum": 0xFF,
}


@pytest.mark.parametrize("kind", KINDS)
def test_no_flipped_byte_makes_a_wrong_message_certain(tmp_path: Path, kind: str):
    data = bytearray(write_mcap(tmp_path / "whole.mcap", MESSAGES, **KINDS[kind]).read_bytes())
    genuine = read(bytes(data))
    assert len(genuine) == len(MESSAGES)
    saved = 0
    for position in range(len(data)):
        data[position] ^= MASKS[kind]
        result = recovered(tmp_path, bytes(data))
        strict = recovered(tmp_path, bytes(data), strict=True)
        data[position] ^= MASKS[kind]
        assert set(strict.messages) <= set(genuine), position
        certain = len(result.messages) - sum(topic.unverified for topic in result.report.topics.values())
        wrong = set(result.messages) - set(genuine)
        assert len(wrong) <= len(result.messages) - certain, position
        if set(result.messages) != set(genuine) and kind != "loose":
            assert result.report.outcome is not Outcome.CLEAN, position
        assert len(result.messages) <= len(genuine)
        saved += len(set(genuine) & set(result.messages))
    assert saved > 0.85 * len(genuine) * len(data) or kind in ("lz4", "zstd")


def test_an_intact_file_is_clean_and_passes_through_byte_by_byte(tmp_path: Path):
    for options in KINDS.values():
        data = write_mcap(tmp_path / "whole.mcap", MESSAGES, **options).read_bytes()
        once = recovered(tmp_path, data)
        assert once.report.outcome is Outcome.CLEAN
        assert once.messages == read(data)
        twice = recovered(tmp_path, once.data)
        assert twice.messages == once.messages
        assert twice.report.outcome is Outcome.CLEAN
