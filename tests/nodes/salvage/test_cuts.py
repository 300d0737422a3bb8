"""Files cut anywhere give exactly what an independent reading of the specification finds in what is left."""

import shutil
from pathlib import Path
from random import Random

import pytest
from mcap.writer import CompressionType
from tests.mcap_spec import Read, read, record_ends
from tests.recording_makers import NO_INDEX, Sent, write_mcap
from tests.recovering import read_indexed, recovered

from winnow_runtime.salvage.report import Outcome
from winnow_runtime.warm.index import Segment, segments
from winnow_runtime.warm.reader import WarmReader
from winnow_runtime.warm.recovery import recover
from winnow_runtime.warm.writer import SegmentWriter
from winnow_tools.recover.load import CHANNELS, schedule, write

T0 = 1_700_000_000_000_000_000
MESSAGES = [Sent(f"/t{i % 3}", T0 + i * 1000, bytes([65 + i % 26]) * (5 + i)) for i in range(60)]


def cuts_of(data: bytes, seed: int, count: int) -> list[int]:
    rng = Random(seed)
    ends = record_ends(data)
    near = {end + step for end in ends for step in (-1, 0, 1)}
    return sorted(
        cut for cut in {*near, *(rng.randrange(9, len(data)) for _ in range(count))} if 8 < cut < len(data)
    )


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"chunked": False},
        NO_INDEX,
        {"chunk_bytes": 1200},
    ],
    ids=["chunks", "loose", "no index", "larger chunks"],
)
def test_a_cut_keeps_exactly_the_messages_that_are_whole(tmp_path: Path, options: dict[str, object]):
    data = write_mcap(tmp_path / "whole.mcap", MESSAGES, **options).read_bytes()
    for cut in cuts_of(data, 1, 200):
        expected = read(data[:cut])
        result = recovered(tmp_path, data[:cut])
        assert result.messages == expected, cut
        assert (result.report.outcome is Outcome.HOPELESS) == (not expected)


@pytest.mark.parametrize("compression", [CompressionType.LZ4, CompressionType.ZSTD])
def test_a_cut_of_compressed_chunks_keeps_whole_chunks_and_what_decompresses(
    tmp_path: Path, compression: CompressionType
):
    rng = Random(4)
    sent = [message._replace(data=rng.randbytes(3000) + bytes(1000)) for message in MESSAGES]
    data = write_mcap(tmp_path / "a.mcap", sent, compression=compression, chunk_bytes=60_000).read_bytes()
    everything = read(data)
    for cut in cuts_of(data, 2, 40):
        sure = read(data[:cut])
        result = recovered(tmp_path, data[:cut])
        assert result.messages[: len(sure)] == sure
        assert result.messages == everything[: len(result.messages)], cut
        extra = len(result.messages) - len(sure)
        assert sum(topic.unverified for topic in result.report.topics.values()) == extra
    assert recovered(tmp_path, data).messages == everything


def test_the_salvaged_part_of_a_large_cut_chunk(tmp_path: Path):
    rng = Random(4)
    sent = [Sent("/a", T0 + i, rng.randbytes(3000)) for i in range(700)]
    for compression in (CompressionType.LZ4, CompressionType.ZSTD):
        data = write_mcap(
            tmp_path / "a.mcap", sent, compression=compression, chunk_bytes=1 << 22
        ).read_bytes()
        result = recovered(tmp_path, data[: len(data) // 2])
        assert 300 < len(result.messages) <= 352
        assert result.messages == read(data)[: len(result.messages)]
        assert result.report.outcome is Outcome.LOSSY
        strict = recovered(tmp_path, data[: len(data) // 2], strict=True)
        assert strict.messages == []
        assert strict.report.left_out == len(result.messages)


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Segment:
    """A segment of the recorder without its end."""
    folder = tmp_path_factory.mktemp("crashed")
    writer = SegmentWriter(folder, 10**12, CHANNELS.__getitem__)
    for number, sent in enumerate(schedule(T0, 1_000_000, 8)):
        if number == 120:
            break
        write(writer, sent)
        if number % 9 == 0:
            writer.flush()
    writer.flush()
    writer.abandon()
    return segments(folder)[0]


def by_rows(folder: Path) -> list[tuple[int, int, bytes]]:
    reader = WarmReader(folder)
    return sorted(
        (int(row["channel"]), int(row["seq"]), bytes(reader.payload(segment, row)))
        for segment, rows in reader.window(-(2**62), 2**62)
        for row in rows
    )


def plain(messages: list[Read]) -> list[tuple[int, int, bytes]]:
    return sorted((int(message.topic == "/lidar"), message.sequence, message.data) for message in messages)


@pytest.mark.parametrize("keep_index", [True, False])
def test_a_cut_segment_keeps_every_whole_chunk_with_its_rows(
    tmp_path: Path, crashed: Segment, *, keep_index: bool
):
    data = crashed.path.read_bytes()
    for number, cut in enumerate(cuts_of(data, 3, 60)):
        folder = tmp_path / str(number)
        folder.mkdir()
        segment = Segment(folder / crashed.path.name, crashed.start_ns)
        segment.path.write_bytes(data[:cut])
        if keep_index:
            shutil.copy(crashed.index_path, segment.index_path)
        expected = plain(read(data[:cut], partial_chunks=False))
        (mended,) = recover(folder)
        assert mended.messages == len(expected), cut
        assert by_rows(folder) == expected
        if expected:
            assert plain(read_indexed(segment.path.read_bytes())) == expected
            assert recover(folder) == []
        else:
            assert segments(folder) == []


def test_a_hole_in_a_segment_costs_only_its_chunk(tmp_path: Path, crashed: Segment):
    data = bytearray(crashed.path.read_bytes())
    everything = plain(read(bytes(data)))
    rows = crashed.rows()
    victim = sorted({int(chunk) for chunk in rows["chunk"]})[3]
    data[victim + 300 : victim + 320] = bytes(20)
    segment = Segment(tmp_path / crashed.path.name, crashed.start_ns)
    segment.path.write_bytes(data)
    shutil.copy(crashed.index_path, segment.index_path)
    lost = {(int(row["channel"]), int(row["seq"])) for row in rows if int(row["chunk"]) == victim}
    expected = [message for message in everything if message[:2] not in lost]
    (mended,) = recover(tmp_path)
    assert lost
    assert mended.messages == len(expected)
    assert by_rows(tmp_path) == expected
    assert plain(read_indexed(segment.path.read_bytes())) == expected
