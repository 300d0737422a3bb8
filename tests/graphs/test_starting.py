"""Starting: nodes that hang before they connect, two runs at once, and dora's own up, start, stop, down."""

import json
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.fixtures.coordinator import coordinator, free_port
from tests.fixtures.runs import (
    BIN,
    LONG_S,
    FinishedRun,
    half_written,
    left_in_shared_memory,
    started,
    wait_until,
    winnow,
)
from tests.graphs.comparing import clip_bytes, clip_files

from winnow_runtime.ledger import read_ledger
from winnow_schemas.sidecar import read_sidecar

pytestmark = [pytest.mark.graph, pytest.mark.timeout(1200)]
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
    settings.write_text(text.replace("port: 0", f"port: {free_port()}"))  # one port for both
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
    env = {"WINNOW_SETTINGS": settings, "WINNOW_OUT": out, "WINNOW_SCRIPT": tmp_path / "script.yml"}
    with coordinator(tmp_path) as dora:
        graph = shutil.copytree(REPOSITORY / "dataflows", tmp_path / "dataflows") / "vehicle.yml"
        dora.start(graph, "vehicle", env)
        fired = wait_until(lambda: _journal(out, "triggers/events"), "a trigger fires")
        dora.dora("stop", "vehicle", "--grace-duration", "120s")
        wait_until((out / "ledger.parquet").exists, "the ledger is compacted")
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
