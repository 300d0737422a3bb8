"""What fires in the scene of each trigger type, against what was expected; through the engine that the graph runs."""

import json

import pytest
from typer.testing import CliRunner

from winnow_operators.sim import Simulator, compare
from winnow_schemas.errors import BadInputError
from winnow_schemas.simulation import load_script
from winnow_schemas.simulation.cofiring import Scenes, load_scenes
from winnow_schemas.simulation.triggers import TRIGGER_PRIORITY
from winnow_tools.cli import app
from winnow_tools.sim.deciding import decide, library_settings
from winnow_tools.sim.matrix import TYPES, SceneResult, grid, play_scene, sentences_of

SAMPLE = ("collision", "cbf_intervention", "tracking_failure", "voice_flag")
"""Chains of three, a tracker and a word: ten seconds together."""


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    return load_scenes()


def differences(result: SceneResult) -> list[str]:
    return sentences_of(result)


@pytest.mark.parametrize("name", SAMPLE)
def test_a_sample_of_the_rows_is_as_expected(scenes, name) -> None:
    result = play_scene(scenes, name, 1)
    assert differences(result) == []
    assert result.as_expected
    assert name in result.fired


@pytest.mark.storm
@pytest.mark.parametrize("name", TYPES)
def test_every_row_is_as_expected(scenes, name) -> None:
    result = play_scene(scenes, name, 1)
    assert differences(result) == []
    assert result.as_expected


@pytest.mark.storm
@pytest.mark.timeout(600)
def test_the_library_fires_on_all_28_incidents_of_the_long_shift_and_nowhere_else() -> None:
    simulator = Simulator(load_script("all28"), 1, 0.01)
    events = decide(simulator, library_settings(simulator.script.samples))
    result = compare(simulator.ground_truth(), [(event.type, event.t_ns) for event in events])
    assert result.missing == []
    assert result.unexpected == []
    assert {event.type for event in events} == set(TRIGGER_PRIORITY)


def test_each_scene_is_for_another_type_and_has_one_cause(scenes) -> None:
    kinds = [scene.incident.kind for scene in scenes.scenes.values() if scene.incident is not None]
    assert len(kinds) == len(set(kinds)) == 26
    assert tuple(scenes.scenes) == TYPES
    assert all(reason.endswith(".") for scene in scenes.scenes.values() for reason in scene.also.values())


def test_a_difference_is_said_in_words_both_ways() -> None:
    result = SceneResult(
        "estop", 1.0, 5.0, {"estop": (0.1,), "collision": (2.0,)}, frozenset({"estop", "deadlock"})
    )
    assert not result.as_expected
    missing, unexpected = sentences_of(result)
    assert "deadlock did not fire" in missing
    assert "collision fired unexpectedly, 2.00 s after" in unexpected


def test_the_grid_has_a_row_per_scene_and_a_column_per_type() -> None:
    head, row = grid([("collision", frozenset({"collision", "estop"}))]).splitlines()
    assert head.split() == [str(number) for number in range(1, 29)]
    assert row.split() == ["collision", "2", "+", "#", *["."] * 26]


def test_the_command_plays_one_scene_and_says_what_fired() -> None:
    result = CliRunner().invoke(app, ["sim", "matrix", "--scene", "operator_flag", "--json"])
    assert result.exit_code == 0, result.output
    said = json.loads(result.output)
    assert said["as_expected"]
    assert said["scenes"]["operator_flag"]["fired_s"] == {"operator_flag": [0.002]}


def test_a_scene_that_is_none_is_refused_in_a_sentence(scenes) -> None:
    with pytest.raises(BadInputError, match="no scene 'estopp'"):
        play_scene(scenes, "estopp", 1)
    result = CliRunner().invoke(app, ["sim", "matrix", "--scene", "estopp"])
    assert result.exit_code == 2
    assert "Nothing was simulated" in result.output


def test_an_incident_that_cannot_happen_leaves_its_row_undecided(scenes) -> None:
    short = scenes.model_copy(update={"limit_s": 31.0})
    with pytest.raises(BadInputError, match=r"was not over after 31 s with seed 1"):
        play_scene(short, "estop", 1)


def test_scenes_must_be_the_28_types(scenes) -> None:
    data = scenes.model_dump()
    del data["scenes"]["estop"]
    with pytest.raises(ValueError, match="must be the 28 trigger types"):
        Scenes.model_validate(data)
    data = scenes.model_dump()
    data["scenes"]["estop"]["also"]["estop"] = "It is itself."
    with pytest.raises(ValueError, match="'estop' is no other trigger type"):
        Scenes.model_validate(data)
