"""`winnow check`: each rule with a graph that keeps to it and one that does not."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.recording_makers import Sent, write_mcap
from tests.small_drives import write_ros2_drive
from typer.testing import CliRunner

from winnow_tools.cli import app
from winnow_tools.scaffold import make_scaffold

Graph = dict[str, Any]
Settings = dict[str, Any]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scaffold that passes every check."""
    folder = tmp_path_factory.mktemp("made")
    make_scaffold(write_ros2_drive(folder / "drive", 5), folder / "s", memory_mib=48)
    return folder / "s"


@pytest.fixture
def own(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "own"
    shutil.copytree(made, folder)
    monkeypatch.chdir(folder)
    return folder


def change(
    folder: Path,
    graph: Callable[[Graph], Any] = lambda _: 0,
    settings: Callable[[Settings], Any] = lambda _: 0,
) -> None:
    for name, edit in (("graph.yml", graph), ("settings.yml", settings)):
        value = yaml.safe_load((folder / name).read_text())
        edit(value)
        (folder / name).write_text(yaml.safe_dump(value, sort_keys=False, width=1000))


def node(graph: Graph, name: str) -> dict[str, Any]:
    return next(node for node in graph["nodes"] if node["id"] == name)


def check(*options: str) -> tuple[int, list[str]]:
    """Exit code and lines."""
    result = CliRunner().invoke(app, ["check", "graph.yml", *options])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout.splitlines() + result.stderr.splitlines()


def errors(*options: str) -> list[dict[str, Any]]:
    result = CliRunner().invoke(app, ["check", "graph.yml", "--json", *options])
    said = json.loads(result.stdout)
    found = [finding for finding in said["findings"] if finding["severity"] == "error"]
    assert said["errors"] == len(found)
    assert result.exit_code == (2 if found else 0)
    return found


def test_a_scaffold_passes(own: Path):
    code, lines = check()
    assert code == 0, lines
    assert len(lines) == 1
    assert lines[0].startswith("graph.yml: nothing found; rings ")
    assert errors() == []


def test_rings_are_listed_with_their_seconds(own: Path):
    code, lines = check("--rings")
    assert code == 0
    assert any("/lidar/points" in line for line in lines)


def unknown_source(graph: Graph) -> None:
    node(graph, "classifier")["inputs"]["clips"]["source"] = "extractors/clips"


def unknown_output(graph: Graph) -> None:
    node(graph, "classifier")["inputs"]["clips"]["source"] = "extractor/clipz"


def twice(graph: Graph) -> None:
    graph["nodes"].append(dict(node(graph, "retention")))


def lossy(graph: Graph) -> None:
    del node(graph, "ring")["inputs"]["imu_data"]["queue_policy"]


def lossy_control(graph: Graph) -> None:
    node(graph, "ring")["inputs"]["control"] = "replay/control"


def wrong_type(graph: Graph) -> None:
    node(graph, "classifier")["input_types"]["clips"] = "winnow/triage/v1/Verdict"


def no_such_type(graph: Graph) -> None:
    node(graph, "extractor")["output_types"]["clips"] = "winnow/triage/v1/Clips"


def no_such_program(graph: Graph) -> None:
    node(graph, "extractor")["path"] = "winnow-extracter"


@pytest.mark.parametrize(
    ("edit", "part", "line_has"),
    [
        (unknown_source, "there is no node 'extractors'", "clips:"),
        (unknown_output, "clipz", "clips:"),
        (twice, "retention", "retention"),
        (
            lossy,
            "ring/imu_data takes replay/imu_data over an edge that may drop messages; add queue_policy: backpressure",
            "imu_data",
        ),
        (lossy_control, "ring/control takes replay/control over an edge that may drop messages", "control"),
        (
            wrong_type,
            "wants winnow/triage/v1/Verdict, extractor/clips gives winnow/triage/v1/ClipReady",
            "clips",
        ),
        (no_such_type, "there is no type winnow/triage/v1/Clips", "clips"),
        (no_such_program, "the program winnow-extracter is not installed here", "extractor"),
    ],
)
def test_wiring_types_and_programs(own: Path, edit: Callable[[Graph], None], part: str, line_has: str):
    change(own, edit)
    found = errors()
    named = [finding for finding in found if part in finding["message"]]
    assert named, found
    assert named[0]["file"] == "graph.yml"
    lines = (own / "graph.yml").read_text().splitlines()
    assert line_has in lines[named[0]["line"] - 1]
    code, printed = check()
    assert code == 2
    line = f"graph.yml:{named[0]['line']}:{named[0]['column']}: error: {named[0]['message']}"
    assert line in printed


def test_a_journaled_edge_that_may_drop_is_a_warning(own: Path):
    change(own, lambda graph: node(graph, "classifier")["inputs"]["clips"].pop("queue_policy"))
    code, lines = check()
    assert code == 0
    assert any("warning: classifier/clips: what this edge drops arrives late" in line for line in lines)


def test_dora_has_the_last_word_on_types(own: Path):
    """A type of dora's own that is not there: only `dora validate --strict-types` knows."""

    def foreign(graph: Graph) -> None:
        node(graph, "retention")["outputs"].append("extra")
        node(graph, "retention")["output_types"]["extra"] = "std/core/v9/Nothing"

    change(own, foreign)
    found = errors()
    assert any("std/core/v9/Nothing" in finding["message"] for finding in found), found


def test_settings_say_all_errors_at_once_with_their_lines(own: Path):
    text = (own / "settings.yml").read_text().replace("memory_mib", "memory_mb")
    text = text.replace("limit_gb: 20 ", "limit_gb: many").replace("kind: lidar", "kind: lidir")
    (own / "settings.yml").write_text(text)
    found = errors()
    assert len(found) >= 3, found
    lines = text.splitlines()
    by_word = {
        word: finding
        for word in ("memory_mb", "limit_gb", "lidir")
        for finding in found
        if finding["line"] and word in lines[finding["line"] - 1]
    }
    assert set(by_word) == {"memory_mb", "limit_gb", "lidir"}, found
    assert all(finding["file"] == "settings.yml" for finding in found)
    assert "memory_mib" in by_word["memory_mb"]["message"]
    assert "'lidar'" in by_word["lidir"]["message"]


def test_triggers_say_all_errors_at_once_with_their_lines(own: Path):
    text = (own / "settings.yml").read_text()
    text = text.replace("priority: P5", "priority: P7").replace("pre_roll_s: 3", "pre_role_s: 3")
    (own / "settings.yml").write_text(text)
    found = errors()
    lines = text.splitlines()
    assert {lines[finding["line"] - 1].strip() for finding in found} == {
        "priority: P7",
        "pre_role_s: 3",
        "time_sample:",  # which lacks pre_roll_s
    }


def test_unknown_signals_and_bad_conditions_have_lines(own: Path):
    def broken(settings: Settings) -> None:
        settings["triggers"]["set"]["too_hot"] = {
            "when": "temprature > 20",
            "priority": "P3",
            "pre_roll_s": 1,
            "post_roll_s": 1,
        }
        settings["triggers"]["set"]["torn"] = {
            "when": "data >",
            "priority": "P3",
            "pre_roll_s": 1,
            "post_roll_s": 1,
        }

    change(own, settings=broken)
    found = errors()
    lines = (own / "settings.yml").read_text().splitlines()
    assert len(found) == 2, found
    assert "temprature" in found[0]["message"]
    assert "temprature" in lines[found[0]["line"] - 1]
    assert "data >" in lines[found[1]["line"] - 1]


def test_a_window_longer_than_clips_may_be_is_an_error(own: Path):
    change(own, settings=lambda settings: settings.update(clips={"max_length_s": 4}))
    assert any("a trigger wants a window of 6 s; raise it" in finding["message"] for finding in errors())


def test_rings_must_fit_their_memory(own: Path):
    change(own, settings=lambda settings: settings["ring"].update(memory_mib=8))
    found = errors()
    assert len(found) == 1
    assert "ring.memory_mib allows 8; lower some ring_mib or raise it" in found[0]["message"]
    lines = (own / "settings.yml").read_text().splitlines()
    assert "memory_mib: 8" in lines[found[0]["line"] - 1]


def test_rings_must_fit_the_machine(own: Path):
    def huge(settings: Settings) -> None:
        settings["ring"]["memory_mib"] = 100_000_000
        settings["topics"]["/lidar/points"]["ring_mib"] = 262_000

    change(own, settings=huge)
    assert any("MiB free" in finding["message"] for finding in errors()), errors()


def test_a_missing_shared_memory_folder_is_an_error(own: Path):
    change(own, settings=lambda settings: settings["ring"].update(shm_dir="/nowhere/shm"))
    assert any("/nowhere/shm cannot be used" in finding["message"] for finding in errors())


def test_topics_that_do_not_come_are_warnings(own: Path):
    change(
        own,
        settings=lambda settings: settings["topics"].update({"/radar": {"kind": "status", "ring_mib": 1}}),
    )
    code, lines = check()
    assert code == 0
    assert any(
        "topics./radar: the ring has no input radar; its messages will not come" in line for line in lines
    )


def test_missing_settings_and_other_settings(own: Path):
    good = own / "other.yml"
    (own / "settings.yml").rename(good)
    found = errors()
    assert len(found) == 1
    assert "settings.yml" in found[0]["message"]
    assert errors("--settings", str(good)) == []


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("nodes: [", "not valid YAML"),
        ("nodes: 3", "nodes"),
        ("[1, 2]", "graph"),
        ("nodes:\n- {id: a, path: x, inputs: {i: b/c}}\n", "there is no node 'b'"),
        ("nodes:\n- id: a\n  module: none.yml\n", "none.yml"),
    ],
)
def test_what_is_no_graph_is_said_in_lines(own: Path, text: str, part: str):
    (own / "graph.yml").write_text(text)
    code, lines = check()
    assert code == 2
    assert any(part in line for line in lines), lines
    assert not any("Traceback" in line for line in lines)


def test_a_missing_graph_is_one_sentence():
    result = CliRunner().invoke(app, ["check", "nowhere.yml"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "nowhere.yml does not exist; nothing was checked.\n"


# --- cameras ------------------------------------------------------------------------------------------------


@pytest.fixture
def camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A scaffold of a recording with a camera."""
    sent = [
        Sent("/camera/front/image_raw", 1_700_000_000_000_000_000 + n * 10**8, b"x" * 100) for n in range(20)
    ]
    make_scaffold(write_mcap(tmp_path / "drive.mcap", sent), tmp_path / "own", memory_mib=48)
    monkeypatch.chdir(tmp_path / "own")
    change(
        tmp_path / "own",
        settings=lambda settings: settings["topics"]["/camera/front/image_raw"].update(kind="camera"),
    )
    return tmp_path / "own"


def around(graph: Graph) -> None:
    """The uploader reads what the classifier says, past the redactor."""
    node(graph, "uploader")["inputs"]["outgoing"]["source"] = "classifier/verdicts"
    node(graph, "uploader")["input_types"]["outgoing"] = "winnow/triage/v1/Verdict"


def renamed(graph: Graph) -> None:
    """Names say nothing: the node called `redactor` runs something else."""
    node(graph, "redactor")["path"] = "winnow-classifier"


def second_uploader(graph: Graph) -> None:
    other = json.loads(json.dumps(node(graph, "uploader")))
    other["id"] = "sender"
    other["inputs"] = {"outgoing": {"source": "extractor/clips", "queue_policy": "backpressure"}}
    other["input_types"] = {"outgoing": "winnow/triage/v1/ClipReady"}
    graph["nodes"].append(other)


def two_hops(graph: Graph) -> None:
    """A node of the user's takes pictures from the source and hands them on, without types."""
    graph["nodes"] += [
        {
            "id": "shrink",
            "path": "python3",
            "inputs": {"camera_front_image_raw": "replay/camera_front_image_raw"},
            "outputs": ["small"],
        },
        {"id": "pack", "path": "python3", "inputs": {"small": "shrink/small"}, "outputs": ["packed"]},
    ]
    node(graph, "uploader")["inputs"]["more"] = {"source": "pack/packed", "queue_policy": "backpressure"}


@pytest.mark.parametrize(
    ("edit", "who", "way"),
    [
        (around, "uploader", "classifier -> uploader"),
        (renamed, "uploader", "redactor -> uploader"),
        (second_uploader, "sender", "extractor -> sender"),
        (two_hops, "uploader", "shrink -> pack -> uploader"),
    ],
)
def test_cameras_do_not_reach_an_uploader_past_the_redactor(
    camera: Path, edit: Callable[[Graph], None], who: str, way: str
):
    assert errors() == []
    change(camera, edit)
    found = [finding for finding in errors() if "without a redactor" in finding["message"]]
    assert len(found) == 1
    assert f"camera data can reach {who} without a redactor (" in found[0]["message"]
    assert way in found[0]["message"]
    assert found[0]["file"] == "graph.yml"


def test_a_module_hides_nothing(camera: Path):
    (camera / "away.module.yml").write_text(
        "module:\n  name: away\n  inputs: [clips]\nnodes:\n"
        "- id: send\n  path: winnow-uploader\n  inputs:\n"
        "    outgoing: {source: _mod/clips, queue_policy: backpressure}\n  outputs: [receipts, health, decisions]\n"
    )

    def use(graph: Graph) -> None:
        graph["nodes"].append(
            {"id": "away", "module": "away.module.yml", "inputs": {"clips": "extractor/clips"}}
        )

    change(camera, use)
    found = [finding for finding in errors() if "without a redactor" in finding["message"]]
    assert len(found) == 1, errors()
    assert "away" in found[0]["message"]


def test_without_a_camera_the_way_is_free(own: Path):
    change(own, around)
    assert [finding for finding in errors() if "redactor" in finding["message"]] == []
