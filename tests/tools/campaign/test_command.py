"""`winnow campaign`: from a new document to a signed one, and what is said about it."""

import base64
import json
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.schemas.campaign.example import EXAMPLE
from tests.small_drives import write_json_drive
from typer.testing import CliRunner

from winnow_runtime.campaign.signing import verify
from winnow_schemas.campaign import CampaignRefusedError, read_campaign_file
from winnow_tools.cli import app


def winnow(*arguments: Any, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def key(tmp_path: Path) -> tuple[Path, str]:
    """A private key's file and its public key."""
    said = winnow("campaign", "key", "fleet", "--out", tmp_path)
    return tmp_path / "fleet.pem", yaml.safe_load(said)["campaign"]["keys"]["fleet"]


def test_a_new_campaign_is_valid_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "fog.yml"
    winnow("campaign", "new", path, "--days", 7)
    campaign = read_campaign_file(path).campaign
    assert campaign.name == "fog"
    assert campaign.expires_ns is not None
    assert campaign.not_before_ns is None
    assert "Nothing changes." in winnow("campaign", "check", path)
    assert "exists" in winnow("campaign", "new", path, code=2)
    assert "no version" in winnow("campaign", "new", tmp_path / "b.yml", "--version", "1.x", code=2)
    assert not (tmp_path / "b.yml").exists()


def test_every_commented_line_of_the_new_one_is_valid_too(tmp_path: Path) -> None:
    path = tmp_path / "all.yml"
    winnow("campaign", "new", path)
    lines = []
    for line in path.read_text().splitlines():
        if line.startswith(("# vehicles", "# airports", "# canary", "# forecast")):
            lines.append(line.removeprefix("# "))
        elif line.startswith("#  "):
            lines.append(line[1:])
        else:
            lines.append(line.replace(": {}", ":").replace(": []", ":"))
    path.write_text("\n".join(lines) + "\n")
    campaign = read_campaign_file(path).campaign
    assert (len(campaign.updates), len(campaign.coverage_requests), len(campaign.saturation_signals)) == (
        1,
        2,
        1,
    )
    assert campaign.canary
    assert campaign.forecast
    assert "time_sample: interval 1800 -> 3600" in winnow("campaign", "check", path)


def test_a_private_key_is_private_and_never_overwritten(key: tuple[Path, str]) -> None:
    path, public = key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(base64.b64decode(public)) == 32
    assert "exists" in winnow("campaign", "key", "fleet", "--out", path.parent, code=2)


@pytest.mark.parametrize("form", ["json", "yaml", "commented"])
def test_signing_keeps_the_text(tmp_path: Path, key: tuple[Path, str], form: str) -> None:
    path = tmp_path / "campaign.yml"
    text = EXAMPLE if form == "json" else yaml.safe_dump(json.loads(EXAMPLE), sort_keys=False)
    path.write_text(text if form != "commented" else f"# why\n{text}\n# the end\n")
    before = read_campaign_file(path)
    winnow("campaign", "sign", path, "--key", key[0])
    once = path.read_text()
    winnow("campaign", "sign", path, "--key", key[0])
    assert path.read_text() == once, "a signature is replaced, and Ed25519 is deterministic"
    signed = read_campaign_file(path)
    assert signed.digest == before.digest
    assert verify(signed, {"fleet": key[1]}) == "signed by fleet"
    if form == "commented":
        assert once.startswith("# why\n")
        assert "# the end" in once
    path.write_text(once.replace("6.0", "5.9"))
    with pytest.raises(CampaignRefusedError, match="was changed after it was signed"):
        verify(read_campaign_file(path), {"fleet": key[1]})


def test_openssl_signs_the_same_bytes(tmp_path: Path, key: tuple[Path, str]) -> None:
    path = tmp_path / "campaign.json"
    path.write_text(EXAMPLE)
    (tmp_path / "bytes").write_bytes(read_campaign_file(path).signed)
    try:
        command = [
            "openssl",
            "pkeyutl",
            "-sign",
            "-inkey",
            str(key[0]),
            "-rawin",
            "-in",
            str(tmp_path / "bytes"),
        ]
        raw = subprocess.run(command, capture_output=True, check=True).stdout
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("this machine has no OpenSSL with Ed25519")
    signature = {"key": "fleet", "ed25519": base64.b64encode(raw).decode()}
    path.write_text(json.dumps({**json.loads(EXAMPLE), "signature": signature}))
    assert verify(read_campaign_file(path), {"fleet": key[1]}) == "signed by fleet"


def test_what_is_no_key_signs_nothing(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(EXAMPLE)
    (tmp_path / "bad.pem").write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    for name in ("bad.pem", "nothing.pem"):
        said = winnow("campaign", "sign", tmp_path / "c.json", "--key", tmp_path / name, code=2)
        assert "nothing was signed" in said.replace("\n", " ")
    assert (tmp_path / "c.json").read_text() == EXAMPLE


def test_check_says_what_changes_or_why_it_would_be_refused(tmp_path: Path, key: tuple[Path, str]) -> None:
    path = tmp_path / "c.json"
    path.write_text(EXAMPLE)
    said = json.loads(winnow("campaign", "check", path, "--json"))
    assert "ood_spike: threshold 5 -> 6" in said["changes"]
    assert said["begin_anew"] == ["time_sample"]
    settings = tmp_path / "settings.yml"
    settings.write_text(yaml.safe_dump({"suite": "standard", "campaign": {"keys": {"fleet": key[1]}}}))
    assert "is not signed" in winnow("campaign", "check", path, "-s", settings, code=2)
    path.write_text(json.dumps({"version": "1", "updates": {"estop": {"enabled": False}}}))
    assert "estop is P0: it cannot be switched off" in winnow("campaign", "check", path, code=2)
    path.write_text(json.dumps({"version": "1", "expires": "2001-01-01T00:00:00Z"}))
    assert "expired" in winnow("campaign", "check", path, code=2)
    path.write_text(json.dumps({"version": "1", "vehicles": ["other"]}))
    assert "It was looked at all the same." in winnow("campaign", "check", path)


def test_diff_compares_two_campaigns(tmp_path: Path) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(EXAMPLE)
    new.write_text(json.dumps({"version": "2027.1", "updates": {"ood_spike": {"threshold": 7}}}))
    said = json.loads(winnow("campaign", "diff", old, new, "--json"))["changes"]
    assert "ood_spike: threshold 6 -> 7" in said
    assert "time_sample: interval 3600 -> 1800" in said
    assert (
        "weather_transition: while night AND fog: no longer 1 level more urgent, cooldown times 0.5" in said
    )


SETTINGS = {
    "signals": {
        "range": {"topic": "/range/front", "field": "range"},
        "estop": {"topic": "/estop", "field": "data", "type": "bool"},
    },
    "triggers": {
        "library": "none",
        "set": {
            "far": {
                "when": "range > threshold",
                "params": {"threshold": 4.9},
                "priority": "P3",
                "pre_roll_s": 1,
                "post_roll_s": 1,
            },
            "stop": {"when": "estop", "priority": "P0", "pre_roll_s": 2, "post_roll_s": 2},
        },
    },
}


def test_a_recording_makes_a_forecast(tmp_path: Path) -> None:
    drive = write_json_drive(tmp_path / "drive.mcap")
    settings, path = tmp_path / "settings.yml", tmp_path / "c.json"
    settings.write_text(yaml.safe_dump(SETTINGS))
    document: dict[str, Any] = {"version": "1", "updates": {"far": {"threshold": 50}}}
    path.write_text(json.dumps(document))
    said = json.loads(winnow("campaign", "check", path, "-s", settings, "-r", drive, "--json"))["forecast"]
    assert said["before"]["events"] == {"far": 4, "stop": 1}
    assert said["after"]["events"] == {"stop": 1}
    span_s = said["after"]["span_s"]
    assert said["after"]["events_per_day"] == pytest.approx(86_400 / span_s, rel=1e-3)
    assert 0 < said["after"]["gb_per_day"] <= said["before"]["gb_per_day"]
    path.write_text(json.dumps({**document, "forecast": {"events_per_day": 10, "gb_per_day": 1}}))
    text = winnow("campaign", "check", path, "-s", settings, "-r", drive)
    assert "Its forecast is 10 events and 1 GB a day; on this recording it is" in text
    assert "5 -> 1 events" in text


def test_apply_needs_a_run_and_waits_for_its_start(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text(EXAMPLE)
    assert "not the folder of a run" in winnow("campaign", "apply", path, "--out", tmp_path, code=2)
    (tmp_path / "state" / "triggers" / "campaigns").mkdir(parents=True)
    said = json.loads(winnow("campaign", "apply", path, "--out", tmp_path, "--json"))
    assert said["outcome"] == "waiting"
    assert len(list((tmp_path / "state" / "triggers" / "campaigns" / "offers").glob("*.json"))) == 1
    (tmp_path / "state" / "other" / "campaigns").mkdir(parents=True)
    assert "several triggers nodes" in winnow("campaign", "rollback", "--out", tmp_path, code=2)
