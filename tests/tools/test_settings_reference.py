"""The reference of settings names every key of the models, and its example is one that nodes take."""

import re
from pathlib import Path

import pytest

from winnow_schemas.settings import DeviceSettings
from winnow_schemas.validation import validate
from winnow_schemas.yaml_source import load_text
from winnow_tools.settings_reference import keys_of, settings_sections

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
ROWS = {
    f"{section.path}.{key.name}".removeprefix("."): key
    for section in settings_sections()
    for key in keys_of(section)
}


def test_every_key_has_a_row_and_a_meaning() -> None:
    paths = [section.path for section in settings_sections()]
    assert len(paths) == len(set(paths))
    assert set(DeviceSettings.model_fields) == {path for path in ROWS if "." not in path}
    assert [path for path, key in ROWS.items() if not key.meaning] == []


@pytest.mark.parametrize(
    ("path", "row"),
    [
        ("ring.memory_mib", ("number", "MiB", "6144", "> 0")),
        ("triggers.storm.mute_s", ("number", "s", "300", ">= 1, <= 86,400")),
        ("triggers.set.NAME.max_per_hour", ("whole number", "per hour", "0", ">= 0, <= 10,000")),
        ("triggers.set.NAME.priority", ("one of `P0`, `P1`, `P2`, `P3`, `P4`, `P5`", "", "required", "")),
        ("clips.budget_gb_per_day", ("map of number", "GB per day", "`{P1: 15, P2: 8, P3: 5, P5: 7}`", "")),
        ("triggers.library", ("text", "", "`standard`", "one of `standard`, `none`")),
        ("signals.NAME.type", ("one of `number`, `bool`, `text`", "", "`number`", "")),
        ("topics.NAME.latched", ("`true` or `false`", "", "none", "")),
    ],
)
def test_rows_say_what_the_models_say(path: str, row: tuple[str, ...]) -> None:
    key = ROWS[path]
    assert (key.kind, key.unit, key.default, key.limits) == row


def test_numbers_with_a_unit_in_their_name_have_it_in_their_row() -> None:
    ending = re.compile(r"_(s|ms|mib|gb|mbps|h|days)$")
    assert [
        path for path, key in ROWS.items() if "number" in key.kind and ending.search(path) and not key.unit
    ] == []


def test_the_example_of_the_page_is_valid() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    settings = validate(DeviceSettings, load_text(example, "example.yml"))
    assert settings.vehicle.id == "tractor_7"
