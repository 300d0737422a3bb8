"""`winnow check` looks at the campaign that the settings name."""

import json
from pathlib import Path
from typing import Any

import pytest

from winnow_operators.triggers.feeding import resolve
from winnow_schemas.settings import load_settings
from winnow_tools.checking.check import _campaign


def found(folder: Path, document: dict[str, Any] | None) -> list[str]:
    (folder / "settings.yml").write_text("suite: standard\ncampaign:\n  file: campaign.json\n")
    if document is not None:
        (folder / "campaign.json").write_text(json.dumps(document))
    settings, source = load_settings(folder / "settings.yml")
    _, resolution = resolve(settings, source)
    return [f"{finding.severity}: {finding}" for finding in _campaign(settings, source, resolution)]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (None, "cannot be read"),
        ({"versio": "1"}, "did you mean 'version'?"),
        (
            {"version": "1", "updates": {"estop": {"enabled": False}}},
            "estop is P0: it cannot be switched off",
        ),
    ],
)
def test_one_that_would_be_refused_is_a_warning(tmp_path: Path, document: Any, said: str) -> None:
    (finding,) = found(tmp_path, document)
    assert finding.startswith("warning: ")
    assert "settings.yml:3:3" in finding
    assert said in finding


def test_a_good_one_is_nothing_to_say(tmp_path: Path) -> None:
    assert found(tmp_path, {"version": "1", "updates": {"ood_spike": {"threshold": 6}}}) == []
