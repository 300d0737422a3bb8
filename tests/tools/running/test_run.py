"""`winnow run`: what stops it before it starts, what it tells of damaged input, and how it is stopped."""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from mcap.reader import make_reader
from mcap.writer import Writer
from tests.fixtures.runs import (
    BIN,
    LONG_S,
    FinishedRun,
    descendants,
    end_family,
    half_written,
    left_in_shared_memory,
    scaffold,
    started,
    wait_until,
    winnow,
)
from typer.testing import CliRunner

from winnow_runtime.journal import JournalReader
from winnow_runtime.ledger import read_ledger
from winnow_tools.cli import app

pytestmark = [pytest.mark.graph, pytest.mark.timeout(900)]


def refused(*arguments: Any, code: int = 2) -> str:
    """What a run says that does not start."""
    result = CliRunner().invoke(app, ["run", *map(str, arguments)])
    assert isinstance(result.exception, SystemExit), result.exception
    assert (result.exit_code, result.stdout) == (code, ""), result.output
    assert "Traceback" not in result.stderr
    return result.stderr


def test_nothing_starts_with_what_cannot_be_played(ros2_run: FinishedRun, tmp_path: Path):
    text, empty = tmp_path / "notes.txt", tmp_path / "empty.mcap"
    text.write_text("no recording of anything " * 20)
    empty.write_bytes(b"")
    for recording in (tmp_path / "none.mcap", text, empty, tmp_path):
        said = refused(ros2_run.graph, "--recording", recording, "--out", tmp_path / "out")
        assert str(recording) in said
        assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_recording_that_has_moved_is_named_before_anything_starts(own_copy: FinishedRun, tmp_path: Path):
    folder = tmp_path / "made"
    shutil.copytree(own_copy.graph.parent, folder)
    graph = folder / "graph.yml"
    graph.write_text(graph.read_text().replace(str(own_copy.recording), "/moved/away.mcap"))
    assert refused(graph, "--out", tmp_path / "out").startswith("/moved/away.mcap cannot be read")


def test_a_folder_of_another_run_is_left_alone(own_copy: FinishedRun):
    before = sorted(path.stat().st_mtime_ns for path in own_copy.out.rglob("*"))
    said = refused(own_copy.graph, "--out", own_copy.out)
    assert said.startswith(f"{own_copy.out} holds the results of an earlier run; nothing was started.")
    assert sorted(path.stat().st_mtime_ns for path in own_copy.out.rglob("*")) == before


def test_places_that_cannot_be_written(ros2_run: FinishedRun, tmp_path: Path):
    (tmp_path / "file").write_text("mine")
    assert "is a file; nothing was started" in refused(ros2_run.graph, "--out", tmp_path / "file")
    assert "cannot be made" in refused(ros2_run.graph, "--out", tmp_path / "file" / "out", code=4)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(("speed", "part"), [("fast", "fast"), ("-1", "-1"), ("0", "0"), ("nan", "nan")])
def test_speeds_that_are_none(ros2_run: FinishedRun, tmp_path: Path, speed: str, part: str):
    said = refused(ros2_run.graph, "--speed", speed, "--out", tmp_path / "out")
    assert part in said
    assert not (tmp_path / "out").exists()


def test_a_graph_or_settings_with_errors_does_not_start(ros2_run: FinishedRun, tmp_path: Path):
    folder = tmp_path / "made"
    shutil.copytree(ros2_run.graph.parent, folder)
    settings = folder / "settings.yml"
    settings.write_text(
        settings.read_text().replace("memory_mib", "memory_mb").replace("kind: lidar", "kind: lidr")
    )
    said = refused(folder / "graph.yml", "--out", tmp_path / "out")
    assert said.endswith("Nothing was started. `winnow check` shows everything.\n")
    lines = said.splitlines()
    assert len(lines) == 3
    assert all("settings.yml:" in line and ": error: " in line for line in lines[:2])
    good = ros2_run.graph.with_name("settings.yml")
    assert (
        CliRunner().invoke(app, ["check", str(folder / "graph.yml"), "--settings", str(good)]).exit_code == 0
    )
    bad = refused(ros2_run.graph, "--settings", settings, "--out", tmp_path / "out")
    assert "memory_mb" in bad
    assert not (tmp_path / "out").exists()


def test_a_torn_recording_plays_as_far_as_it_goes(ros2_run: FinishedRun, tmp_path: Path):
    data = ros2_run.recording.read_bytes()
    torn = tmp_path / "torn.mcap"
    torn.write_bytes(data[: len(data) * 6 // 10])
    said = winnow(
        "run", ros2_run.graph, "--recording", torn, "--speed", "max", "--out", tmp_path / "out", "--json"
    )
    assert said.code == 0, said
    assert 0 < said.json["messages"] < ros2_run.summary["messages"]
    assert said.json["lost"] == 0
    assert said.json["notes"], "what is missing of the recording is said"
    verified = winnow("clips", "verify", tmp_path / "out", "--against", torn, "--json")
    assert (verified.code, verified.json["missing"]) == (0, 0)
    assert verified.json["unreadable"]


def with_a_strange_topic(recording: Path, target: Path) -> Path:
    """The recording with another topic, whose schema is in a language of its own."""
    with recording.open("rb") as source, target.open("wb") as file:
        writer = Writer(file)
        writer.start("", "tests")
        strange_schema = writer.register_schema("Strange", "klingon", b"nuqneH")
        strange = writer.register_channel("/strange", "klingon", strange_schema)
        ids: dict[int, int] = {}
        for number, (schema, channel, message) in enumerate(make_reader(source).iter_messages()):
            if channel.id not in ids:
                schema_id = writer.register_schema(schema.name, schema.encoding, schema.data)
                ids[channel.id] = writer.register_channel(
                    channel.topic, channel.message_encoding, schema_id, channel.metadata
                )
            writer.add_message(ids[channel.id], message.log_time, message.data, message.publish_time, number)
            if number % 50 == 0:
                writer.add_message(
                    strange, message.log_time, bytes([number % 256]) * 20, message.log_time, number
                )
        writer.finish()
    return target


def test_a_topic_that_cannot_be_decoded_is_kept_all_the_same(ros2_run: FinishedRun, tmp_path: Path):
    recording = with_a_strange_topic(ros2_run.recording, tmp_path / "strange.mcap")
    graph = scaffold(recording, tmp_path / "made")
    settings = graph.with_name("settings.yml")
    values = yaml.safe_load(settings.read_text())
    values["signals"]["mood"] = {"topic": "/strange", "field": "mood"}
    values["triggers"]["set"]["moody"] = {
        "when": "mood > 1",
        "priority": "P3",
        "pre_roll_s": 1,
        "post_roll_s": 1,
    }
    settings.write_text(yaml.safe_dump(values))
    said = winnow("run", graph, "--speed", "max", "--out", tmp_path / "out", "--json")
    assert said.code == 0, said
    assert said.json["topics"]["/strange"]["messages"] > 40
    assert any("/strange" in note for note in said.json["notes"]), said.json["notes"]
    verified = winnow("clips", "verify", tmp_path / "out", "--against", recording, "--json")
    assert (verified.code, verified.json["clips"]) == (0, 3)


def test_a_damaged_program_is_a_node_that_gave_up(ros2_run: FinishedRun, tmp_path: Path):
    """A graph whose node cannot start: exit code 5, its sentence, and nothing left behind."""
    folder = tmp_path / "made"
    shutil.copytree(ros2_run.graph.parent, folder)
    (folder / "broken.py").write_text("raise SystemExit('winnow: This node is broken; nothing was done.')\n")
    graph = folder / "graph.yml"
    graph.write_text(
        graph.read_text().replace(
            "path: winnow-classifier\n    restart_policy: on-failure",
            "path: broken.py\n    restart_policy: never",
        )
    )
    said = winnow("run", graph, "--speed", "max", "--out", tmp_path / "out", "--json")
    assert said.code == 5, said
    assert any("This node is broken; nothing was done." in problem for problem in said.json["problems"])
    assert left_in_shared_memory(tmp_path / "out") == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_cleanly(ros2_run: FinishedRun, tmp_path: Path, number: signal.Signals):
    out = tmp_path / "out"
    with started("winnow", "run", ros2_run.graph, "--speed", "1", "--out", out, "--json") as process:
        wait_until(lambda: list(JournalReader(out / "state/triggers/events").read()), "a trigger fires")
        family = descendants(process.pid)
        process.send_signal(number)
        text, errors = process.communicate(timeout=LONG_S)
    assert process.returncode == 0, (text, errors)
    said = json.loads(text)
    assert said["end"] == "stopped"
    assert said["messages"] < ros2_run.summary["messages"]
    assert sum(said["clips"].values()) >= 1
    assert not [pid for pid in family if Path(f"/proc/{pid}").exists() and _is_ours(pid)]
    assert half_written(out) == []
    assert left_in_shared_memory(out) == []
    verified = winnow("clips", "verify", out, "--json")
    assert verified.code == 0, verified
    assert ("stream", "stopped") in {(row["kind"], row["outcome"]) for row in read_ledger(out).to_pylist()}


def _is_ours(pid: int) -> bool:
    try:
        return b"winnow" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


@pytest.mark.storm
def test_stop_after_ends_a_run_and_continue_goes_on(ros2_run: FinishedRun, tmp_path: Path):
    out = tmp_path / "out"
    first = winnow("run", ros2_run.graph, "--speed", "1", "--stop-after", "0.5", "--out", out, "--json")
    assert first.code in (0, 5), first  # stopped while nodes started: some had nothing to say yet
    again = winnow("run", ros2_run.graph, "--speed", "max", "--continue", "--out", out, "--json")
    assert again.code == 0, again
    assert again.json["messages"] == ros2_run.summary["messages"]
    verified = winnow("clips", "verify", out, "--against", ros2_run.recording, "--json")
    assert (verified.code, verified.json["missing"], verified.json["extra"]) == (0, 0, 0), verified
    assert verified.json["clips"] >= 3  # what the first attempt cut stays beside them


FULL_DISK = """\
mount -t tmpfs -o size=600k none "$DISK" || exit 99
winnow run "$GRAPH" --speed max --out "$DISK/out" --json > "$SAID" &
running=$!
while [ "$(df --output=avail "$DISK" | tail -1)" -gt 0 ] && kill -0 $running; do sleep 0.1; done
df --output=avail "$DISK" | tail -1
mount -o remount,size=64m "$DISK"
wait $running
echo "ended $?"
winnow clips verify "$DISK/out" --against "$RECORDING"
"""


@pytest.mark.storm
def test_a_full_disk_is_waited_for_and_nothing_is_lost(ros2_run: FinishedRun, tmp_path: Path):
    """The results on a disk of 600 kB, in a mount namespace of its own; once it is full it grows."""
    unshare = shutil.which("unshare")
    if (
        unshare is None
        or subprocess.run([unshare, "-m", "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("no mount namespace can be made here (unshare -m)")
    (tmp_path / "disk").mkdir()
    values = {
        "DISK": tmp_path / "disk",
        "GRAPH": ros2_run.graph,
        "RECORDING": ros2_run.recording,
        "SAID": tmp_path / "said.json",
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    }
    env = {**os.environ, **{name: str(value) for name, value in values.items()}}
    process = subprocess.Popen(
        [unshare, "-m", "sh", "-c", FULL_DISK],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=env,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=LONG_S)
    finally:
        end_family(process.pid)
        process.wait()
    lines = said.splitlines()
    assert lines[0].strip() == "0", said
    assert "ended 0" in lines, said
    assert "3 clips: 0 missing, 0 extra, 0 changed; 2 latched from before their windows." in lines
    assert json.loads((tmp_path / "said.json").read_text())["lost"] == 0
