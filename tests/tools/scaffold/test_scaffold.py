"""The scaffold of a recording: two files that load, with figures from the recording."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
import yaml
from mcap.writer import Writer
from tests.recording_makers import ROS2, TRANSIENT_LOCAL, Sent, write_mcap, write_ros2
from tests.shared_recordings import shared_log
from typer.testing import CliRunner

from winnow_operators.fields import FieldDecoder
from winnow_runtime.recordings import open_recording
from winnow_schemas.errors import BadInputError
from winnow_schemas.ids import unique_ports
from winnow_schemas.priority import Priority
from winnow_schemas.settings import load_settings
from winnow_schemas.settings.topics import Compression, Kind
from winnow_schemas.settings.triggers import TriggerSettings
from winnow_tools.scaffold import Scaffold, make_scaffold
from winnow_tools.scaffold.command import scaffold_command

T0 = 1_700_000_000_000_000_000
SECOND = 1_000_000_000


def header(t_ns: int) -> Any:
    time = ROS2.types["builtin_interfaces/msg/Time"](t_ns // SECOND, t_ns % SECOND)
    return ROS2.types["std_msgs/msg/Header"](time, "base")


def imu(t_ns: int, accel_x: float) -> bytes:
    vector = ROS2.types["geometry_msgs/msg/Vector3"]
    quaternion = ROS2.types["geometry_msgs/msg/Quaternion"]
    message = ROS2.types["sensor_msgs/msg/Imu"](
        header(t_ns),
        quaternion(0.0, 0.0, 0.0, 1.0),
        np.zeros(9),
        vector(0.0, 0.0, 0.0),
        np.zeros(9),
        vector(accel_x, 0.0, 9.81),
        np.zeros(9),
    )
    return bytes(ROS2.serialize_cdr(message, "sensor_msgs/msg/Imu"))


def fix(t_ns: int, latitude: float) -> bytes:
    status = ROS2.types["sensor_msgs/msg/NavSatStatus"](0, 1)
    message = ROS2.types["sensor_msgs/msg/NavSatFix"](
        header(t_ns), status, latitude, 8.0, 100.0, np.zeros(9), 0
    )
    return bytes(ROS2.serialize_cdr(message, "sensor_msgs/msg/NavSatFix"))


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    """10 s of an IMU at 100 Hz, a fix at 1 Hz, a flag, and a latched text."""
    folder = tmp_path / "drive"
    from rosbags.rosbag2 import StoragePlugin, Writer

    with Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connections = {
            topic: writer.add_connection(topic, kind, typestore=ROS2, offered_qos_profiles=qos)
            for topic, kind, qos in [
                ("/imu/data", "sensor_msgs/msg/Imu", []),
                ("/gps/fix", "sensor_msgs/msg/NavSatFix", []),
                ("/flag", "std_msgs/msg/Bool", []),
                ("/robot", "std_msgs/msg/String", [TRANSIENT_LOCAL]),
            ]
        }
        flag, text = ROS2.types["std_msgs/msg/Bool"], ROS2.types["std_msgs/msg/String"]
        writer.write(connections["/robot"], T0, bytes(ROS2.serialize_cdr(text("r"), "std_msgs/msg/String")))
        for number in range(1000):
            t_ns = T0 + number * SECOND // 100
            writer.write(connections["/imu/data"], t_ns, imu(t_ns, -4.0 + number * 0.01))
            if number % 100 == 0:
                writer.write(connections["/gps/fix"], t_ns, fix(t_ns, 50.0 + number * 1e-5))
                pressed = flag(number > 500)
                writer.write(
                    connections["/flag"], t_ns, bytes(ROS2.serialize_cdr(pressed, "std_msgs/msg/Bool"))
                )
    return folder


def make(recording: Path, folder: Path, **options: Any) -> tuple[Scaffold, Any, dict[str, Any]]:
    """The scaffold, the settings as loaded, the graph as plain values."""
    made = make_scaffold(recording, folder, **{"memory_mib": 256.0, **options})
    settings, _ = load_settings(made.settings)
    return made, settings, yaml.safe_load(made.graph.read_text())


def nodes(graph: dict[str, Any]) -> dict[str, Any]:
    return {node["id"]: node for node in graph["nodes"]}


def test_settings_hold_topics_signals_position_and_one_trigger(drive: Path, tmp_path: Path):
    _, settings, _ = make(drive, tmp_path / "made")
    assert settings.topics["/imu/data"].kind is Kind.IMU
    assert settings.topics["/imu/data"].chunk_compression is Compression.ZSTD
    assert settings.topics["/robot"].latched is True
    assert settings.topics["/imu/data"].latched is None
    assert settings.signals["accel_x"].field == "linear_acceleration.x"
    assert settings.signals["accel_x"].unit == "m/s2"
    assert "accel_z" not in settings.signals  # it never changes
    assert settings.position == {"latitude_deg": "latitude", "longitude_deg": "longitude"}
    assert settings.signals["longitude"].topic == "/gps/fix"
    assert list(settings.triggers.set) == ["time_sample"]
    trigger = TriggerSettings.model_validate(settings.triggers.set["time_sample"])
    assert trigger.when == "every(10 s, from_start=True)"
    assert (trigger.priority, trigger.pre_roll_s, trigger.post_roll_s) == (Priority.P5, 3, 3)
    assert settings.triggers.library == "none"
    assert settings.upload.enabled is False
    assert settings.ring.memory_mib == 256


def test_rates_are_those_of_the_recording_where_they_matter(drive: Path, tmp_path: Path):
    _, settings, _ = make(drive, tmp_path / "made")
    with open_recording(drive) as recording:
        rates = {name: topic.mean_bytes * topic.rate_hz for name, topic in recording.topics().items()}
    written = {name: topic.expected_mb_s for name, topic in settings.topics.items()}
    assert any(written.values())
    assert not all(written.values())
    for name, rate in rates.items():
        assert written[name] == (float(f"{rate / 1e6:.3g}") if rate * 300 > 64 * 1024 else 0.0), name


def test_ranges_in_comments_are_those_of_the_recording(drive: Path, tmp_path: Path):
    made, _, _ = make(drive, tmp_path / "made")
    text = made.settings.read_text()
    assert "# accel_x: -4 .. 5.99 m/s2" in text
    assert "# latitude: 50 .. 50.009 deg" in text
    assert "# data: false .. true" in text
    assert "#   when: accel_x > 5.9 m/s2" in text
    assert "#   when: rising(data)" in text


def test_commented_examples_are_valid_when_the_comment_goes(drive: Path, tmp_path: Path):
    made, _, _ = make(drive, tmp_path / "made")
    text = made.settings.read_text()
    head, examples = text.split("expect it to fire now and then.\n")
    lines = [
        line.replace("    # ", "    ", 1)
        for line in examples.splitlines()
        if ": " in line or line.endswith(":")
    ]
    live = [line for line in lines if " .. " not in line]
    made.settings.write_text(head + "\n" + "\n".join(live) + "\n")
    settings, _ = load_settings(made.settings)
    assert set(settings.triggers.set) == {"time_sample", "accel_x_high", "data_set"}
    for values in settings.triggers.set.values():
        TriggerSettings.model_validate(values)


def test_the_graph_has_a_port_per_topic(drive: Path, tmp_path: Path):
    made, settings, graph = make(drive, tmp_path / "made")
    replay, ring = nodes(graph)["replay"], nodes(graph)["ring"]
    ports = unique_ports(list(settings.topics))
    assert replay["outputs"] == [*ports.values(), "control", "decisions"]
    assert replay["inputs"] == {"credit": "ring/credit"}
    assert graph["env"]["WINNOW_RECORDING"] == str(drive.resolve())
    assert list(ring["inputs"]) == [*ports.values(), "control"]
    assert ring["outputs"] == ["credit", "heartbeat", "health", "decisions"]
    assert nodes(graph)["ledger"]["inputs"]["decisions_replay"]["source"] == "replay/decisions"
    for port in ports.values():
        assert ring["inputs"][port]["source"] == f"replay/{port}"
        assert ring["inputs"][port]["queue_policy"] == "backpressure"
        assert ring["input_types"][port] == replay["output_types"][port] == "winnow/stream/v1/Payload"
    assert ring["inputs"]["control"] == {
        "source": "replay/control",
        "queue_size": 1000,
        "queue_policy": "backpressure",
    }
    assert [port.port for port in made.plan.ports] == list(ports.values())


@pytest.mark.skipif(shutil.which("dora") is None, reason="the dora program is not on PATH")
def test_dora_finds_nothing_wrong_with_the_graph(drive: Path, tmp_path: Path):
    made, _, _ = make(drive, tmp_path / "made")
    found = subprocess.run(
        ["dora", "validate", "--strict-types", made.graph.name],
        cwd=made.graph.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr


def test_hostile_names_stay_inside_their_quotes(tmp_path: Path):
    topics = [
        "/a: b",
        "/x\n    kind: lidar",
        "# comment",
        "/q\"uote'",
        "true",
        "/tab\t",
        "/ünïcode",
        "/a b",
        "/a_b",
        "- list",
        "/" + "long" * 80,
        "\x1b[31mred",
    ]
    path = write_mcap(
        tmp_path / "a\n# evil: {}.mcap", [Sent(topic, T0 + n, b"x") for n, topic in enumerate(topics)]
    )
    made, settings, graph = make(path, tmp_path / "made")
    kept = {topic for topic in topics if len(topic) <= 255}
    assert set(settings.topics) == kept
    assert len(nodes(graph)["replay"]["outputs"]) == len(kept) + 2
    assert any("has a name of 321 characters" in problem for problem in made.problems)
    assert "\x1b" not in made.settings.read_text() + made.graph.read_text()


def test_text_enumerations_become_signals_with_their_words(tmp_path: Path):
    text = ROS2.types["std_msgs/msg/String"]
    sent = [
        Sent("/mode", T0 + n * SECOND, bytes(ROS2.serialize_cdr(text(word), "std_msgs/msg/String")))
        for n, word in enumerate(["inside", "it's", "inside"])
    ]
    made, settings, _ = make(write_ros2(tmp_path / "bag", sent), tmp_path / "made")
    assert settings.signals["data"].type == "text"
    assert "# data: inside | it's" in made.settings.read_text()
    assert "#   when: data == 'inside'" in made.settings.read_text()


def test_json_without_schema_gives_signals_too(tmp_path: Path):
    path = tmp_path / "a.mcap"
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start()
        channel = writer.register_channel("/car", "json", 0)
        for number in range(20):
            writer.add_message(
                channel, T0 + number, b'{"speed": %d, "gear": {"n": 1}, "ok": true}' % number, T0
            )
        writer.add_message(channel, T0 + 30, b'{"speed": "fast"}', T0)
        writer.finish()
    made, settings, _ = make(path, tmp_path / "made")
    assert list(settings.signals) == ["speed"]
    assert "# speed: 0 .. 19" in made.settings.read_text()


def test_topics_without_messages_have_ports_too(tmp_path: Path):
    """The replay node names ports over all topics: a silent one may make two names collide."""
    path = tmp_path / "a.mcap"
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start()
        loud = writer.register_channel("/a/b", "json", 0)
        writer.register_channel("/a_b", "json", 0)
        writer.add_message(loud, T0, b"{}", T0)
        writer.finish()
    made, settings, graph = make(path, tmp_path / "made")
    with open_recording(path) as recording:
        ports = unique_ports(sorted({channel.topic for channel in recording.channels}))
    assert nodes(graph)["replay"]["outputs"] == [*ports.values(), "control", "decisions"]
    assert set(settings.topics) == {"/a/b", "/a_b"}
    assert "no messages" in made.settings.read_text()


def test_files_are_not_overwritten_without_force(drive: Path, tmp_path: Path):
    folder = tmp_path / "made"
    folder.mkdir()
    (folder / "graph.yml").write_text("mine")
    with pytest.raises(BadInputError, match=r"graph.yml exist already; nothing was written; use --force"):
        make_scaffold(drive, folder, memory_mib=256)
    assert (folder / "graph.yml").read_text() == "mine"
    assert not (folder / "settings.yml").exists()
    make(drive, folder, force=True)


def test_the_same_recording_gives_the_same_files(drive: Path, tmp_path: Path):
    first, _, _ = make(drive, tmp_path / "one")
    second, _, _ = make(drive, tmp_path / "two")
    assert first.settings.read_bytes() == second.settings.read_bytes()
    assert first.graph.read_bytes() == second.graph.read_bytes()


def test_a_recording_without_messages_is_refused(tmp_path: Path):
    with pytest.raises(BadInputError, match="holds no message that can be played; nothing was written"):
        make_scaffold(write_mcap(tmp_path / "a.mcap", []), tmp_path / "made", memory_mib=1)
    assert not (tmp_path / "made").exists()


def test_damage_is_reported_and_the_rest_is_scaffolded(drive: Path, tmp_path: Path):
    (file,) = drive.glob("*.mcap")
    torn = tmp_path / "torn.mcap"
    torn.write_bytes(file.read_bytes()[:-100_000])
    made, settings, _ = make(torn, tmp_path / "made")
    assert made.problems
    assert "/imu/data" in settings.topics


# --- the command ------------------------------------------------------------------------------------------

APP = typer.Typer()
APP.command("scaffold")(scaffold_command)


def run(*arguments: object) -> Any:
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


def test_command_says_what_it_made(drive: Path, tmp_path: Path):
    result = run(drive, "-o", tmp_path / "made", "--memory-mib", 64)
    assert result.exit_code == 0, result.output
    assert "4 topics, 1,021 messages" in result.stdout
    again = run(drive, "-o", tmp_path / "made")
    assert again.exit_code == 2
    assert "use --force" in again.stderr
    assert run(drive, "-o", tmp_path / "made", "--force").exit_code == 0


def test_command_prints_json(drive: Path, tmp_path: Path):
    result = run(drive, "-o", tmp_path / "made", "--json", "--memory-mib", 64)
    made = json.loads(result.stdout)
    assert [topic["topic"] for topic in made["topics"]] == ["/flag", "/gps/fix", "/imu/data", "/robot"]
    assert made["topics"][2]["rate_hz"] == 100.0
    assert made["problems"] == []
    assert Path(made["graph"]).exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(["nowhere.mcap"], "cannot be read"), (["DRIVE", "--memory-mib", "0"], "must be more than 0")],
)
def test_command_refuses_bad_input_with_exit_code_2(
    drive: Path, tmp_path: Path, arguments: list[str], sentence: str
):
    given = [drive if argument == "DRIVE" else argument for argument in arguments]
    result = run(*given, "-o", tmp_path / "made")
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr


# --- real recordings --------------------------------------------------------------------------------------

REAL = {
    "husky_gps_imu_odom.bag": {"/imu/data": Kind.IMU, "/fix": Kind.POSE},
    "ardrone_imu182hz_odom.bag": {"/ardrone/imu": Kind.IMU},
    "phidgets_imu248hz_mag.bag": {"/imu/mag": Kind.IMU},
    "derived/kitti_sfnd_lidar_cam_ros1.bag": {
        "/velodyne_points": Kind.LIDAR,
        "/image_02/compressed": Kind.CAMERA,
    },
    "derived/kitti0001_ros2_mcap": {"/lidar/points": Kind.LIDAR, "/camera/image_02/compressed": Kind.CAMERA},
    "derived/comma2k19_ros2_mcap": {"/can0/frames": Kind.CAN, "/gps/fix": Kind.POSE},
    "negative/v2_laser_scan_matcher_2011.bag": {"/scan": Kind.LIDAR},
}


@pytest.mark.shared
@pytest.mark.parametrize(("name", "kinds"), REAL.items(), ids=REAL.keys())
def test_real_recordings(tmp_path: Path, name: str, kinds: dict[str, Kind]):
    path = shared_log(name)
    made, settings, graph = make(path, tmp_path / "made", memory_mib=1024.0)
    assert {topic: settings.topics[topic].kind for topic in kinds} == kinds
    assert sum(topic.ring_bytes for topic in settings.topics.values()) * 1.25 <= 1024 * 2**20
    assert len(nodes(graph)["replay"]["outputs"]) == len(settings.topics) + 2
    assert bool(settings.position) == any("fix" in topic for topic in settings.topics)
    with open_recording(path) as recording:  # every signal can really be read
        channels = {channel.topic: channel for channel in recording.channels}
        for signal in settings.signals.values():
            decoder = FieldDecoder(channels[signal.topic], [signal.field])
            first = next(recording.messages(topics=[signal.topic]))
            assert decoder.decode(first.data)[0] is not None
    assert re.findall(r"queue_size: (\d+)", made.graph.read_text())
