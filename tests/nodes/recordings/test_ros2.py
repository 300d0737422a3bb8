"""ROS 2 bags: SQLite and MCAP storage, split, compressed, without metadata, damaged."""

import random
import sqlite3
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin
from tests.recording_makers import (
    ROS2,
    TRANSIENT_LOCAL,
    Sent,
    in_play_order,
    played,
    write_mcap,
    write_ros2,
)

from winnow_runtime.recordings import Container, RecordingError, open_recording

T0 = 1_600_000_000_000_000_000
MESSAGES = [Sent(f"/t{i % 2}", T0 + i * 1000, bytes([65 + i]) * 30) for i in range(20)]


@pytest.mark.parametrize("storage", list(StoragePlugin))
@pytest.mark.parametrize("version", [8, 9])
def test_plays_what_was_written(tmp_path: Path, storage: StoragePlugin, version: int):
    folder = write_ros2(tmp_path / "bag", MESSAGES, storage=storage, version=version, qos=[TRANSIENT_LOCAL])
    with open_recording(folder) as recording:
        assert played(recording) == in_play_order(MESSAGES)
        assert recording.container is Container.ROS2
        assert recording.problems == ()
        assert recording.message_count == 20
        assert (recording.start_ns, recording.end_ns) == (T0, T0 + 19_001)
        channel = recording.channels[0]
        assert (channel.topic, channel.encoding, channel.schema_encoding) == ("/t0", "cdr", "ros2msg")
        assert channel.schema_name == "std_msgs/msg/String"
        assert b"string data" in channel.schema_data
        assert channel.is_latched
        assert recording.size_bytes > 600


@pytest.mark.parametrize(
    ("storage", "mode"),
    [
        (StoragePlugin.SQLITE3, CompressionMode.FILE),
        (StoragePlugin.SQLITE3, CompressionMode.MESSAGE),
        (StoragePlugin.MCAP, CompressionMode.FILE),
        (StoragePlugin.MCAP, CompressionMode.MESSAGE),
        (StoragePlugin.MCAP, CompressionMode.STORAGE),
    ],
)
def test_compressed_bags(tmp_path: Path, storage: StoragePlugin, mode: CompressionMode):
    folder = write_ros2(
        tmp_path / "bag", MESSAGES, storage=storage, compression=(mode, CompressionFormat.ZSTD)
    )
    with open_recording(folder) as recording:
        assert played(recording) == in_play_order(MESSAGES)
        assert recording.problems == ()


def test_a_torn_compressed_file_gives_what_is_there(tmp_path: Path):
    sent = [Sent("/a", T0 + i, bytes([i % 251]) * 40_000) for i in range(400)]
    folder = write_ros2(
        tmp_path / "bag",
        sent,
        storage=StoragePlugin.MCAP,
        compression=(CompressionMode.FILE, CompressionFormat.ZSTD),
    )
    (packed,) = folder.glob("*.zstd")
    packed.write_bytes(packed.read_bytes()[:-300])
    with open_recording(folder) as recording:
        got = played(recording)
        assert got == in_play_order(sent)[: len(got)]
        assert 0 < len(got) < 400
        assert any("breaks off after" in problem for problem in recording.problems)


def test_a_damaged_compressed_message_is_left_out_alone(tmp_path: Path):
    folder = write_ros2(
        tmp_path / "bag", MESSAGES, compression=(CompressionMode.MESSAGE, CompressionFormat.ZSTD)
    )
    with sqlite3.connect(folder / "bag.db3") as database:
        database.execute("UPDATE messages SET data = ? WHERE id = 3", (b"not zstd",))
    database.close()
    with open_recording(folder) as recording:
        expected = in_play_order(MESSAGES)
        assert played(recording) == expected[:2] + expected[3:]
        assert any("cannot be decompressed" in problem for problem in recording.problems)


def test_one_file_of_a_bag_alone(tmp_path: Path):
    folder = write_ros2(tmp_path / "bag", MESSAGES)
    with open_recording(folder / "bag.db3") as recording:
        assert played(recording) == in_play_order(MESSAGES)
        assert recording.container is Container.SQLITE


@given(
    times=st.lists(st.integers(0, 20), max_size=40),
    window=st.tuples(st.integers(-1, 21), st.integers(-1, 21)),
)
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sqlite_order_and_window_match_a_sorted_list(tmp_path_factory, times, window):
    sent = [Sent(f"/t{i % 3}", t, b"%d" % i) for i, t in enumerate(times)]
    folder = write_ros2(tmp_path_factory.mktemp("bags") / "bag", sent)
    expected = in_play_order(sent)
    with open_recording(folder) as recording:
        assert played(recording) == expected
        inside = [message for message in expected if window[0] <= message[1] < window[1]]
        assert played(recording, start_ns=window[0], end_ns=window[1]) == inside
        assert played(recording, topics=["/t1"]) == [message for message in expected if message[0] == "/t1"]


def test_bags_from_before_definitions_and_qos(tmp_path: Path):
    """Version 1 of the storage: no QoS column, no definitions; types come from the standard ones."""
    folder = write_ros2(tmp_path / "bag", MESSAGES)
    path = folder / "bag.db3"
    with sqlite3.connect(path) as database:
        database.executescript(
            "DROP TABLE message_definitions; DROP TABLE schema; DROP INDEX timestamp_idx;"
            "ALTER TABLE topics DROP COLUMN offered_qos_profiles;"
            "ALTER TABLE topics DROP COLUMN type_description_hash;"
            "INSERT INTO topics VALUES (9, '/own', 'our_msgs/msg/Secret', 'cdr');"
        )
    database.close()
    with open_recording(path) as recording:
        assert played(recording) == in_play_order(MESSAGES)  # sorted without the index
        standard = next(channel for channel in recording.channels if channel.topic == "/t0")
        assert standard.schema_data.decode() == ROS2.generate_msgdef("std_msgs/msg/String", ros_version=2)[0]
        own = next(channel for channel in recording.channels if channel.topic == "/own")
        assert (own.schema_encoding, own.schema_data) == ("", b"")
        assert any("our_msgs/msg/Secret" in problem for problem in recording.problems)


def test_a_split_bag_plays_as_one(tmp_path: Path):
    """Files that overlap a little, as rosbag2 splits them."""
    folder = tmp_path / "bag"
    folder.mkdir()
    parts = [
        [Sent("/a", T0 + i * 10, b"p0 %d" % i) for i in range(10)],
        [Sent("/a", T0 + 85 + i * 10, b"p1 %d" % i) for i in range(10)],
        [Sent("/b", T0 + 90 + i * 10, b"p2 %d" % i) for i in range(10)],
    ]
    for number, part in enumerate(parts):
        write_mcap(folder / f"part_{number * 5}.mcap", part)
    with open_recording(folder) as recording:
        assert played(recording) == in_play_order([message for part in parts for message in part])
        assert recording.message_count == 30
        assert recording.problems == ()


def test_parts_are_in_natural_order(tmp_path: Path):
    for number in (10, 9, 100):
        write_mcap(tmp_path / f"part_{number}.mcap", [Sent("/a", T0, b"%d" % number)])
    with open_recording(tmp_path) as recording:
        assert [message[3] for message in played(recording)] == [b"9", b"10", b"100"]


def test_a_missing_part_is_named_with_its_count(tmp_path: Path):
    folder = write_ros2(tmp_path / "bag", MESSAGES)
    metadata = yaml.safe_load((folder / "metadata.yaml").read_text())
    information = metadata["rosbag2_bagfile_information"]
    information["relative_file_paths"] += ["../../etc/bag_1.db3"]
    information["files"] += [{"path": "../../etc/bag_1.db3", "message_count": 7}]
    (folder / "metadata.yaml").write_text(yaml.safe_dump(metadata))
    with open_recording(folder) as recording:
        assert played(recording) == in_play_order(MESSAGES)
        assert recording.problems == (
            "bag_1.db3, named by metadata.yaml, is missing with its 7 messages; the other files were read.",
        )


@pytest.mark.parametrize("text", ["{", "a: 1\n", "- 1\n", "rosbag2_bagfile_information: [1]\n"])
def test_unusable_metadata_cost_nothing(tmp_path: Path, text: str):
    folder = write_ros2(tmp_path / "bag", MESSAGES)
    (folder / "metadata.yaml").write_text(text)
    with open_recording(folder) as recording:
        assert played(recording) == in_play_order(MESSAGES)
        assert any("metadata.yaml" in problem for problem in recording.problems)


def test_one_bad_file_does_not_end_the_bag(tmp_path: Path):
    write_mcap(tmp_path / "part_1.mcap", MESSAGES)
    (tmp_path / "part_2.mcap").write_bytes(b"")
    with open_recording(tmp_path) as recording:
        assert played(recording) == in_play_order(MESSAGES)
        assert any("part_2.mcap is empty" in problem for problem in recording.problems)


def _large_bag(folder: Path) -> tuple[Path, list[Sent]]:
    sent = [Sent(f"/t{i % 2}", T0 + i, bytes([i % 256]) * 900) for i in range(300)]
    return write_ros2(folder / "bag", sent) / "bag.db3", sent


def test_a_torn_database_is_read_row_by_row(tmp_path: Path):
    path, sent = _large_bag(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with open_recording(path) as recording:
        got = played(recording)
        assert len(got) > 100
        assert set(got) <= set(in_play_order(sent))
        assert [message[1] for message in got] == sorted(message[1] for message in got)
        assert any("bytes of the" in problem for problem in recording.problems)
        assert recording.message_count is not None
        assert recording.message_count >= len(got)


def test_damaged_pages_cost_their_rows_only(tmp_path: Path):
    path, sent = _large_bag(tmp_path)
    data = bytearray(path.read_bytes())
    page_bytes = int.from_bytes(data[16:18], "big")
    middle = len(data) // page_bytes // 2
    data[middle * page_bytes : (middle + 1) * page_bytes] = b"\xee" * page_bytes
    path.write_bytes(data)
    with open_recording(path) as recording:
        got = played(recording)
        assert 280 <= len(got) < 300
        assert set(got) <= set(in_play_order(sent))
        assert any("damaged" in problem for problem in recording.problems)


def test_a_cut_at_every_page_never_raises_from_the_middle(tmp_path: Path):
    path, sent = _large_bag(tmp_path)
    data = path.read_bytes()
    genuine = set(in_play_order(sent))
    refusals: list[str] = []
    for cut in range(100, len(data), 4096):
        path.write_bytes(data[:cut])
        try:
            with open_recording(path) as recording:
                assert set(played(recording)) <= genuine
                assert recording.problems
        except RecordingError as error:
            refusals.append(str(error))
    assert len(refusals) < 20
    assert all("nothing was read" in refusal for refusal in refusals)


def test_a_write_ahead_log_is_read(tmp_path: Path):
    folder = write_ros2(tmp_path / "bag", MESSAGES[:10])
    path = folder / "bag.db3"
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode = WAL")
    database.executemany(
        "INSERT INTO messages (topic_id, timestamp, data) VALUES (?, ?, ?)",
        [(int(message.topic[2:]) + 1, message.t_ns, message.data) for message in MESSAGES[10:]],
    )
    database.commit()
    try:
        with open_recording(path) as recording:
            assert played(recording) == in_play_order(MESSAGES)
    finally:
        database.close()


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("DROP TABLE messages", "without the tables"),
        (
            """ALTER TABLE messages RENAME TO m; CREATE VIEW messages AS
            WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n)
            SELECT id, 1 AS topic_id, id AS timestamp, zeroblob(9) AS data FROM n""",
            "without the tables",
        ),
        ("ALTER TABLE messages RENAME COLUMN data TO payload", "lack the columns data"),
    ],
)
def test_databases_that_are_no_bags_are_refused(tmp_path: Path, script: str, sentence: str):
    path = write_ros2(tmp_path / "bag", MESSAGES) / "bag.db3"
    with sqlite3.connect(path) as database:
        database.executescript(script)
    database.close()
    with pytest.raises(RecordingError, match=sentence):
        open_recording(path)


def test_rows_of_strange_types_are_left_out(tmp_path: Path):
    path = write_ros2(tmp_path / "bag", MESSAGES) / "bag.db3"
    with sqlite3.connect(path) as database:
        database.execute("UPDATE messages SET data = 'text' WHERE id = 1")
        database.execute("UPDATE messages SET timestamp = 'noon' WHERE id = 2")
        database.execute("UPDATE messages SET topic_id = 77 WHERE id = 3")
    database.close()
    with open_recording(path) as recording:
        assert played(recording) == in_play_order(MESSAGES)[3:]
        assert any("left out" in problem for problem in recording.problems)


def test_any_damage_to_a_database_is_survived(tmp_path: Path):
    path, sent = _large_bag(tmp_path)
    data = path.read_bytes()
    genuine = {message[1] for message in in_play_order(sent)}
    noise = random.Random(7)
    refusals: list[str] = []
    for _ in range(120):
        damaged = bytearray(data)
        for _ in range(noise.choice([1, 3, 200])):
            damaged[noise.randrange(100, len(data))] = noise.randrange(256)
        path.write_bytes(damaged)
        try:
            with open_recording(path) as recording:
                got = played(recording)
                assert len(got) == len(genuine) or recording.problems
        except RecordingError as error:
            refusals.append(str(error))
    assert len(refusals) < 60
    assert all("nothing was read" in refusal for refusal in refusals)
