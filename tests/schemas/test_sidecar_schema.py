"""Sidecars follow the JSON Schema that stands beside their model."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from mcap.reader import make_reader
from tests.clip_makers import clip_of
from tests.small_drives import write_ros2_drive

import winnow_schemas.sidecar
from winnow_schemas.sidecar import SCHEMA_FILE, sidecar_schema

BESIDE = Path(winnow_schemas.sidecar.__file__).with_name(SCHEMA_FILE)
_ONLY_OUTSIDE = {"size_bytes", "sha256", "bag_size_bytes", "bag_size_gb"}


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    value = json.loads(BESIDE.read_text("utf-8"))
    Draft202012Validator.check_schema(value)
    return Draft202012Validator(value)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("clip")
    return clip_of(write_ros2_drive(base / "drive", 4), base / "cut", 4)


@pytest.fixture(scope="module")
def said(clip: Path) -> dict[str, Any]:
    return dict(json.loads(clip.with_suffix(".json").read_bytes()))


def test_the_file_is_what_the_model_says() -> None:
    assert BESIDE.read_text("utf-8") == sidecar_schema(), "run `winnow types --write`"


def test_a_clip_follows_it(schema: Draft202012Validator, said: dict[str, Any]) -> None:
    schema.validate(said)
    assert said["triggers"]
    assert said["topic_contents"]
    assert said["position"] == {"latitude_deg": 48.0, "longitude_deg": 11.0}


def test_the_copy_inside_follows_it_and_lacks_only_what_comes_later(
    schema: Draft202012Validator, clip: Path, said: dict[str, Any]
) -> None:
    with clip.open("rb") as file:
        (inside,) = [
            json.loads(attachment.data)
            for attachment in make_reader(file).iter_attachments()
            if attachment.name == "sidecar.json"
        ]
    schema.validate(inside)
    assert said.keys() - inside.keys() == _ONLY_OUTSIDE
    assert {key: value for key, value in said.items() if key not in _ONLY_OUTSIDE} == inside


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("priority",), 6),
        (("priority",), "P0"),
        (("start_ns",), "soon"),
        (("triggers", 0, "t_ns"), None),
        (("position",), {"latitude_deg": 91, "longitude_deg": 0}),
        (("surprise",), 1),
        (("topic_contents", "/mode", "messages"), -0.5),
    ],
)
def test_what_is_no_sidecar_does_not(
    schema: Draft202012Validator, said: dict[str, Any], path: tuple[Any, ...], value: Any
) -> None:
    spoilt = deepcopy(said)
    place = spoilt
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert not schema.is_valid(spoilt)
    missing = deepcopy(said)
    del missing["clip_id"]
    assert not schema.is_valid(missing)
