"""`winnow triggers`: in words, and over a recording."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.page_checks import check_page
from tests.small_drives import T0, write_json_drive
from tests.tools.campaign.test_command import SETTINGS, winnow

from winnow_runtime.ledger import LedgerWriter
from winnow_schemas.library import library_triggers
from winnow_schemas.messages import Decision


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_json_drive(tmp_path_factory.mktemp("drive") / "drive.mcap")


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "settings.yml"
    path.write_text(yaml.safe_dump(SETTINGS))
    return path


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    path = tmp_path / "campaign.json"
    document = {
        "version": "1",
        "updates": {"far": {"threshold": 4.0, "cooldown_sec": 30}},
        "coverage_requests": [{"condition": "estop", "trigger": "far", "boost_priority": -1}],
    }
    path.write_text(json.dumps(document))
    return path


def test_the_standard_suite_runs_the_whole_library() -> None:
    said = json.loads(winnow("triggers", "list", "--json"))
    assert set(said["running"]) == set(library_triggers())
    assert said["not_running"] == {}
    assert said["running"]["deadlock"]["inputs"] == ["at_planned_stop", "speed"]
    assert said["running"]["distance_sample"]["inputs"] == ["latitude", "longitude", "x", "y"]


def test_what_does_not_run_says_why(tmp_path: Path) -> None:
    path = tmp_path / "settings.yml"
    path.write_text("signals:\n  estop: {topic: /e, field: data, type: bool}\n")
    text = winnow("triggers", "list", "-s", path)
    assert "ood_spike does not run: it needs the signal 'ood_score', not mapped under 'signals'." in text
    assert "detection_matching" in winnow("triggers", "list", "--detectors")
    assert "weather_class" in json.loads(winnow("triggers", "list", "--detectors", "--json"))


def test_explanations_are_sentences(settings: Path, campaign: Path) -> None:
    text = winnow("triggers", "explain", "far", "-s", settings, "-c", campaign)
    assert "It fires when this becomes true: range is above threshold (4)." in text
    assert "While this is true, 1 level more urgent: estop." in text
    assert "did you mean" not in text
    assert "There is no trigger 'near'" in winnow("triggers", "explain", "near", "-s", settings, code=2)


def row(t_ns: int, subject: str, outcome: str) -> Decision:
    return Decision(
        decision_id=f"{t_ns}{subject}{outcome}", run_id="r", wall_ns=0, t_ns=t_ns, node="triggers", kind="trigger",
        subject=subject, outcome=outcome, reason="", values="{}",
    )  # fmt: skip


def test_a_ledger_tells_when_they_last_fired(settings: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    LedgerWriter(out).append(
        [
            row(T0, "far", "fired"),
            row(T0 + 10**9, "far", "cooling_down"),
            row(T0 + 2 * 10**9, "far", "unknown"),
        ]
    )
    said = json.loads(winnow("triggers", "list", "-s", settings, "--out", out, "--json"))["running"]
    assert (said["far"]["last_fired_ns"], said["far"]["last_possible_ns"]) == (T0, T0 + 10**9)
    assert (said["stop"]["last_fired_ns"], said["stop"]["last_possible_ns"]) == (None, None)
    text = winnow("triggers", "explain", "far", "-s", settings, "--out", out)
    assert (
        "In this run it last fired at 2026-04-11 09:33:20.000, and last could have at 2026-04-11 09:33:21.000."
        in text
    )
    assert "its condition was never true" in winnow(
        "triggers", "explain", "stop", "-s", settings, "--out", out
    )
    assert "no ledger" in winnow("triggers", "list", "-s", settings, "--out", tmp_path / "none", code=2)


def tried(
    drive: Path, settings: Path, tmp_path: Path, *more: Any, name: str = "far"
) -> tuple[dict[str, Any], str]:
    target = tmp_path / "page.html"
    said = json.loads(winnow("triggers", "test", name, drive, "-s", settings, "-o", target, "--json", *more))
    return said, target.read_text("utf-8")


def test_a_recording_shows_when_it_fires(drive: Path, settings: Path, tmp_path: Path, campaign: Path) -> None:
    said, text = tried(drive, settings, tmp_path)
    # 3 + 2 cos(t) is above 4.9 around every multiple of 2 pi, and at the start.
    times = [(event["t_ns"] - T0) / 1e9 for event in said["events"]]
    assert times == pytest.approx([0.0, 6.0, 12.3, 18.6], abs=0.15)
    assert all(event["threshold"] == 4.9 and event["value"] > 4.9 for event in said["events"])
    page = check_page(text)
    assert sum(attributes.get("class") == "fired" for _, attributes in page.elements) == 4
    assert "range > threshold" in [words.strip() for words in page.texts]
    assert sum(" against 4.9 (range > threshold)." in words for words in page.texts) == 4
    cooled, text = tried(drive, settings, tmp_path, "-c", campaign)
    assert len(cooled["events"]) == 1
    assert {each["verdict"] for each in cooled["decisions"]} == {"cooling_down"}
    assert (cooled["last_possible_ns"] - T0) / 1e9 == pytest.approx(19.85, abs=0.1), (
        "3 + 2 cos(t) was above 4"
    )
    assert cooled["decisions"][-1]["t_ns"] > cooled["last_possible_ns"], (
        "what is summed up at the end is no event"
    )
    check_page(text)


def test_yes_and_no_and_silence_are_drawn(drive: Path, settings: Path, tmp_path: Path) -> None:
    said, text = tried(drive, settings, tmp_path, name="stop")
    assert [(event["t_ns"] - T0) // 10**9 for event in said["events"]] == [12]
    page = check_page(text)
    kinds = {attributes.get("class") for _, attributes in page.elements}
    assert {"step yes", "step no"} <= kinds


def test_a_recording_without_its_topics_is_refused(drive: Path, tmp_path: Path) -> None:
    said = winnow("triggers", "test", "estop", drive, "-o", tmp_path / "p.html", code=2)
    assert "none of the topics" in said
    assert not (tmp_path / "p.html").exists()


def test_outside_text_stays_text(drive: Path, tmp_path: Path) -> None:
    values = json.loads(json.dumps(SETTINGS))
    values["triggers"]["set"]["far"]["description"] = "<script>alert(1)</script>"
    path = tmp_path / "settings.yml"
    path.write_text(yaml.safe_dump(values))
    _, text = tried(drive, path, tmp_path)
    check_page(text)
    assert "<script>alert" not in text


@pytest.mark.browser
@pytest.mark.parametrize("phone", [False, True])
def test_the_page_in_a_browser(page: Any, drive: Path, settings: Path, tmp_path: Path, phone: bool) -> None:
    _, text = tried(drive, settings, tmp_path)
    width = 390 if phone else 1280
    browser = page(text, width=width, height=844, phone=phone)
    assert browser.run("document.documentElement.scrollWidth") == width
    assert browser.run("document.querySelectorAll('.event circle').length") == 4
    box = "document.querySelector('.event circle').getBoundingClientRect()"
    x, y = browser.run(f"(() => {{ const b = {box}; return [b.left + 4, b.top + 4]; }})()")
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    assert "far fired, P3" in browser.run("document.getElementById('tip').innerText")


def test_without_settings_it_says_whose_triggers_these_are(settings: Path) -> None:
    for command in (["list"], ["explain", "estop"]):
        assert "--settings FILE says it of a device" in winnow("triggers", *command)
    assert "--settings" not in winnow("triggers", "explain", "far", "-s", settings)
