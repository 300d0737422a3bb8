"""Starting: nodes that hang before they connect, two runs at once, and dora's own up, start, stop, down."""

import json
import os
import shutil
import socket
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.fixtures.runs import (
    BIN,
    LONG_S,
    FinishedRun,
    end_family,
    half_written,
    left_in_shared_memory,
    program,
    started,
    wait_until,
    winnow,
)
from tests.graphs.comparing import clip_bytes, clip_files

from winnow_runtime.ledger import read_ledger
from winnow_schemas.sidecar import read_sidecar

pytestmark = [pytest.mark.graph, pytest.mark.xdist_group("graph"), pytest.mark.timeout(1200)]
REPOSITORY = Path(__file__).resolve().parents[2]

HANGS_ONCE = """\
#!/bin/sh
# The classifier, which hangs when it is started for the first time.
if mkdir '{mark}' 2>/dev/null; then
    exec tail -f /dev/null
fi
exec '{real}' "$@"
"""


def test_a_node_that_hangs_before_it_connects_is_started_again(ros2_run: FinishedRun, tmp_path: Path):
    script = tmp_path / "bin" / "winnow-classifier"
    script.parent.mkdir()
    script.write_text(HANGS_ONCE.format(mark=tmp_path / "hung", real=BIN / "winnow-classifier"))
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    graph = yaml.safe_load(ros2_run.graph.read_text())
    for node in graph["nodes"]:
        assert node["startup_timeout"] == 45.0
        if node["id"] == "classifier":
            node["path"] = str(script)
            node["startup_timeout"] = 5.0  # the test need not wait that long
    made = tmp_path / "graph.yml"
    made.write_text(yaml.safe_dump(graph))
    (tmp_path / "settings.yml").write_bytes(ros2_run.graph.with_name("settings.yml").read_bytes())
    (tmp_path / "types").symlink_to(ros2_run.graph.with_name("types"))
    said = winnow("run", made, "--speed", "max", "--out", tmp_path / "out", "--json")
    assert (tmp_path / "hung").is_dir()
    assert said.code == 0, said
    assert clip_bytes(tmp_path / "out") == clip_bytes(ros2_run.out)


def test_two_runs_at_once_do_not_touch_each_other(ros2_run: FinishedRun, tmp_path: Path):
    """The same graph twice: shared memory and the metrics port are each run's own, dora's ports too."""
    settings = tmp_path / "settings.yml"
    text = ros2_run.graph.with_name("settings.yml").read_text()
    settings.write_text(text.replace("port: 0", f"port: {_free_port()}"))  # one port for both
    common = ("run", ros2_run.graph, "--settings", settings, "--speed", "4", "--json", "--out")
    with (
        started("winnow", *common, tmp_path / "a") as one,
        started("winnow", *common, tmp_path / "b") as other,
    ):
        texts = [process.communicate(timeout=LONG_S) for process in (one, other)]
        codes = [one.returncode, other.returncode]
    assert codes == [0, 0], texts
    for name in ("a", "b"):
        assert clip_bytes(tmp_path / name) == clip_bytes(tmp_path / "a")
        kinds = {(row["kind"], row["outcome"]) for row in read_ledger(tmp_path / name).to_pylist()}
        assert ("stream", "ended") in kinds
        assert left_in_shared_memory(tmp_path / name) == []
        said = winnow("clips", "verify", tmp_path / name, "--against", ros2_run.recording, "--json")
        assert (said.code, said.json["clips"]) == (0, 3)
    notes = [note for out, _ in texts for note in json.loads(out)["notes"]]
    assert len(notes) == 1, "one of the two has the port, the other says that it has none"
    assert "there are no metrics, everything else goes on" in notes[0]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _dora(*arguments: Any, env: dict[str, str], cwd: Path, may_fail: bool = False) -> str:
    done = subprocess.run(
        [program("dora"), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=LONG_S,
        cwd=cwd,
        env={**os.environ, **env, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
    )
    assert may_fail or done.returncode == 0, (arguments, done.stdout, done.stderr)
    return done.stdout + done.stderr


SCRIPT = """\
name: stopped
duration_s: 600
scale: 0.02
route: {legs: [{to: bay_1}, {to: stand_2}]}
incidents: [{kind: flag_button, at_s: 1}]
"""


def test_dora_up_start_stop_down_leaves_everything_closed(tmp_path: Path):
    """As a vehicle does it: dora's own commands, stopped in the middle of open windows."""
    out, settings = tmp_path / "out", tmp_path / "settings.yml"
    text = (REPOSITORY / "dataflows/settings/demo.yml").read_text()
    settings.write_text(f"{text}\n".replace("create_bucket: true", "create_bucket: true\n  enabled: false"))
    (tmp_path / "script.yml").write_text(SCRIPT)
    env = {
        "DORA_COORDINATOR_PORT": str(_free_port()),
        "DORA_DAEMON_LOCAL_LISTEN_PORT": str(_free_port()),
        "HOME": str(tmp_path),  # where dora keeps its coordinator's store
    }
    values = {"WINNOW_SETTINGS": settings, "WINNOW_OUT": out, "WINNOW_SCRIPT": tmp_path / "script.yml"}
    options = [word for name, value in values.items() for word in ("--env", f"{name}={value}")]
    before = _dora_processes()
    try:
        _dora("up", env=env, cwd=tmp_path)
        graph = shutil.copytree(REPOSITORY / "dataflows", tmp_path / "dataflows") / "vehicle.yml"
        _dora("start", graph, "--detach", "--name", "vehicle", *options, env=env, cwd=tmp_path)
        fired = wait_until(lambda: _journal(out, "triggers/events"), "a trigger fires")
        _dora("stop", "vehicle", "--grace-duration", "120s", env=env, cwd=tmp_path)
        wait_until((out / "ledger.parquet").exists, "the ledger is compacted")
        _dora("down", env=env, cwd=tmp_path, may_fail=True)  # now and then it leaves before it is answered
        wait_until(lambda: not _dora_processes() - before, "coordinator and daemon are gone")
    finally:
        for pid in _dora_processes() - before:
            end_family(pid)
    assert half_written(out) == []
    assert left_in_shared_memory(out) == []
    assert clip_files(out), fired
    rows = read_ledger(out).to_pylist()
    assert ("stream", "ring") in {(row["kind"], row["subject"]) for row in rows}
    for clip in clip_files(out):
        sidecar = read_sidecar(clip.with_suffix(".json"))
        mine = {row["kind"] for row in rows if row["subject"] in (sidecar.clip_id, sidecar.name)}
        assert {"clip", "classification", "redaction", "upload"} <= mine, (clip, mine)
    truncated = [read_sidecar(clip.with_suffix(".json")).truncated for clip in clip_files(out)]
    assert any(truncated), "the flag's window reaches beyond the stop"
    said = winnow("clips", "verify", out, "--json")
    assert said.code == 0, said
    assert said.json["clips"] == len(truncated)


def _journal(out: Path, name: str) -> list[dict[str, Any]]:
    from winnow_runtime.journal import JournalReader

    return [line.record for line in JournalReader(out / "state" / name).read()]


def _dora_processes() -> set[int]:
    """Coordinators and daemons of the environment that the tests run in."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if any(word in (b"coordinator", b"daemon") for word in words[1:4]) and str(BIN).encode() in b" ".join(
            words
        ):
            found.add(int(path.parent.name))
    return found
