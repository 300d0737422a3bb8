import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from rosbags.highlevel import AnyReader

from winnow_operators.sim import Simulator
from winnow_operators.sim.simulator import Simulator as _Simulator
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_schemas.simulation import Script
from winnow_schemas.simulation.truth import read_truth
from winnow_sim.export import Compression, Progress, export

SCRIPT = Script.model_validate(
    {
        "name": "short",
        "duration_s": 3,
        "scale": 0.02,
        "route": {"legs": [{"to": "bay_1"}, {"to": "stand_2"}]},
        "incidents": [{"kind": "flag_button", "at_s": 1}],
    }
)


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("export") / "short.mcap"
    export(Simulator(SCRIPT, 3), path)
    return path


@pytest.mark.parametrize("compression", list(Compression))
def test_the_file_holds_exactly_the_messages_of_the_run(tmp_path, compression) -> None:
    path = tmp_path / "run.mcap"
    done = export(Simulator(SCRIPT, 3), path, compression=compression)
    expected = [
        (each.channel.topic, each.t_ns, each.pub_ns, hashlib.sha256(each.data).digest())
        for each in Simulator(SCRIPT, 3).messages()
    ]
    with path.open("rb") as file:
        found = [
            (channel.topic, message.log_time, message.publish_time, hashlib.sha256(message.data).digest())
            for _, channel, message in make_reader(file).iter_messages()
        ]
    assert sorted(found) == sorted(expected)
    assert done.messages == len(expected)
    assert done.file_bytes == path.stat().st_size


def test_channels_survive(exported) -> None:
    wanted = {channel.topic: channel for channel in Simulator(SCRIPT, 3).channels}
    with exported.open("rb") as file:
        summary = make_reader(file).get_summary()
    assert summary is not None
    for channel in summary.channels.values():
        schema = summary.schemas[channel.schema_id]
        read = Channel(
            channel.topic,
            channel.message_encoding,
            schema.name,
            schema.encoding,
            schema.data,
            tuple(sorted(channel.metadata.items())),
        )
        assert read == wanted.pop(channel.topic)
    assert wanted == {}


def test_other_readers_decode_every_topic(exported) -> None:
    with exported.open("rb") as file:
        decoded = Counter(
            channel.topic
            for _, channel, _, _ in make_reader(
                file, decoder_factories=[DecoderFactory()]
            ).iter_decoded_messages()
        )
    with AnyReader([exported]) as reader:
        for connection, _, data in reader.messages():
            reader.deserialize(data, connection.msgtype)
            decoded[connection.topic] -= 1
    assert len(decoded) == len(Simulator(SCRIPT, 3).channels) - 1  # nobody speaks in this run
    assert set(decoded.values()) == {0}


def test_the_truth_lies_beside_it(exported) -> None:
    truth = read_truth(exported.with_suffix(".truth.json").read_bytes())
    assert truth == Simulator(SCRIPT, 3).ground_truth()
    assert any(each.must and each.type == "operator_flag" for each in truth.expectations)
    assert json.loads(exported.with_suffix(".truth.json").read_text())["script"] == "short"


def test_the_file_says_what_made_it(tmp_path) -> None:
    path = tmp_path / "pooled.mcap"
    export(Simulator(SCRIPT, 3, pool=True), path)
    with path.open("rb") as file:
        (about,) = [
            record.metadata for record in make_reader(file).iter_metadata() if record.name == "winnow_sim"
        ]
    assert (about["script"], about["seed"], about["scale"]) == ("short", "3", "0.02")
    assert about["sensors"].startswith("pooled")


def test_progress_rises_to_one(tmp_path) -> None:
    seen: list[Progress] = []
    done = export(Simulator(SCRIPT, 3), tmp_path / "run.mcap", on_progress=seen.append)
    assert [each.done for each in seen] == sorted(each.done for each in seen)
    assert seen[-1] == Progress(1.0, done.messages, done.payload_bytes)
    assert len(seen) == 3


@pytest.mark.parametrize("name", ["run.bag", "nowhere/run.mcap"])
def test_a_bad_place_is_refused(tmp_path, name) -> None:
    with pytest.raises(BadInputError, match="nothing was written"):
        export(Simulator(SCRIPT, 3), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_when_it_fails(tmp_path, monkeypatch) -> None:
    original = _Simulator.messages

    def failing(self, skip=None):
        for number, message in enumerate(original(self, skip)):
            if number == 200:
                raise OSError(28, "No space left on device")
            yield message

    monkeypatch.setattr(_Simulator, "messages", failing)
    with pytest.raises(UnavailableError, match="No space left on device"):
        export(Simulator(SCRIPT, 3), tmp_path / "run.mcap")
    assert list(tmp_path.iterdir()) == []
