"""Campaigns under the real dora: a file while a replay runs, the command line, and a replay twice."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.fixtures.coordinator import coordinator
from tests.fixtures.runs import Said, left_in_shared_memory, scaffold, started, wait_until, winnow
from tests.small_drives import samples, write_json_drive

from winnow_runtime.journal import JournalReader
from winnow_runtime.ledger import read_ledger

pytestmark = [pytest.mark.graph, pytest.mark.timeout(600)]
MESSAGES = len(samples(22))
TRIGGERS = {
    "far": {"when": "range > threshold", "params": {"threshold": 100.0}, "priority": "P3"},
    "stop": {"when": "estop_data", "priority": "P0"},
}
CAMPAIGN = {
    "version": "2026.04.11.001",
    "expires": "2999-01-01T00:00:00Z",
    "updates": {"far": {"threshold": 4.0, "cooldown_sec": 0}},
    "coverage_requests": [
        {"condition": "temperature_data > 20.1", "trigger": "far", "boost_priority": -1},
        {"condition": "mode_data == auto", "trigger": "time_sample", "reduce_cooldown": 0.5},
    ],
}


def made(folder: Path) -> Path:
    """A graph whose triggers look at a campaign beside the settings."""
    graph = scaffold(write_json_drive(folder / "drive.mcap"), folder / "made")
    path = folder / "made" / "settings.yml"
    settings = yaml.safe_load(path.read_text())
    rolls = {"pre_roll_s": 1, "post_roll_s": 1}
    settings["triggers"]["set"] |= {name: {**each, **rolls} for name, each in TRIGGERS.items()}
    settings["campaign"] = {"file": "campaign.json", "poll_s": 0.05}
    path.write_text(yaml.safe_dump(settings))
    return graph


def rows(out: Path, kind: str = "campaign") -> list[dict[str, Any]]:
    lines = JournalReader(out / "state" / "triggers" / "decisions").read()
    return [line.record for line in lines if line.record["kind"] == kind]


def events(out: Path) -> list[tuple[str, int, int]]:
    lines = JournalReader(out / "state" / "triggers" / "events").read()
    return [(line.record["type"], line.record["t_ns"], line.record["priority"]) for line in lines]


def test_a_campaign_comes_by_file_and_goes_back_by_command(tmp_path: Path) -> None:
    graph, out = made(tmp_path), tmp_path / "out"
    with started("winnow", "run", graph, "--speed", 2, "--out", out, "--json") as run:
        wait_until(lambda: events(out), "the first event")
        (graph.parent / "campaign.json").write_text(json.dumps(CAMPAIGN))
        wait_until(lambda: rows(out), "a row about the campaign")
        wait_until(
            lambda: any(kind == "far" for kind, _, _ in events(out)), "an event that only the campaign makes"
        )
        back = winnow("campaign", "rollback", "--out", out, "--json")
        output, errors = run.communicate(timeout=300)
    said = Said(run.returncode, output, errors)
    assert back.code == 0, back
    assert back.json["outcome"] == "rolled back"
    assert said.code == 0, said
    assert (said.json["messages"], said.json["lost"], said.json["problems"]) == (MESSAGES, 0, [])
    ledger = [row for row in read_ledger(out).to_pylist() if row["kind"] == "campaign"]
    assert sorted(row["outcome"] for row in ledger) == ["applied", "rolled back"]
    fired = events(out)
    assert sum(kind == "stop" for kind, _, _ in fired) == 1, "P0 all the same"
    ended_ns = max(row["t_ns"] for row in ledger)
    assert all(t_ns <= ended_ns + 1_000_000_000 for kind, t_ns, _ in fired if kind == "far")


def refusals(out: Path) -> set[str]:
    return {json.loads(row["values"]).get("refusal", "") for row in rows(out) if row["outcome"] == "refused"}


def test_parameters_of_a_running_graph_are_set_with_doras_own_command(tmp_path: Path) -> None:
    """Applied, refused with the reason, rolled back: each by `dora param set` on a coordinator, while data flows."""
    graph, out = made(tmp_path), tmp_path / "out"
    weakens = {"version": "2026.04.11.002", "updates": {"stop": {"enabled": False}}}
    with coordinator(tmp_path) as dora:

        def set_parameter(key: str, value: Any) -> None:
            dora.dora("param", "set", "--dataflow", "drive", "triggers", key, json.dumps(value))

        dora.start(graph, "drive", {"WINNOW_OUT": out, "WINNOW_SPEED": 0.2})
        wait_until((out / "state" / "triggers").exists, "the triggers node runs")
        set_parameter("far.threshold", 4)
        wait_until(lambda: rows(out, "parameter"), "a row about the threshold")
        wait_until(lambda: any(kind == "far" for kind, _, _ in events(out)), "an event that only it makes")
        set_parameter("far.treshold", 4)
        set_parameter("far.threshold", "four")
        wait_until(lambda: len(rows(out, "parameter")) == 3, "both are refused")
        set_parameter("campaign", CAMPAIGN)
        wait_until(lambda: rows(out), "a row about the campaign")
        set_parameter("campaign", json.dumps({**CAMPAIGN, "name": "another"}))
        set_parameter("campaign", weakens)
        set_parameter("campaign", 7)
        wait_until(lambda: len(rows(out)) == 4, "three are refused")
        set_parameter("campaign.rollback", value=True)
        wait_until(lambda: len(rows(out)) == 5, "it was rolled back")
        dora.dora("stop", "drive", "--grace-duration", "120s")
        wait_until((out / "ledger.parquet").exists, "the ledger is compacted")
    ledger = read_ledger(out).to_pylist()
    said = [(row["outcome"], row["reason"]) for row in ledger if row["kind"] == "parameter"]
    assert [outcome for outcome, _ in said] == ["set", "refused", "refused"]
    assert said[0][1] == "far.threshold was 100.0 and is 4 now."
    refused = {reason.split()[0]: reason for _, reason in said[1:]}  # of one time, in either order
    assert "cannot become 'four'; nothing has changed" in refused["far.threshold"]
    assert "no parameter 'far.treshold'" in refused["There"]
    campaigns = sorted(
        row["outcome"] for row in ledger if row["kind"] == "campaign"
    )  # some are of one moment
    assert campaigns == ["applied", "refused", "refused", "refused", "rolled back"]
    assert refusals(out) == {"replayed", "weakens_p0", "malformed"}
    assert left_in_shared_memory(out) == []


@pytest.mark.storm
def test_a_replay_with_a_campaign_decides_the_same_twice(tmp_path: Path) -> None:
    graph = made(tmp_path)
    (graph.parent / "campaign.json").write_text(json.dumps(CAMPAIGN))
    seen = []
    for name in ("one", "two"):
        said = winnow("run", graph, "--speed", "max", "--out", tmp_path / name, "--json")
        assert said.code == 0, said
        fired = events(tmp_path / name)
        assert {priority for kind, _, priority in fired if kind == "far"} == {2, 3}
        decided = rows(tmp_path / name, "trigger") + rows(tmp_path / name)
        seen.append((fired, [(row["decision_id"], row["t_ns"], row["reason"]) for row in decided]))
    assert seen[0] == seen[1]
    assert [row["outcome"] for row in rows(tmp_path / "one")] == ["applied"]
