"""Recordings in, clips out, under the real dora: nothing missing, extra or changed."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mcap.reader import make_reader
from mcap_ros1.decoder import DecoderFactory as Ros1Decoder
from mcap_ros2.decoder import DecoderFactory as Ros2Decoder
from rosbags.highlevel import AnyReader
from tests.fixtures.runs import FinishedRun, half_written, left_in_shared_memory, play, winnow
from tests.graphs.comparing import clip_bytes, clip_files, decisions
from tests.small_drives import LATCHED, STREAMS, samples, write_json_drive, write_ros1_drive

from winnow_runtime.ledger import read_ledger

pytestmark = [pytest.mark.graph, pytest.mark.timeout(900)]
TOPICS = {LATCHED, *(stream.topic for stream in STREAMS)}


def prove(run: FinishedRun) -> None:
    """What must hold of every run that came to its end."""
    everything = samples(22)
    assert run.summary["messages"] == len(everything)
    assert run.summary["lost"] == 0
    assert run.summary["end"] == "ended"
    assert run.summary["problems"] == []
    assert run.summary["triggers"] == run.summary["clips"] == {"P5": 3}
    said = winnow("clips", "verify", run.out, "--against", run.recording, "--json")
    assert said.code == 0, said
    assert {key: said.json[key] for key in ("clips", "missing", "extra", "changed")} == {
        "clips": 3,
        "missing": 0,
        "extra": 0,
        "changed": 0,
    }
    for clip in clip_files(run.out):
        sidecar = json.loads(clip.with_suffix(".json").read_bytes())
        inside = Counter(
            sample.topic for sample in everything if sidecar["start_ns"] <= sample.t_ns < sidecar["end_ns"]
        )
        assert {topic: content["messages"] for topic, content in sidecar["topic_contents"].items()} == inside
        assert sidecar["missing"] == []
        assert clip.with_suffix(".verdict.json").exists()
    assert (run.out / "ledger.parquet").exists()
    assert half_written(run.out) == []
    assert left_in_shared_memory(run.out) == []


def test_a_ros2_drive_comes_through(ros2_run: FinishedRun):
    prove(ros2_run)


@pytest.mark.parametrize("write", [write_ros1_drive, write_json_drive])
def test_other_recordings_come_through(write: Callable[[Path], Path], tmp_path: Path):
    run = play(write(tmp_path / "drive.bin"), tmp_path)
    prove(run)
    seen: Counter[str] = Counter()
    for clip in clip_files(run.out):
        with clip.open("rb") as file:
            for _, channel, message, decoded in decoded_messages(file):
                seen[channel.topic] += 1
                assert decoded is not None
                assert message.data
    assert set(seen) == TOPICS


def decoded_messages(file: Any) -> Any:
    """Messages of a clip with what the standard decoders make of them; JSON has none, and needs none."""
    reader = make_reader(file, decoder_factories=[Ros1Decoder(), Ros2Decoder()])
    for schema, channel, message in reader.iter_messages():
        if channel.message_encoding == "json":
            yield schema, channel, message, json.loads(message.data)
        else:
            factory = Ros1Decoder() if channel.message_encoding == "ros1" else Ros2Decoder()
            decode = factory.decoder_for(channel.message_encoding, schema)
            assert decode is not None
            yield schema, channel, message, decode(message.data)


def test_clips_open_with_the_mcap_reader_and_cdr_decodes(ros2_run: FinishedRun):
    seen = set()
    for clip in clip_files(ros2_run.out):
        with clip.open("rb") as file:
            for _, channel, message, decoded in make_reader(
                file, decoder_factories=[Ros2Decoder()]
            ).iter_decoded_messages():
                seen.add(channel.topic)
                if channel.topic == "/gps/fix":
                    assert 50 <= decoded.latitude < 50.001
                elif channel.topic == "/lidar/points":
                    assert len(decoded.data) == 12_000
                assert message.log_time
    assert seen == TOPICS


def test_clips_open_with_rosbags(ros2_run: FinishedRun):
    for clip in clip_files(ros2_run.out):
        sidecar = json.loads(clip.with_suffix(".json").read_bytes())
        with AnyReader([clip]) as reader:
            messages = list(reader.messages())
            assert len(messages) == sidecar["messages"] + len(sidecar["latched"])
            for connection, _, data in messages[:50]:
                reader.deserialize(data, connection.msgtype)


def test_two_runs_decide_and_cut_the_same(ros2_run: FinishedRun, tmp_path: Path):
    said = winnow("run", ros2_run.graph, "--speed", "max", "--out", tmp_path / "again", "--json")
    assert said.code == 0, said
    again = tmp_path / "again"
    assert decisions(again) == decisions(ros2_run.out)
    assert len({row["run_id"] for row in read_ledger(again).to_pylist()}) == 1
    assert clip_bytes(again) == clip_bytes(ros2_run.out)
